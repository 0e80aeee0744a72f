/* SPDX-License-Identifier: MIT */
#include "proxy/hold.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static uint8_t bytes[1 << 20];

static bool
put(struct hold *hold, size_t size)
{
	return hold_put(hold, (struct bytes){bytes, size});
}

Test(hold, gives_what_it_was_given_in_order)
{
	size_t total = 0, own = 0;
	struct hold hold = {.total = &total, .own = &own};
	uint8_t out[3000];
	unsigned next_in = 0, next_out = 0;

	for (unsigned round = 0; round < 200; round++) {
		uint8_t in[2999];

		for (size_t i = 0; i < sizeof(in); i++)
			in[i] = (uint8_t)(next_in++ * 7);
		cr_assert(hold_put(&hold, (struct bytes){in, sizeof(in)}));
		while (hold_size(&hold) > 5000 || (round == 199 && hold_size(&hold) > 0)) {
			size_t size = hold_size(&hold) < 777 ? hold_size(&hold) : 777;

			hold_take(&hold, out, size);
			for (size_t i = 0; i < size; i++)
				cr_assert_eq(out[i], (uint8_t)(next_out++ * 7));
		}
	}
	cr_expect_eq(next_in, next_out);
	cr_expect_eq(total, 0, "empty, it has no memory");
	cr_expect_eq(own, 0);
}

Test(hold, is_bounded_for_a_camera_and_for_all)
{
	size_t total = 0, own = 0, others = 0;
	struct hold hold = {.total = &total, .own = &own};
	struct hold other[4] = {{&total, &others, NULL, 0, 0, 0}, {&total, NULL, NULL, 0, 0, 0},
	    {&total, NULL, NULL, 0, 0, 0}, {&total, NULL, NULL, 0, 0, 0}};
	size_t count = 0;

	while (put(&hold, sizeof(bytes)))
		count++;
	cr_expect_leq(own, HOLD_CAMERA_BYTES);
	cr_expect_geq(count, (HOLD_CAMERA_BYTES / 2) >> 20);
	cr_expect_eq(hold_size(&hold), count << 20, "what did not fit was not taken");
	cr_expect(hold_is_scarce(&hold));
	cr_expect(put(&other[0], sizeof(bytes)), "the others have room");
	cr_expect_not(hold_is_scarce(&other[0]));
	for (int i = 1; i < 4; i++) {
		while (put(&other[i], sizeof(bytes)))
			;
	}
	cr_expect_leq(total, HOLD_WORKER_BYTES);
	for (int i = 0; i < 4; i++)
		hold_clear(&other[i]);
	hold_clear(&hold);
	hold_clear(&hold);
	cr_expect_eq(total + own + others, 0);
}
