/* SPDX-License-Identifier: MIT */
#include "proxy/inventory.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "config/config.h"
#include "config/devices.h"
#include "config/oui.h"
#include "proxy/neighbours.h"
#include "proxy/sightings.h"
#include "record/spool.h"

#include <stdlib.h>
#include <string.h>

struct inventory {
	struct neighbours *neighbours; /* NULL: there is no interface to look at */
	struct sightings *sightings;   /* NULL: another worker tells */
	struct oui *makers;
	struct spool *spool;  /* borrowed */
	uint64_t generation;  /* of the devices that were looked at last */
	inventory_news *news; /* NULL: nobody asks */
	void *news_arg;
};

static void
on_changed(void *arg, const struct neighbour *before, struct neighbour *now)
{
	struct inventory *inventory = arg;

	if (inventory->sightings != NULL)
		sightings_note(inventory->sightings, before, now, clock_mono_ms());
	if (inventory->news != NULL)
		inventory->news(inventory->news_arg, &now->addr);
}

static int
write_sighting(void *arg, const struct facts *facts)
{
	struct inventory *inventory = arg;

	/* What cameras send goes first. */
	if (!spool_has_room(inventory->spool))
		return -1;
	return spool_write(inventory->spool, EVENT_SIGHTING, facts, NULL);
}

/* What was there before us may be in conflict already. */
static void
note_all(struct inventory *inventory)
{
	struct neighbour_table *table = neighbours_table(inventory->neighbours);
	const struct neighbour none = {0};

	for (size_t i = 0; i < NEIGHBOURS_MAX; i++) {
		struct neighbour *entry = neighbour_table_at(table, i);

		if (entry != NULL)
			sightings_note(inventory->sightings, &none, entry, clock_mono_ms());
	}
}

static int
open_sightings(struct inventory *inventory, struct spool *spool, struct err *err)
{
	struct sightings_setup setup = {.table = neighbours_table(inventory->neighbours),
	    .link_name = neighbours_link_names(inventory->neighbours),
	    .write = write_sighting,
	    .arg = inventory};
	struct err why = {0};

	inventory->makers = oui_open(OUI_FILE, &why);
	if (inventory->makers == NULL)
		log_info("the makers of cameras are unknown: %s (package ieee-data)", why.text);
	setup.makers = inventory->makers;
	inventory->spool = spool;
	inventory->sightings = sightings_new(&setup);
	if (inventory->sightings == NULL)
		return err_set(err, ERR_NOMEM, "no memory");
	note_all(inventory);
	return 0;
}

struct inventory *
inventory_open(struct event_base *base, const struct config *config, struct spool *spool,
    struct err *err)
{
	struct neighbour_links links = {config->gateway.cameras, config->gateway.cameras_count};
	struct inventory *inventory = calloc(1, sizeof(*inventory));

	if (inventory == NULL)
		return (void)err_set(err, ERR_NOMEM, "no memory"), NULL;
	if (links.count == 0)
		return inventory;
	inventory->neighbours = neighbours_open(base, &links, on_changed, inventory, err);
	if (inventory->neighbours == NULL ||
	    (spool != NULL && open_sightings(inventory, spool, err) != 0)) {
		inventory_close(inventory);
		return NULL;
	}
	return inventory;
}

void
inventory_close(struct inventory *inventory)
{
	if (inventory == NULL)
		return;
	sightings_free(inventory->sightings);
	neighbours_close(inventory->neighbours);
	oui_free(inventory->makers);
	free(inventory);
}

void
inventory_find(struct inventory *inventory, const struct addr *camera, uint8_t mac[MAC_BYTES],
    const char **iface)
{
	neighbours_find(inventory != NULL ? inventory->neighbours : NULL, camera, mac, iface);
}

bool
inventory_knows(struct inventory *inventory, const struct addr *camera)
{
	uint8_t mac[MAC_BYTES];
	const char *iface;

	if (inventory == NULL || inventory->neighbours == NULL)
		return true;
	neighbours_find(inventory->neighbours, camera, mac, &iface);
	return mac_is_set(mac);
}

void
inventory_watch(struct inventory *inventory, inventory_news *news, void *arg)
{
	if (inventory == NULL)
		return;
	inventory->news = news;
	inventory->news_arg = arg;
}

void
inventory_name(struct inventory *inventory, const struct config *config, struct facts *facts)
{
	const struct device *device;
	const char *iface;

	inventory_find(inventory, &facts->camera, facts->mac, &iface);
	device = devices_find(config->devices, &facts->camera, facts->mac);
	facts->group[0] = '\0';
	if (device != NULL) {
		text_copy(facts->device, sizeof(facts->device), device->name);
		text_copy(facts->group, sizeof(facts->group), device->group);
	} else {
		(void)device_default_name(&facts->camera, facts->mac, facts->device);
	}
	/* Behind a router it came by the only one there is, or nobody says. */
	if (iface[0] == '\0' && config->gateway.cameras_count == 1)
		iface = config->gateway.cameras[0];
	text_copy(facts->iface, sizeof(facts->iface), iface);
}

void
inventory_turn(struct inventory *inventory, const struct devices *devices, uint64_t generation,
    uint64_t now_ms)
{
	if (inventory == NULL || inventory->sightings == NULL)
		return;
	if (inventory->generation != generation)
		sightings_look_again(inventory->sightings);
	inventory->generation = generation;
	sightings_turn(inventory->sightings, devices, now_ms);
}
