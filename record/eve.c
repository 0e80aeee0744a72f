/* SPDX-License-Identifier: MIT */
#include "record/eve.h"

#include "base/clock.h"
#include "base/jsonw.h"
#include "record/alert.h"
#include "record/eve_private.h"

enum { US_PER_S = 1000000 };

static void
add_anomaly(struct jsonw *json, const struct facts *facts)
{
	static const char *const events[] = {
	    [HELLO_NONE] = "NO_HELLO",
	    [HELLO_TLS] = "",
	    [HELLO_NOT_TLS] = "NOT_TLS",
	    [HELLO_BROKEN] = "BROKEN_TLS",
	};

	jsonw_open(json, "anomaly");
	jsonw_string(json, "type", "applayer");
	jsonw_string(json, "event",
	    facts->transport == TRANSPORT_UDP ? "UNKNOWN" : events[facts->hello.kind]);
	jsonw_string(json, "layer", "proto_detect");
	jsonw_close(json);
}

/*
 * What kind of line an opening is: of what it says, where that is something
 * Suricata has a line for or a protocol of datagrams that is known, else it is
 * out of the ordinary.
 */
static const char *
open_type(const struct facts *facts)
{
	enum app_proto proto = facts->app.proto;

	if (proto == APP_QUIC)
		return "quic";
	if (facts->hello.kind == HELLO_TLS)
		return "tls";
	if (facts->transport == TRANSPORT_UDP && proto > APP_UNKNOWN)
		return app_proto_name(proto);
	return NULL;
}

static void
add_open_line(struct jsonw *json, const struct event_head *head, const struct facts *facts,
    const char *site)
{
	const char *type = open_type(facts);

	/* Each question and each answer has a line of its own. */
	if (facts->transport == TRANSPORT_UDP && facts->app.proto == APP_DNS)
		return;
	jsonw_open(json, NULL);
	eve_add_head(json, type != NULL ? type : "anomaly", head, facts, site);
	jsonw_string(json, "app_proto", eve_app_proto(facts));
	if (type == NULL)
		add_anomaly(json, facts);
	eve_add_said(json, facts);
	eve_add_ours(json, head, facts, site);
	jsonw_close(json);
	jsonw_end_line(json);
}

/* Suricata's words: a flow that ended by itself is one that it timed out. */
static const char *
flow_reason(const struct facts *facts)
{
	enum end end = facts->end;

	if (end == END_SHUTDOWN)
		return "shutdown";
	if (end == END_LOST)
		return "unknown";
	if (end == END_REFUSED || end == END_OVERLOAD || end == END_UNRECORDABLE ||
	    end == END_SERVER_CERT || end == END_MINT || end == END_RULE_CHANGE || end == END_FLOOD)
		return "forced";
	if (end == END_SERVER_TLS && facts->verdict.result == RESULT_BLOCK)
		return "forced";
	return "timeout";
}

static void
add_flow(struct jsonw *json, const struct facts *facts, bool alerted)
{
	const char *closed = facts->transport == TRANSPORT_UDP ? "established" : "closed";
	bool answered = facts->traffic.down > 0 || facts->server.handshake_done;
	char text[CLOCK_TEXT_MAX];

	jsonw_open(json, "flow");
	if (facts->transport == TRANSPORT_UDP) {
		jsonw_number(json, "pkts_toserver", facts->traffic.packets_up);
		jsonw_number(json, "pkts_toclient", facts->traffic.packets_down);
	}
	jsonw_number(json, "bytes_toserver", facts->traffic.up);
	jsonw_number(json, "bytes_toclient", facts->traffic.down);
	jsonw_string(json, "start", clock_text(facts->opened_wall_us, text));
	jsonw_string(json, "end", clock_text(facts->closed_wall_us, text));
	jsonw_number(json, "age", facts->duration_us / US_PER_S);
	jsonw_string(json, "state", answered || facts->end == END_DONE ? closed : "new");
	jsonw_string(json, "reason", flow_reason(facts));
	jsonw_bool(json, "alerted", alerted);
	jsonw_string(json, "action", alert_is_refused(facts) ? "drop" : "pass");
	jsonw_close(json);
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
add_alert_line(struct jsonw *json, const struct event_head *head, const struct facts *facts,
    const char *site, const struct alert *alert)
{
	jsonw_open(json, NULL);
	eve_add_head(json, "alert", head, facts, site);
	jsonw_string(json, "app_proto", eve_app_proto(facts));
	jsonw_open(json, "alert");
	jsonw_string(json, "action", alert->blocked ? "blocked" : "allowed");
	jsonw_number(json, "gid", EVE_GID);
	jsonw_number(json, "signature_id", eve_signature_id(alert->ruleset, alert->rule));
	jsonw_number(json, "rev", 1);
	jsonw_string(json, "signature", alert->signature);
	jsonw_string(json, "category", alert->category);
	jsonw_number(json, "severity", alert->severity);
	jsonw_close(json);
	eve_add_said(json, facts);
	eve_add_ours(json, head, facts, site);
	jsonw_close(json);
	jsonw_end_line(json);
}

static void
add_close_lines(struct jsonw *json, const struct event_head *head, const struct facts *facts,
    const char *site)
{
	struct alert alert, flag;
	bool silent = facts->verdict.detail == DETAIL_COUNT;
	bool alerted = !silent && alert_find(facts, &alert);
	bool flagged = !silent && alert_find_flag(facts, &flag);

	jsonw_open(json, NULL);
	eve_add_head(json, "flow", head, facts, site);
	jsonw_string(json, "app_proto", eve_app_proto(facts));
	add_flow(json, facts, alerted || flagged);
	eve_add_said(json, facts);
	eve_add_ours(json, head, facts, site);
	jsonw_close(json);
	jsonw_end_line(json);
	if (alerted)
		add_alert_line(json, head, facts, site, &alert);
	if (flagged)
		add_alert_line(json, head, facts, site, &flag);
}

void
eve_add(struct jsonw *json, const struct event_head *head, const struct facts *facts,
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
