/* SPDX-License-Identifier: MIT */
#include "geo/cache.h"

#include "base/err.h"
#include "geo/geo.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* An address may stand in WAYS places of its set: four are enough that a few
 * addresses of one set do not drive each other out, and are compared at once. */
enum { WAYS = 4, SETS = GEO_CACHE_PLACES / WAYS, SET_BITS = 8 };
static_assert(SETS == 1 << SET_BITS, "the hash gives SET_BITS bits");

struct set {
	uint8_t ip[WAYS][16];
	uint8_t filled;  /* a bit a way */
	uint8_t touched; /* a bit a way: asked for since the hand passed */
	uint8_t hand;    /* the next way to be given up */
};

struct geo_cache {
	uint64_t serial; /* of the geo that answered */
	struct geo_cache_counts counts;
	struct set sets[SETS]; /* apart from the places, so that a search stays in few lines */
	struct place places[SETS][WAYS];
};

struct geo_cache *
geo_cache_open(struct err *err)
{
	struct geo_cache *cache = calloc(1, sizeof(*cache));

	if (cache == NULL)
		(void)err_set(err, ERR_NOMEM, "no memory for the places");
	return cache;
}

void
geo_cache_close(struct geo_cache *cache)
{
	free(cache);
}

static unsigned
set_of(const struct addr *addr)
{
	uint64_t high, low;

	memcpy(&high, addr->ip, sizeof(high));
	memcpy(&low, addr->ip + sizeof(high), sizeof(low));
	/* Multiplying carries every bit towards the top, where the set is taken. */
	low = (low ^ high * 0x9e3779b97f4a7c15U) * 0xd6e8feb86659fd93U;
	return (unsigned)(low >> (64 - SET_BITS));
}

static unsigned
give_up(struct set *set)
{
	const uint8_t all = (1U << WAYS) - 1;
	unsigned way;

	if (set->filled != all) {
		way = 0;
		while ((set->filled & 1U << way) != 0)
			way++;
		return way;
	}
	while ((set->touched & 1U << set->hand) != 0) {
		set->touched &= (uint8_t) ~(1U << set->hand);
		set->hand = (uint8_t)((set->hand + 1) % WAYS);
	}
	way = set->hand;
	set->hand = (uint8_t)((set->hand + 1) % WAYS);
	return way;
}

static void
drop_all(struct geo_cache *cache)
{
	for (size_t i = 0; i < SETS; i++)
		cache->sets[i] = (struct set){0};
}

const struct place *
geo_cache_locate(struct geo_cache *cache, const struct geo *geo, const struct addr *addr)
{
	unsigned index = set_of(addr), way;
	struct set *set = &cache->sets[index];

	if (cache->serial != geo_serial(geo)) {
		drop_all(cache);
		cache->serial = geo_serial(geo);
	}
	for (way = 0; way < WAYS; way++) {
		if ((set->filled & 1U << way) != 0 && memcmp(set->ip[way], addr->ip, 16) == 0) {
			set->touched |= (uint8_t)(1U << way);
			cache->counts.hits++;
			return &cache->places[index][way];
		}
	}
	way = give_up(set);
	geo_locate(geo, addr, &cache->places[index][way]);
	memcpy(set->ip[way], addr->ip, 16);
	set->filled |= (uint8_t)(1U << way);
	cache->counts.misses++;
	return &cache->places[index][way];
}

struct geo_cache_counts
geo_cache_counts(const struct geo_cache *cache)
{
	return cache->counts;
}
