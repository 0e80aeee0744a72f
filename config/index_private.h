/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_INDEX_PRIVATE_H
#define CONFIG_INDEX_PRIVATE_H

#include "config/index.h"

#include <stdbool.h>

/* What index.c, which asks, and index_make.c share. */

enum {
	INDEX_COUNTRIES = 26 * 26,
	/* Behind them: a fact that is no country, by enum place_kind. */
	INDEX_PLACES = INDEX_COUNTRIES + PLACE_KIND_COUNT,
	INDEX_BLOCK = 8, /* words that are put together at once; rows are whole blocks */
	INDEX_PREFIX_BITS = 129,
};

enum dimension {
	BY_LOCATED = 0,
	BY_REGISTERED,
	BY_OPERATOR,
	BY_TOUCHES,
	COUNTRY_DIMENSIONS,
	BY_PORT = COUNTRY_DIMENSIONS,
	BY_IP,
	BY_ASN,
	BY_UNKNOWN,
	BY_DEVICE,
	BY_GROUP,
	BY_SNI,
	BY_VENDOR,
	DIMENSIONS
};

/* Row 0 is never filled: no rule. */
struct slot {
	uint64_t hash; /* of the key and its value; two that share one only leave more to ask */
	uint32_t row;
};

/*
 * A row has the bits of the rules that its value does not rule out: those that
 * have the value, and those that do not ask for the dimension.
 */
struct rule_index {
	size_t words; /* of a row; whole blocks */
	size_t row_count, row_room;
	uint64_t *rows; /* owned */
	size_t slot_count, slots_used;
	struct slot *slots; /* owned; a power of two */
	uint32_t country_rows[COUNTRY_DIMENSIONS][INDEX_PLACES];
	bool used[DIMENSIONS];
	uint64_t *others[DIMENSIONS]; /* owned; the rules that do not ask for it */
	uint64_t *all;                /* owned; every rule */
	uint32_t port_lengths;        /* a bit for each number of trailing bits in use */
	size_t ip_length_count;
	uint8_t ip_lengths[INDEX_PREFIX_BITS];
};

struct slot *index_slot(const struct rule_index *index, uint64_t hash);

/* ---- hashes of a value ---- */

static inline uint64_t
hash_mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

static inline uint64_t
hash_number(enum dimension dimension, uint64_t value)
{
	return hash_mix(hash_mix(dimension + 1, value), dimension);
}

/* From the end, so that the hash of every suffix is met on the way. */
static inline uint64_t
hash_letter(uint64_t hash, char letter)
{
	return hash_mix(hash,
	    (uint64_t)(letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : letter));
}

/* A block of 1 << bits ports. */
static inline uint64_t
hash_ports(uint32_t port, unsigned bits)
{
	return hash_number(BY_PORT, (uint64_t)bits << 32 | port >> bits);
}

uint64_t hash_word(enum dimension dimension, const char *word);
uint64_t hash_address(const uint8_t ip[16], unsigned bits);

#endif
