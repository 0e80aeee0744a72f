/* SPDX-License-Identifier: MIT */
#include "certs/leaf_cache.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	KEY_BYTES = 32,
	NONE = -1, /* the end of a chain or of the list */
	ENTRIES_LIMIT = 1 << 20,
};

/* Entries are linked by their index: into a bucket's chain, and, all of them,
 * into one list from the most to the least recently used. */
struct entry {
	uint8_t server[KEY_BYTES];
	enum leaf_kind kind;
	X509 *leaf;         /* owned; NULL while the entry is free */
	uint64_t gone_ms;   /* by the caller's clock */
	int next_in_bucket; /* also links the free entries */
	int newer, older;
};

struct leaf_cache {
	struct entry *entries; /* owned */
	int *buckets;          /* owned; a power of two of them */
	size_t bucket_mask;
	int count; /* of entries */
	int free, newest, oldest;
};

struct leaf_cache *
leaf_cache_new(size_t entries_max)
{
	struct leaf_cache *cache = calloc(1, sizeof(*cache));
	size_t buckets = 1;

	if (entries_max == 0)
		entries_max = 1;
	if (entries_max > ENTRIES_LIMIT)
		entries_max = ENTRIES_LIMIT;
	while (buckets < entries_max)
		buckets *= 2;
	if (cache == NULL)
		return NULL;
	cache->entries = calloc(entries_max, sizeof(*cache->entries));
	cache->buckets = calloc(buckets, sizeof(*cache->buckets));
	if (cache->entries == NULL || cache->buckets == NULL) {
		leaf_cache_free(cache);
		return NULL;
	}
	cache->count = (int)entries_max;
	cache->bucket_mask = buckets - 1;
	for (size_t i = 0; i < buckets; i++)
		cache->buckets[i] = NONE;
	for (int i = 0; i < cache->count; i++)
		cache->entries[i].next_in_bucket = i + 1 < cache->count ? i + 1 : NONE;
	cache->newest = NONE;
	cache->oldest = NONE;
	return cache;
}

void
leaf_cache_free(struct leaf_cache *cache)
{
	if (cache == NULL)
		return;
	for (int i = 0; i < cache->count; i++)
		X509_free(cache->entries[i].leaf);
	free(cache->entries);
	free(cache->buckets);
	free(cache);
}

/* The key is a digest: any part of it is spread evenly. */
static int *
bucket_of(const struct leaf_cache *cache, const uint8_t server[KEY_BYTES], enum leaf_kind kind)
{
	size_t part;

	memcpy(&part, server, sizeof(part));
	return &cache->buckets[(part + (size_t)kind) & cache->bucket_mask];
}

static int
find(const struct leaf_cache *cache, const uint8_t server[KEY_BYTES], enum leaf_kind kind)
{
	int at = *bucket_of(cache, server, kind);

	while (at != NONE) {
		const struct entry *entry = &cache->entries[at];

		if (entry->kind == kind && memcmp(entry->server, server, KEY_BYTES) == 0)
			return at;
		at = entry->next_in_bucket;
	}
	return NONE;
}

static void
unlink_from_list(struct leaf_cache *cache, int at)
{
	struct entry *entry = &cache->entries[at];

	if (entry->newer == NONE)
		cache->newest = entry->older;
	else
		cache->entries[entry->newer].older = entry->older;
	if (entry->older == NONE)
		cache->oldest = entry->newer;
	else
		cache->entries[entry->older].newer = entry->newer;
}

static void
link_as_newest(struct leaf_cache *cache, int at)
{
	struct entry *entry = &cache->entries[at];

	entry->newer = NONE;
	entry->older = cache->newest;
	if (cache->newest == NONE)
		cache->oldest = at;
	else
		cache->entries[cache->newest].newer = at;
	cache->newest = at;
}

static void
drop(struct leaf_cache *cache, int at)
{
	struct entry *entry = &cache->entries[at];
	int *link = bucket_of(cache, entry->server, entry->kind);

	while (*link != at)
		link = &cache->entries[*link].next_in_bucket;
	*link = entry->next_in_bucket;
	unlink_from_list(cache, at);
	X509_free(entry->leaf);
	entry->leaf = NULL;
	entry->next_in_bucket = cache->free;
	cache->free = at;
}

static bool
is_over(const struct entry *entry, uint64_t now_ms)
{
	return now_ms >= entry->gone_ms;
}

X509 *
leaf_cache_get(struct leaf_cache *cache, const uint8_t server_sha256[32], enum leaf_kind kind,
    uint64_t now_ms)
{
	int at = find(cache, server_sha256, kind);
	X509 *leaf;

	if (at == NONE)
		return NULL;
	if (is_over(&cache->entries[at], now_ms)) {
		drop(cache, at);
		return NULL;
	}
	unlink_from_list(cache, at);
	link_as_newest(cache, at);
	leaf = cache->entries[at].leaf;
	(void)X509_up_ref(leaf);
	return leaf;
}

void
leaf_cache_put(struct leaf_cache *cache, const uint8_t server_sha256[32], enum leaf_kind kind,
    X509 *leaf, uint64_t now_ms)
{
	int at = find(cache, server_sha256, kind);
	struct entry *entry;
	int *bucket;

	/* The new leaf may be the very one that is held: count it up first. */
	(void)X509_up_ref(leaf);
	if (at != NONE)
		drop(cache, at);
	if (cache->free == NONE)
		drop(cache, cache->oldest);
	at = cache->free;
	entry = &cache->entries[at];
	cache->free = entry->next_in_bucket;
	bucket = bucket_of(cache, server_sha256, kind);
	memcpy(entry->server, server_sha256, KEY_BYTES);
	entry->kind = kind;
	entry->leaf = leaf;
	entry->gone_ms = now_ms + LEAF_AGE_MAX_MS;
	entry->next_in_bucket = *bucket;
	*bucket = at;
	link_as_newest(cache, at);
}
