/* SPDX-License-Identifier: MIT */
#include "record/eve.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "record/alert.h"
#include "record/eve_private.h"

#include <string.h>
#include <time.h>

enum { US_PER_S = 1000000, US_PER_MS = 1000 };

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
	eve_add_text(json, "fingerprint", server->sha1);
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
	eve_add_text(json, "version", tls_version_name(facts->server.version));
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
	eve_add_text(json, "ja4", facts->hello.ja4);
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
	eve_add_text(json, "country", place->located_basis);
	eve_add_text(json, "registered", place->registered_basis);
	eve_add_text(json, "operator", place->operator_basis);
	eve_add_text(json, "vendor", place->vendor_basis);
	json_close(json);
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
	eve_add_text(json, "version", tls_version_name(server->version));
	eve_add_text(json, "cipher", server->cipher);
	eve_add_hash(json, "sha256", server->sha256);
	if (server->alert != 0)
		json_number(json, "alert", server->alert);
	if (server->wants_client_cert)
		json_bool(json, "wants_client_cert", true);
	if (server->client_cert)
		json_bool(json, "client_cert", true);
	eve_add_text(json, "ocsp", staple_name(server->staple));
	eve_add_text(json, "treated", treatment_name(server->treatment));
	json_close(json);
}

static void
add_camera_tls(struct json *json, const struct camera_facts *camera)
{
	if (camera->verdict == CAMERA_TLS_NONE && camera->version == 0 && camera->alert == 0)
		return;
	json_open(json, "camera_tls");
	eve_add_text(json, "version", tls_version_name(camera->version));
	eve_add_text(json, "verdict", camera_verdict_name(camera->verdict));
	eve_add_text(json, "cipher", camera->cipher);
	if (camera->resumed)
		json_bool(json, "resumed", true);
	if (camera->legacy)
		json_bool(json, "legacy", true);
	if (camera->alert != 0)
		json_number(json, "alert", camera->alert);
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
	eve_add_verdict(json, facts);
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
		eve_add_pair(json, "payload", facts->traffic.up, facts->traffic.down);
		eve_add_pair(json, "left", facts->traffic.left_up, facts->traffic.left_down);
		json_string(json, "end", end_name(facts->end));
		eve_add_text(json, "end_text", facts->end_text);
		json_number(json, "duration_ms", facts->duration_us / US_PER_MS);
	}
	eve_add_seq(json, head);
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
	eve_add_head(json, tls ? "tls" : "anomaly", head, facts, site);
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
	eve_add_head(json, "alert", head, facts, site);
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
	eve_add_head(json, "flow", head, facts, site);
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
		eve_add_stats_line(json, head, facts, site);
		return;
	case EVENT_SIGHTING:
		eve_add_sighting_line(json, head, facts, site);
		return;
	case EVENT_RELOAD:
		eve_add_reload_line(json, head, facts, site);
		return;
	case EVENT_DNS:
		eve_add_dns_lines(json, head, facts, site);
		return;
	case EVENT_ANOMALY:
		eve_add_anomaly_line(json, head, facts, site);
		return;
	case EVENT_KIND_COUNT:
		return;
	}
}
