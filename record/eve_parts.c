/* SPDX-License-Identifier: MIT */
#include "record/eve_private.h"

#include "base/clock.h"
#include "base/text.h"
#include "record/community.h"

#include <string.h>

void
eve_add_seq(struct json *json, const struct event_head *head)
{
	json_number(json, "seq", head->seq);
	json_number(json, "worker", head->worker);
	json_number(json, "epoch", head->epoch);
}

void
eve_add_mac(struct json *json, const char *key, const uint8_t mac[MAC_BYTES])
{
	if (mac_is_set(mac)) {
		char text[MAC_TEXT_MAX];

		json_string(json, key, mac_text(mac, text));
	}
}

void
eve_add_ether(struct json *json, const uint8_t mac[MAC_BYTES])
{
	if (!mac_is_set(mac))
		return;
	json_open(json, "ether");
	eve_add_mac(json, "src_mac", mac);
	json_close(json);
}

void
eve_add_text(struct json *json, const char *key, const char *value)
{
	if (value[0] != '\0')
		json_string(json, key, value);
}

void
eve_add_head(struct json *json, const char *type, const struct event_head *head,
    const struct facts *facts, const char *site)
{
	char text[ADDR_TEXT_MAX], time_text[CLOCK_TEXT_MAX], id[COMMUNITY_ID_MAX];

	json_string(json, "timestamp", clock_text(head->wall_us, time_text));
	json_number(json, "flow_id", facts->flow_id);
	eve_add_text(json, "in_iface", facts->iface);
	json_string(json, "event_type", type);
	json_string(json, "src_ip", addr_text(&facts->camera, text));
	json_number(json, "src_port", facts->camera.port);
	json_string(json, "dest_ip", addr_text(&facts->dst, text));
	json_number(json, "dest_port", facts->dst.port);
	json_string(json, "proto", facts->transport == TRANSPORT_UDP ? "UDP" : "TCP");
	json_number(json, "ip_v", addr_is_v4(&facts->dst) ? 4 : 6);
	json_string(json, "community_id",
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
eve_add_hash(struct json *json, const char *key, const uint8_t hash[32])
{
	char hex[65];

	if (!is_set(hash))
		return;
	text_hex(hex, hash, 32);
	json_string(json, key, hex);
}

void
eve_add_verdict(struct json *json, const struct facts *facts)
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
	eve_add_hash(json, "ruleset_sha256", verdict->ruleset_sha256);
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

void
eve_add_pair(struct json *json, const char *key, uint64_t up, uint64_t down)
{
	json_open(json, key);
	json_number(json, "up", up);
	json_number(json, "down", down);
	json_close(json);
}
