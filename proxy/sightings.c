/* SPDX-License-Identifier: MIT */
#include "proxy/sightings.h"

#include "base/text.h"
#include "config/devices.h"
#include "config/oui.h"
#include "proxy/neighbour_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MS_PER_S = 1000, MS_PER_MINUTE = 60 * MS_PER_S, PLACES_A_TURN = 2048 };

/* So many at once, then one each so many milliseconds. */
struct bucket {
	unsigned left, most;
	uint64_t each_ms, filled_ms;
};

struct sightings {
	struct sightings_setup setup;
	struct bucket news, conflicts;
	size_t place; /* of the table, where the next turn goes on */
	size_t again; /* places still to be looked at whatever is due there */
};

struct sightings *
sightings_new(const struct sightings_setup *setup)
{
	struct sightings *sightings = calloc(1, sizeof(*sightings));

	if (sightings == NULL)
		return NULL;
	sightings->setup = *setup;
	sightings->news = (struct bucket){.left = SIGHTINGS_AT_ONCE,
	    .most = SIGHTINGS_AT_ONCE,
	    .each_ms = MS_PER_S / SIGHTINGS_A_SECOND};
	sightings->conflicts = (struct bucket){.left = CONFLICTS_AT_ONCE,
	    .most = CONFLICTS_AT_ONCE,
	    .each_ms = MS_PER_MINUTE / CONFLICTS_A_MINUTE};
	return sightings;
}

void
sightings_free(struct sightings *sightings)
{
	free(sightings);
}

static void
fill_bucket(struct bucket *bucket, uint64_t now_ms)
{
	uint64_t came;

	if (bucket->filled_ms == 0)
		bucket->filled_ms = now_ms;
	came = (now_ms - bucket->filled_ms) / bucket->each_ms;
	bucket->filled_ms += came * bucket->each_ms;
	bucket->left =
	    came < bucket->most - bucket->left ? bucket->left + (unsigned)came : bucket->most;
}

/* ---- what is in conflict ---- */

static bool
is_quiet(const struct neighbour *entry, enum sighting kind, uint64_t now_ms)
{
	return entry->conflict == kind && entry->conflict_ms != 0 &&
	       now_ms - entry->conflict_ms < SIGHTINGS_QUIET_MS;
}

static bool
is_fresh(const struct neighbour *entry, uint64_t now_ms)
{
	return entry->reachable || now_ms - entry->seen_ms < SIGHTINGS_FRESH_MS;
}

/* The same card on another interface, a moment ago. */
static const struct neighbour *
find_twin(struct neighbour_table *table, const struct neighbour *now, uint64_t now_ms)
{
	struct neighbour *at = NULL;

	while ((at = neighbour_table_of_mac(table, now->mac, at)) != NULL) {
		if (at->link == now->link)
			continue;
		if (is_quiet(at, SIGHTING_TWO_IFACES, now_ms))
			return NULL;
		if (is_fresh(at, now_ms))
			return at;
	}
	return NULL;
}

static bool
is_told_of_card(struct neighbour_table *table, const struct neighbour *now, uint64_t now_ms)
{
	struct neighbour *at = NULL;

	while ((at = neighbour_table_of_mac(table, now->mac, at)) != NULL) {
		if (at->pending == SIGHTING_TWO_IFACES || is_quiet(at, SIGHTING_TWO_IFACES, now_ms))
			return true;
	}
	return false;
}

void
sightings_note(struct sightings *sightings, const struct neighbour *before, struct neighbour *now,
    uint64_t now_ms)
{
	struct neighbour_table *table = sightings->setup.table;
	bool was_there = mac_is_set(before->mac);
	bool other = was_there && memcmp(before->mac, now->mac, MAC_BYTES) != 0;

	if (other && is_fresh(before, now_ms) && !is_quiet(now, SIGHTING_IP_TAKEN, now_ms)) {
		now->pending = SIGHTING_IP_TAKEN;
		memcpy(now->other_mac, before->mac, MAC_BYTES);
	} else if ((other || !was_there) && find_twin(table, now, now_ms) != NULL &&
		   !is_told_of_card(table, now, now_ms)) {
		now->pending = SIGHTING_TWO_IFACES;
	}
}

/* ---- telling ---- */

static void
fill_facts(const struct sightings *sightings, const struct devices *devices,
    const struct neighbour *entry, struct facts *facts)
{
	const struct device *device = devices_find(devices, &entry->addr, entry->mac);

	memset(facts, 0, sizeof(*facts));
	facts->camera = entry->addr;
	memcpy(facts->mac, entry->mac, MAC_BYTES);
	text_copy(facts->iface, sizeof(facts->iface), sightings->setup.link_name[entry->link]);
	if (device != NULL)
		text_copy(facts->device, sizeof(facts->device), device->name);
	else
		(void)device_default_name(&entry->addr, entry->mac, facts->device);
	oui_copy(sightings->setup.makers, entry->mac, facts->sighting.maker,
	    sizeof(facts->sighting.maker));
}

static void
say_conflict(const struct neighbour *entry, const struct device *whose, struct facts *facts)
{
	char ip[ADDR_TEXT_MAX], mac[MAC_TEXT_MAX], other[MAC_TEXT_MAX];
	struct text text = text_in(facts->end_text, sizeof(facts->end_text));

	(void)addr_text(&entry->addr, ip);
	(void)mac_text(entry->mac, mac);
	switch (facts->sighting.kind) {
	case SIGHTING_IP_TAKEN:
		memcpy(facts->sighting.other_mac, entry->other_mac, MAC_BYTES);
		text_add(&text, "%s was %s's a moment ago, and is %s's now", ip,
		    mac_text(entry->other_mac, other), mac);
		break;
	case SIGHTING_OTHER_MAC:
		text_add(&text, "%s is the address of %s, and %s is another card", ip, whose->name,
		    mac);
		break;
	case SIGHTING_OTHER_IP:
		text_add(&text, "%s is %s, and %s is none of its addresses", mac, whose->name, ip);
		break;
	case SIGHTING_TWO_IFACES:
	case SIGHTING_NONE:
	case SIGHTING_SEEN:
	case SIGHTING_NEW:
	case SIGHTING_COUNT:
		break;
	}
}

static void
say_twin(const struct sightings *sightings, const struct neighbour *entry, struct facts *facts,
    uint64_t now_ms)
{
	const struct neighbour *twin = find_twin(sightings->setup.table, entry, now_ms);
	struct text text = text_in(facts->end_text, sizeof(facts->end_text));
	char mac[MAC_TEXT_MAX];

	text_add(&text, "%s is on %s and on %s", mac_text(entry->mac, mac), facts->iface,
	    twin != NULL ? sightings->setup.link_name[twin->link] : "another interface");
}

/* Whether it was written, or need not be. */
static bool
tell_conflict(struct sightings *sightings, const struct devices *devices, struct neighbour *entry,
    uint64_t now_ms)
{
	const struct device *whose = NULL;
	enum device_place place = devices_check(devices, &entry->addr, entry->mac, &whose);
	enum sighting kind = entry->pending;
	struct facts facts;

	if (kind == SIGHTING_NONE && place == DEVICE_OTHER_MAC)
		kind = SIGHTING_OTHER_MAC;
	else if (kind == SIGHTING_NONE && place == DEVICE_OTHER_IP)
		kind = SIGHTING_OTHER_IP;
	if (kind == SIGHTING_NONE || is_quiet(entry, kind, now_ms))
		return true;
	if (sightings->conflicts.left == 0)
		return false;
	fill_facts(sightings, devices, entry, &facts);
	facts.sighting.kind = kind;
	if (kind == SIGHTING_TWO_IFACES)
		say_twin(sightings, entry, &facts, now_ms);
	else
		say_conflict(entry, whose, &facts);
	if (sightings->setup.write(sightings->setup.arg, &facts) != 0)
		return false;
	sightings->conflicts.left--;
	entry->pending = SIGHTING_NONE;
	entry->conflict = kind;
	entry->conflict_ms = now_ms;
	return true;
}

static bool
is_due(const struct neighbour *entry, uint64_t now_ms)
{
	if (entry->told_ms == 0)
		return true;
	return entry->seen_ms > entry->told_ms && now_ms - entry->told_ms >= SIGHTINGS_AGAIN_MS;
}

static bool
tell(struct sightings *sightings, const struct devices *devices, struct neighbour *entry,
    uint64_t now_ms)
{
	struct facts facts;

	if (sightings->news.left == 0)
		return false;
	fill_facts(sightings, devices, entry, &facts);
	facts.sighting.kind = SIGHTING_SEEN; /* the recorder knows who is new */
	if (sightings->setup.write(sightings->setup.arg, &facts) != 0)
		return false;
	sightings->news.left--;
	entry->told_ms = now_ms;
	return true;
}

void
sightings_look_again(struct sightings *sightings)
{
	sightings->again = NEIGHBOURS_MAX;
}

void
sightings_turn(struct sightings *sightings, const struct devices *devices, uint64_t now_ms)
{
	struct neighbour_table *table = sightings->setup.table;
	int told = 0;

	fill_bucket(&sightings->news, now_ms);
	fill_bucket(&sightings->conflicts, now_ms);
	for (size_t i = 0; i < PLACES_A_TURN && told < SIGHTINGS_TURN_MAX; i++) {
		struct neighbour *entry = neighbour_table_at(table, sightings->place);
		bool due = entry != NULL && is_due(entry, now_ms);

		bool again = sightings->again > 0 && entry != NULL && !entry->gone;

		sightings->again -= sightings->again > 0;
		sightings->place = (sightings->place + 1) % NEIGHBOURS_MAX;
		if (entry == NULL || (!due && !again && entry->pending == SIGHTING_NONE))
			continue;
		told++;
		(void)tell_conflict(sightings, devices, entry, now_ms);
		if (due)
			(void)tell(sightings, devices, entry, now_ms);
	}
}
