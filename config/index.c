/* SPDX-License-Identifier: MIT */
#include "config/index.h"

#include "config/match_private.h"

#include <stdlib.h>
#include <string.h>

enum {
	ROW_BYTES_MAX = 64 * 1024 * 1024,
	VALUES_MAX = 1024, /* of one condition; with more the rule is asked every time */
	HITS_MAX = 260,    /* rows found for one key: two addresses of 129 lengths at most */
	COUNTRIES = 26 * 26,
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

struct rule_index {
	size_t words, row_count, row_room;
	uint64_t *rows; /* owned */
	size_t slot_count, slots_used;
	struct slot *slots; /* owned; a power of two */
	uint32_t country_rows[COUNTRY_DIMENSIONS][COUNTRIES];
	bool used[DIMENSIONS];
	uint64_t *asked[DIMENSIONS]; /* owned; the rules that have the key */
	uint64_t *all;               /* owned; every rule */
	uint64_t port_lengths;       /* a bit for each number of trailing bits in use */
	uint64_t ip_lengths[3];
};

/* The bit that is being entered. */
struct entry {
	struct rule_index *index;
	size_t rule;
	bool failed;
};

size_t
index_words(size_t rules)
{
	return (rules + 63) / 64;
}

static bool
has_bit(const uint64_t *bits, size_t at)
{
	return (bits[at / 64] >> at % 64 & 1) != 0;
}

static void
set_bit(uint64_t *bits, size_t at)
{
	bits[at / 64] |= UINT64_C(1) << at % 64;
}

/* ---- hashes ---- */

static uint64_t
mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

static uint64_t
hash_number(enum dimension dimension, uint64_t value)
{
	return mix(mix(dimension + 1, value), dimension);
}

/* From the end, so that the hash of every suffix is met on the way. */
static uint64_t
hash_letter(uint64_t hash, char letter)
{
	return mix(hash, (uint64_t)(letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : letter));
}

static uint64_t
hash_word(enum dimension dimension, const char *word)
{
	uint64_t hash = dimension + 1;

	for (size_t i = strlen(word); i > 0; i--)
		hash = hash_letter(hash, word[i - 1]);
	return hash;
}

static uint64_t
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
	return mix(mix(hash_number(BY_IP, bits), halves[0]), halves[1]);
}

/* A block of 1 << bits ports. */
static uint64_t
hash_ports(uint32_t port, unsigned bits)
{
	return hash_number(BY_PORT, (uint64_t)bits << 32 | port >> bits);
}

/* ---- making ---- */

/* The number of a new row; 0: no room. */
static uint32_t
add_row(struct rule_index *index)
{
	size_t row_bytes = index->words * sizeof(uint64_t);

	if (index->row_count == index->row_room) {
		size_t room = index->row_room == 0 ? 64 : 2 * index->row_room;
		uint64_t *rows = room * row_bytes > ROW_BYTES_MAX
				     ? NULL
				     : realloc(index->rows, room * row_bytes);

		if (rows == NULL)
			return 0;
		index->rows = rows;
		index->row_room = room;
	}
	memset(index->rows + index->row_count * index->words, 0, row_bytes);
	return (uint32_t)index->row_count++;
}

static struct slot *
find_slot(const struct rule_index *index, uint64_t hash)
{
	size_t at = hash & (index->slot_count - 1);

	while (index->slots[at].row != 0 && index->slots[at].hash != hash)
		at = (at + 1) & (index->slot_count - 1);
	return &index->slots[at];
}

static bool
grow_slots(struct rule_index *index)
{
	struct slot *old = index->slots;
	size_t count = index->slot_count;

	if (2 * (index->slots_used + 1) <= count)
		return true;
	index->slot_count = count == 0 ? 256 : 2 * count;
	index->slots = calloc(index->slot_count, sizeof(*index->slots));
	if (index->slots == NULL) {
		index->slots = old;
		index->slot_count = count;
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		if (old[i].row != 0)
			*find_slot(index, old[i].hash) = old[i];
	}
	free(old);
	return true;
}

static void
enter_row(struct entry *entry, uint32_t *row)
{
	struct rule_index *index = entry->index;

	if (*row == 0)
		*row = add_row(index);
	if (*row == 0)
		entry->failed = true;
	else
		set_bit(index->rows + *row * index->words, entry->rule);
}

static void
enter_hash(struct entry *entry, uint64_t hash)
{
	struct slot *slot;

	if (!grow_slots(entry->index)) {
		entry->failed = true;
		return;
	}
	slot = find_slot(entry->index, hash);
	if (slot->row == 0)
		entry->index->slots_used++;
	slot->hash = hash;
	enter_row(entry, &slot->row);
}

static void
enter_countries(struct entry *entry, enum dimension dimension, const struct condition *condition)
{
	const struct country_set *set = &condition->value.countries;

	for (size_t i = 0; i < COUNTRIES && !entry->failed; i++) {
		if (has_bit(set->bits, i))
			enter_row(entry, &entry->index->country_rows[dimension][i]);
	}
	entry->index->used[dimension] = true;
	set_bit(entry->index->asked[dimension], entry->rule);
}

/* A range is cut into blocks that begin at a multiple of their own size. */
static void
enter_ports(struct entry *entry, const struct port_range *range)
{
	uint32_t at = range->first, end = (uint32_t)range->last + 1;

	while (at < end) {
		unsigned bits = 0;

		while (bits < 16 && (at & ((2U << bits) - 1)) == 0 && at + (2U << bits) <= end)
			bits++;
		entry->index->port_lengths |= UINT64_C(1) << bits;
		enter_hash(entry, hash_ports(at, bits));
		at += 1U << bits;
	}
}

static void
enter_values(struct entry *entry, enum dimension dimension, const struct condition *condition)
{
	const char *word = condition->value.words.list;

	switch (dimension) {
	case BY_PORT:
		for (size_t i = 0; i < condition->value.ports.count; i++)
			enter_ports(entry, &condition->value.ports.list[i]);
		return;
	case BY_IP:
		for (size_t i = 0; i < condition->value.prefixes.count; i++) {
			const struct prefix *prefix = &condition->value.prefixes.list[i];

			set_bit(entry->index->ip_lengths, prefix->bits);
			enter_hash(entry, hash_address(prefix->ip, prefix->bits));
		}
		return;
	case BY_ASN:
		for (size_t i = 0; i < condition->value.networks.count; i++)
			enter_hash(entry, hash_number(BY_ASN, condition->value.networks.list[i]));
		return;
	case BY_UNKNOWN:
		for (unsigned bit = FACT_LOCATED; bit <= FACT_OPERATOR; bit *= 2) {
			if ((condition->value.facts & bit) != 0)
				enter_hash(entry, hash_number(BY_UNKNOWN, bit));
		}
		return;
	case BY_DEVICE:
	case BY_GROUP:
	case BY_SNI:
	case BY_VENDOR:
		for (size_t i = 0; i < condition->value.words.count; i++) {
			enter_hash(entry, hash_word(dimension, word));
			word += strlen(word) + 1;
		}
		return;
	case BY_LOCATED:
	case BY_REGISTERED:
	case BY_OPERATOR:
	case BY_TOUCHES:
	case DIMENSIONS:
		return;
	}
}

/* How many values a condition of a listed kind has; all lists begin alike. */
static size_t
value_count(enum dimension dimension, const struct condition *condition)
{
	if (dimension == BY_PORT)
		return condition->value.ports.count;
	if (dimension == BY_IP)
		return condition->value.prefixes.count;
	if (dimension == BY_ASN)
		return condition->value.networks.count;
	if (dimension == BY_UNKNOWN)
		return 1;
	return condition->value.words.count;
}

static void
enter_condition(struct entry *entry, const struct condition *condition)
{
	static const struct {
		const struct match_key *key;
		enum dimension dimension;
	} rows[] = {
	    {&match_located, BY_LOCATED},
	    {&match_continent, BY_LOCATED},
	    {&match_registered, BY_REGISTERED},
	    {&match_operator, BY_OPERATOR},
	    {&match_touches, BY_TOUCHES},
	    {&match_within, BY_LOCATED},
	    {&match_within, BY_REGISTERED},
	    {&match_within, BY_OPERATOR},
	    {&match_port, BY_PORT},
	    {&match_ip, BY_IP},
	    {&match_asn, BY_ASN},
	    {&match_unknown, BY_UNKNOWN},
	    {&match_device, BY_DEVICE},
	    {&match_group, BY_GROUP},
	    {&match_sni, BY_SNI},
	    {&match_vendor, BY_VENDOR},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum dimension dimension = rows[i].dimension;

		if (condition->key != rows[i].key)
			continue;
		if (dimension < COUNTRY_DIMENSIONS) {
			enter_countries(entry, dimension, condition);
		} else if (value_count(dimension, condition) <= VALUES_MAX) {
			enter_values(entry, dimension, condition);
			entry->index->used[dimension] = true;
			set_bit(entry->index->asked[dimension], entry->rule);
		}
	}
}

static bool
enter_all(struct rule_index *index, const struct rules *rules)
{
	struct entry entry = {.index = index};
	size_t first = 0;

	for (size_t i = 0; i < rules->count; i++) {
		const struct ruleset *set = rules->list[i];

		for (size_t j = 0; j < set->rule_count && !entry.failed; j++) {
			const struct group *match = &set->rules[j].match;

			entry.rule = first + j;
			set_bit(index->all, entry.rule);
			for (size_t k = 0; k < match->count; k++)
				enter_condition(&entry, &match->conditions[k]);
		}
		first += 64 * index_words(set->rule_count);
	}
	return !entry.failed;
}

static bool
make_room(struct rule_index *index)
{
	index->all = calloc(index->words, sizeof(*index->all));
	if (index->all == NULL || !grow_slots(index))
		return false;
	for (size_t i = 0; i < DIMENSIONS; i++) {
		index->asked[i] = calloc(index->words, sizeof(*index->all));
		if (index->asked[i] == NULL)
			return false;
	}
	/* The first is never filled. */
	return add_row(index) == 0 && index->row_count == 1;
}

struct rule_index *
index_new(const struct rules *rules)
{
	struct rule_index *index = calloc(1, sizeof(*index));

	if (index == NULL)
		return NULL;
	for (size_t i = 0; i < rules->count; i++)
		index->words += index_words(rules->list[i]->rule_count);
	if (index->words > 0 && index->words <= INDEX_WORDS_MAX && make_room(index) &&
	    enter_all(index, rules))
		return index;
	index_free(index);
	return NULL;
}

void
index_free(struct rule_index *index)
{
	if (index == NULL)
		return;
	for (size_t i = 0; i < DIMENSIONS; i++)
		free(index->asked[i]);
	free(index->all);
	free(index->rows);
	free(index->slots);
	free(index);
}

/* ---- asking ---- */

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
	hit_row(hits, find_slot(index, hash)->row);
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

static void
hit_address(const struct rule_index *index, struct hits *hits, const uint8_t ip[16])
{
	for (unsigned bits = 0; bits <= 128; bits++) {
		if (has_bit(index->ip_lengths, bits))
			hit_hash(index, hits, hash_address(ip, bits));
	}
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
	for (unsigned bits = 0; bits <= 16; bits++) {
		if ((index->port_lengths >> bits & 1) != 0)
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

/* Keep the rules that do not have the key, or have one of the values. */
static void
narrow(const struct rule_index *index, enum dimension dimension, const struct hits *hits,
    uint64_t *out)
{
	const uint64_t *asked = index->asked[dimension], *row;
	uint64_t misses[INDEX_WORDS_MAX];

	if (hits->count == 0) {
		for (size_t i = 0; i < index->words; i++)
			out[i] &= ~asked[i];
		return;
	}
	row = index->rows + hits->rows[0] * index->words;
	for (size_t i = 0; i < index->words; i++)
		misses[i] = asked[i] & ~row[i];
	for (size_t j = 1; j < hits->count; j++) {
		row = index->rows + hits->rows[j] * index->words;
		for (size_t i = 0; i < index->words; i++)
			misses[i] &= ~row[i];
	}
	for (size_t i = 0; i < index->words; i++)
		out[i] &= ~misses[i];
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
