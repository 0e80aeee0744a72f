/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_DTLS_H
#define INSPECT_DTLS_H

#include "base/bytes.h"
#include "inspect/pieces.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * A camera's ClientHello out of its DTLS records: over fragments, records and
 * datagrams.  The first one is read; where the server wants a cookie, the one
 * with it says the same again.
 *
 * Source: RFC 6347 sections 4.1 and 4.2; RFC 9147 sections 4 and 5.2, whose
 * first hello goes in records of the older form.
 */
enum { DTLS_HELLO_MAX = 16384 };

/* All zero at first. */
struct dtls_reader {
	uint16_t version;  /* of the record seen last, as on the wire */
	bool begun;        /* a piece of the hello was seen */
	uint16_t sequence; /* of the message that is put together */
	uint32_t length;
	struct pieces pieces;
};

enum dtls_result {
	DTLS_NOT = 0, /* no datagram of DTLS */
	DTLS_OTHER,   /* DTLS in its middle: no hello is to be expected */
	DTLS_MORE,    /* the hello is not whole yet */
	DTLS_HELLO,   /* *hello is the ClientHello's body, inside the reader */
	DTLS_BROKEN,  /* what no client sends, or too much of it */
};

/* Take in a datagram of the camera's. */
enum dtls_result dtls_add(struct dtls_reader *reader, struct bytes datagram, struct bytes *hello);

/* Whether a datagram has a piece of a ClientHello in the clear, wherever in it. */
bool dtls_has_hello(struct bytes datagram);

/* Give the memory back; the reader may be used anew. */
void dtls_clear(struct dtls_reader *reader);

#endif
