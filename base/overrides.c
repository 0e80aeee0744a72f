/* SPDX-License-Identifier: MIT */
#include "base/overrides.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

struct overrides *
overrides_new(const char *file)
{
	struct overrides *overrides = calloc(1, sizeof(*overrides));
	const char *slash = strrchr(file, '/');
	struct text text;

	if (overrides == NULL)
		return NULL;
	text = text_in(overrides->file, sizeof(overrides->file));
	file = slash == NULL ? file : slash + 1;
	text_add_untrusted(&text, file, strlen(file));
	return overrides;
}

void
overrides_free(struct overrides *overrides)
{
	if (overrides == NULL)
		return;
	for (size_t i = 0; i < overrides->count; i++)
		free(overrides->list[i]);
	free(overrides->list);
	blocks_free(&overrides->blocks);
	numbers_free(&overrides->asns);
	suffixes_free(&overrides->names);
	free(overrides);
}

static int
grow(struct overrides *overrides)
{
	size_t room = overrides->room == 0 ? 64 : overrides->room * 2;
	struct override **list;

	if (overrides->count < overrides->room)
		return 0;
	list = reallocarray(overrides->list, room, sizeof(struct override *));
	if (list == NULL)
		return -1;
	overrides->list = list;
	overrides->room = room;
	return 0;
}

int64_t
overrides_add(struct overrides *overrides, const struct override *override)
{
	const char *const from[] = {override->org, override->vendor, override->who, override->when,
	    override->why};
	enum { TEXTS = sizeof(from) / sizeof(from[0]) };
	size_t size = sizeof(*override), length[TEXTS];
	const char *copy[TEXTS];
	struct override *to;
	char *at;

	for (size_t i = 0; i < TEXTS; i++) {
		length[i] = strlen(from[i]) + 1;
		size += length[i];
	}
	to = grow(overrides) == 0 ? malloc(size) : NULL;
	if (to == NULL)
		return -1;
	at = (char *)(to + 1);
	for (size_t i = 0; i < TEXTS; i++) {
		copy[i] = memcpy(at, from[i], length[i]);
		at += length[i];
	}
	*to = *override;
	to->org = copy[0];
	to->vendor = copy[1];
	to->who = copy[2];
	to->when = copy[3];
	to->why = copy[4];
	overrides->list[overrides->count] = to;
	return (int64_t)overrides->count++;
}

void
overrides_prepare(struct overrides *overrides)
{
	blocks_sort(&overrides->blocks);
	numbers_sort(&overrides->asns);
}

const struct override *
overrides_of_address(const struct overrides *overrides, const uint8_t ip[16], unsigned facts)
{
	const struct block *block = overrides == NULL ? NULL : blocks_find(&overrides->blocks, ip);

	for (; block != NULL; block = blocks_around(&overrides->blocks, block)) {
		if ((overrides->list[block->value]->tells & facts) != 0)
			return overrides->list[block->value];
	}
	return NULL;
}

const struct override *
overrides_of_asn(const struct overrides *overrides, uint32_t asn, unsigned facts)
{
	const struct number *number =
	    overrides == NULL || asn == 0 ? NULL : numbers_find(&overrides->asns, asn);

	if (number == NULL || (overrides->list[number->value]->tells & facts) == 0)
		return NULL;
	return overrides->list[number->value];
}

const struct override *
overrides_of_name(const struct overrides *overrides, const char *name)
{
	int64_t index = overrides == NULL ? SUFFIX_NONE : suffixes_find(&overrides->names, name);

	return index < 0 ? NULL : overrides->list[index];
}

const char *
override_basis(const struct overrides *overrides, const struct override *override,
    char out[FACTS_BASIS_MAX])
{
	char tail[FACTS_BASIS_MAX];
	struct text text = text_in(tail, sizeof(tail));

	text_add(&text, ":%u (%s, %s)", override->line, override->who, override->when);
	text_copy(out, FACTS_BASIS_MAX - text.used, overrides->file);
	text_copy(out + strlen(out), text.used + 1, tail);
	return out;
}
