/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_QUIC_MAKER_H
#define TESTS_SUPPORT_QUIC_MAKER_H

#include "tests/support/hello_maker.h"

/*
 * A client's Initial packets, sealed as RFC 9001 section 5 and RFC 9369 say,
 * by nothing that the reader uses.  All abort the test on failure; what they
 * return is the caller's to made_free.
 */
struct quic_initial {
	uint32_t version;
	const void *id; /* the destination's */
	size_t id_size;
	const void *key_id; /* whose keys seal it; NULL: id */
	size_t key_id_size;
	const void *token;
	size_t token_size;
	uint32_t number;
	size_t size; /* of the packet, filled up with PADDING; 0: as it comes */
};

/* Add a CRYPTO frame with a part of a message. */
void quic_add_crypto(struct made *frames, size_t offset, const void *bytes, size_t count);

/* The packet with these frames. */
struct made quic_seal(const struct quic_initial *initial, const struct made *frames);

#endif
