/* SPDX-License-Identifier: MIT */
#include "certs/chain_cache.h"

#include <stdlib.h>
#include <string.h>

enum {
	SETS = 64,
	WAYS = 4, /* chains that fall into one set before one must go */
};

struct slot {
	bool used;
	int64_t verified_s;
	struct chain chain;
};

struct chain_cache {
	struct slot slots[SETS][WAYS];
	unsigned char next[SETS]; /* which slot of a set goes next, in turn */
};

struct chain_cache *
chain_cache_new(void)
{
	return calloc(1, sizeof(struct chain_cache));
}

void
chain_cache_free(struct chain_cache *cache)
{
	free(cache);
}

static bool
is_good(const struct slot *slot, int64_t now_s)
{
	/* A clock that was set back makes what is "younger than now" unknown. */
	return now_s >= slot->verified_s && now_s - slot->verified_s <= CHAIN_AGE_MAX_S &&
	       now_s >= slot->chain.from && now_s <= slot->chain.to;
}

static bool
is_same(const struct slot *slot, const uint8_t sha256[CHAIN_DIGEST_BYTES])
{
	return slot->used && memcmp(slot->chain.sha256, sha256, CHAIN_DIGEST_BYTES) == 0;
}

const struct chain *
chain_cache_get(const struct chain_cache *cache, const uint8_t sha256[CHAIN_DIGEST_BYTES],
    int64_t now_s)
{
	const struct slot *set = cache->slots[sha256[0] % SETS];

	for (size_t i = 0; i < WAYS; i++) {
		if (is_same(&set[i], sha256))
			return is_good(&set[i], now_s) ? &set[i].chain : NULL;
	}
	return NULL;
}

void
chain_cache_staple(struct chain_cache *cache, const uint8_t sha256[CHAIN_DIGEST_BYTES],
    const uint8_t staple_sha256[32], int64_t staple_to)
{
	struct slot *set = cache->slots[sha256[0] % SETS];

	for (size_t i = 0; i < WAYS; i++) {
		if (!is_same(&set[i], sha256))
			continue;
		memcpy(set[i].chain.staple_sha256, staple_sha256, 32);
		set[i].chain.staple_to = staple_to;
		return;
	}
}

void
chain_cache_put(struct chain_cache *cache, const struct chain *chain, int64_t now_s)
{
	size_t set = chain->sha256[0] % SETS, way = 0;

	while (way < WAYS && !is_same(&cache->slots[set][way], chain->sha256))
		way++;
	if (way == WAYS) {
		way = cache->next[set];
		cache->next[set] = (unsigned char)((way + 1) % WAYS);
	}
	cache->slots[set][way] = (struct slot){.used = true, .verified_s = now_s, .chain = *chain};
}
