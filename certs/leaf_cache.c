/* SPDX-License-Identifier: MIT */
#include "certs/leaf_cache.h"

#include "certs/digest_cache.h"

#include <stdlib.h>
#include <string.h>

/* What is kept. */
struct kept {
	struct minted minted;
	uint64_t gone_ms; /* by the caller's clock */
};

struct leaf_cache {
	struct digest_cache *kept; /* owned */
};

static void
free_kept(void *value)
{
	struct kept *kept = value;

	minted_clear(&kept->minted);
	free(kept);
}

struct leaf_cache *
leaf_cache_new(size_t entries_max)
{
	struct leaf_cache *cache = calloc(1, sizeof(*cache));

	if (cache == NULL)
		return NULL;
	/* A leaf is as long as a server's certificate may be: their number bounds them. */
	cache->kept = digest_cache_new(entries_max, SIZE_MAX, free_kept);
	if (cache->kept == NULL) {
		free(cache);
		return NULL;
	}
	return cache;
}

void
leaf_cache_free(struct leaf_cache *cache)
{
	if (cache == NULL)
		return;
	digest_cache_free(cache->kept);
	free(cache);
}

static struct digest_key
key_of(const uint8_t server_sha256[32], enum leaf_kind kind)
{
	struct digest_key key = {.kind = (uint32_t)kind};

	memcpy(key.sha256, server_sha256, sizeof(key.sha256));
	return key;
}

/* The same once more, counted up. */
static struct minted
share(const struct minted *minted)
{
	(void)X509_up_ref(minted->leaf);
	(void)EVP_PKEY_up_ref(minted->key);
	return *minted;
}

bool
leaf_cache_get(struct leaf_cache *cache, const uint8_t server_sha256[32], enum leaf_kind kind,
    uint64_t now_ms, struct minted *out)
{
	const struct digest_key key = key_of(server_sha256, kind);
	const struct kept *kept = digest_cache_get(cache->kept, &key);

	if (kept == NULL)
		return false;
	if (now_ms >= kept->gone_ms) {
		digest_cache_remove(cache->kept, &key);
		return false;
	}
	*out = share(&kept->minted);
	return true;
}

void
leaf_cache_put(struct leaf_cache *cache, const uint8_t server_sha256[32], enum leaf_kind kind,
    const struct minted *minted, uint64_t now_ms)
{
	const struct digest_key key = key_of(server_sha256, kind);
	struct kept *kept = malloc(sizeof(*kept));

	if (kept == NULL)
		return;
	*kept = (struct kept){.minted = share(minted), .gone_ms = now_ms + LEAF_AGE_MAX_MS};
	digest_cache_put(cache->kept, &key, kept, sizeof(*kept));
}
