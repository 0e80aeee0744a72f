/* SPDX-License-Identifier: MIT */
#ifndef PROXY_GATEWAY_STATE_H
#define PROXY_GATEWAY_STATE_H

#include "proxy/drops.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * The rules of proxy/gateway.h as the kernel has them, read by netlink alone:
 * for a role that opens no file and understands no rules.
 * Source: linux/netfilter/nf_tables.h, libmnl.
 */
struct gateway_state;

enum { GATEWAY_PRINT_BYTES = 32 };

/* Needs CAP_NET_ADMIN; NULL with err. */
struct gateway_state *gateway_state_open(struct err *err);
void gateway_state_close(struct gateway_state *state); /* accepts NULL */

/* A descriptor that is readable when any rules of this network changed, ours or
 * others'; gateway_state_drain makes it wait for the next change. */
int gateway_state_fd(const struct gateway_state *state);
void gateway_state_drain(struct gateway_state *state);

/*
 * A hash of all that the table does: its chains, its rules, the interfaces that
 * they are for, whether it sleeps; not of what it counted.  The same plan has
 * the same hash each time that it is loaded.  ERR_INPUT: there is no table.
 */
int gateway_state_print(struct gateway_state *state, uint8_t print[GATEWAY_PRINT_BYTES],
    struct err *err);

/* What its sets counted; out has room for DROPS_ROWS_MAX.  A table that is not
 * there counted nothing. */
int gateway_state_counts(struct gateway_state *state, struct drops_count *out, size_t *count,
    struct err *err);

#endif
