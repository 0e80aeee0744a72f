/* SPDX-License-Identifier: MIT */
#ifndef PROXY_LEG_PRIVATE_H
#define PROXY_LEG_PRIVATE_H

/* For what a leg is made of only: leg, records, splice, takeover. */

#include "proxy/leg.h"

#include <stddef.h>
#include <stdint.h>

enum { LEG_WRITE_MAX = 16 << 10 /* one TLS record, RFC 8446 section 5.1 */ };

/* Records that one read takes: of one byte each more would hold up the worker. */
enum { LEG_RECORDS_A_READ = 256 };

/* What a call that was to receive was told: this error, or that no more comes. */
void leg_note_reset(struct leg *leg, int error);
void leg_note_fin(struct leg *leg);

/* Where count bytes may be put behind what waits; whoever has put them there adds
 * them to leg->out_end.  NULL: there is no room. */
uint8_t *leg_room(struct leg *leg, size_t count);

/* Put bytes behind what waits, all or nothing. */
bool leg_queue(struct leg *leg, const void *from, size_t count);

/* What a leg's SSL tells of its messages (SSL_CTX_set_msg_callback(3)); arg is the leg. */
/* NOLINTNEXTLINE(readability-function-size): the parameters are OpenSSL's */
void leg_hear_message(int write, int version, int type, const void *bytes, size_t size, SSL *ssl,
    void *arg);

/* How many bytes to ask the kernel for, where there is room for `room` and `have`
 * of a record were read before. */
size_t leg_whole_records(const struct leg *leg, size_t have, size_t room);

/* Whether the peer sent more messages than a handshake and the payload of both
 * directions explain; of a leg that speaks TLS. */
bool leg_is_flooded(const struct leg *leg);

/* Accepts a leg that has none.  Says nothing to the peer, and leaves the session to
 * whoever keeps it. */
void leg_free_ssl(struct leg *leg);

#endif
