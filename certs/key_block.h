/* SPDX-License-Identifier: MIT */
#ifndef CERTS_KEY_BLOCK_H
#define CERTS_KEY_BLOCK_H

#include "certs/record_key.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

/* What a handshake of TLS 1.2 leaves to protect records by (RFC 5246 section 6.3). */
struct key_block {
	char digest[16]; /* of the suite's PRF, as OpenSSL names it */
	uint8_t master[SSL_MAX_MASTER_KEY_LENGTH];
	uint8_t client_random[SSL3_RANDOM_SIZE], server_random[SSL3_RANDOM_SIZE];
};

/*
 * The secrets of what the client and the server send, as struct record_key has
 * them: record_secret_size bytes each.  The block is only read.  suite is one of TLS 1.2.  False:
 * no such digest, or no memory.
 */
bool key_block_split(struct key_block *block, enum record_suite suite, uint8_t *client,
    uint8_t *server);

#endif
