/* SPDX-License-Identifier: MIT */
#include "inspect/pieces.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_STEP = 2048 }; /* holds nearly every hello at once */

static bool
make_room(struct pieces *pieces, size_t size)
{
	size_t room = (size + ROOM_STEP - 1) / ROOM_STEP * ROOM_STEP;
	uint8_t *at;

	if (size <= pieces->room)
		return true;
	at = realloc(pieces->at, room);
	if (at == NULL)
		return false;
	pieces->at = at;
	pieces->room = room;
	return true;
}

/* Whether what is there already says the same as the new piece. */
static bool
agrees(const struct pieces *pieces, struct pieces_range piece, const uint8_t *bytes)
{
	for (unsigned i = 0; i < pieces->count; i++) {
		uint32_t from = pieces->ranges[i].from, to = pieces->ranges[i].to;

		from = from < piece.from ? piece.from : from;
		to = to > piece.to ? piece.to : to;
		if (from < to &&
		    memcmp(pieces->at + from, bytes + (from - piece.from), to - from) != 0)
			return false;
	}
	return true;
}

/* Put the range in its place and join it with those that it touches. */
static bool
join(struct pieces *pieces, struct pieces_range range)
{
	struct pieces_range *ranges = pieces->ranges;
	unsigned first = 0, last;

	while (first < pieces->count && ranges[first].to < range.from)
		first++;
	last = first;
	while (last < pieces->count && ranges[last].from <= range.to) {
		if (ranges[last].from < range.from)
			range.from = ranges[last].from;
		if (ranges[last].to > range.to)
			range.to = ranges[last].to;
		last++;
	}
	if (last == first && pieces->count == PIECES_RANGES_MAX)
		return false;
	memmove(ranges + first + 1, ranges + last, (pieces->count - last) * sizeof(ranges[0]));
	ranges[first] = range;
	pieces->count = pieces->count - (last - first) + 1;
	return true;
}

enum pieces_result
pieces_add(struct pieces *pieces, uint64_t offset, struct bytes piece, uint32_t max)
{
	struct pieces_range range;

	if (offset > max || piece.left > max - offset)
		return PIECES_BROKEN;
	if (piece.left == 0)
		return PIECES_TAKEN;
	range.from = (uint32_t)offset;
	range.to = range.from + (uint32_t)piece.left;
	if (!make_room(pieces, range.to))
		return PIECES_NO_MEMORY;
	if (!agrees(pieces, range, piece.at) || !join(pieces, range))
		return PIECES_BROKEN;
	memcpy(pieces->at + range.from, piece.at, piece.left);
	return PIECES_TAKEN;
}

struct bytes
pieces_front(const struct pieces *pieces)
{
	if (pieces->count == 0 || pieces->ranges[0].from != 0)
		return (struct bytes){0};
	return (struct bytes){pieces->at, pieces->ranges[0].to};
}

void
pieces_clear(struct pieces *pieces)
{
	free(pieces->at);
	*pieces = (struct pieces){0};
}
