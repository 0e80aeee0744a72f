/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_QUIC_H
#define INSPECT_QUIC_H

#include "base/bytes.h"
#include "inspect/pieces.h"
#include "inspect/quic_keys.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * A camera's ClientHello out of its QUIC Initial packets: over several frames,
 * packets and datagrams, in any order, before or behind packets of other kinds,
 * and with new keys after a Retry.
 *
 * Source: RFC 8999 section 5.1 (what all versions have in common); RFC 9000
 * sections 12.2, 16, 17.2 and 19; RFC 9001 section 4.1.3; RFC 9369 section 3.2.
 */
enum {
	QUIC_HELLO_MAX = 16384,
	QUIC_TRIES_MAX = 10, /* decryptions that a flow may cost */
};

/* All zero at first. */
struct quic_reader {
	uint32_t version; /* as on the wire, of the packet seen last */
	uint8_t tries;
	bool has_keys; /* they opened a packet */
	struct quic_keys keys;
	struct pieces crypto;
};

enum quic_result {
	QUIC_NOT = 0, /* nothing in the datagram says that it is QUIC */
	QUIC_OTHER,   /* QUIC of a version whose packets are not known here */
	QUIC_MORE,    /* QUIC; the hello is not whole yet */
	QUIC_HELLO,   /* *hello is the ClientHello's body, inside the reader */
	QUIC_BROKEN,  /* what no client sends, or too much of it */
};

/* Take in a datagram of the camera's. */
enum quic_result quic_add(struct quic_reader *reader, struct bytes datagram, struct bytes *hello);

/* Whether quic_add may have to open a packet of it: the first is an Initial one, or
 * others stand behind it. */
bool quic_is_costly(struct bytes datagram);

/* Give the memory back; the reader may be used anew. */
void quic_clear(struct quic_reader *reader);

#endif
