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
 * connections and datagrams to the workers' sockets and let nothing else of
 * theirs pass.
 *
 * They fail closed: each packet of a camera's interface is given to one of the
 * sockets or dropped; where nobody listens it is dropped too.  They stay when
 * the appliance ends, so that a stopped appliance passes nothing, and are
 * replaced in one transaction when it starts anew.
 * Source: nft(8), libnftables(3), Linux Documentation/networking/tproxy.rst.
 */

/* What the rules are made of; a value. */
struct gateway_plan {
	char cameras[CONFIG_INTERFACES_MAX][16]; /* interfaces' names */
	size_t cameras_count;
	enum gateway_mode mode;
	uint16_t listen_port;
	/* Where each worker takes datagrams (intake_open_udp), in their order; with
	 * count 0, and with REDIRECT, which loses where they went, they are dropped. */
	uint16_t udp_ports[CONFIG_WORKERS_MAX];
	size_t udp_count;
};

/* What config says of them; no datagrams. */
void gateway_plan_of(const struct config *config, struct gateway_plan *plan);

/* The whole transaction for plan, as nft -f reads it; ERR_INPUT when an
 * interface's name is none, ERR_LIMIT when it does not fit. */
int gateway_rules(const struct gateway_plan *plan, struct text *out, struct err *err);

enum { GATEWAY_RULES_MAX = 40960 }; /* bytes that gateway_rules needs at most */

/*
 * Claim the rules of this network namespace for as long as the descriptor that
 * is returned (close-on-exec, the caller's to close) is open: the table has one
 * name, and a second appliance would take it from the first.  -1: it is claimed.
 */
int gateway_claim(struct err *err);

/* Of the sets `unseen4` and `unseen6`, in which the rules count what they drop
 * by camera and kind: the most rows, and how long one stays after its last
 * packet. */
enum { GATEWAY_UNSEEN_MAX = 4096, GATEWAY_UNSEEN_MINUTES = 10 };

/* Load rules and routes of plan in place of what is there.  Needs
 * CAP_NET_ADMIN. */
int gateway_set(const struct gateway_plan *plan, struct err *err);

/* Take rules and routes away; cameras are then routed as the host routes.
 * *was_there says whether there were rules. */
int gateway_remove(bool *was_there, struct err *err);

/* What the rules counted since they were loaded. */
struct gateway_counter {
	char name[32];
	uint64_t packets, bytes;
};

enum { GATEWAY_COUNTERS_MAX = 32 };

/* Read them; *count becomes how many, at most GATEWAY_COUNTERS_MAX.  Fails where
 * there are no rules.  Needs CAP_NET_ADMIN. */
int gateway_counters(struct gateway_counter *out, size_t *count, struct err *err);

/* What a counter counts, for people; "" for one that is not ours. */
const char *gateway_counter_help(const char *name);

#endif
