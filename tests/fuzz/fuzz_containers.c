/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/metered.h"

static const struct payload_hint hints[] = {
    {0},
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return metered_try(hints, sizeof(hints) / sizeof(hints[0]), (struct bytes){data, size});
}
