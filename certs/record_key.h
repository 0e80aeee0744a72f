/* SPDX-License-Identifier: MIT */
#ifndef CERTS_RECORD_KEY_H
#define CERTS_RECORD_KEY_H

#include "base/bytes.h"

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The protection of records in one direction, when the handshake is done: what one
 * secret of application data seals or opens, record for record.  Of TLS 1.3
 * (RFC 8446 section 5.2 to 5.5), and of TLS 1.2 where one key does all (RFC 5246
 * section 6.2.3.3; RFC 5288 section 3, RFC 7905 section 2).  Knows the bytes of one
 * record and no connection.
 *
 * The keys of TLS 1.3 are derived by certs/key_schedule.h, which has to be open.
 */
enum record_suite {
	RECORD_AES_128_GCM = 0,
	RECORD_AES_256_GCM,
	RECORD_CHACHA20_POLY1305,
	RECORD_TLS12_AES_128_GCM,
	RECORD_TLS12_AES_256_GCM,
	RECORD_TLS12_CHACHA20_POLY1305,
};

/* The inner types (RFC 8446 section 5.1); TLS 1.2 has them in the header. */
enum record_type {
	RECORD_ALERT = 21,
	RECORD_HANDSHAKE = 22,
	RECORD_DATA = 23,
};

/* What a peer is told that breaks the protocol (RFC 8446 section 6.2). */
enum record_alert {
	RECORD_GOOD = 0, /* nothing: the number is close_notify's, which is no error */
	RECORD_UNEXPECTED = 10,
	RECORD_BAD_MAC = 20,
	RECORD_OVERFLOW = 22,
	RECORD_ILLEGAL = 47,
	RECORD_UNDECODABLE = 50,
	RECORD_VERSION = 70,
	RECORD_INTERNAL = 80,
};

enum {
	RECORD_HEADER_BYTES = 5,
	RECORD_TAG_BYTES = 16,
	RECORD_PAYLOAD_MAX = 16 << 10,
	RECORD_INNER_MAX = RECORD_PAYLOAD_MAX + 256 - RECORD_TAG_BYTES, /* type and padding too */
	RECORD_BYTES_MAX = RECORD_HEADER_BYTES + RECORD_INNER_MAX + RECORD_TAG_BYTES,
	/* What a record of TLS 1.3 is longer than the payload that is sealed in it. */
	RECORD_SEAL_BYTES = RECORD_HEADER_BYTES + 1 + RECORD_TAG_BYTES,
	RECORD_NONCE_BYTES = 8, /* that TLS 1.2 sends along, with AES */
	/* The most that record_seal_bytes returns. */
	RECORD_SEAL_MAX = RECORD_HEADER_BYTES + RECORD_NONCE_BYTES + RECORD_TAG_BYTES,
	RECORD_SECRET_MAX = 48,
	RECORD_IV_BYTES = 12,
	/* AES-GCM is good for 2^24.5 full records under one key (section 5.5). */
	RECORD_KEY_RECORDS_MAX = 1 << 24,
};

struct record_key {
	enum record_suite suite;
	bool seals;                        /* it is the direction that we send in */
	uint64_t sequence;                 /* of the next record */
	uint8_t secret[RECORD_SECRET_MAX]; /* of TLS 1.2: key and iv (RFC 5246 section 6.3) */
	uint8_t iv[RECORD_IV_BYTES];       /* while there is a ctx */
	EVP_CIPHER_CTX *ctx;               /* owned; NULL while it rests */
};

/* The suite of this number (RFC 8446 section B.4, RFC 5288, RFC 5289, RFC 7905);
 * false: none of these. */
bool record_suite_find(uint16_t number, enum record_suite *out);
bool record_suite_is_tls12(enum record_suite suite);

/* The length of a secret of its digest; of TLS 1.2, of its key and iv. */
size_t record_secret_size(enum record_suite suite);

/* Of TLS 1.2: how much of the secret is the key; behind it stands the iv. */
size_t record_key_size(enum record_suite suite);

/* What a record is longer than the payload that is sealed in it, and what of that
 * stands before the payload. */
size_t record_seal_bytes(enum record_suite suite);
size_t record_lead_bytes(enum record_suite suite);

/*
 * Put a record of payload (RECORD_PAYLOAD_MAX at most) into out, which has room for
 * record_seal_bytes more than that and does not overlap it.  False: no memory; the
 * key must not be used again.
 */
bool record_key_seal(struct record_key *key, enum record_type type, struct bytes payload,
    uint8_t *out);

/*
 * The length, header included, of the record that begins with in; *size 0 where
 * not all of its header is there.  Returns RECORD_GOOD, or what is wrong with the
 * header.
 */
enum record_alert record_size(enum record_suite suite, struct bytes in, size_t *size);

struct opened {
	uint8_t type; /* as the peer says: any but 0 */
	size_t size;  /* of what was in it, without padding */
};

/*
 * Open one whole record, as record_size has measured it, into `to`: room for
 * record.left - record_seal_bytes (0 where that is less), which either does
 * not overlap the record or is its own from record_lead_bytes on.  Returns
 * RECORD_GOOD, or what is wrong with the record: then `to` holds nothing that may
 * be used, nor is the key to be.
 */
enum record_alert record_key_open(struct record_key *key, struct bytes record, uint8_t *to,
    struct opened *out);

/* The key update of TLS 1.3 (RFC 8446 section 7.2): the next secret, from its first record on.
 * False: as for record_key_seal. */
bool record_key_renew(struct record_key *key);

/* For now nothing is sealed or opened: 0.9 KB are given back, which the next
 * record makes anew. */
void record_key_rest(struct record_key *key);

/* Leaves nothing of the secret. */
void record_key_clear(struct record_key *key);

#endif
