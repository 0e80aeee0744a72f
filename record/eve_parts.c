/* SPDX-License-Identifier: MIT */
#include "record/eve_private.h"

#include "base/clock.h"
#include "base/text.h"
#include "record/community.h"

#include <string.h>

void
eve_add_seq(struct jsonw *json, const struct event_head *head)
{
	jsonw_number(json, "seq", head->seq);
	jsonw_number(json, "worker", head->worker);
	jsonw_number(json, "epoch", head->epoch);
}

void
eve_add_mac(struct jsonw *json, const char *key, const uint8_t mac[MAC_BYTES])
{
	if (mac_is_set(mac)) {
		char text[MAC_TEXT_MAX];

		jsonw_string(json, key, mac_text(mac, text));
	}
}

void
eve_add_ether(struct jsonw *json, const uint8_t mac[MAC_BYTES])
{
	if (!mac_is_set(mac))
		return;
	jsonw_open(json, "ether");
	eve_add_mac(json, "src_mac", mac);
	jsonw_close(json);
}

void
eve_add_text(struct jsonw *json, const char *key, const char *value)
{
	if (value[0] != '\0')
		jsonw_string(json, key, value);
}

void
eve_add_head(struct jsonw *json, const char *type, const struct event_head *head,
    const struct facts *facts, const char *site)
{
	char text[ADDR_TEXT_MAX], time_text[CLOCK_TEXT_MAX], id[COMMUNITY_ID_MAX];

	jsonw_string(json, "timestamp", clock_text(head->wall_us, time_text));
	jsonw_number(json, "flow_id", facts->flow_id);
	eve_add_text(json, "in_iface", facts->iface);
	jsonw_string(json, "event_type", type);
	jsonw_string(json, "src_ip", addr_text(&facts->camera, text));
	jsonw_number(json, "src_port", facts->camera.port);
	jsonw_string(json, "dest_ip", addr_text(&facts->dst, text));
	jsonw_number(json, "dest_port", facts->dst.port);
	jsonw_string(json, "proto", facts->transport == TRANSPORT_UDP ? "UDP" : "TCP");
	jsonw_number(json, "ip_v", addr_is_v4(&facts->dst) ? 4 : 6);
	jsonw_string(json, "community_id",
	    community_id(facts->transport, &facts->camera, &facts->dst, id));
	eve_add_text(json, "host", site);
	eve_add_ether(json, facts->mac);
}

static bool
is_set(const uint8_t hash[32])
{
	static const uint8_t none[32];

	return memcmp(hash, none, sizeof(none)) != 0;
}

void
eve_add_hash(struct jsonw *json, const char *key, const uint8_t hash[32])
{
	char hex[65];

	if (!is_set(hash))
		return;
	text_hex(hex, hash, 32);
	jsonw_string(json, key, hex);
}

void
eve_add_verdict(struct jsonw *json, const struct facts *facts)
{
	const struct verdict *verdict = &facts->verdict;

	jsonw_string(json, "inspect", inspect_name(facts->inspect));
	jsonw_string(json, "verdict", result_name(verdict->result));
	jsonw_string(json, "verdict_stage", verdict_stage_name(verdict->stage));
	if (verdict->result == RESULT_BLOCK)
		jsonw_string(json, "how", how_name(verdict->how));
	jsonw_bool(json, "shadow", verdict->shadow);
	jsonw_string(json, "ruleset", verdict->ruleset);
	jsonw_string(json, "ruleset_version", verdict->ruleset_version);
	eve_add_hash(json, "ruleset_sha256", verdict->ruleset_sha256);
	jsonw_string(json, "rule", verdict->rule);
	jsonw_string(json, "why", verdict->why);
	if (verdict->detail != DETAIL_FULL)
		jsonw_string(json, "log", detail_name(verdict->detail));
	if (verdict->flag.severity == SEVERITY_NONE)
		return;
	jsonw_open(json, "flag");
	jsonw_string(json, "severity", severity_name(verdict->flag.severity));
	jsonw_string(json, "ruleset", verdict->flag.ruleset);
	jsonw_string(json, "rule", verdict->flag.rule);
	jsonw_string(json, "why", verdict->flag.why);
	jsonw_close(json);
}

void
eve_add_pair(struct jsonw *json, const char *key, uint64_t up, uint64_t down)
{
	jsonw_open(json, key);
	jsonw_number(json, "up", up);
	jsonw_number(json, "down", down);
	jsonw_close(json);
}
