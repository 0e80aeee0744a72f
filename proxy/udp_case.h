/* SPDX-License-Identifier: MIT */
#ifndef PROXY_UDP_CASE_H
#define PROXY_UDP_CASE_H

#include "base/facts.h"

#include <stdbool.h>
#include <stddef.h>

struct err;
struct udp_case;
struct udp_cases;

/*
 * What was found of a flow and how it was judged, kept once for all flows of
 * which it is the same: a camera that asks the same servers the same way from
 * a thousand ports is one case.
 *
 * A case is the facts as an event has them (record/event.h), without what tells
 * one flow from another: its number, times, the camera's port, what was
 * counted, its first bytes and how it ended.  Some 600 bytes.
 */
enum { UDP_CASES_BYTES_MAX = 24 << 20 }; /* of one worker, for all cases together */

struct udp_cases *udp_cases_new(struct err *err); /* NULL: no memory, or no random key */
void udp_cases_free(struct udp_cases *cases);     /* accepts NULL; all were given back */

/* The case that has these facts, with a reference; NULL: no memory, or there are
 * UDP_CASES_BYTES_MAX. */
struct udp_case *udp_case_take(struct udp_cases *cases, const struct facts *facts);
void udp_case_give(struct udp_cases *cases, struct udp_case *one); /* accepts NULL */

/* The facts again; what tells one flow from another, and what no event has, is 0. */
void udp_case_read(const struct udp_case *one, struct facts *facts);

bool udp_case_is_blocked(const struct udp_case *one);
enum how udp_case_how(const struct udp_case *one);

/* Whether the next one may find no room. */
bool udp_cases_are_full(const struct udp_cases *cases);

size_t udp_cases_count(const struct udp_cases *cases);

#endif
