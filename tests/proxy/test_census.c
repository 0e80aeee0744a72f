/* SPDX-License-Identifier: MIT */
#include "proxy/census.h"

#include <criterion/criterion.h>

static struct addr
camera(unsigned number)
{
	struct addr addr = {.port = (uint16_t)(number * 7)};

	for (size_t i = 0; i < 4; i++)
		addr.ip[12 + i] = (uint8_t)(number >> (24 - 8 * i));
	return addr;
}

Test(census, holds_each_camera_to_its_limit)
{
	struct census *census = census_new(3);
	struct addr one = camera(1), two = camera(2);

	cr_assert_not_null(census);
	for (int i = 0; i < 3; i++)
		cr_expect(census_add(census, &one));
	cr_expect_not(census_add(census, &one));
	cr_expect(census_add(census, &two), "the other has its own");
	one.port++;
	cr_expect_not(census_add(census, &one), "by its address alone");
	census_remove(census, &one);
	cr_expect(census_add(census, &one));
	cr_expect_not(census_add(census, &one));
	census_free(census);
}

Test(census, of_one_that_was_never_there_loses_nothing)
{
	struct census *census = census_new(1);
	struct addr one = camera(1), two = camera(2);

	cr_assert_not_null(census);
	census_remove(census, &one);
	cr_expect(census_add(census, &one));
	census_remove(census, &two);
	cr_expect_not(census_add(census, &one));
	census_free(census);
}

/* One may stand behind another that has gone. */
Test(census, counts_thousands_exactly)
{
	enum { CAMERAS = 4000 };
	struct census *census = census_new(2);

	cr_assert_not_null(census);
	for (unsigned turn = 0; turn < 3; turn++) {
		for (unsigned i = 0; i < CAMERAS; i++) {
			struct addr addr = camera(i);

			cr_assert(census_add(census, &addr), "%u", i);
			cr_assert(census_add(census, &addr), "%u", i);
		}
		for (unsigned i = 0; i < CAMERAS; i++) {
			struct addr addr = camera(i);

			cr_assert_not(census_add(census, &addr), "%u", i);
		}
		/* In another order than they came. */
		for (unsigned i = 0; i < CAMERAS; i++) {
			struct addr addr = camera((i * 1013) % CAMERAS);

			census_remove(census, &addr);
			census_remove(census, &addr);
		}
	}
	census_free(census);
}

Test(census, beyond_its_room_nobody_is_refused)
{
	struct census *census = census_new(1);

	cr_assert_not_null(census);
	for (unsigned i = 0; i < 20000; i++) {
		struct addr addr = camera(i);

		cr_assert(census_add(census, &addr));
	}
	for (unsigned i = 0; i < 20000; i++) {
		struct addr addr = camera(i);

		census_remove(census, &addr);
	}
	census_free(census);
	census_free(NULL);
}

enum { US = 1000000 };

/* Of two cameras one takes all of its share, of ten a second, by this call. */
static struct census *
share_out(bool (*take)(struct census *, const struct addr *, uint32_t, uint64_t), uint64_t now_us)
{
	struct census *census = census_new(10);
	struct addr one = camera(1), two = camera(2);

	cr_assert_not_null(census);
	cr_assert(census_add(census, &one) && census_add(census, &two));
	for (int i = 0; i < 10 * CENSUS_BURST_S; i++)
		cr_expect(take(census, &one, 10, now_us), "%d", i);
	cr_expect_not(take(census, &one, 10, now_us));
	cr_expect(take(census, &two, 10, now_us), "the other has its own");
	return census;
}

Test(census, lets_each_camera_begin_its_share)
{
	uint64_t now_us = 77 * US;
	struct census *census = share_out(census_start, now_us);
	struct addr one = camera(1);

	cr_expect_not(census_start(census, &one, 10, now_us + US / 10 - 1));
	cr_expect(census_start(census, &one, 10, now_us + US / 10));
	cr_expect_not(census_start(census, &one, 10, now_us + US / 10));
	now_us += 100 * US;
	for (int i = 0; i < 10 * CENSUS_BURST_S; i++)
		cr_expect(census_start(census, &one, 10, now_us), "no more than whole: %d", i);
	cr_expect_not(census_start(census, &one, 10, now_us));
	census_free(census);
}

/* What it opens and what it begins of that are two things. */
Test(census, lets_each_camera_open_its_share_beside)
{
	uint64_t now_us = 77 * US;
	struct census *census = share_out(census_open, now_us);
	struct addr one = camera(1);

	cr_expect(census_start(census, &one, 10, now_us));
	census_remove(census, &one);
	cr_assert(census_add(census, &one));
	cr_expect_not(census_open(census, &one, 10, now_us), "it is remembered");
	cr_expect(census_open(census, &one, 10, now_us + US / 10));
	census_free(census);
}

/* To leave and come again makes no share anew. */
Test(census, remembers_a_share_that_was_used_up)
{
	struct census *census = census_new(10);
	struct addr one = camera(1), two = camera(2);

	cr_assert_not_null(census);
	for (int i = 0; i < CENSUS_BURST_S; i++) {
		cr_assert(census_add(census, &one));
		cr_expect(census_start(census, &one, 1, 5 * US));
		census_remove(census, &one);
	}
	cr_assert(census_add(census, &one) && census_add(census, &two));
	cr_expect_not(census_start(census, &one, 1, 5 * US));
	census_remove(census, &one);
	cr_expect(census_start(census, &two, 1, 60 * US), "time goes on");
	cr_assert(census_add(census, &one));
	cr_expect(census_start(census, &one, 1, 60 * US));
	census_free(census);
}

/* As long as it has any connection. */
Test(census, has_a_queue_for_each_camera)
{
	struct census *census = census_new(10);
	struct addr one = camera(1), two = camera(2);
	struct camera_backlog *own;

	cr_assert_not_null(census);
	cr_expect_null(census_backlog(census, &one));
	cr_assert(census_add(census, &one) && census_add(census, &one));
	cr_assert(census_add(census, &two));
	own = census_backlog(census, &one);
	cr_assert_not_null(own);
	cr_expect(STAILQ_EMPTY(&own->waiting));
	cr_expect_neq(census_backlog(census, &two), own);
	one.port++;
	census_remove(census, &one);
	cr_expect_eq(census_backlog(census, &one), own, "by its address alone");
	census_remove(census, &one);
	cr_expect_null(census_backlog(census, &one));
	census_free(census);
}

Test(census, limits_nobody_whom_it_does_not_count)
{
	struct census *census = census_new(10);
	struct addr one = camera(1);

	cr_assert_not_null(census);
	for (int i = 0; i < 100; i++)
		cr_expect(census_start(census, &one, 1, 5 * US));
	census_free(census);
}
