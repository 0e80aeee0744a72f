/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_HASH_H
#define INSPECT_HASH_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Hashes of a few bytes, as prints and keys of hellos are made of.  OpenSSL is
 * asked for each algorithm once a process, and not at each hash: to find one takes
 * longer than to hash so few bytes.  For one thread, like all of inspect/.
 *
 * Source: EVP_DigestInit(3), RFC 2104 (HMAC), crypto(7) on fetching.
 */
enum { HASH_SHA256_BYTES = 32, HASH_MD5_BYTES = 16, HASH_HMAC_KEY_MAX = 64 };

/* False when OpenSSL refuses, as it does MD5 where it was built so. */
bool hash_sha256(struct bytes in, uint8_t out[HASH_SHA256_BYTES]);
bool hash_md5(struct bytes in, uint8_t out[HASH_MD5_BYTES]);

/* HMAC with SHA-256; key has HASH_HMAC_KEY_MAX bytes at most, or it is refused. */
bool hash_hmac(struct bytes key, struct bytes in, uint8_t out[HASH_SHA256_BYTES]);

#endif
