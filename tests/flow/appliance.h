/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FLOW_APPLIANCE_H
#define TESTS_FLOW_APPLIANCE_H

#include <stdint.h>

struct addr;
struct flow;
struct snapshot;

/*
 * The appliance's part of a story: a worker put together as worker.c does, with
 * its configuration, rules, geo data, spool and listener, and the signer, which
 * answers from the worker's own loop.  Fills flow's fields of these, by its
 * setup and dst; appliance_close gives them back.
 */
void appliance_open(struct flow *flow);
void appliance_close(struct flow *flow);

/*
 * The files of the appliance, with these rules in place of its own, and what is
 * read of them as the supervisor and a worker do; the caller's to
 * snapshot_unref.
 */
void appliance_write(const struct flow *flow, const char *rule_set);
struct snapshot *appliance_read(const struct flow *flow, uint64_t generation);

/* A listening socket, on an address that need not be the box's. */
int appliance_listen(const struct addr *addr);

#endif
