/* SPDX-License-Identifier: MIT */
#ifndef PROXY_NEIGHBOURS_H
#define PROXY_NEIGHBOURS_H

#include "base/addr.h"
#include "base/mac.h"
#include "proxy/neighbour_table.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * The kernel's neighbours (ARP, NDP) on the cameras' interfaces, kept up to
 * date by its netlink messages: which card is at an address, and on which
 * interface.  A camera is there as soon as it says anything to the appliance,
 * before it has connected to anything.
 * Source: rtnetlink(7), RTNLGRP_NEIGH and RTNLGRP_LINK; linux/neighbour.h.
 */
struct neighbours;

/* Interface names; at least one. */
struct neighbour_links {
	const char (*name)[16];
	size_t count;
};

/*
 * Called for each change but an entry that went: before is what stood there
 * (its MAC is all 0 where nothing did), now the table's own.
 */
typedef void neighbours_changed(void *arg, const struct neighbour *before, struct neighbour *now);

/*
 * Opens the sockets and reads the table; call it before the sandbox.  changed
 * may be NULL; it is called for what is read here too.
 */
struct neighbours *neighbours_open(struct event_base *base, const struct neighbour_links *links,
    neighbours_changed *changed, void *arg, struct err *err);
void neighbours_close(struct neighbours *neighbours); /* accepts NULL */

/*
 * Who has just connected from this address: its MAC (all 0: behind a router)
 * and its interface ("" unknown; borrowed).  What the table does not have yet
 * is asked of the kernel, which answers at once.  Whom the kernel has forgotten
 * (it keeps no more than some hundred that are silent) is who was there last.
 */
void neighbours_find(struct neighbours *neighbours, const struct addr *camera,
    uint8_t mac[MAC_BYTES], const char **iface);

struct neighbour_table *neighbours_table(struct neighbours *neighbours);
const char (*neighbours_link_names(const struct neighbours *neighbours))[16];

/* ---- a message of the kernel's; pure ---- */

enum neighbour_message {
	NEIGHBOUR_OTHER = 0, /* nothing that we look at, or not whole */
	NEIGHBOUR_IS,        /* addr has mac */
	NEIGHBOUR_GONE,      /* addr is nobody's any more */
	NEIGHBOUR_LINK,      /* name has this index */
	NEIGHBOUR_LINK_GONE, /* no interface has this index any more */
};

struct neighbour_told {
	enum neighbour_message what;
	uint32_t ifindex;
	struct addr addr;
	uint8_t mac[MAC_BYTES];
	bool reachable;
	char name[16];
};

/* What one netlink message (struct nlmsghdr and what follows, size bytes) says. */
void neighbours_read(const void *message, size_t size, struct neighbour_told *out);

#endif
