/* SPDX-License-Identifier: MIT */
#ifndef PROXY_SIGHTINGS_H
#define PROXY_SIGHTINGS_H

#include "base/facts.h"

#include <stddef.h>
#include <stdint.h>

struct devices;
struct err;
struct neighbour;
struct neighbour_table;
struct oui;

/*
 * Tells the record which cameras are there: each when it is first seen and
 * every two hours while it stays, and what is in conflict.  One worker does it for
 * all.
 *
 * Nobody can fill the record by making up cameras: SIGHTINGS_AT_ONCE events,
 * then SIGHTINGS_A_SECOND; of conflicts CONFLICTS_AT_ONCE, then
 * CONFLICTS_A_MINUTE, and one of a kind for an address in ten minutes.  What
 * finds no room waits.
 */
struct sightings;

enum {
	SIGHTINGS_AT_ONCE = 2000,
	SIGHTINGS_A_SECOND = 3,
	CONFLICTS_AT_ONCE = 100,
	CONFLICTS_A_MINUTE = 6,
	SIGHTINGS_TURN_MAX = 32, /* events a turn */
	/* An address that is taken this soon after its owner was seen is in
	 * conflict; later it was given to somebody else. */
	SIGHTINGS_FRESH_MS = 60 * 1000,
	SIGHTINGS_AGAIN_MS = 2 * 60 * 60 * 1000,
	SIGHTINGS_QUIET_MS = 10 * 60 * 1000,
};

/* Writes one event; 0, or -1 when there is no room for it now. */
typedef int sightings_write(void *arg, const struct facts *facts);

struct sightings_setup {
	struct neighbour_table *table; /* borrowed, as all here */
	const char (*link_name)[16];   /* of the table's interfaces */
	const struct oui *makers;      /* may be NULL */
	sightings_write *write;
	void *arg;
};

struct sightings *sightings_new(const struct sightings_setup *setup); /* NULL: no memory */
void sightings_free(struct sightings *sightings);                     /* accepts NULL */

/* An entry of the table has changed (neighbours_changed). */
void sightings_note(struct sightings *sightings, const struct neighbour *before,
    struct neighbour *now, uint64_t now_ms);

/* The cameras are named otherwise from now on: what is there is compared with
 * devices.yaml anew. */
void sightings_look_again(struct sightings *sightings);

/* Write what is due; devices says who a camera is, and where it should be. */
void sightings_turn(struct sightings *sightings, const struct devices *devices, uint64_t now_ms);

#endif
