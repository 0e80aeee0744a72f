/* SPDX-License-Identifier: MIT */
#include "base/suffixes.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	NAME_MAX_BYTES = 253,
	LABEL_MAX_BYTES = 63,
	SLOTS_MIN = 64,
};

static char
lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		return "abcdefghijklmnopqrstuvwxyz"[c - 'A'];
	return c;
}

/* FNV-1a, fed from a name's last byte to its first, so that the hashes of all
 * its suffixes come from one pass. */
#define HASH_START 2166136261U

static uint32_t
hash_more(uint32_t hash, char c)
{
	return (hash ^ (uint8_t)lower(c)) * 16777619U;
}

static uint32_t
hash_suffix(const char *text)
{
	uint32_t hash = HASH_START;

	for (size_t i = strlen(text); i > 0; i--)
		hash = hash_more(hash, text[i - 1]);
	return hash;
}

static bool
is_name_byte(char c)
{
	c = lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool
suffix_valid(const char *text)
{
	size_t label = 0;

	if (strlen(text) > NAME_MAX_BYTES)
		return false;
	for (; *text != '\0'; text++) {
		if (*text == '.' ? label == 0 : !is_name_byte(*text))
			return false;
		label = *text == '.' ? 0 : label + 1;
		if (label > LABEL_MAX_BYTES)
			return false;
	}
	return label > 0;
}

/* The slot of exactly these bytes, or the free one where it would stand. */
static uint32_t *
find_slot(const struct suffixes *suffixes, uint32_t hash, const char *text, size_t size)
{
	size_t at = hash & (suffixes->slot_count - 1);

	for (;; at = (at + 1) & (suffixes->slot_count - 1)) {
		const struct suffix *suffix;

		if (suffixes->slots[at] == 0)
			return &suffixes->slots[at];
		suffix = &suffixes->list[suffixes->slots[at] - 1];
		if (suffix->hash == hash && strncasecmp(suffix->text, text, size) == 0 &&
		    suffix->text[size] == '\0')
			return &suffixes->slots[at];
	}
}

/* Twice as many slots as there may be suffixes, so that searches stay short. */
static int
grow(struct suffixes *suffixes)
{
	size_t slot_count = suffixes->slot_count == 0 ? SLOTS_MIN : 2 * suffixes->slot_count;
	uint32_t *slots = calloc(slot_count, sizeof(*slots));
	struct suffix *list = reallocarray(suffixes->list, slot_count / 2, sizeof(*list));

	if (list != NULL)
		suffixes->list = list;
	if (slots == NULL || list == NULL) {
		free(slots);
		return -1;
	}
	free(suffixes->slots);
	suffixes->slots = slots;
	suffixes->slot_count = slot_count;
	suffixes->room = slot_count / 2;
	for (size_t i = 0; i < suffixes->count; i++)
		*find_slot(suffixes, list[i].hash, list[i].text, strlen(list[i].text)) =
		    (uint32_t)i + 1;
	return 0;
}

int64_t
suffixes_add(struct suffixes *suffixes, const char *text, uint32_t value)
{
	uint32_t hash = hash_suffix(text);
	uint32_t *slot;
	char *copy;

	if (suffixes->count == suffixes->room && grow(suffixes) != 0)
		return SUFFIX_NOMEM;
	slot = find_slot(suffixes, hash, text, strlen(text));
	if (*slot != 0)
		return suffixes->list[*slot - 1].value;
	copy = strdup(text);
	if (copy == NULL)
		return SUFFIX_NOMEM;
	suffixes->list[suffixes->count++] =
	    (struct suffix){.text = copy, .hash = hash, .value = value};
	*slot = (uint32_t)suffixes->count;
	return SUFFIX_NONE;
}

int64_t
suffixes_find(const struct suffixes *suffixes, const char *name)
{
	size_t end = strlen(name);
	uint32_t hash = HASH_START;
	int64_t longest = SUFFIX_NONE;

	if (end > 0 && name[end - 1] == '.')
		end--;
	if (end > NAME_MAX_BYTES || suffixes->count == 0)
		return SUFFIX_NONE;
	for (size_t at = end; at > 0; at--) {
		uint32_t slot;

		hash = hash_more(hash, name[at - 1]);
		if (at > 1 && name[at - 2] != '.')
			continue;
		slot = *find_slot(suffixes, hash, name + at - 1, end - (at - 1));
		if (slot != 0)
			longest = suffixes->list[slot - 1].value;
	}
	return longest;
}

void
suffixes_free(struct suffixes *suffixes)
{
	for (size_t i = 0; i < suffixes->count; i++)
		free(suffixes->list[i].text);
	free(suffixes->list);
	free(suffixes->slots);
	*suffixes = (struct suffixes){0};
}
