/* SPDX-License-Identifier: MIT */
#include "config/index_private.h"
#include "config/rules_private.h"

#include <string.h>

enum {
	HITS_MAX = 2 * INDEX_PREFIX_BITS + 2
}; /* rows found for one key: two addresses of all lengths */

uint64_t
hash_word(enum dimension dimension, const char *word)
{
	uint64_t hash = dimension + 1;

	for (size_t i = strlen(word); i > 0; i--)
		hash = hash_letter(hash, word[i - 1]);
	return hash;
}

uint64_t
hash_address(const uint8_t ip[16], unsigned bits)
{
	uint64_t halves[2] = {0};

	for (size_t i = 0; i < 16; i++)
		halves[i / 8] = halves[i / 8] << 8 | ip[i];
	if (bits <= 64) {
		halves[0] = bits == 0 ? 0 : halves[0] & UINT64_MAX << (64 - bits);
		halves[1] = 0;
	} else if (bits < 128) {
		halves[1] &= UINT64_MAX << (128 - bits);
	}
	return hash_mix(hash_mix(hash_number(BY_IP, bits), halves[0]), halves[1]);
}

struct slot *
index_slot(const struct rule_index *index, uint64_t hash)
{
	size_t at = hash & (index->slot_count - 1);

	while (index->slots[at].row != 0 && index->slots[at].hash != hash)
		at = (at + 1) & (index->slot_count - 1);
	return &index->slots[at];
}

/* The rows of a fact's values. */
struct hits {
	size_t count;
	uint32_t rows[HITS_MAX];
};

static void
hit_row(struct hits *hits, uint32_t row)
{
	if (row != 0 && hits->count < HITS_MAX)
		hits->rows[hits->count++] = row;
}

static void
hit_hash(const struct rule_index *index, struct hits *hits, uint64_t hash)
{
	hit_row(hits, index_slot(index, hash)->row);
}

static void
hit_countries(const struct rule_index *index, struct hits *hits, enum dimension dimension,
    const struct countries *countries)
{
	for (size_t i = 0; i < countries->count; i++) {
		const char *iso = countries->iso[i];

		if (iso[0] < 'A' || iso[0] > 'Z' || iso[1] < 'A' || iso[1] > 'Z')
			continue; /* is in no set */
		hit_row(hits, index->country_rows[dimension][(iso[0] - 'A') * 26 + (iso[1] - 'A')]);
	}
}

/* What a fact is that is no country. */
static void
hit_kind(const struct rule_index *index, struct hits *hits, enum dimension dimension,
    const struct place *place)
{
	const struct countries *fact = dimension == BY_LOCATED      ? &place->located
				       : dimension == BY_REGISTERED ? &place->registered
								    : &place->operator;
	enum place_kind kind = dimension == BY_LOCATED ? place->kind : PLACE_ORDINARY;

	if (dimension != BY_TOUCHES && fact->count == 0)
		hit_row(hits, index->country_rows[dimension][INDEX_COUNTRIES + kind]);
}

static void
hit_address(const struct rule_index *index, struct hits *hits, const uint8_t ip[16])
{
	for (size_t i = 0; i < index->ip_length_count; i++)
		hit_hash(index, hits, hash_address(ip, index->ip_lengths[i]));
}

static void
hit_suffixes(const struct rule_index *index, struct hits *hits, const char *name)
{
	uint64_t hash = BY_SNI + 1;

	for (size_t i = strlen(name); i > 0; i--) {
		hash = hash_letter(hash, name[i - 1]);
		if (i == 1 || name[i - 2] == '.')
			hit_hash(index, hits, hash);
	}
}

static void
hit_unknown(const struct rule_index *index, struct hits *hits, const struct place *place)
{
	unsigned facts = place_unknown(place);

	for (unsigned bit = FACT_LOCATED; bit <= FACT_OPERATOR; bit *= 2) {
		if ((facts & bit) != 0)
			hit_hash(index, hits, hash_number(BY_UNKNOWN, bit));
	}
}

static void
hit_port(const struct rule_index *index, struct hits *hits, uint16_t port)
{
	for (uint32_t left = index->port_lengths; left != 0; left &= left - 1) {
		unsigned bits = (unsigned)__builtin_ctz(left);

		hit_hash(index, hits, hash_ports(port, bits));
	}
}

static void
hit_place(const struct rule_index *index, struct hits *hits, enum dimension dimension,
    const struct place *place)
{
	if (dimension == BY_LOCATED || dimension == BY_TOUCHES)
		hit_countries(index, hits, dimension, &place->located);
	if (dimension == BY_REGISTERED || dimension == BY_TOUCHES)
		hit_countries(index, hits, dimension, &place->registered);
	if (dimension == BY_OPERATOR || dimension == BY_TOUCHES)
		hit_countries(index, hits, dimension, &place->operator);
	hit_kind(index, hits, dimension, place);
}

static void
hit_values(const struct rule_index *index, struct hits *hits, enum dimension dimension,
    const struct facts *facts)
{
	switch (dimension) {
	case BY_LOCATED:
	case BY_REGISTERED:
	case BY_OPERATOR:
	case BY_TOUCHES:
		hit_place(index, hits, dimension, &facts->place);
		return;
	case BY_PORT:
		hit_port(index, hits, facts->dst.port);
		return;
	case BY_IP:
		hit_address(index, hits, facts->dst.ip);
		if (!addr_same_host(&facts->dst, &facts->inner))
			hit_address(index, hits, facts->inner.ip);
		return;
	case BY_ASN:
		hit_hash(index, hits, hash_number(BY_ASN, facts->place.asn));
		return;
	case BY_UNKNOWN:
		hit_unknown(index, hits, &facts->place);
		return;
	case BY_DEVICE:
		hit_hash(index, hits, hash_word(dimension, facts->device));
		return;
	case BY_GROUP:
		hit_hash(index, hits, hash_word(dimension, facts->group));
		return;
	case BY_VENDOR:
		hit_hash(index, hits, hash_word(dimension, facts->place.vendor));
		return;
	case BY_SNI:
	case DIMENSIONS:
		return;
	}
}

/* Keep what is in one of two rows.  The inner count is fixed, so that the
 * compiler takes several words at once. */
static void
keep_either(size_t words, uint64_t *restrict out, const uint64_t *one, const uint64_t *other)
{
	for (size_t i = 0; i < words; i += INDEX_BLOCK) {
		for (size_t j = 0; j < INDEX_BLOCK; j++)
			out[i + j] &= one[i + j] | other[i + j];
	}
}

static void
join(size_t words, uint64_t *restrict out, const uint64_t *row)
{
	for (size_t i = 0; i < words; i += INDEX_BLOCK) {
		for (size_t j = 0; j < INDEX_BLOCK; j++)
			out[i + j] |= row[i + j];
	}
}

/* Keep the rules that do not ask for the dimension, or have one of the values. */
static void
narrow(const struct rule_index *index, enum dimension dimension, const struct hits *hits,
    uint64_t *out)
{
	const uint64_t *others = index->others[dimension];
	size_t words = index->words;
	uint64_t any[INDEX_WORDS_MAX];

	if (hits->count <= 2) {
		const uint64_t *one =
		    hits->count > 0 ? index->rows + hits->rows[0] * words : others;
		const uint64_t *other = hits->count > 1 ? index->rows + hits->rows[1] * words : one;

		keep_either(words, out, one, other);
		return;
	}
	memcpy(any, others, words * sizeof(*any));
	for (size_t i = 0; i < hits->count; i++)
		join(words, any, index->rows + hits->rows[i] * words);
	keep_either(words, out, any, any);
}

void
index_ask(const struct rule_index *index, const struct facts *facts, enum verdict_stage stage,
    const char *name, uint64_t out[INDEX_WORDS_MAX])
{
	memcpy(out, index->all, index->words * sizeof(*out));
	for (enum dimension dimension = 0; dimension < DIMENSIONS; dimension++) {
		struct hits hits;

		/* Before its stage a name rules nothing out. */
		if (!index->used[dimension] || (dimension >= BY_SNI && stage < VERDICT_NAME))
			continue;
		hits.count = 0;
		if (dimension == BY_SNI)
			hit_suffixes(index, &hits, name);
		else
			hit_values(index, &hits, dimension, facts);
		narrow(index, dimension, &hits, out);
	}
}
