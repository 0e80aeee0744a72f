/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_HELLO_H
#define INSPECT_HELLO_H

#include "base/bytes.h"
#include "base/facts.h"
#include "inspect/hello_facts.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The first bytes of a camera's connection, gathered until it is known what
 * the camera wants: a whole ClientHello from any split over segments and TLS
 * records, or some other protocol.
 *
 * The raw bytes are kept as they came: they are replayed to our own TLS side,
 * or to the server when the connection passes through.
 *
 * Source: RFC 8446 section 5.1; RFC 5246 section 6.2.1.
 */
enum {
	HELLO_MESSAGE_MAX =
	    65536, /* bytes of the ClientHello; post-quantum hellos have about 2,000 */
	/* The same hello cut into records of one byte (5 bytes of header each),
	 * and some room for what a camera sends behind it. */
	HELLO_RAW_MAX = HELLO_MESSAGE_MAX * 6 + 4096,
};

struct hello_reader {
	uint8_t *raw; /* owned; raw_used bytes as they came */
	size_t raw_used, raw_size;
	size_t record_at; /* offset in raw of the first record that was not gathered */
	uint8_t *message; /* owned; the handshake message where it spans records, else NULL */
	size_t message_used, message_size;
};

enum hello_result {
	HELLO_MORE = 0, /* nothing is known yet: read on */
	HELLO_READY,    /* facts are filled: kind says with what */
	HELLO_NO_MEMORY,
};

/* Where the next bytes go: at least 1 byte of room, or NULL (no memory, or
 * HELLO_RAW_MAX reached).  *room becomes its size. */
uint8_t *hello_room(struct hello_reader *reader, size_t *room);

/* count bytes were put there: look at what there is now. */
enum hello_result hello_add(struct hello_reader *reader, size_t count, struct hello_facts *facts);

/* The connection's first direction ended with what there is: say what it was. */
void hello_finish(const struct hello_reader *reader, struct hello_facts *facts);

/* The names that the hello which was gathered offers by ALPN, all of them, which
 * facts need not have: each with a byte of its length before it (RFC 7301 section
 * 3.1).  Inside the reader; empty where there are none. */
struct bytes hello_alpn(const struct hello_reader *reader);

/* Give the memory back; the reader may be used anew. */
void hello_clear(struct hello_reader *reader);

#endif
