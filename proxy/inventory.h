/* SPDX-License-Identifier: MIT */
#ifndef PROXY_INVENTORY_H
#define PROXY_INVENTORY_H

#include "base/addr.h"
#include "base/mac.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

struct config;
struct devices;
struct err;
struct facts;
struct spool;

/*
 * The cameras on the cameras' interfaces, as a worker knows them: who is at an
 * address (proxy/neighbours.h), and, in the one worker that tells, the events
 * about it (proxy/sightings.h).
 */
struct inventory;

/*
 * spool: where to tell what is seen; NULL in the workers that do not.  The
 * makers of network cards are read where Debian has them (config/oui.h), and
 * are unknown where not.  Call it before the sandbox.  Where the configuration
 * names no interface nobody is known.
 */
struct inventory *inventory_open(struct event_base *base, const struct config *config,
    struct spool *spool, struct err *err);
void inventory_close(struct inventory *inventory); /* accepts NULL */

/* Who has just connected; see neighbours_find.  inventory may be NULL. */
void inventory_find(struct inventory *inventory, const struct addr *camera, uint8_t mac[MAC_BYTES],
    const char **iface);

/* Whether no more can be known of who is there: the card at this address is known,
 * or there is no interface to look at.  inventory may be NULL. */
bool inventory_knows(struct inventory *inventory, const struct addr *camera);

/* Have news called, from the event loop or from within these functions, when a
 * card was seen at an address.  NULL: no more.  inventory may be NULL. */
typedef void inventory_news(void *arg, const struct addr *camera);
void inventory_watch(struct inventory *inventory, inventory_news *news, void *arg);

/* Fill in facts who facts->camera is, by this configuration's devices: mac, iface,
 * device and group. */
void inventory_name(struct inventory *inventory, const struct config *config, struct facts *facts);

/* Tell what is due; call it some times a second.  devices are those of the
 * configuration with this generation. */
void inventory_turn(struct inventory *inventory, const struct devices *devices, uint64_t generation,
    uint64_t now_ms);

#endif
