/* SPDX-License-Identifier: MIT */
#include "inspect/habit.h"

enum {
	DOUBLED_MAX = 4, /* times: at last every 16th has a whole look */
	BITS_APART = 1,  /* sizes of half or twice as much are about the same */
};

/* FNV-1a: who makes two hints equal has said of both what he wanted. */
static uint64_t
add_text(uint64_t hash, const char *text)
{
	for (; text != NULL && *text != '\0'; text++)
		hash = (hash ^ (uint8_t)*text) * 0x100000001b3;
	return (hash ^ 0xff) * 0x100000001b3;
}

static uint64_t
hash_hint(const struct payload_hint *hint)
{
	uint64_t hash = 0xcbf29ce484222325;

	if (hint == NULL || (hint->type == NULL && hint->encoding == NULL && hint->name == NULL))
		return 0;
	return add_text(add_text(add_text(hash, hint->type), hint->encoding), hint->name);
}

static uint8_t
bits_of(size_t size)
{
	uint8_t bits = 0;

	for (; size > 0; size >>= 1)
		bits++;
	return bits;
}

void
habit_break(struct habit *habit)
{
	*habit = (struct habit){.hint = habit->hint, .careful = habit->careful};
}

bool
habit_is_formed(const struct habit *habit)
{
	return habit->vain >= HABIT_VAIN && !habit->careful;
}

bool
habit_begin(struct habit *habit, const struct payload_hint *hint)
{
	uint64_t hash = hash_hint(hint);
	unsigned doubled;

	if (hash != habit->hint)
		habit_break(habit);
	habit->hint = hash;
	if (!habit_is_formed(habit) || habit->bytes >= HABIT_BYTES)
		return false;
	doubled = habit->vain - HABIT_VAIN + 1U;
	return habit->spared + 1U < 1U << doubled;
}

bool
habit_fits(const struct habit *habit, size_t looked)
{
	int apart = bits_of(looked) - habit->bits;

	return apart >= -BITS_APART && apart <= BITS_APART;
}

void
habit_add(struct habit *habit, size_t looked, bool whole)
{
	if (!whole) {
		habit->spared++;
		return;
	}
	if (!habit_fits(habit, looked))
		habit_break(habit);
	habit->bits = bits_of(looked);
	habit->spared = 0;
	habit->bytes = 0;
	if (habit->vain < HABIT_VAIN + DOUBLED_MAX - 1)
		habit->vain++;
}

void
habit_count(struct habit *habit, uint64_t count)
{
	uint32_t room = HABIT_BYTES - habit->bytes;

	habit->bytes += count < room ? (uint32_t)count : room;
}
