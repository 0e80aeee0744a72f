/* SPDX-License-Identifier: MIT */
#ifndef CERTS_DIGEST_CACHE_H
#define CERTS_DIGEST_CACHE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Values by the SHA-256 of what they were made of.  Bounded by their number and
 * by their bytes: the least recently used goes first.
 */
struct digest_cache;

enum { DIGEST_CACHE_ENTRIES_MAX = 1 << 20 };

/* What a value is found by. */
struct digest_key {
	uint8_t sha256[32];
	uint32_t kind; /* tells apart what has the same digest */
};

/* entries_max from 1 to DIGEST_CACHE_ENTRIES_MAX (what is outside is moved to the
 * next of them).  `drop` frees a value that goes.  NULL: no memory. */
struct digest_cache *digest_cache_new(size_t entries_max, size_t bytes_max,
    void (*drop)(void *value));
void digest_cache_free(struct digest_cache *cache); /* accepts NULL */

/* The value, borrowed until the cache is changed, or NULL.  It is the most recently
 * used one then. */
void *digest_cache_get(struct digest_cache *cache, const struct digest_key *key);

/* Keep value, which is the cache's from here on and weighs that many bytes, in place
 * of what was there.  One that is heavier than bytes_max is dropped at once. */
void digest_cache_put(struct digest_cache *cache, const struct digest_key *key, void *value,
    size_t bytes);

void digest_cache_remove(struct digest_cache *cache, const struct digest_key *key);

#endif
