/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_PIECES_H
#define INSPECT_PIECES_H

#include "base/bytes.h"

#include <stddef.h>
#include <stdint.h>

/*
 * A message put together from pieces that come in any order, by their offsets.
 * Where two pieces overlap they must say the same: else whoever reads it may
 * read another message than we do.
 */
enum { PIECES_RANGES_MAX = 32 }; /* with gaps between them, at once */

struct pieces_range {
	uint32_t from, to;
};

/* All zero at first. */
struct pieces {
	uint8_t *at; /* owned */
	size_t room;
	unsigned count;
	struct pieces_range ranges[PIECES_RANGES_MAX]; /* in order, not touching */
};

enum pieces_result {
	PIECES_TAKEN = 0,
	PIECES_BROKEN, /* beyond max, contradicting, or too many gaps */
	PIECES_NO_MEMORY,
};

/* Take one; the whole message has at most max bytes. */
enum pieces_result pieces_add(struct pieces *pieces, uint64_t offset, struct bytes piece,
    uint32_t max);

/* What there is without a gap from the message's start. */
struct bytes pieces_front(const struct pieces *pieces);

void pieces_clear(struct pieces *pieces);

#endif
