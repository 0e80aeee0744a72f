/* SPDX-License-Identifier: MIT */
#ifndef CERTS_CHAIN_CACHE_H
#define CERTS_CHAIN_CACHE_H

#include "base/facts.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Chains that led to a trusted root a moment ago, so that the next connection
 * to the same server need not check the same signatures again: that is most of
 * what a verified handshake costs.
 *
 * An entry stands for the exact bytes of all certificates sent, in their order,
 * under one trust store (a cache belongs to one).  Only chains without any
 * error are kept, until CHAIN_AGE_MAX_S or until the first of their
 * certificates expires.  Names are never part of it.
 */
struct chain_cache;

enum {
	CHAIN_DIGEST_BYTES = 32,
	/* A root taken out of a store that is still in use, or a file swapped
	 * under us, is noticed after this long at the latest. */
	CHAIN_AGE_MAX_S = 300,
};

/* What is kept of a verified chain. */
struct chain {
	uint8_t sha256[CHAIN_DIGEST_BYTES]; /* over the digests of all certificates sent */
	int64_t from, to;                   /* while all of its certificates are valid, seconds */
	struct server_facts leaf;           /* as certificate_describe fills it */
	bool needs_staple;                  /* its leaf says so */
	uint32_t key_usage;                 /* what its leaf's key may do, KU_* of OpenSSL */
	/* A staple that was found good, by its digest, and up to when it is. */
	uint8_t staple_sha256[32];
	int64_t staple_to;
};

struct chain_cache *chain_cache_new(void); /* NULL: no memory */
void chain_cache_free(struct chain_cache *cache);

/* The chain with this digest if it is good at now_s (the wall clock); NULL
 * otherwise.  Borrowed until the next chain_cache_put. */
const struct chain *chain_cache_get(const struct chain_cache *cache,
    const uint8_t sha256[CHAIN_DIGEST_BYTES], int64_t now_s);

/* Add to a chain that is kept what was stapled to it; nothing where it is not. */
void chain_cache_staple(struct chain_cache *cache, const uint8_t sha256[CHAIN_DIGEST_BYTES],
    const uint8_t staple_sha256[32], int64_t staple_to);

/* Keep a copy of a chain that was verified at now_s. */
void chain_cache_put(struct chain_cache *cache, const struct chain *chain, int64_t now_s);

#endif
