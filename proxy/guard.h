/* SPDX-License-Identifier: MIT */
#ifndef PROXY_GUARD_H
#define PROXY_GUARD_H

#include "base/facts.h"

#include <stdbool.h>

struct config;
struct own_addrs;

/*
 * The destinations that no rule may open: the appliance itself, loopback,
 * link-local, metadata services, multicast and the like, and private blocks
 * unless the configuration names them; in every written form (geo/ranges.h).
 * They are refused before a packet is sent.
 *
 * Returns whether dst is refused; then verdict says so, with ruleset
 * "appliance".  own may be NULL: not known.
 */
bool guard_refuses(const struct config *config, const struct own_addrs *own, const struct addr *dst,
    struct verdict *verdict);

/* A verdict of the appliance's own: a block under "appliance" with this rule. */
void guard_block(struct verdict *verdict, enum verdict_stage stage, const char *rule,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif
