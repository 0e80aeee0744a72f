/* SPDX-License-Identifier: MIT */
#include "base/facts.h"

#include "base/jsonw.h"
#include "base/text.h"

#include <string.h>

#define NAME_OF(names, value)                                                                      \
	((size_t)(value) < sizeof(names) / sizeof((names)[0]) ? (names)[value] : "?")

const char *
hello_kind_name(enum hello_kind kind)
{
	static const char *const names[] = {"none", "tls", "not-tls", "broken"};

	return NAME_OF(names, kind);
}

const char *
camera_verdict_name(enum camera_verdict verdict)
{
	static const char *const names[] = {"", "ok", "rejected", "probable"};

	return NAME_OF(names, verdict);
}

const char *
result_name(enum result result)
{
	static const char *const names[] = {"observe", "allow", "limit", "block"};

	return NAME_OF(names, result);
}

const char *
verdict_stage_name(enum verdict_stage stage)
{
	static const char *const names[] = {"none", "address", "name", "certificate", "payload"};

	return NAME_OF(names, stage);
}

const char *
how_name(enum how how)
{
	static const char *const names[] = {"reset", "refuse", "drop"};

	return NAME_OF(names, how);
}

const char *
detail_name(enum detail detail)
{
	static const char *const names[] = {"full", "meta", "count", "cut"};

	return NAME_OF(names, detail);
}

const char *
severity_name(enum severity severity)
{
	static const char *const names[] = {"", "info", "medium", "high"};

	return NAME_OF(names, severity);
}

const char *
inspect_name(enum inspect inspect)
{
	static const char *const names[] = {"none", "opened", "passthrough", "refused", "rejected",
	    "plain", "undecodable"};

	return NAME_OF(names, inspect);
}

const char *payload_class_name(enum payload_class class)
{
	static const char *const names[PAYLOAD_COUNT] = {"unknown", "video", "image", "audio",
	    "telemetry", "firmware", "control", "opaque", "metadata", "credentials"};

	return NAME_OF(names, class);
}

const char *
confidence_name(enum confidence confidence)
{
	static const char *const names[] = {"", "probable", "identified"};

	return NAME_OF(names, confidence);
}

const char *
direction_name(enum direction direction)
{
	static const char *const names[] = {"", "up", "down"};

	return NAME_OF(names, direction);
}

const char *
app_proto_name(enum app_proto proto)
{
	static const char *const names[APP_COUNT] = {"", "unknown", "tls", "http", "http2",
	    "websocket", "rtsp", "mqtt", "smtp", "ftp", "imap", "pop3", "ssh", "dns", "ntp", "stun",
	    "turn", "dtls", "quic", "rtp", "rtcp", "p2p", "xmpp", "ftp-data"};

	return NAME_OF(names, proto);
}

bool
payload_was_seen(const struct payload_facts *payload, enum payload_class class,
    enum confidence *sure)
{
	uint8_t up = payload->seen_up[class], down = payload->seen_down[class];

	*sure = (enum confidence)(up > down ? up : down);
	return payload->up[class] > 0 || payload->down[class] > 0 || *sure != CONFIDENCE_NONE;
}

const char *
facts_name(const struct facts *facts)
{
	return facts->hello.sni[0] != '\0' ? facts->hello.sni : facts->looked_up;
}

const char *
name_basis_name(const struct facts *facts)
{
	if (facts->hello.sni[0] != '\0')
		return "sni";
	return facts->looked_up[0] != '\0' ? "dns" : "none";
}

const char *
anomaly_name(enum anomaly kind)
{
	static const char *const names[ANOMALY_COUNT] = {"none", "icmp", "gre", "esp", "6in4",
	    "multicast", "broadcast", "ipv6-extension", "fragment", "other", "gap", "budgets",
	    "lookups", "port-0", "martian"};

	return NAME_OF(names, kind);
}

const char *
end_name(enum end end)
{
	static const char *const names[END_COUNT] = {
	    [END_NONE] = "none",
	    [END_DONE] = "done",
	    [END_REFUSED] = "refused",
	    [END_REJECTED] = "rejected",
	    [END_HELLO_TIMEOUT] = "hello-timeout",
	    [END_UNREACHABLE] = "unreachable",
	    [END_SERVER_TLS] = "server-tls",
	    [END_SERVER_CERT] = "server-certificate",
	    [END_CAMERA_TLS] = "camera-tls",
	    [END_TIMEOUT] = "timeout",
	    [END_IDLE] = "idle",
	    [END_RESET] = "reset",
	    [END_TRUNCATED] = "truncated",
	    [END_OVERLOAD] = "overload",
	    [END_UNRECORDABLE] = "unrecordable",
	    [END_MINT] = "mint",
	    [END_SHUTDOWN] = "shutdown",
	    [END_LOST] = "lost",
	    [END_INTERNAL] = "internal",
	    [END_RULE_CHANGE] = "rule-change",
	    [END_FLOOD] = "flood",
	};

	return NAME_OF(names, end);
}

const char *
staple_name(enum staple staple)
{
	static const char *const names[] = {"", "good", "revoked", "unknown", "expired", "invalid"};

	return NAME_OF(names, staple);
}

const char *
treatment_name(enum treatment treatment)
{
	static const char *const names[] = {"", "mirrored", "accepted"};

	return NAME_OF(names, treatment);
}

const char *
sighting_name(enum sighting sighting)
{
	static const char *const names[] = {"", "seen", "new", "ip-taken", "two-interfaces",
	    "other-mac", "other-ip"};

	_Static_assert(sizeof(names) / sizeof(names[0]) == SIGHTING_COUNT,
	    "a sighting has no name");
	return NAME_OF(names, sighting);
}

static const char *const cert_errors[CERT_ERRORS_MAX] = {
    "expired",
    "not-yet-valid",
    "unknown-issuer",
    "self-signed",
    "name-mismatch",
    "wrong-purpose",
    "weak",
    "revoked",
    "bad-signature",
    "malformed",
    "bad-constraints",
    "chain-too-long",
    "other",
    "no-staple",
    "bad-staple",
    "crl-expired",
    "issuer-dates",
    "name-unchecked",
    "intercepted",
    "bad-crl",
};

const char *
cert_error_name(enum cert_error error)
{
	const char *names[CERT_ERRORS_MAX];

	return cert_error_names((uint32_t)error, names) == 1 ? names[0] : "?";
}

size_t
cert_error_names(uint32_t errors, const char *out[CERT_ERRORS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < CERT_ERRORS_MAX; i++) {
		if ((errors & 1U << i) != 0)
			out[count++] = cert_errors[i];
	}
	return count;
}

const char *
tls_version_name(uint16_t version)
{
	switch (version) {
	case 0:
		return "";
	case 0x0300:
		return "SSL 3.0";
	case 0x0301:
		return "TLS 1.0";
	case 0x0302:
		return "TLS 1.1";
	case 0x0303:
		return "TLS 1.2";
	case 0x0304:
		return "TLS 1.3";
	default:
		return "unknown";
	}
}

const char *
place_kind_name(enum place_kind kind)
{
	static const char *const names[] = {"ordinary", "anycast", "private", "satellite"};

	return NAME_OF(names, kind);
}

bool
place_kind_parse(const char *name, enum place_kind *out)
{
	for (int kind = 0; kind < PLACE_KIND_COUNT; kind++) {
		if (strcmp(name, place_kind_name((enum place_kind)kind)) == 0) {
			*out = (enum place_kind)kind;
			return true;
		}
	}
	return false;
}

const char *
countries_text(const struct countries *countries, char out[COUNTRIES_TEXT_MAX])
{
	struct text text = text_in(out, COUNTRIES_TEXT_MAX);

	for (size_t i = 0; i < countries->count; i++)
		text_add(&text, "%s%s", i > 0 ? "/" : "", countries->iso[i]);
	if (countries->count == 0)
		text_add(&text, "unknown");
	return out;
}

void
countries_json(const struct countries *countries, struct jsonw *json, const char *key)
{
	if (countries->count < 2) {
		jsonw_string(json, key, countries->count == 0 ? "unknown" : countries->iso[0]);
		return;
	}
	jsonw_open_array(json, key);
	for (size_t i = 0; i < countries->count; i++)
		jsonw_string(json, NULL, countries->iso[i]);
	jsonw_close_array(json);
}

const char *
located_text(const struct place *place, char out[COUNTRIES_TEXT_MAX])
{
	if (place->kind == PLACE_ORDINARY)
		return countries_text(&place->located, out);
	text_copy(out, COUNTRIES_TEXT_MAX, place_kind_name(place->kind));
	return out;
}

void
located_json(const struct place *place, struct jsonw *json, const char *key)
{
	if (place->kind == PLACE_ORDINARY)
		countries_json(&place->located, json, key);
	else
		jsonw_string(json, key, place_kind_name(place->kind));
}

bool
countries_has(const struct countries *countries, const char iso[2])
{
	for (size_t i = 0; i < countries->count; i++) {
		if (memcmp(countries->iso[i], iso, 2) == 0)
			return true;
	}
	return false;
}

void
countries_add(struct countries *countries, const char iso[2])
{
	if (countries->count == FACTS_COUNTRIES_MAX || countries_has(countries, iso))
		return;
	memcpy(countries->iso[countries->count], iso, 2);
	countries->iso[countries->count][2] = '\0';
	countries->count++;
}
