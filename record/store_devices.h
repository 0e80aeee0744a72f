/* SPDX-License-Identifier: MIT */
#ifndef RECORD_STORE_DEVICES_H
#define RECORD_STORE_DEVICES_H

#include "record/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct store;

/*
 * What the store has learned of the cameras.
 *
 *	sighting     a MAC at an address on an interface, first and last seen; a
 *	             camera behind a router has no MAC.  At most
 *	             STORE_SIGHTINGS_MAX rows, STORE_SIGHTINGS_A_MAC a MAC: the
 *	             oldest go, those that have a learned name last
 *	device_name  the names that people gave, by MAC or address
 *	conflict     the last thousand (enum sighting)
 *
 * The recorder writes sightings and conflicts with the events that tell of
 * them, in one transaction.  Names come from the command `devices`, in
 * a transaction of its own: SQLite lets one wait for the other.
 */
enum {
	STORE_SIGHTINGS_MAX = 16384,
	STORE_SIGHTINGS_A_MAC = 64,
	STORE_NAME_KEY_MAX = 64, /* a MAC's or an address's text, with its terminator */
};

/* Whether a MAC was told of as new already: 1 or 0. */
int store_knows_mac(struct store *store, const uint8_t mac[MAC_BYTES], struct err *err);

/* Keep where a camera was, by an event about it; within a transaction.  What a
 * connection says again within a minute is not written again. */
int store_sight(struct store *store, const struct recorded *event, struct err *err);

/* ---- reading ---- */

struct store_sighting {
	uint8_t mac[MAC_BYTES]; /* all 0: behind a router */
	struct addr addr;
	char iface[16];
	uint64_t first_us, last_us;
};

/* Call each with every sighting, a MAC's together, the newest first, until it
 * returns false. */
typedef bool store_each_sighting(void *context, const struct store_sighting *sighting);
int store_sightings(struct store *store, store_each_sighting *each, void *context, struct err *err);

struct store_conflict {
	uint64_t wall_us;
	char kind[24]; /* of sighting_name */
	char mac[MAC_TEXT_MAX], ip[ADDR_TEXT_MAX], iface[16];
	char text[FACTS_TEXT_MAX];
};

/* The same with the conflicts, the newest first. */
typedef bool store_each_conflict(void *context, const struct store_conflict *conflict);
int store_conflicts(struct store *store, store_each_conflict *each, void *context, struct err *err);

/* The same with the learned names; both are borrowed for the call. */
typedef bool store_each_name(void *context, const char *key, const char *name);
int store_names(struct store *store, store_each_name *each, void *context, struct err *err);

/* ---- writing, within a transaction ---- */

/* Give what key (a MAC's or an address's text) stands for a name, in place of
 * the one it had. */
int store_set_name(struct store *store, const char *key, const char *name, uint64_t wall_us,
    struct err *err);

/* Forget the sightings, conflicts and the name of a MAC, or of an address that
 * has none.  Returns how many rows went, or -1. */
int store_forget_device(struct store *store, const char *key, struct err *err);

#endif
