/* SPDX-License-Identifier: MIT */
#include "tests/record/make_facts.h"

#include "base/text.h"

#include <criterion/criterion.h>
#include <string.h>

#define SET(member, value) text_copy((member), sizeof(member), (value))
#define FILL(member) fill((member), sizeof(member))

void
make_facts(struct facts *facts, uint64_t flow_id)
{
	memset(facts, 0, sizeof(*facts));
	facts->flow_id = flow_id;
	facts->opened_wall_us = UINT64_C(1795312800000000);
	facts->closed_wall_us = UINT64_C(1795312801500000);
	facts->duration_us = 1500000;
	cr_assert_eq(addr_parse(&facts->camera, "10.0.0.21:40112", 0, NULL), 0);
	cr_assert_eq(addr_parse(&facts->dst, "198.51.100.7:443", 0, NULL), 0);
	SET(facts->iface, "eth1");
	memcpy(facts->mac, "\x44\x19\xb6\x12\x34\x56", MAC_BYTES);
	SET(facts->device, "lobby-3");
	facts->hello.kind = HELLO_TLS;
	facts->hello.sni_present = true;
	facts->hello.version_max = 0x0304;
	facts->hello.version_min = 0x0303;
	facts->hello.ecdsa = true;
	facts->hello.alpn_size = 12;
	memcpy(facts->hello.alpn, "\2h2\10http/1.1", 12);
	SET(facts->hello.sni, "api.cloud.example");
	countries_add(&facts->place.located, "DE");
	countries_add(&facts->place.registered, "SG");
	countries_add(&facts->place.operator, "CN");
	facts->place.asn = 45102;
	facts->place.prefix_bits = 112;
	SET(facts->place.org, "Alibaba US Technology Co., Ltd.");
	SET(facts->place.vendor, "Hikvision");
	SET(facts->place.located_basis, "dbip-country@2026-06-01");
	SET(facts->place.registered_basis, "geo-whois-asn-country@2026-06-01");
	SET(facts->place.operator_basis, "operators.csv:88");
	SET(facts->place.vendor_basis, "vendors.csv:12");
	facts->server.handshake_done = true;
	facts->server.verified = true;
	facts->server.version = 0x0304;
	SET(facts->server.cipher, "TLS_AES_128_GCM_SHA256");
	SET(facts->server.alpn, "h2");
	SET(facts->server.subject, "CN=api.cloud.example");
	SET(facts->server.issuer, "C=US, O=A Trusted Authority, CN=Issuing 3");
	SET(facts->server.serial, "0A:1B:2C");
	SET(facts->server.sha1, "aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd");
	memset(facts->server.sha256, 0x5a, sizeof(facts->server.sha256));
	facts->server.not_before = 1767225600;
	facts->server.not_after = 1798761600;
	facts->camera_tls.verdict = CAMERA_TLS_OK;
	facts->camera_tls.version = 0x0303;
	SET(facts->camera_tls.cipher, "ECDHE-ECDSA-AES128-GCM-SHA256");
	facts->verdict.result = RESULT_ALLOW;
	facts->verdict.stage = VERDICT_CERTIFICATE;
	SET(facts->verdict.ruleset, "eu-gdpr");
	SET(facts->verdict.ruleset_version, "2026.2");
	memset(facts->verdict.ruleset_sha256, 0x3c, sizeof(facts->verdict.ruleset_sha256));
	SET(facts->verdict.rule, "30");
	SET(facts->verdict.why, "the server is in the EEA");
	facts->inspect = INSPECT_OPENED;
	facts->traffic =
	    (struct traffic){.up = 1000, .down = 200, .left_up = 1000, .left_down = 200};
	facts->end = END_DONE;
	SET(facts->end_text, "both sides closed");
}

static void
fill(char *text, size_t size)
{
	memset(text, 'x', size - 1);
	text[size - 1] = '\0';
}

static void
fill_texts(struct facts *facts)
{
	FILL(facts->iface);
	FILL(facts->device);
	FILL(facts->hello.sni);
	FILL(facts->hello.protocol);
	FILL(facts->hello.ja3);
	FILL(facts->hello.ja4);
	FILL(facts->place.org);
	FILL(facts->place.vendor);
	FILL(facts->place.located_basis);
	FILL(facts->place.registered_basis);
	FILL(facts->place.operator_basis);
	FILL(facts->place.vendor_basis);
	FILL(facts->server.cipher);
	FILL(facts->server.alpn);
	FILL(facts->server.subject);
	FILL(facts->server.issuer);
	FILL(facts->server.serial);
	FILL(facts->server.sha1);
	FILL(facts->camera_tls.cipher);
	FILL(facts->verdict.ruleset);
	FILL(facts->verdict.ruleset_version);
	FILL(facts->verdict.rule);
	FILL(facts->verdict.why);
	facts->verdict.flag.severity = SEVERITY_HIGH;
	facts->verdict.how = HOW_DROP;
	FILL(facts->verdict.flag.ruleset);
	FILL(facts->verdict.flag.rule);
	FILL(facts->verdict.flag.why);
	FILL(facts->budget.ruleset);
	FILL(facts->budget.rule);
	FILL(facts->end_text);
	FILL(facts->sighting.maker);
	FILL(facts->dns.name);
	FILL(facts->dns.answers);
	FILL(facts->looked_up);
	FILL(facts->payload.format);
	FILL(facts->app.method);
	FILL(facts->app.host);
	FILL(facts->app.path);
	FILL(facts->app.agent);
	FILL(facts->app.client);
	FILL(facts->app.topics);
}

static void
fill_payload(struct payload_facts *payload)
{
	payload->class = PAYLOAD_COUNT - 1;
	payload->confidence = CONFIDENCE_IDENTIFIED;
	payload->direction = DIRECTION_DOWN;
	payload->high_entropy = true;
	payload->examined = UINT64_MAX;
	payload->held = UINT64_MAX;
	memset(payload->seen_up, CONFIDENCE_IDENTIFIED, sizeof(payload->seen_up));
	memset(payload->seen_down, CONFIDENCE_IDENTIFIED, sizeof(payload->seen_down));
	memset(payload->up, 0xff, sizeof(payload->up));
	memset(payload->down, 0xff, sizeof(payload->down));
}

static void
fill_app(struct app_facts *app)
{
	app->proto = APP_COUNT - 1;
	app->confused = true;
	app->opaque_inner = true;
	app->starttls = true;
	app->credentials = true;
	app->soap = true;
	app->encrypted_dns = true;
	app->host_mismatch = true;
	app->active_data = true;
	app->first_size = sizeof(app->first);
	memset(app->first, 0xff, sizeof(app->first));
	app->status = UINT16_MAX;
	app->requests = UINT32_MAX;
	app->version = UINT32_MAX;
}

void
make_full_facts(struct facts *facts)
{
	make_facts(facts, INT64_MAX);
	fill_texts(facts);
	facts->opened_wall_us = UINT64_MAX;
	facts->closed_wall_us = UINT64_MAX;
	facts->duration_us = UINT64_MAX;
	memset(&facts->camera.ip, 0xff, sizeof(facts->camera.ip));
	memset(&facts->dst.ip, 0xff, sizeof(facts->dst.ip));
	facts->camera.port = UINT16_MAX;
	facts->dst.port = UINT16_MAX;
	facts->hello.kind = HELLO_BROKEN;
	facts->hello.sni_odd = true;
	facts->hello.version_max = UINT16_MAX;
	facts->hello.version_min = UINT16_MAX;
	facts->hello.ech = true;
	facts->hello.alpn_size = FACTS_ALPN_MAX;
	memset(facts->hello.alpn, 0xff, sizeof(facts->hello.alpn));
	for (size_t i = 0; i < FACTS_COUNTRIES_MAX; i++) {
		const char iso[] = {'A', (char)('A' + i), '\0'};

		countries_add(&facts->place.located, iso);
		countries_add(&facts->place.registered, iso);
		countries_add(&facts->place.operator, iso);
	}
	facts->place.kind = PLACE_SATELLITE;
	facts->geo_age_days = UINT32_MAX;
	facts->sighting.kind = SIGHTING_OTHER_IP;
	memset(facts->sighting.other_mac, 0xff, MAC_BYTES);
	facts->place.asn = UINT32_MAX;
	facts->place.prefix_bits = 128;
	facts->server.errors = UINT32_MAX;
	facts->server.version = UINT16_MAX;
	facts->server.alert = UINT8_MAX;
	facts->server.wants_client_cert = true;
	facts->server.client_cert = true;
	facts->server.staple = STAPLE_REVOKED;
	facts->server.treatment = TREATED_MIRRORED;
	facts->server.resumed = true;
	facts->hello.early_data = true;
	facts->hello.post_quantum = true;
	facts->hello.no_certificate = true;
	facts->camera_tls.resumed = true;
	facts->camera_tls.legacy = true;
	facts->server.not_before = -1;
	facts->server.not_after = -1;
	facts->camera_tls.verdict = CAMERA_TLS_PROBABLE;
	facts->camera_tls.version = UINT16_MAX;
	facts->camera_tls.alert = UINT8_MAX;
	facts->verdict.result = RESULT_BLOCK;
	facts->verdict.shadow = true;
	facts->inspect = INSPECT_UNDECODABLE;
	facts->traffic = (struct traffic){.up = UINT64_MAX,
	    .down = UINT64_MAX,
	    .left_up = UINT64_MAX,
	    .left_down = UINT64_MAX,
	    .packets_up = UINT32_MAX,
	    .packets_down = UINT32_MAX};
	facts->budget.used = UINT64_MAX;
	facts->budget.up_over = UINT64_MAX;
	facts->budget.per_s = UINT32_MAX;
	facts->budget.by_device = true;
	fill_payload(&facts->payload);
	fill_app(&facts->app);
	facts->end = END_COUNT - 1;
	facts->transport = TRANSPORT_UDP;
	facts->dns.answered = true;
	facts->dns.refused = true;
	facts->dns.id = UINT16_MAX;
	facts->dns.type = UINT16_MAX;
	facts->dns.rcode = UINT8_MAX;
	facts->dns.resolver = true;
	facts->dns.left_out = UINT32_MAX;
	facts->anomaly.kind = ANOMALY_COUNT - 1;
	facts->anomaly.packets = UINT64_MAX;
	facts->anomaly.bytes = UINT64_MAX;
}
