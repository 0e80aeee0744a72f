/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_QUIC_KEYS_H
#define INSPECT_QUIC_KEYS_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The keys of a client's Initial packets.  They are made of the destination
 * connection id of its first packet and of numbers that everybody knows:
 * whoever sees the packet can open it.
 *
 * Source: RFC 9001 sections 5.2 to 5.4; RFC 9369 section 3.3 (version 2);
 * draft-ietf-quic-tls-29 to -32 section 5.2.
 */
enum {
	QUIC_ID_MAX = 20,
	QUIC_KEY_BYTES = 16,
	QUIC_IV_BYTES = 12,
	QUIC_TAG_BYTES = 16,
	QUIC_SAMPLE_BYTES = 16,
};

#define QUIC_V1 UINT32_C(0x00000001)
#define QUIC_V2 UINT32_C(0x6b3343cf)
#define QUIC_DRAFT_29 UINT32_C(0xff00001d)
#define QUIC_DRAFT_32 UINT32_C(0xff000020)

struct quic_keys {
	uint8_t key[QUIC_KEY_BYTES], iv[QUIC_IV_BYTES], header[QUIC_KEY_BYTES];
};

/* Versions whose Initial packets can be opened: 1, 2 and the drafts 29 to 32. */
bool quic_version_known(uint32_t version);

/* False when OpenSSL refuses. */
bool quic_keys_make(uint32_t version, struct bytes id, struct quic_keys *out);

/* The five bytes that hide a header's flags and packet number. */
bool quic_keys_mask(const struct quic_keys *keys, struct bytes sample, uint8_t mask[5]);

/* A packet as it is protected. */
struct quic_sealed {
	uint8_t flags;        /* the first byte, without its mask */
	struct bytes middle;  /* of the header: behind the flags, before the packet number */
	uint8_t number[4];    /* the packet number, without its mask */
	uint8_t number_bytes; /* 1 to 4 */
	struct bytes payload; /* and its tag */
};

/* Open it into out, which has room for the payload.  False when it is not
 * what these keys sealed. */
bool quic_keys_open(const struct quic_keys *keys, const struct quic_sealed *sealed, uint8_t *out,
    struct bytes *opened);

#endif
