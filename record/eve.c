/* SPDX-License-Identifier: MIT */
#include "record/eve.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "record/alert.h"
#include "record/community.h"

#include <string.h>
#include <time.h>

enum { US_PER_S = 1000000, US_PER_MS = 1000 };

/* ---- parts that several lines have ---- */

/* Which of the appliance's events it is. */
static void
add_seq(struct json *json, const struct event_head *head)
{
	json_number(json, "seq", head->seq);
	json_number(json, "worker", head->worker);
	json_number(json, "epoch", head->epoch);
}

static void
add_mac(struct json *json, const char *key, const uint8_t mac[MAC_BYTES])
{
	if (mac_is_set(mac)) {
		char text[MAC_TEXT_MAX];

		json_string(json, key, mac_text(mac, text));
	}
}

static void
add_ether(struct json *json, const uint8_t mac[MAC_BYTES])
{
	if (!mac_is_set(mac))
		return;
	json_open(json, "ether");
	add_mac(json, "src_mac", mac);
	json_close(json);
}

static void
add_text(struct json *json, const char *key, const char *value)
{
	if (value[0] != '\0')
		json_string(json, key, value);
}

static void
add_head(struct json *json, const char *type, const struct event_head *head,
    const struct facts *facts, const char *site)
{
	char text[ADDR_TEXT_MAX], time_text[CLOCK_TEXT_MAX], id[COMMUNITY_ID_MAX];

	json_string(json, "timestamp", clock_text(head->wall_us, time_text));
	json_number(json, "flow_id", facts->flow_id);
	add_text(json, "in_iface", facts->iface);
	json_string(json, "event_type", type);
	json_string(json, "src_ip", addr_text(&facts->camera, text));
	json_number(json, "src_port", facts->camera.port);
	json_string(json, "dest_ip", addr_text(&facts->dst, text));
	json_number(json, "dest_port", facts->dst.port);
	json_string(json, "proto", "TCP");
	json_number(json, "ip_v", addr_is_v4(&facts->dst) ? 4 : 6);
	json_string(json, "community_id", community_id(&facts->camera, &facts->dst, id));
	add_text(json, "host", site);
	add_ether(json, facts->mac);
}

static void
add_alpns(struct json *json, const struct hello_facts *hello)
{
	struct bytes in = {hello->alpn, hello->alpn_size};
	struct bytes name;
	uint8_t size;

	if (hello->alpn_size == 0)
		return;
	json_open_array(json, "client_alpns");
	while (bytes_u8(&in, &size) && bytes_take(&in, size, &name))
		json_bytes(json, NULL, name.at, name.left);
	json_close_array(json);
}

/* Suricata writes the dates of a certificate without a zone: UTC. */
static void
add_date(struct json *json, const char *key, int64_t seconds)
{
	time_t when = (time_t)seconds;
	struct tm tm = {0};
	char date[CLOCK_TEXT_MAX];

	if (gmtime_r(&when, &tm) != NULL &&
	    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm) > 0)
		json_string(json, key, date);
}

static void
add_certificate(struct json *json, const struct server_facts *server)
{
	if (server->subject[0] == '\0' && server->serial[0] == '\0')
		return;
	json_string(json, "subject", server->subject);
	json_string(json, "issuerdn", server->issuer);
	json_string(json, "serial", server->serial);
	add_text(json, "fingerprint", server->sha1);
	add_date(json, "notbefore", server->not_before);
	add_date(json, "notafter", server->not_after);
}

static void
add_tls(struct json *json, const struct facts *facts)
{
	json_open(json, "tls");
	add_certificate(json, &facts->server);
	if (facts->hello.sni_present)
		json_string(json, "sni", facts->hello.sni);
	add_text(json, "version", tls_version_name(facts->server.version));
	if (facts->server.resumed)
		json_bool(json, "session_resumed", true);
	add_alpns(json, &facts->hello);
	if (facts->server.alpn[0] != '\0') {
		json_open_array(json, "server_alpns");
		json_string(json, NULL, facts->server.alpn);
		json_close_array(json);
	}
	if (facts->hello.ja3[0] != '\0') {
		json_open(json, "ja3");
		json_string(json, "hash", facts->hello.ja3);
		json_close(json);
	}
	add_text(json, "ja4", facts->hello.ja4);
	json_close(json);
}

/* ---- our own facts ---- */

static void
add_place(struct json *json, const struct place *place)
{
	json_open(json, "place");
	located_json(place, json, "located");
	countries_json(&place->registered, json, "registered");
	countries_json(&place->operator, json, "operator");
	json_number(json, "asn", place->asn);
	json_string(json, "org", place->org[0] != '\0' ? place->org : "unknown");
	json_string(json, "vendor", place->vendor[0] != '\0' ? place->vendor : "unknown");
	json_open(json, "basis");
	add_text(json, "country", place->located_basis);
	add_text(json, "registered", place->registered_basis);
	add_text(json, "operator", place->operator_basis);
	add_text(json, "vendor", place->vendor_basis);
	json_close(json);
	json_close(json);
}

static bool
is_set(const uint8_t hash[32])
{
	static const uint8_t none[32];

	return memcmp(hash, none, sizeof(none)) != 0;
}

static void
add_hash(struct json *json, const char *key, const uint8_t hash[32])
{
	char hex[65];

	if (!is_set(hash))
		return;
	text_hex(hex, hash, 32);
	json_string(json, key, hex);
}

static void
add_verdict(struct json *json, const struct facts *facts)
{
	const struct verdict *verdict = &facts->verdict;

	json_string(json, "inspect", inspect_name(facts->inspect));
	json_string(json, "verdict", result_name(verdict->result));
	json_string(json, "verdict_stage", verdict_stage_name(verdict->stage));
	if (verdict->result == RESULT_BLOCK)
		json_string(json, "how", how_name(verdict->how));
	json_bool(json, "shadow", verdict->shadow);
	json_string(json, "ruleset", verdict->ruleset);
	json_string(json, "ruleset_version", verdict->ruleset_version);
	add_hash(json, "ruleset_sha256", verdict->ruleset_sha256);
	json_string(json, "rule", verdict->rule);
	json_string(json, "why", verdict->why);
	if (verdict->detail != DETAIL_FULL)
		json_string(json, "log", detail_name(verdict->detail));
	if (verdict->flag.severity == SEVERITY_NONE)
		return;
	json_open(json, "flag");
	json_string(json, "severity", severity_name(verdict->flag.severity));
	json_string(json, "ruleset", verdict->flag.ruleset);
	json_string(json, "rule", verdict->flag.rule);
	json_string(json, "why", verdict->flag.why);
	json_close(json);
}

static void
add_server(struct json *json, const struct server_facts *server)
{
	const char *names[CERT_ERRORS_MAX];
	size_t count = cert_error_names(server->errors, names);

	json_open(json, "server");
	json_bool(json, "verified", server->verified);
	json_open_array(json, "errors");
	for (size_t i = 0; i < count; i++)
		json_string(json, NULL, names[i]);
	json_close_array(json);
	add_text(json, "version", tls_version_name(server->version));
	add_text(json, "cipher", server->cipher);
	add_hash(json, "sha256", server->sha256);
	if (server->alert != 0)
		json_number(json, "alert", server->alert);
	if (server->wants_client_cert)
		json_bool(json, "wants_client_cert", true);
	if (server->client_cert)
		json_bool(json, "client_cert", true);
	add_text(json, "ocsp", staple_name(server->staple));
	add_text(json, "treated", treatment_name(server->treatment));
	json_close(json);
}

static void
add_camera_tls(struct json *json, const struct camera_facts *camera)
{
	if (camera->verdict == CAMERA_TLS_NONE && camera->version == 0 && camera->alert == 0)
		return;
	json_open(json, "camera_tls");
	add_text(json, "version", tls_version_name(camera->version));
	add_text(json, "verdict", camera_verdict_name(camera->verdict));
	add_text(json, "cipher", camera->cipher);
	if (camera->resumed)
		json_bool(json, "resumed", true);
	if (camera->legacy)
		json_bool(json, "legacy", true);
	if (camera->alert != 0)
		json_number(json, "alert", camera->alert);
	json_close(json);
}

static void
add_pair(struct json *json, const char *key, uint64_t up, uint64_t down)
{
	json_open(json, key);
	json_number(json, "up", up);
	json_number(json, "down", down);
	json_close(json);
}

static void
add_ours(struct json *json, const struct event_head *head, const struct facts *facts,
    const char *site)
{
	bool closed = head->kind != EVENT_OPEN;

	json_open(json, "borderlens");
	json_string(json, "stage", closed ? "close" : "open");
	json_string(json, "device", facts->device);
	json_string(json, "site", site);
	add_place(json, &facts->place);
	add_verdict(json, facts);
	if (closed)
		add_server(json, &facts->server);
	add_camera_tls(json, &facts->camera_tls);
	if (facts->hello.ech)
		json_bool(json, "ech", true);
	if (facts->hello.early_data)
		json_bool(json, "early_data", true);
	if (facts->hello.no_certificate)
		json_bool(json, "no_certificate", true);
	if (facts->hello.post_quantum)
		json_bool(json, "post_quantum", true);
	if (closed) {
		add_pair(json, "payload", facts->traffic.up, facts->traffic.down);
		add_pair(json, "left", facts->traffic.left_up, facts->traffic.left_down);
		json_string(json, "end", end_name(facts->end));
		add_text(json, "end_text", facts->end_text);
		json_number(json, "duration_ms", facts->duration_us / US_PER_MS);
	}
	add_seq(json, head);
	json_close(json);
}

/* ---- the lines ---- */

static const char *
app_proto(const struct facts *facts)
{
	if (facts->hello.kind == HELLO_TLS)
		return "tls";
	return facts->hello.protocol[0] != '\0' ? facts->hello.protocol : "failed";
}

static void
add_anomaly(struct json *json, enum hello_kind kind)
{
	static const char *const events[] = {
	    [HELLO_NONE] = "NO_HELLO",
	    [HELLO_TLS] = "",
	    [HELLO_NOT_TLS] = "NOT_TLS",
	    [HELLO_BROKEN] = "BROKEN_TLS",
	};

	json_open(json, "anomaly");
	json_string(json, "type", "applayer");
	json_string(json, "event", events[kind]);
	json_string(json, "layer", "proto_detect");
	json_close(json);
}

static void
add_open_line(struct json *json, const struct event_head *head, const struct facts *facts,
    const char *site)
{
	bool tls = facts->hello.kind == HELLO_TLS;

	json_open(json, NULL);
	add_head(json, tls ? "tls" : "anomaly", head, facts, site);
	json_string(json, "app_proto", app_proto(facts));
	if (tls)
		add_tls(json, facts);
	else
		add_anomaly(json, facts->hello.kind);
	add_ours(json, head, facts, site);
	json_close(json);
	json_end_line(json);
}

/* Suricata's words: a flow that ended by itself is one that it timed out. */
static const char *
flow_reason(enum end end)
{
	if (end == END_SHUTDOWN)
		return "shutdown";
	if (end == END_LOST)
		return "unknown";
	if (end == END_REFUSED || end == END_OVERLOAD || end == END_UNRECORDABLE ||
	    end == END_SERVER_CERT || end == END_MINT || end == END_RULE_CHANGE || end == END_FLOOD)
		return "forced";
	return "timeout";
}

static void
add_flow(struct json *json, const struct facts *facts, bool alerted)
{
	bool answered = facts->traffic.down > 0 || facts->server.handshake_done;
	char text[CLOCK_TEXT_MAX];

	json_open(json, "flow");
	json_number(json, "bytes_toserver", facts->traffic.up);
	json_number(json, "bytes_toclient", facts->traffic.down);
	json_string(json, "start", clock_text(facts->opened_wall_us, text));
	json_string(json, "end", clock_text(facts->closed_wall_us, text));
	json_number(json, "age", facts->duration_us / US_PER_S);
	json_string(json, "state", answered || facts->end == END_DONE ? "closed" : "new");
	json_string(json, "reason", flow_reason(facts->end));
	json_bool(json, "alerted", alerted);
	json_string(json, "action", alert_is_refused(facts) ? "drop" : "pass");
	json_close(json);
}

uint32_t
eve_signature_id(const char *ruleset, const char *rule)
{
	const char *const parts[] = {ruleset, "\n", rule};
	uint32_t hash = 2166136261; /* FNV-1a */

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		for (const char *at = parts[i]; *at != '\0'; at++)
			hash = (hash ^ (uint8_t)*at) * 16777619;
	}
	hash &= INT32_MAX;
	return hash != 0 ? hash : 1;
}

static void
add_alert_line(struct json *json, const struct event_head *head, const struct facts *facts,
    const char *site, const struct alert *alert)
{
	json_open(json, NULL);
	add_head(json, "alert", head, facts, site);
	json_string(json, "app_proto", app_proto(facts));
	json_open(json, "alert");
	json_string(json, "action", alert->blocked ? "blocked" : "allowed");
	json_number(json, "gid", EVE_GID);
	json_number(json, "signature_id", eve_signature_id(alert->ruleset, alert->rule));
	json_number(json, "rev", 1);
	json_string(json, "signature", alert->signature);
	json_string(json, "category", alert->category);
	json_number(json, "severity", alert->severity);
	json_close(json);
	if (facts->hello.kind == HELLO_TLS)
		add_tls(json, facts);
	add_ours(json, head, facts, site);
	json_close(json);
	json_end_line(json);
}

static void
add_close_lines(struct json *json, const struct event_head *head, const struct facts *facts,
    const char *site)
{
	struct alert alert, flag;
	bool silent = facts->verdict.detail == DETAIL_COUNT;
	bool alerted = !silent && alert_find(facts, &alert);
	bool flagged = !silent && alert_find_flag(facts, &flag);

	json_open(json, NULL);
	add_head(json, "flow", head, facts, site);
	json_string(json, "app_proto", app_proto(facts));
	add_flow(json, facts, alerted || flagged);
	if (facts->hello.kind == HELLO_TLS)
		add_tls(json, facts);
	add_ours(json, head, facts, site);
	json_close(json);
	json_end_line(json);
	if (alerted)
		add_alert_line(json, head, facts, site, &alert);
	if (flagged)
		add_alert_line(json, head, facts, site, &flag);
}

static void
add_stats_line(struct json *json, const struct event_head *head, const struct facts *facts,
    const char *site)
{
	char text[CLOCK_TEXT_MAX];

	json_open(json, NULL);
	json_string(json, "timestamp", clock_text(head->wall_us, text));
	json_string(json, "event_type", "stats");
	add_text(json, "host", site);
	json_open(json, "stats");
	json_open(json, "borderlens");
	json_number(json, "worker", head->worker);
	add_pair(json, "payload", facts->traffic.up, facts->traffic.down);
	add_pair(json, "left", facts->traffic.left_up, facts->traffic.left_down);
	if (facts->place.located_basis[0] != '\0') {
		json_open(json, "geo");
		json_string(json, "oldest", facts->place.located_basis);
		json_number(json, "age_days", facts->geo_age_days);
		json_close(json);
	}
	json_number(json, "seq", head->seq);
	json_number(json, "epoch", head->epoch);
	json_close(json);
	json_close(json);
	json_close(json);
	json_end_line(json);
}

static void
add_sighting(struct json *json, const struct facts *facts)
{
	static const char *const events[] = {"", "", "NEW", "IP_TAKEN", "TWO_INTERFACES",
	    "OTHER_MAC", "OTHER_IP"};
	bool conflict = facts->sighting.kind >= SIGHTING_IP_TAKEN;

	_Static_assert(sizeof(events) / sizeof(events[0]) == SIGHTING_COUNT,
	    "a sighting has no event");
	json_open(json, "anomaly");
	json_string(json, "type", conflict ? "device-conflict" : "device-new");
	json_string(json, "event", events[facts->sighting.kind]);
	json_close(json);
}

static void
add_sighting_line(struct json *json, const struct event_head *head, const struct facts *facts,
    const char *site)
{
	const struct sighting_facts *sighting = &facts->sighting;
	char text[CLOCK_TEXT_MAX], ip[ADDR_TEXT_MAX];

	if (sighting->kind < SIGHTING_NEW)
		return;
	json_open(json, NULL);
	json_string(json, "timestamp", clock_text(head->wall_us, text));
	add_text(json, "in_iface", facts->iface);
	json_string(json, "event_type", "anomaly");
	json_string(json, "src_ip", addr_text(&facts->camera, ip));
	json_number(json, "ip_v", addr_is_v4(&facts->camera) ? 4 : 6);
	add_text(json, "host", site);
	add_ether(json, facts->mac);
	add_sighting(json, facts);
	json_open(json, "borderlens");
	json_string(json, "device", facts->device);
	json_string(json, "site", site);
	json_string(json, "maker", sighting->maker[0] != '\0' ? sighting->maker : "unknown");
	add_text(json, "why", facts->end_text);
	add_mac(json, "other_mac", sighting->other_mac);
	add_seq(json, head);
	json_close(json);
	json_close(json);
	json_end_line(json);
}

static void
add_reload_line(struct json *json, const struct event_head *head, const struct facts *facts,
    const char *site)
{
	char text[CLOCK_TEXT_MAX];

	json_open(json, NULL);
	json_string(json, "timestamp", clock_text(head->wall_us, text));
	json_string(json, "event_type", "anomaly");
	add_text(json, "host", site);
	json_open(json, "anomaly");
	json_string(json, "type", "reload");
	json_string(json, "event", facts->end == END_DONE ? "OK" : "FAILED");
	json_close(json);
	json_open(json, "borderlens");
	json_string(json, "site", site);
	json_string(json, "why", facts->end_text);
	add_seq(json, head);
	json_close(json);
	json_close(json);
	json_end_line(json);
}

void
eve_add(struct json *json, const struct event_head *head, const struct facts *facts,
    const char *site)
{
	switch (head->kind) {
	case EVENT_OPEN:
		if (facts->verdict.detail != DETAIL_COUNT)
			add_open_line(json, head, facts, site);
		return;
	case EVENT_CLOSE:
	case EVENT_LOST:
		add_close_lines(json, head, facts, site);
		return;
	case EVENT_STATS:
		add_stats_line(json, head, facts, site);
		return;
	case EVENT_SIGHTING:
		add_sighting_line(json, head, facts, site);
		return;
	case EVENT_RELOAD:
		add_reload_line(json, head, facts, site);
		return;
	case EVENT_KIND_COUNT:
		return;
	}
}
