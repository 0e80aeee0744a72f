/* SPDX-License-Identifier: MIT */
#ifndef PROXY_CROWDS_H
#define PROXY_CROWDS_H

#include "base/addr.h"
#include "proxy/census.h"

#include <stddef.h>
#include <stdint.h>

/*
 * How many connections of a worker's cameras wait for each server to be done
 * with their handshakes, so that one that is slow does not take the room of
 * all others.  Bounded; servers beyond its room are not counted, and so not
 * limited.
 */
struct crowds;

/* Those at one server (address and port).  Good while anybody is in it. */
struct crowd {
	uint8_t ip[16];
	uint16_t port;
	uint32_t pending;         /* all that are in it */
	uint32_t unfinished;      /* of these, with a handshake under way; the caller's to count */
	struct turn_list waiting; /* of these, for one of them to be done (proxy/turns.h) */
};

struct crowds *crowds_new(void);         /* NULL: no memory */
void crowds_free(struct crowds *crowds); /* accepts NULL */

/* One more at server.  NULL: there is no room to count it in. */
struct crowd *crowds_join(struct crowds *crowds, const struct addr *server);

/* One less, which has left waiting and unfinished before. */
void crowd_leave(struct crowd *crowd);

#endif
