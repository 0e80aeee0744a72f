/* SPDX-License-Identifier: MIT */
#include "proxy/refusals.h"

#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

enum {
	ROWS = 1024,
	ROW_ENTRIES = 4,
	KEY_BYTES = 16,
	CERTAIN_AT = 2, /* two probable refusals, or one that was said */
};

struct entry {
	uint8_t key[KEY_BYTES];
	unsigned weight; /* 0: free */
	uint64_t at_ms;
};

struct refusals {
	uint8_t salt[16]; /* cameras cannot aim at each other's rows */
	struct entry entries[ROWS][ROW_ENTRIES];
};

struct refusals *
refusals_new(void)
{
	struct refusals *refusals = calloc(1, sizeof(*refusals));

	if (refusals != NULL && RAND_bytes(refusals->salt, sizeof(refusals->salt)) != 1) {
		free(refusals);
		return NULL;
	}
	return refusals;
}

void
refusals_free(struct refusals *refusals)
{
	free(refusals);
}

static void
make_key(const struct refusals *refusals, const struct addr *camera, const struct addr *dst,
    const char *name, uint8_t key[SHA256_DIGEST_LENGTH])
{
	uint8_t seed[16 + 16 + 16 + 2 + 256] = {0};
	size_t name_size = strnlen(name, 255);

	memcpy(seed, refusals->salt, 16);
	memcpy(seed + 16, camera->ip, 16);
	memcpy(seed + 32, dst->ip, 16);
	seed[48] = (uint8_t)(dst->port >> 8);
	seed[49] = (uint8_t)dst->port;
	memcpy(seed + 50, name, name_size);
	(void)SHA256(seed, 50 + name_size, key);
}

static size_t
row_of(const uint8_t *key)
{
	return (size_t)(key[30] << 8 | key[31]) % ROWS;
}

static const struct entry *
find(const struct refusals *refusals, const uint8_t *key)
{
	const struct entry *row = refusals->entries[row_of(key)];

	for (size_t i = 0; i < ROW_ENTRIES; i++) {
		if (row[i].weight > 0 && memcmp(row[i].key, key, KEY_BYTES) == 0)
			return &row[i];
	}
	return NULL;
}

/* The key's entry, or the one that has to make way for it. */
static struct entry *
find_or_take(struct refusals *refusals, const uint8_t *key)
{
	struct entry *row = refusals->entries[row_of(key)];
	struct entry *oldest = &row[0];

	for (size_t i = 0; i < ROW_ENTRIES; i++) {
		if (row[i].weight > 0 && memcmp(row[i].key, key, KEY_BYTES) == 0)
			return &row[i];
		if (row[i].weight == 0 || (oldest->weight > 0 && row[i].at_ms < oldest->at_ms))
			oldest = &row[i];
	}
	*oldest = (struct entry){0};
	memcpy(oldest->key, key, KEY_BYTES);
	return oldest;
}

void
refusals_add(struct refusals *refusals, const struct addr *camera, const struct addr *dst,
    const char *name, enum refusal refusal, uint64_t now_ms)
{
	uint8_t key[SHA256_DIGEST_LENGTH];
	struct entry *entry;

	if (refusal == REFUSAL_NONE)
		return;
	make_key(refusals, camera, dst, name, key);
	entry = find_or_take(refusals, key);
	if (now_ms - entry->at_ms >= REFUSALS_AGE_MS)
		entry->weight = 0; /* that one is forgotten */
	entry->weight += refusal == REFUSAL_CERTAIN ? CERTAIN_AT : 1;
	entry->at_ms = now_ms;
}

void
refusals_clear(struct refusals *refusals, const struct addr *camera, const struct addr *dst,
    const char *name)
{
	uint8_t key[SHA256_DIGEST_LENGTH];
	struct entry *entry;

	make_key(refusals, camera, dst, name, key);
	if (find(refusals, key) == NULL)
		return;
	entry = find_or_take(refusals, key);
	if (entry->weight < CERTAIN_AT)
		entry->weight = 0;
}

bool
refusals_is(const struct refusals *refusals, const struct addr *camera, const struct addr *dst,
    const char *name, uint64_t now_ms)
{
	uint8_t key[SHA256_DIGEST_LENGTH];
	const struct entry *entry;

	make_key(refusals, camera, dst, name, key);
	entry = find(refusals, key);
	return entry != NULL && entry->weight >= CERTAIN_AT &&
	       now_ms - entry->at_ms < REFUSALS_AGE_MS;
}
