/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/metered.h"

/* Of the first byte: the low bits choose what is said of the message, the others
 * how it is cut. */
enum { HINT_BITS = 3 };

static const struct payload_hint hints[] = {
    {0},
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = {data, size};
	uint8_t how;

	if (!bytes_u8(&in, &how))
		return 0;
	metered_feed(&hints[(how & ((1 << HINT_BITS) - 1)) % (sizeof(hints) / sizeof(hints[0]))],
	    in, 1 + (size_t)(how >> HINT_BITS) * 37);
	metered_look(in);
	return 0;
}
