/* SPDX-License-Identifier: MIT */
#include "inspect/entropy.h"

#include <stdint.h>

enum {
	BYTES_MIN = 64,
	BYTES_MAX = 1024,
	COLLISION = 128, /* equal pairs of bytes that have 7 bits: one of so many */
};

bool
entropy_is_high(struct bytes in)
{
	uint16_t counts[256] = {0};
	uint32_t squares = 0;

	if (in.left < BYTES_MIN)
		return false;
	if (in.left > BYTES_MAX)
		in.left = BYTES_MAX;
	for (size_t i = 0; i < in.left; i++)
		counts[in.at[i]]++;
	for (size_t i = 0; i < 256; i++)
		squares += (uint32_t)counts[i] * counts[i];
	/* Of n equal bytes n * (n - 1) are pairs. */
	return (squares - in.left) * COLLISION <= in.left * (in.left - 1);
}
