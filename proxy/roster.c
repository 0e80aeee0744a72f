/* SPDX-License-Identifier: MIT */
#include "proxy/roster.h"

#include "base/err.h"
#include "base/text.h"
#include "config/devices.h"
#include "config/oui.h"
#include "record/store.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* What is being read; the list is sorted at the end only, so a name is looked
 * for by a hash. */
struct building {
	struct roster *roster;
	const struct devices *devices;
	const struct oui *makers;
	size_t room;
	size_t *slots; /* owned; index + 1, 0: free; a power of two */
	size_t slot_count;
	bool failed; /* no memory */
};

const char *
roster_name(const struct devices *devices, const struct addr *addr, const uint8_t mac[MAC_BYTES],
    char out[FACTS_LABEL_MAX])
{
	const struct device *device = devices_find(devices, addr, mac);

	if (device == NULL)
		return device_default_name(addr, mac, out);
	text_copy(out, FACTS_LABEL_MAX, device->name);
	return out;
}

/* ---- names ---- */

static size_t *
slot_of(const struct building *building, const char *name)
{
	uint32_t hash = 2166136261; /* FNV-1a */
	size_t at;

	for (const char *letter = name; *letter != '\0'; letter++)
		hash = (hash ^ (uint8_t)*letter) * 16777619;
	at = hash & (building->slot_count - 1);
	while (building->slots[at] != 0 &&
	       strcmp(building->roster->list[building->slots[at] - 1].name, name) != 0)
		at = (at + 1) & (building->slot_count - 1);
	return &building->slots[at];
}

static struct roster_device *
find_named(const struct building *building, const char *name)
{
	size_t slot = *slot_of(building, name);

	return slot != 0 ? &building->roster->list[slot - 1] : NULL;
}

static struct roster_device *
add_named(struct building *building, const char *name, const struct device *device)
{
	struct roster *roster = building->roster;
	struct roster_device *added = find_named(building, name);

	if (added != NULL || roster->count == building->room)
		return added;
	*slot_of(building, name) = roster->count + 1;
	added = &roster->list[roster->count++];
	assert(added != NULL);
	*added = (struct roster_device){.device = device};
	text_copy(added->name, sizeof(added->name), name);
	if (device != NULL) {
		text_copy(added->group, sizeof(added->group), device->group);
		memcpy(added->mac, device->mac, MAC_BYTES);
	}
	return added;
}

static int
make_room(struct building *building)
{
	building->room = devices_count(building->devices) + STORE_SIGHTINGS_MAX;
	building->slot_count = 1;
	while (building->slot_count < 2 * building->room)
		building->slot_count *= 2;
	building->slots = calloc(building->slot_count, sizeof(*building->slots));
	building->roster->list = calloc(building->room, sizeof(*building->roster->list));
	return building->slots != NULL && building->roster->list != NULL ? 0 : -1;
}

/* ---- what the store has ---- */

static bool
add_place(struct roster_device *device, const struct store_sighting *sighting)
{
	struct roster_place *places =
	    realloc(device->places, (device->place_count + 1) * sizeof(*places));
	struct roster_place *place;

	if (places == NULL)
		return false;
	device->places = places;
	place = &places[device->place_count++];
	*place = (struct roster_place){.addr = sighting->addr,
	    .first_us = sighting->first_us,
	    .last_us = sighting->last_us};
	memcpy(place->mac, sighting->mac, MAC_BYTES);
	text_copy(place->iface, sizeof(place->iface), sighting->iface);
	return true;
}

static bool
take_sighting(void *context, const struct store_sighting *sighting)
{
	struct building *building = context;
	const struct device *known =
	    devices_find(building->devices, &sighting->addr, sighting->mac);
	char name[FACTS_LABEL_MAX];
	struct roster_device *device = add_named(building,
	    roster_name(building->devices, &sighting->addr, sighting->mac, name), known);

	if (device == NULL || !add_place(device, sighting)) {
		building->failed = true;
		return false;
	}
	if (device->first_us == 0 || sighting->first_us < device->first_us)
		device->first_us = sighting->first_us;
	if (sighting->last_us > device->last_us) {
		device->last_us = sighting->last_us;
		if (mac_is_set(sighting->mac))
			memcpy(device->mac, sighting->mac, MAC_BYTES);
	}
	return true;
}

static bool
take_flow(void *context, const struct device_flow *flow)
{
	struct building *building = context;
	char name[FACTS_LABEL_MAX];
	struct roster_device *device =
	    find_named(building, roster_name(building->devices, &flow->camera, flow->mac, name));

	/* Of who was forgotten the connections stay in the record. */
	if (device == NULL)
		return true;
	device->flows += flow->flows;
	device->blocked += flow->blocked;
	device->up += flow->up;
	device->down += flow->down;
	device->left_up += flow->left_up;
	device->ok += flow->ok;
	device->refused += flow->rejected + flow->probable - flow->passed;
	device->passed += flow->passed;
	return true;
}

static bool
take_conflict(void *context, const struct store_conflict *conflict)
{
	struct building *building = context;
	struct roster_device *device;
	uint8_t mac[MAC_BYTES] = {0};
	char name[FACTS_LABEL_MAX];
	struct addr addr;

	(void)mac_parse(conflict->mac, mac, sizeof(mac));
	if (addr_parse(&addr, conflict->ip, 0, NULL) != 0)
		return true;
	device = find_named(building, roster_name(building->devices, &addr, mac, name));
	if (device != NULL)
		device->conflicts++;
	return true;
}

/* ---- all of it ---- */

static int
by_name(const void *left, const void *right)
{
	const struct roster_device *a = left, *b = right;

	return strcmp(a->name, b->name);
}

static int
by_last(const void *left, const void *right)
{
	const struct roster_place *a = left, *b = right;

	return a->last_us > b->last_us ? -1 : a->last_us < b->last_us;
}

static void
finish(struct building *building)
{
	struct roster *roster = building->roster;

	for (size_t i = 0; i < roster->count; i++) {
		struct roster_device *device = &roster->list[i];

		oui_copy(building->makers, device->mac, device->maker, sizeof(device->maker));
		if (device->place_count > 1)
			qsort(device->places, device->place_count, sizeof(*device->places),
			    by_last);
	}
	if (roster->count > 1)
		qsort(roster->list, roster->count, sizeof(*roster->list), by_name);
}

int
roster_read(struct roster *roster, struct store *store, const struct devices *devices,
    const struct oui *makers, struct err *err)
{
	struct building building = {.roster = roster, .devices = devices, .makers = makers};
	int ret = -1;

	*roster = (struct roster){0};
	building.failed = make_room(&building) != 0;
	for (size_t i = 0; !building.failed && i < devices_count(devices); i++)
		(void)add_named(&building, devices_at(devices, i)->name, devices_at(devices, i));
	if (!building.failed && (store_sightings(store, take_sighting, &building, err) != 0 ||
				    device_flows_read(store, take_flow, &building, err) != 0 ||
				    store_conflicts(store, take_conflict, &building, err) != 0))
		goto out;
	if (building.failed) {
		(void)err_set(err, ERR_NOMEM, "no memory for the devices");
		goto out;
	}
	finish(&building);
	ret = 0;
out:
	free(building.slots);
	if (ret != 0)
		roster_clear(roster);
	return ret;
}

void
roster_clear(struct roster *roster)
{
	for (size_t i = 0; i < roster->count; i++)
		free(roster->list[i].places);
	free(roster->list);
	*roster = (struct roster){0};
}

static bool
has_place(const struct roster_device *device, const struct addr *addr, const uint8_t *mac)
{
	if (mac != NULL && memcmp(device->mac, mac, MAC_BYTES) == 0)
		return true;
	for (size_t i = 0; i < device->place_count; i++) {
		const struct roster_place *place = &device->places[i];

		if (mac != NULL ? memcmp(place->mac, mac, MAC_BYTES) == 0
				: addr_same_host(&place->addr, addr))
			return true;
	}
	return false;
}

const struct roster_device *
roster_find(const struct roster *roster, const char *text)
{
	const struct roster_device *found = NULL;
	struct addr addr = {0};
	uint8_t mac[MAC_BYTES];
	bool is_mac = mac_parse(text, mac, sizeof(mac));
	bool is_addr = !is_mac && addr_parse(&addr, text, 0, NULL) == 0 && addr.port == 0;

	for (size_t i = 0; i < roster->count; i++) {
		const struct roster_device *device = &roster->list[i];

		if (strcmp(device->name, text) == 0)
			return device;
		/* Of several that were at an address the one seen last. */
		if ((is_mac || is_addr) && has_place(device, &addr, is_mac ? mac : NULL) &&
		    (found == NULL || device->last_us > found->last_us))
			found = device;
	}
	return found;
}
