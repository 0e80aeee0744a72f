/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_RECORD_WRITER_H
#define TESTS_SUPPORT_RECORD_WRITER_H

#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Writes records of TLS 1.2 (ECDHE, AES-128-GCM, SHA-256) that no library would:
 * goes on where an SSL stands, a client's or a server's, which then sends nothing more
 * itself.
 * Source: RFC 5246 sections 5, 6.2 and 6.3, RFC 5288 section 3.
 */
#define RECORD_WRITER_CIPHER "ECDHE-ECDSA-AES128-GCM-SHA256"

struct record_writer {
	uint8_t key[16], salt[4];
	uint64_t number; /* of the next record */
};

enum { RECORD_WRITER_ROOM = 256, RECORD_WRITER_MAX = 5 + 8 + RECORD_WRITER_ROOM + 16 };

/* ssl's handshake is done, and it has sent so many records of payload.  1, or 0 where
 * it speaks something else. */
int record_writer_open(struct record_writer *writer, SSL *ssl, uint64_t sent);

/* One record of that type; returns its length.  count is at most RECORD_WRITER_ROOM. */
size_t record_writer_make(struct record_writer *writer, uint8_t type, const void *bytes,
    size_t count, uint8_t out[RECORD_WRITER_MAX]);

#endif
