/* SPDX-License-Identifier: MIT */
#ifndef PROXY_LEG_PRIVATE_H
#define PROXY_LEG_PRIVATE_H

/* For what a leg is made of only: leg, records, takeover. */

#include "proxy/leg.h"

#include <stddef.h>
#include <stdint.h>

/* Records that one read takes: of one byte each more would hold up the worker. */
enum { LEG_RECORDS_A_READ = 256 };

/* Where count bytes may be put behind what waits; whoever has put them there adds
 * them to leg->out_end.  NULL: there is no room. */
uint8_t *leg_room(struct leg *leg, size_t count);

/* How many bytes to ask the kernel for, where there is room for `room` and `have`
 * of a record were read before. */
size_t leg_whole_records(const struct leg *leg, size_t have, size_t room);

/* Whether the peer sent more messages than a handshake and its payload explain. */
bool leg_is_flooded(const struct leg *leg);

/* Accepts a leg that has none.  Says nothing to the peer, and leaves the session to
 * whoever keeps it. */
void leg_free_ssl(struct leg *leg);

#endif
