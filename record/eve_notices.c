/* SPDX-License-Identifier: MIT */
#include "record/eve_private.h"

#include "base/clock.h"

#include <string.h>

void
eve_add_stats_line(struct json *json, const struct event_head *head, const struct facts *facts,
    const char *site)
{
	char text[CLOCK_TEXT_MAX];

	json_open(json, NULL);
	json_string(json, "timestamp", clock_text(head->wall_us, text));
	json_string(json, "event_type", "stats");
	eve_add_text(json, "host", site);
	json_open(json, "stats");
	json_open(json, "borderlens");
	json_number(json, "worker", head->worker);
	eve_add_pair(json, "payload", facts->traffic.up, facts->traffic.down);
	eve_add_pair(json, "left", facts->traffic.left_up, facts->traffic.left_down);
	eve_add_pair(json, "packets", facts->traffic.packets_up, facts->traffic.packets_down);
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

void
eve_add_sighting_line(struct json *json, const struct event_head *head, const struct facts *facts,
    const char *site)
{
	const struct sighting_facts *sighting = &facts->sighting;
	char text[CLOCK_TEXT_MAX], ip[ADDR_TEXT_MAX];

	if (sighting->kind < SIGHTING_NEW)
		return;
	json_open(json, NULL);
	json_string(json, "timestamp", clock_text(head->wall_us, text));
	eve_add_text(json, "in_iface", facts->iface);
	json_string(json, "event_type", "anomaly");
	json_string(json, "src_ip", addr_text(&facts->camera, ip));
	json_number(json, "ip_v", addr_is_v4(&facts->camera) ? 4 : 6);
	eve_add_text(json, "host", site);
	eve_add_ether(json, facts->mac);
	add_sighting(json, facts);
	json_open(json, "borderlens");
	json_string(json, "device", facts->device);
	json_string(json, "site", site);
	json_string(json, "maker", sighting->maker[0] != '\0' ? sighting->maker : "unknown");
	eve_add_text(json, "why", facts->end_text);
	eve_add_mac(json, "other_mac", sighting->other_mac);
	eve_add_seq(json, head);
	json_close(json);
	json_close(json);
	json_end_line(json);
}

void
eve_add_reload_line(struct json *json, const struct event_head *head, const struct facts *facts,
    const char *site)
{
	char text[CLOCK_TEXT_MAX];

	json_open(json, NULL);
	json_string(json, "timestamp", clock_text(head->wall_us, text));
	json_string(json, "event_type", "anomaly");
	eve_add_text(json, "host", site);
	json_open(json, "anomaly");
	json_string(json, "type", "reload");
	json_string(json, "event", facts->end == END_DONE ? "OK" : "FAILED");
	json_close(json);
	json_open(json, "borderlens");
	json_string(json, "site", site);
	json_string(json, "why", facts->end_text);
	eve_add_seq(json, head);
	json_close(json);
	json_close(json);
	json_end_line(json);
}

/* ---- what went nowhere ---- */

static bool
is_addr(const struct addr *addr)
{
	static const struct addr none;

	return memcmp(addr->ip, none.ip, sizeof(none.ip)) != 0;
}

/* A gap may be of nobody in particular, and what was dropped for many places. */
static void
add_addr(struct json *json, const char *key, const struct addr *addr)
{
	if (is_addr(addr)) {
		char text[ADDR_TEXT_MAX];

		json_string(json, key, addr_text(addr, text));
	}
}

/* What fragments make whole is judged as anything else is. */
static const char *
anomaly_type(enum anomaly kind)
{
	if (kind == ANOMALY_GAP)
		return "gap";
	if (kind == ANOMALY_BUDGETS)
		return "lost";
	if (kind == ANOMALY_LOOKUPS)
		return "unrecorded";
	return kind == ANOMALY_FRAGMENT ? "fragments" : "dropped";
}

void
eve_add_anomaly_line(struct json *json, const struct event_head *head, const struct facts *facts,
    const char *site)
{
	static const char *const events[ANOMALY_COUNT] = {"", "ICMP", "GRE", "ESP", "6IN4",
	    "MULTICAST", "BROADCAST", "IPV6_EXTENSION", "FRAGMENT", "OTHER", "GAP", "BUDGETS",
	    "LOOKUPS", "PORT_0", "MARTIAN"};
	const struct anomaly_facts *anomaly = &facts->anomaly;
	char text[CLOCK_TEXT_MAX];

	json_open(json, NULL);
	json_string(json, "timestamp", clock_text(head->wall_us, text));
	eve_add_text(json, "in_iface", facts->iface);
	json_string(json, "event_type", "anomaly");
	add_addr(json, "src_ip", &facts->camera);
	add_addr(json, "dest_ip", &facts->dst);
	if (is_addr(&facts->camera))
		json_number(json, "ip_v", addr_is_v4(&facts->camera) ? 4 : 6);
	eve_add_text(json, "host", site);
	eve_add_ether(json, facts->mac);
	json_open(json, "anomaly");
	json_string(json, "type", anomaly_type(anomaly->kind));
	json_string(json, "event", events[anomaly->kind]);
	json_close(json);
	json_open(json, "borderlens");
	eve_add_text(json, "device", facts->device);
	json_string(json, "site", site);
	json_open(json, "anomaly");
	json_string(json, "kind", anomaly_name(anomaly->kind));
	json_number(json, "packets", anomaly->packets);
	json_number(json, "bytes", anomaly->bytes);
	json_close(json);
	eve_add_text(json, "why", facts->end_text);
	eve_add_seq(json, head);
	json_close(json);
	json_close(json);
	json_end_line(json);
}
