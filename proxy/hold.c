/* SPDX-License-Identifier: MIT */
#include "proxy/hold.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_MIN = 4 << 10 };

static bool
has_room(const struct hold *hold, size_t more)
{
	return more <= HOLD_WORKER_BYTES - *hold->total &&
	       (hold->own == NULL || *hold->own + more <= HOLD_CAMERA_BYTES);
}

bool
hold_is_scarce(const struct hold *hold)
{
	return *hold->total > HOLD_WORKER_BYTES / 2 ||
	       (hold->own != NULL && *hold->own > HOLD_CAMERA_BYTES / 2);
}

static bool
make_room(struct hold *hold, size_t size)
{
	size_t used = hold_size(hold), room = hold->room;
	uint8_t *at;

	if (hold->start > 0) {
		memmove(hold->at, hold->at + hold->start, used);
		hold->start = 0;
		hold->end = used;
	}
	if (size <= room - used)
		return true;
	room = room < ROOM_MIN ? ROOM_MIN : room;
	while (room - used < size)
		room *= 2;
	if (!has_room(hold, room - hold->room))
		return false;
	at = realloc(hold->at, room);
	if (at == NULL)
		return false;
	*hold->total += room - hold->room;
	if (hold->own != NULL)
		*hold->own += room - hold->room;
	hold->at = at;
	hold->room = room;
	return true;
}

bool
hold_put(struct hold *hold, struct bytes bytes)
{
	if (bytes.left > HOLD_WORKER_BYTES)
		return false;
	if (bytes.left > hold->room - hold->end && !make_room(hold, bytes.left))
		return false;
	if (bytes.left > 0)
		memcpy(hold->at + hold->end, bytes.at, bytes.left);
	hold->end += bytes.left;
	return true;
}

void
hold_take(struct hold *hold, uint8_t *to, size_t size)
{
	assert(size <= hold_size(hold));
	memcpy(to, hold->at + hold->start, size);
	hold->start += size;
	if (hold_size(hold) == 0)
		hold_clear(hold);
}

void
hold_clear(struct hold *hold)
{
	if (hold->at == NULL)
		return;
	*hold->total -= hold->room;
	if (hold->own != NULL)
		*hold->own -= hold->room;
	free(hold->at);
	hold->at = NULL;
	hold->start = hold->end = hold->room = 0;
}
