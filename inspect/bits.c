/* SPDX-License-Identifier: MIT */
#include "inspect/bits.h"

static bool
next_byte(struct bits *bits)
{
	uint8_t byte;

	if (!bytes_u8(&bits->in, &byte))
		return false;
	if (bits->zeros >= 2 && byte == 3) {
		bits->zeros = 0;
		if (!bytes_u8(&bits->in, &byte))
			return false;
	}
	bits->zeros = byte == 0 ? bits->zeros + 1 : 0;
	bits->current = byte;
	bits->have = 8;
	return true;
}

uint32_t
bits_take(struct bits *bits, unsigned count)
{
	uint32_t value = 0;

	for (; count > 0; count--) {
		if (bits->have == 0 && !next_byte(bits)) {
			bits->short_of = true;
			return 0;
		}
		bits->have--;
		value = value << 1 | ((uint32_t)bits->current >> bits->have & 1U);
	}
	return value;
}

uint32_t
bits_ue(struct bits *bits)
{
	unsigned zeros = 0;

	while (!bits->short_of && bits_take(bits, 1) == 0)
		zeros++;
	if (zeros > 31)
		bits->short_of = true;
	if (bits->short_of)
		return 0;
	return (uint32_t)((1ULL << zeros) - 1 + bits_take(bits, zeros));
}
