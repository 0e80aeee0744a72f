/* SPDX-License-Identifier: MIT */
#ifndef BASE_BLOCKS_H
#define BASE_BLOCKS_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Blocks of addresses, each with a value: which of them hold an address, the
 * longest first.  Blocks lie in each other or apart, so one binary search finds
 * the longest, and each knows the next one around it.
 *
 *	struct blocks blocks = {0};
 *	blocks_add(&blocks, &prefix, 7);
 *	blocks_sort(&blocks);
 *	for (at = blocks_find(&blocks, ip); at != NULL; at = blocks_around(&blocks, at))
 *		use(at->value);
 *	blocks_free(&blocks);
 */
struct block {
	struct prefix prefix;
	uint32_t value;
	uint32_t around; /* index + 1 of the smallest block that this one lies in; 0: none */
};

struct blocks {
	struct block *list; /* owned; once sorted by address, wide ones first, then by value */
	size_t count, room;
};

/* -1: no memory. */
int blocks_add(struct blocks *blocks, const struct prefix *prefix, uint32_t value);

/* Once, behind the last blocks_add and before the first question. */
void blocks_sort(struct blocks *blocks);

/* Whether the block at index is the same block as the one before it. */
bool blocks_twin(const struct blocks *blocks, size_t index);

/* The longest block that holds ip, and the next longer one around a block that
 * was found; NULL: none.  Of twins only one is found. */
const struct block *blocks_find(const struct blocks *blocks, const uint8_t ip[16]);
const struct block *blocks_around(const struct blocks *blocks, const struct block *block);

void blocks_free(struct blocks *blocks);

#endif
