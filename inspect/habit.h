/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_HABIT_H
#define INSPECT_HABIT_H

#include "inspect/payload.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the messages of one direction have in common, so that bulk in many messages
 * costs about what it costs in one.  After HABIT_VAIN of them in a row that a whole
 * look told nothing of, with one hint and of about one size, the whole look is given
 * to every 2nd of them, as long as it goes on so to every 4th, 8th and 16th, and to
 * the first one behind each HABIT_BYTES.  What the others get is told by
 * inspect/message.h.
 *
 * Another hint, another size, or anything that was told of one, and it begins anew.
 * Starts as {0}.
 */
enum { HABIT_VAIN = 8, HABIT_BYTES = 1 << 20 };

struct habit {
	uint64_t hint;            /* a hash of what was said of them */
	uint32_t bytes;           /* that went by since the last whole look, HABIT_BYTES at most */
	uint32_t idle, gap, tail; /* where the next sample is, as in struct message */
	uint8_t bits;             /* of the size of what is looked at */
	uint8_t vain;             /* whole looks in a row that told nothing */
	uint8_t spared;           /* messages since the last one */
	bool careful;             /* every message gets a whole look */
};

/* A message begins.  Returns whether it may be spared the whole look. */
bool habit_begin(struct habit *habit, const struct payload_hint *hint);

/* Whether there are enough of them. */
bool habit_is_formed(const struct habit *habit);

/* Whether a message of which so many bytes are looked at is like those before. */
bool habit_fits(const struct habit *habit, size_t looked);

/* A look at so many bytes told nothing. */
void habit_add(struct habit *habit, size_t looked, bool whole);

/* count bytes of a message went by. */
void habit_count(struct habit *habit, uint64_t count);

/* Something was told. */
void habit_break(struct habit *habit);

#endif
