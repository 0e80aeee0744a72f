/* SPDX-License-Identifier: MIT */
#include "base/blocks.h"

#include <stdlib.h>
#include <string.h>

int
blocks_add(struct blocks *blocks, const struct prefix *prefix, uint32_t value)
{
	if (blocks->count == blocks->room) {
		size_t room = blocks->room == 0 ? 64 : blocks->room * 2;
		struct block *list = reallocarray(blocks->list, room, sizeof(*list));

		if (list == NULL)
			return -1;
		blocks->list = list;
		blocks->room = room;
	}
	blocks->list[blocks->count++] = (struct block){.prefix = *prefix, .value = value};
	return 0;
}

static int
compare(const void *left, const void *right)
{
	const struct block *a = left, *b = right;
	int ips = memcmp(a->prefix.ip, b->prefix.ip, sizeof(a->prefix.ip));

	if (ips != 0)
		return ips;
	if (a->prefix.bits != b->prefix.bits)
		return a->prefix.bits < b->prefix.bits ? -1 : 1;
	return a->value < b->value ? -1 : a->value > b->value;
}

void
blocks_sort(struct blocks *blocks)
{
	uint32_t around = 0;

	if (blocks->count > 1)
		qsort(blocks->list, blocks->count, sizeof(*blocks->list), compare);
	for (size_t i = 0; i < blocks->count; i++) {
		struct block *block = &blocks->list[i];

		/* Those that hold this one are a chain: up until one does. */
		while (around != 0 &&
		       !prefix_holds(&blocks->list[around - 1].prefix, block->prefix.ip))
			around = blocks->list[around - 1].around;
		block->around = around;
		if (blocks_twin(blocks, i))
			block->around = blocks->list[i - 1].around;
		around = (uint32_t)i + 1;
	}
}

bool
blocks_twin(const struct blocks *blocks, size_t index)
{
	const struct block *block = &blocks->list[index];

	return index > 0 && block->prefix.bits == block[-1].prefix.bits &&
	       memcmp(block->prefix.ip, block[-1].prefix.ip, sizeof(block->prefix.ip)) == 0;
}

const struct block *
blocks_find(const struct blocks *blocks, const uint8_t ip[16])
{
	size_t from = 0, to = blocks->count;
	const struct block *block;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (memcmp(blocks->list[middle].prefix.ip, ip, 16) <= 0)
			from = middle + 1;
		else
			to = middle;
	}
	if (from == 0)
		return NULL;
	/* The last block that begins at ip or before it, or one around that. */
	block = &blocks->list[from - 1];
	while (block != NULL && !prefix_holds(&block->prefix, ip))
		block = blocks_around(blocks, block);
	return block;
}

const struct block *
blocks_around(const struct blocks *blocks, const struct block *block)
{
	return block->around == 0 ? NULL : &blocks->list[block->around - 1];
}

void
blocks_free(struct blocks *blocks)
{
	free(blocks->list);
	*blocks = (struct blocks){0};
}
