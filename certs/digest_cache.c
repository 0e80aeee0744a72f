/* SPDX-License-Identifier: MIT */
#include "certs/digest_cache.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { NONE = -1 }; /* the end of a chain or of the list */

/* Entries are linked by their index: into a bucket's chain, and, all of them,
 * into one list from the most to the least recently used. */
struct entry {
	struct digest_key key;
	void *value; /* owned; NULL while the entry is free */
	size_t bytes;
	int next_in_bucket; /* also links the free entries */
	int newer, older;
};

struct digest_cache {
	struct entry *entries; /* owned; only those below `begun` were ever touched */
	int *buckets;          /* owned; a power of two of them */
	size_t bucket_mask;
	size_t bytes, bytes_max;
	int count; /* of entries */
	int begun, free, newest, oldest;
	void (*drop)(void *value);
};

struct digest_cache *
digest_cache_new(size_t entries_max, size_t bytes_max, void (*drop)(void *value))
{
	struct digest_cache *cache = calloc(1, sizeof(*cache));
	size_t buckets = 1;

	if (entries_max == 0)
		entries_max = 1;
	if (entries_max > DIGEST_CACHE_ENTRIES_MAX)
		entries_max = DIGEST_CACHE_ENTRIES_MAX;
	while (buckets < entries_max)
		buckets *= 2;
	if (cache == NULL)
		return NULL;
	cache->entries = calloc(entries_max, sizeof(*cache->entries));
	cache->buckets = calloc(buckets, sizeof(*cache->buckets));
	if (cache->entries == NULL || cache->buckets == NULL) {
		digest_cache_free(cache);
		return NULL;
	}
	for (size_t i = 0; i < buckets; i++)
		cache->buckets[i] = NONE;
	cache->bucket_mask = buckets - 1;
	cache->bytes_max = bytes_max;
	cache->count = (int)entries_max;
	cache->free = NONE;
	cache->newest = NONE;
	cache->oldest = NONE;
	cache->drop = drop;
	return cache;
}

void
digest_cache_free(struct digest_cache *cache)
{
	if (cache == NULL)
		return;
	for (int i = 0; i < cache->begun; i++) {
		if (cache->entries[i].value != NULL)
			cache->drop(cache->entries[i].value);
	}
	free(cache->entries);
	free(cache->buckets);
	free(cache);
}

/* Any part of a digest is spread evenly. */
static int *
bucket_of(const struct digest_cache *cache, const struct digest_key *key)
{
	size_t part;

	memcpy(&part, key->sha256, sizeof(part));
	return &cache->buckets[(part + key->kind) & cache->bucket_mask];
}

static int
find(const struct digest_cache *cache, const struct digest_key *key)
{
	int at = *bucket_of(cache, key);

	while (at != NONE) {
		const struct entry *entry = &cache->entries[at];

		if (entry->key.kind == key->kind &&
		    memcmp(entry->key.sha256, key->sha256, sizeof(key->sha256)) == 0)
			return at;
		at = entry->next_in_bucket;
	}
	return NONE;
}

static void
unlink_from_list(struct digest_cache *cache, int at)
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
link_as_newest(struct digest_cache *cache, int at)
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
drop(struct digest_cache *cache, int at)
{
	struct entry *entry = &cache->entries[at];
	int *link = bucket_of(cache, &entry->key);

	while (*link != at)
		link = &cache->entries[*link].next_in_bucket;
	*link = entry->next_in_bucket;
	unlink_from_list(cache, at);
	cache->bytes -= entry->bytes;
	cache->drop(entry->value);
	entry->value = NULL;
	entry->next_in_bucket = cache->free;
	cache->free = at;
}

void *
digest_cache_get(struct digest_cache *cache, const struct digest_key *key)
{
	int at = find(cache, key);

	if (at == NONE)
		return NULL;
	unlink_from_list(cache, at);
	link_as_newest(cache, at);
	return cache->entries[at].value;
}

void
digest_cache_remove(struct digest_cache *cache, const struct digest_key *key)
{
	int at = find(cache, key);

	if (at != NONE)
		drop(cache, at);
}

/* An entry that is free; the cache is not full. */
static int
take_entry(struct digest_cache *cache)
{
	int at = cache->free;

	if (at == NONE)
		return cache->begun++;
	cache->free = cache->entries[at].next_in_bucket;
	return at;
}

static bool
is_full(const struct digest_cache *cache, size_t bytes)
{
	return cache->bytes_max - cache->bytes < bytes ||
	       (cache->free == NONE && cache->begun == cache->count);
}

void
digest_cache_put(struct digest_cache *cache, const struct digest_key *key, void *value,
    size_t bytes)
{
	struct entry *entry;
	int *bucket;
	int at;

	digest_cache_remove(cache, key);
	if (bytes > cache->bytes_max) {
		cache->drop(value);
		return;
	}
	while (is_full(cache, bytes))
		drop(cache, cache->oldest);
	at = take_entry(cache);
	entry = &cache->entries[at];
	bucket = bucket_of(cache, key);
	*entry =
	    (struct entry){.key = *key, .value = value, .bytes = bytes, .next_in_bucket = *bucket};
	*bucket = at;
	cache->bytes += bytes;
	link_as_newest(cache, at);
}
