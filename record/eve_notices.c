/* SPDX-License-Identifier: MIT */
#include "record/eve_private.h"

#include "base/clock.h"

#include <string.h>

void
eve_add_stats_line(struct jsonw *json, const struct event_head *head, const struct facts *facts,
    const char *site)
{
	char text[CLOCK_TEXT_MAX];

	jsonw_open(json, NULL);
	jsonw_string(json, "timestamp", clock_text(head->wall_us, text));
	jsonw_string(json, "event_type", "stats");
	eve_add_text(json, "host", site);
	jsonw_open(json, "stats");
	jsonw_open(json, "borderlens");
	jsonw_number(json, "worker", head->worker);
	eve_add_pair(json, "payload", facts->traffic.up, facts->traffic.down);
	eve_add_pair(json, "left", facts->traffic.left_up, facts->traffic.left_down);
	eve_add_pair(json, "packets", facts->traffic.packets_up, facts->traffic.packets_down);
	if (facts->place.located_basis[0] != '\0') {
		jsonw_open(json, "geo");
		jsonw_string(json, "oldest", facts->place.located_basis);
		jsonw_number(json, "age_days", facts->geo_age_days);
		jsonw_close(json);
	}
	jsonw_number(json, "seq", head->seq);
	jsonw_number(json, "epoch", head->epoch);
	jsonw_close(json);
	jsonw_close(json);
	jsonw_close(json);
	jsonw_end_line(json);
}

static void
add_sighting(struct jsonw *json, const struct facts *facts)
{
	static const char *const events[] = {"", "", "NEW", "IP_TAKEN", "TWO_INTERFACES",
	    "OTHER_MAC", "OTHER_IP"};
	bool conflict = facts->sighting.kind >= SIGHTING_IP_TAKEN;

	_Static_assert(sizeof(events) / sizeof(events[0]) == SIGHTING_COUNT,
	    "a sighting has no event");
	jsonw_open(json, "anomaly");
	jsonw_string(json, "type", conflict ? "device-conflict" : "device-new");
	jsonw_string(json, "event", events[facts->sighting.kind]);
	jsonw_close(json);
}

void
eve_add_sighting_line(struct jsonw *json, const struct event_head *head, const struct facts *facts,
    const char *site)
{
	const struct sighting_facts *sighting = &facts->sighting;
	char text[CLOCK_TEXT_MAX], ip[ADDR_TEXT_MAX];

	if (sighting->kind < SIGHTING_NEW)
		return;
	jsonw_open(json, NULL);
	jsonw_string(json, "timestamp", clock_text(head->wall_us, text));
	eve_add_text(json, "in_iface", facts->iface);
	jsonw_string(json, "event_type", "anomaly");
	jsonw_string(json, "src_ip", addr_text(&facts->camera, ip));
	jsonw_number(json, "ip_v", addr_is_v4(&facts->camera) ? 4 : 6);
	eve_add_text(json, "host", site);
	eve_add_ether(json, facts->mac);
	add_sighting(json, facts);
	jsonw_open(json, "borderlens");
	jsonw_string(json, "device", facts->device);
	jsonw_string(json, "site", site);
	jsonw_string(json, "maker", sighting->maker[0] != '\0' ? sighting->maker : "unknown");
	eve_add_text(json, "why", facts->end_text);
	eve_add_mac(json, "other_mac", sighting->other_mac);
	eve_add_seq(json, head);
	jsonw_close(json);
	jsonw_close(json);
	jsonw_end_line(json);
}

void
eve_add_reload_line(struct jsonw *json, const struct event_head *head, const struct facts *facts,
    const char *site)
{
	char text[CLOCK_TEXT_MAX];

	jsonw_open(json, NULL);
	jsonw_string(json, "timestamp", clock_text(head->wall_us, text));
	jsonw_string(json, "event_type", "anomaly");
	eve_add_text(json, "host", site);
	jsonw_open(json, "anomaly");
	jsonw_string(json, "type", "reload");
	jsonw_string(json, "event", facts->end == END_DONE ? "OK" : "FAILED");
	jsonw_close(json);
	jsonw_open(json, "borderlens");
	jsonw_string(json, "site", site);
	jsonw_string(json, "why", facts->end_text);
	eve_add_seq(json, head);
	jsonw_close(json);
	jsonw_close(json);
	jsonw_end_line(json);
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
add_addr(struct jsonw *json, const char *key, const struct addr *addr)
{
	if (is_addr(addr)) {
		char text[ADDR_TEXT_MAX];

		jsonw_string(json, key, addr_text(addr, text));
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
eve_add_anomaly_line(struct jsonw *json, const struct event_head *head, const struct facts *facts,
    const char *site)
{
	static const char *const events[ANOMALY_COUNT] = {"", "ICMP", "GRE", "ESP", "6IN4",
	    "MULTICAST", "BROADCAST", "IPV6_EXTENSION", "FRAGMENT", "OTHER", "GAP", "BUDGETS",
	    "LOOKUPS", "PORT_0", "MARTIAN"};
	const struct anomaly_facts *anomaly = &facts->anomaly;
	char text[CLOCK_TEXT_MAX];

	jsonw_open(json, NULL);
	jsonw_string(json, "timestamp", clock_text(head->wall_us, text));
	eve_add_text(json, "in_iface", facts->iface);
	jsonw_string(json, "event_type", "anomaly");
	add_addr(json, "src_ip", &facts->camera);
	add_addr(json, "dest_ip", &facts->dst);
	if (is_addr(&facts->camera))
		jsonw_number(json, "ip_v", addr_is_v4(&facts->camera) ? 4 : 6);
	eve_add_text(json, "host", site);
	eve_add_ether(json, facts->mac);
	jsonw_open(json, "anomaly");
	jsonw_string(json, "type", anomaly_type(anomaly->kind));
	jsonw_string(json, "event", events[anomaly->kind]);
	jsonw_close(json);
	jsonw_open(json, "borderlens");
	eve_add_text(json, "device", facts->device);
	jsonw_string(json, "site", site);
	jsonw_open(json, "anomaly");
	jsonw_string(json, "kind", anomaly_name(anomaly->kind));
	jsonw_number(json, "packets", anomaly->packets);
	jsonw_number(json, "bytes", anomaly->bytes);
	jsonw_close(json);
	eve_add_text(json, "why", facts->end_text);
	eve_add_seq(json, head);
	jsonw_close(json);
	jsonw_close(json);
	jsonw_end_line(json);
}
