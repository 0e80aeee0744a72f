/* SPDX-License-Identifier: MIT */
#ifndef PROXY_NEIGHBOUR_TABLE_H
#define PROXY_NEIGHBOUR_TABLE_H

#include "base/addr.h"
#include "base/facts.h"
#include "base/mac.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

/*
 * Who is where on the cameras' interfaces, bounded whatever a camera says of
 * itself: NEIGHBOURS_A_MAC addresses a card, a fair part of NEIGHBOURS_MAX an
 * interface.  Where there is no room the oldest goes that had no connection,
 * and only then the oldest that had one.
 */
enum { NEIGHBOURS_MAX = 16384, NEIGHBOURS_A_MAC = 64 };

struct neighbour {
	struct addr addr; /* port 0 */
	uint8_t mac[MAC_BYTES];
	unsigned link;    /* which of the interfaces */
	bool reachable;   /* the kernel has just heard of it */
	bool used;        /* it had a connection */
	bool gone;        /* the kernel has forgotten it; we remember that it was told of */
	uint64_t seen_ms; /* when it was last sure to be there */
	/* What was told of it, for who tells (proxy/sightings.h). */
	uint64_t told_ms;     /* 0: never */
	uint64_t conflict_ms; /* when the last conflict was told; 0: never */
	enum sighting conflict, pending;
	uint8_t other_mac[MAC_BYTES]; /* of pending */
	/* The table's own. */
	struct neighbour *same_addr, *same_mac; /* next in its chain */
	TAILQ_ENTRY(neighbour) age;
};

struct neighbour_table;

/* For so many interfaces, numbered from 0.  NULL: no memory. */
struct neighbour_table *neighbour_table_new(size_t links);
void neighbour_table_free(struct neighbour_table *table); /* accepts NULL */

/* What the kernel says of an address. */
struct neighbour_news {
	unsigned link;
	struct addr addr;
	uint8_t mac[MAC_BYTES];
	bool reachable;
};

/*
 * Take it in.  Returns the entry, the table's until the next call that changes
 * it.  *before, unless NULL, becomes what it was until now; its MAC is all 0
 * where there was none.
 */
struct neighbour *neighbour_table_put(struct neighbour_table *table,
    const struct neighbour_news *news, uint64_t now_ms, struct neighbour *before);

/* The kernel knows an address no more, as it does after some minutes of
 * silence: it is not found any more, and is as it was when it comes back. */
void neighbour_table_leave(struct neighbour_table *table, unsigned link, const struct addr *addr);

/* Forget all that is on an interface. */
void neighbour_table_drop_link(struct neighbour_table *table, unsigned link);

/* Who has this address, whatever its port; of several interfaces the one seen
 * last.  NULL: nobody. */
struct neighbour *neighbour_table_find(struct neighbour_table *table, const struct addr *addr);

/* The same of all that were ever told: who had this address last, although the
 * kernel knows it no more.  NULL: nobody. */
struct neighbour *neighbour_table_last(struct neighbour_table *table, const struct addr *addr);

/* It has a connection: it is there, and stays before those that have none. */
void neighbour_table_use(struct neighbour_table *table, struct neighbour *neighbour,
    uint64_t now_ms);

/* The first entry of a MAC (after is NULL), and the next one; NULL at the end. */
struct neighbour *neighbour_table_of_mac(struct neighbour_table *table,
    const uint8_t mac[MAC_BYTES], struct neighbour *after);

size_t neighbour_table_count(const struct neighbour_table *table);

/* The entry in a place from 0 to NEIGHBOURS_MAX - 1; NULL where it is free. */
struct neighbour *neighbour_table_at(struct neighbour_table *table, size_t place);

#endif
