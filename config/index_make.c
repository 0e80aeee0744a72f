/* SPDX-License-Identifier: MIT */
/* Entering the rules into their index. */
#include "config/index_private.h"
#include "config/match_private.h"

#include <stdlib.h>
#include <string.h>

enum {
	ROW_BYTES_MAX = 64 * 1024 * 1024,
	VALUES_MAX = 1024, /* of one condition; with more the rule is asked every time */
};

/* The bit that is being entered. */
struct entry {
	struct rule_index *index;
	size_t rule;
	uint8_t *dimensions; /* owned; of each row */
	uint64_t ip_lengths[3];
	bool failed;
};

static void
set_bit(uint64_t *bits, size_t at)
{
	bits[at / 64] |= UINT64_C(1) << at % 64;
}

static bool
has_bit(const uint64_t *bits, size_t at)
{
	return (bits[at / 64] >> at % 64 & 1) != 0;
}

static void
clear_bit(uint64_t *bits, size_t at)
{
	bits[at / 64] &= ~(UINT64_C(1) << at % 64);
}

/* The number of a new row; 0: no room. */
static uint32_t
add_row(struct entry *entry, enum dimension dimension)
{
	struct rule_index *index = entry->index;
	size_t row_bytes = index->words * sizeof(uint64_t);

	if (index->row_count == index->row_room) {
		size_t room = index->row_room == 0 ? 64 : 2 * index->row_room;
		bool fits = room * row_bytes <= ROW_BYTES_MAX;
		uint64_t *rows = fits ? realloc(index->rows, room * row_bytes) : NULL;
		uint8_t *dimensions;

		if (rows == NULL)
			return 0;
		index->rows = rows;
		dimensions = realloc(entry->dimensions, room);
		if (dimensions == NULL)
			return 0;
		entry->dimensions = dimensions;
		index->row_room = room;
	}
	memset(index->rows + index->row_count * index->words, 0, row_bytes);
	entry->dimensions[index->row_count] = (uint8_t)dimension;
	return (uint32_t)index->row_count++;
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
			*index_slot(index, old[i].hash) = old[i];
	}
	free(old);
	return true;
}

static void
enter_row(struct entry *entry, enum dimension dimension, uint32_t *row)
{
	struct rule_index *index = entry->index;

	if (*row == 0)
		*row = add_row(entry, dimension);
	if (*row == 0)
		entry->failed = true;
	else
		set_bit(index->rows + *row * index->words, entry->rule);
}

static void
enter_hash(struct entry *entry, enum dimension dimension, uint64_t hash)
{
	struct slot *slot;

	if (!grow_slots(entry->index)) {
		entry->failed = true;
		return;
	}
	slot = index_slot(entry->index, hash);
	if (slot->row == 0)
		entry->index->slots_used++;
	slot->hash = hash;
	enter_row(entry, dimension, &slot->row);
}

static void
enter_countries(struct entry *entry, enum dimension dimension, const struct condition *condition)
{
	const struct country_set *set = &condition->value.place.countries;
	uint32_t *rows = entry->index->country_rows[dimension];

	for (size_t i = 0; i < INDEX_COUNTRIES && !entry->failed; i++) {
		if (has_bit(set->bits, i))
			enter_row(entry, dimension, &rows[i]);
	}
	for (size_t i = 0; i < PLACE_KIND_COUNT && !entry->failed; i++) {
		if ((condition->value.place.kinds >> i & 1) != 0)
			enter_row(entry, dimension, &rows[INDEX_COUNTRIES + i]);
	}
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
		entry->index->port_lengths |= 1U << bits;
		enter_hash(entry, BY_PORT, hash_ports(at, bits));
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

			set_bit(entry->ip_lengths, prefix->bits);
			enter_hash(entry, BY_IP, hash_address(prefix->ip, prefix->bits));
		}
		return;
	case BY_ASN:
		for (size_t i = 0; i < condition->value.networks.count; i++)
			enter_hash(entry, BY_ASN,
			    hash_number(BY_ASN, condition->value.networks.list[i]));
		return;
	case BY_UNKNOWN:
		for (unsigned bit = FACT_LOCATED; bit <= FACT_OPERATOR; bit *= 2) {
			if ((condition->value.facts & bit) != 0)
				enter_hash(entry, BY_UNKNOWN, hash_number(BY_UNKNOWN, bit));
		}
		return;
	case BY_DEVICE:
	case BY_GROUP:
	case BY_SNI:
	case BY_VENDOR:
		for (size_t i = 0; i < condition->value.words.count; i++) {
			enter_hash(entry, dimension, hash_word(dimension, word));
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

/* Whether the rows of a dimension can tell that the condition does not hold. */
static bool
is_told_by(const struct condition *condition, enum dimension dimension)
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
		if (condition->key == rows[i].key && dimension == rows[i].dimension)
			return dimension < COUNTRY_DIMENSIONS ||
			       value_count(dimension, condition) <= VALUES_MAX;
	}
	return false;
}

/* The first condition of a group that a dimension tells of, or NULL. */
static const struct condition *
told_in(const struct group *group, enum dimension dimension)
{
	for (size_t i = 0; i < group->count; i++) {
		if (is_told_by(&group->conditions[i], dimension))
			return &group->conditions[i];
	}
	return NULL;
}

static void
enter_told(struct entry *entry, enum dimension dimension, const struct condition *condition)
{
	if (dimension < COUNTRY_DIMENSIONS)
		enter_countries(entry, dimension, condition);
	else
		enter_values(entry, dimension, condition);
	clear_bit(entry->index->others[dimension], entry->rule);
}

/* One of the groups must hold: where each asks for the dimension, a value of
 * one of them must be there. */
static void
enter_any(struct entry *entry, enum dimension dimension, const struct condition *condition)
{
	const struct group *groups = condition->value.groups.list;

	for (size_t i = 0; i < condition->value.groups.count; i++) {
		if (told_in(&groups[i], dimension) == NULL)
			return;
	}
	for (size_t i = 0; i < condition->value.groups.count; i++)
		enter_told(entry, dimension, told_in(&groups[i], dimension));
}

static void
enter_condition(struct entry *entry, const struct condition *condition)
{
	for (enum dimension dimension = 0; dimension < DIMENSIONS; dimension++) {
		if (condition->key == &match_any)
			enter_any(entry, dimension, condition);
		else if (is_told_by(condition, dimension))
			enter_told(entry, dimension, condition);
	}
}

/* Where the rules of each set stand: a set begins with a new word. */
static void
number_rules(struct rule_index *index, const struct rules *rules)
{
	size_t first = 0;

	for (size_t i = 0; i < rules->count; i++) {
		for (size_t j = 0; j < rules->list[i]->rule_count; j++)
			set_bit(index->all, first + j);
		first += 64 * index_words(rules->list[i]->rule_count);
	}
	for (size_t i = 0; i < DIMENSIONS; i++)
		memcpy(index->others[i], index->all, index->words * sizeof(*index->all));
}

static void
enter_all(struct entry *entry, const struct rules *rules)
{
	size_t first = 0;

	for (size_t i = 0; i < rules->count; i++) {
		const struct ruleset *set = rules->list[i];

		for (size_t j = 0; j < set->rule_count && !entry->failed; j++) {
			const struct group *match = &set->rules[j].match;

			entry->rule = first + j;
			for (size_t k = 0; k < match->count; k++)
				enter_condition(entry, &match->conditions[k]);
		}
		first += 64 * index_words(set->rule_count);
	}
}

static void
finish(struct entry *entry)
{
	struct rule_index *index = entry->index;

	for (size_t i = 1; i < index->row_count; i++) {
		const uint64_t *others = index->others[entry->dimensions[i]];

		for (size_t j = 0; j < index->words; j++)
			index->rows[i * index->words + j] |= others[j];
	}
	for (size_t i = 0; i < DIMENSIONS; i++)
		index->used[i] =
		    memcmp(index->others[i], index->all, index->words * sizeof(*index->all)) != 0;
	for (unsigned bits = 0; bits < INDEX_PREFIX_BITS; bits++) {
		if (has_bit(entry->ip_lengths, bits))
			index->ip_lengths[index->ip_length_count++] = (uint8_t)bits;
	}
}

static bool
make_room(struct entry *entry)
{
	struct rule_index *index = entry->index;

	index->all = calloc(index->words, sizeof(*index->all));
	if (index->all == NULL || !grow_slots(index))
		return false;
	for (size_t i = 0; i < DIMENSIONS; i++) {
		index->others[i] = calloc(index->words, sizeof(*index->all));
		if (index->others[i] == NULL)
			return false;
	}
	/* The first is never filled. */
	return add_row(entry, 0) == 0 && index->row_count == 1;
}

struct rule_index *
index_new(const struct rules *rules)
{
	struct rule_index *index = calloc(1, sizeof(*index));
	struct entry entry = {.index = index};
	size_t words = 0;

	if (index == NULL)
		return NULL;
	for (size_t i = 0; i < rules->count; i++)
		words += index_words(rules->list[i]->rule_count);
	index->words = (words + INDEX_BLOCK - 1) / INDEX_BLOCK * INDEX_BLOCK;
	entry.failed = words == 0 || words > INDEX_WORDS_MAX || !make_room(&entry);
	if (!entry.failed) {
		number_rules(index, rules);
		enter_all(&entry, rules);
	}
	if (!entry.failed)
		finish(&entry);
	free(entry.dimensions);
	if (!entry.failed)
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
		free(index->others[i]);
	free(index->all);
	free(index->rows);
	free(index->slots);
	free(index);
}
