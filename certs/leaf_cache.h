/* SPDX-License-Identifier: MIT */
#ifndef CERTS_LEAF_CACHE_H
#define CERTS_LEAF_CACHE_H

#include "certs/mint.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Leaves that were minted, each with its key, by (SHA-256 of the server's
 * certificate, kind).  Bounded: the least recently used goes first.  An entry is
 * not given out beyond LEAF_AGE_MAX_MS.  Its dates are not looked at: they are
 * those of the server's certificate, which is verified anew for each connection,
 * and a leaf that shows a camera an expired one has expired as well.
 */
struct leaf_cache;

enum { LEAF_AGE_MAX_MS = 24 * 3600 * 1000 };

struct leaf_cache *leaf_cache_new(size_t entries_max); /* NULL: no memory */
void leaf_cache_free(struct leaf_cache *cache);        /* accepts NULL */

/* The leaf and its key, with references of the caller's own (minted_clear); false:
 * there is none, and *out is as it was. */
bool leaf_cache_get(struct leaf_cache *cache, const uint8_t server_sha256[32], enum leaf_kind kind,
    uint64_t now_ms, struct minted *out);

/* Keep both (their reference counts go up).  Out of memory keeps nothing. */
void leaf_cache_put(struct leaf_cache *cache, const uint8_t server_sha256[32], enum leaf_kind kind,
    const struct minted *minted, uint64_t now_ms);

#endif
