/* SPDX-License-Identifier: MIT */
#include "record/number.h"

#include <criterion/criterion.h>
#include <string.h>

static const size_t sizes[] = {1, 2, 4, 8};

Test(number, is_what_was_stored_in_each_size)
{
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint64_t most = UINT64_MAX >> (64 - 8 * sizes[i]);
		const uint64_t values[] = {0, 1, 0x7f, most - 1, most};
		uint8_t at[10];

		for (size_t j = 0; j < sizeof(values) / sizeof(values[0]); j++) {
			memset(at, 0xaa, sizeof(at));
			cr_assert(number_store(at + 1, sizes[i], values[j]));
			cr_expect_eq(number_load(at + 1, sizes[i]), values[j]);
			cr_expect(at[0] == 0xaa && at[sizes[i] + 1] == 0xaa,
			    "and nothing beside it");
		}
	}
}

Test(number, that_is_too_large_is_told)
{
	uint8_t at[8];

	for (size_t i = 0; i < 3; i++) {
		cr_expect_not(number_store(at, sizes[i], UINT64_C(1) << (8 * sizes[i])));
		cr_expect_not(number_store(at, sizes[i], UINT64_MAX));
	}
}
