/* SPDX-License-Identifier: MIT */
#ifndef PROXY_GATEWAY_H
#define PROXY_GATEWAY_H

#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct text;

/*
 * The rules of nftables (table `inet borderlens`) that bring the cameras'
 * connections to the listener and let nothing else of theirs pass.
 *
 * They fail closed: each packet of a camera's interface is given to the
 * listener or dropped; where nobody listens it is dropped too.  They stay when
 * the appliance ends, so that a stopped appliance passes nothing, and are
 * replaced in one transaction when it starts anew.
 * Source: nft(8), libnftables(3), Linux Documentation/networking/tproxy.rst.
 */

/* The whole transaction for config, as nft -f reads it; ERR_INPUT when an
 * interface's name is none, ERR_LIMIT when it does not fit. */
int gateway_rules(const struct config *config, struct text *out, struct err *err);

enum { GATEWAY_RULES_MAX = 8192 }; /* bytes that gateway_rules needs at most */

/*
 * Claim the rules of this network namespace for as long as the descriptor that
 * is returned (close-on-exec, the caller's to close) is open: the table has one
 * name, and a second appliance would take it from the first.  -1: it is claimed.
 */
int gateway_claim(struct err *err);

/* Load rules and routes of config in place of what is there.  Needs
 * CAP_NET_ADMIN. */
int gateway_set(const struct config *config, struct err *err);

/* Take rules and routes away; cameras are then routed as the host routes.
 * *was_there says whether there were rules. */
int gateway_remove(bool *was_there, struct err *err);

/* What the rules counted since they were loaded. */
struct gateway_counter {
	char name[32];
	uint64_t packets, bytes;
};

enum { GATEWAY_COUNTERS_MAX = 16 };

/* Read them; *count becomes how many, at most GATEWAY_COUNTERS_MAX.  Fails where
 * there are no rules.  Needs CAP_NET_ADMIN. */
int gateway_counters(struct gateway_counter *out, size_t *count, struct err *err);

/* What a counter counts, for people; "" for one that is not ours. */
const char *gateway_counter_help(const char *name);

#endif
