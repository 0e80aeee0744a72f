/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_DATAGRAM_HELLO_H
#define INSPECT_DATAGRAM_HELLO_H

#include "base/bytes.h"
#include "base/facts.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Whether a datagram in the middle of a flow begins a connection of QUIC or DTLS:
 * who was let through by the name in one hello may say another name in the next,
 * between the same ports.
 *
 * An Initial packet of QUIC begins one where the keys of its own destination id
 * open it.  Those that a client sends later are for an id of the server's
 * choice, and sealed by the keys of before (RFC 9001 section 5.2): a server
 * that would take one for a beginning could not open it.
 */
enum datagram_hello {
	DATAGRAM_HELLO_NONE = 0, /* it begins nothing */
	DATAGRAM_HELLO_SAME,     /* what the mark is of: sent again, or for a new connection */
	DATAGRAM_HELLO_OTHER,    /* another one, or a part of one, or what cannot be read of one */
	DATAGRAM_HELLO_SEALED,   /* an Initial packet that its own id does not open */
};

/* What is judged of a hello, in few bytes: 64 bits of a SHA-256.  0: of none. */
uint64_t datagram_hello_mark(const struct hello_facts *hello);

/* Whether it takes long to look at it, here or in inspect/datagram.h: as long as to
 * send on some ten others.  Of all hellos it does, and of few others. */
bool datagram_hello_is_costly(struct bytes datagram);

/* proto is what the flow was told as; mark is of its hello.  The first bytes tell
 * of most datagrams that they begin nothing. */
enum datagram_hello datagram_hello_look(struct bytes datagram, enum app_proto proto, uint64_t mark);

#endif
