/* SPDX-License-Identifier: MIT */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/*
 * A hash for tables whose keys somebody else chooses: who does not know the key
 * cannot find values that collide.
 *
 * Source: SipHash-2-4, https://www.aumasson.jp/siphash/siphash.pdf.
 */
struct siphash_key {
	uint64_t k0, k1; /* random, of this process */
};

uint64_t siphash(const struct siphash_key *key, const void *data, size_t size);

#endif
