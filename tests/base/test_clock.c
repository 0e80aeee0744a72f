/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

Test(clock, writes_utc_to_the_microsecond)
{
	static const struct {
		uint64_t wall_us;
		const char *text, *date;
	} rows[] = {
	    {0, "1970-01-01T00:00:00.000000+0000", "1970-01-01"},
	    {999999, "1970-01-01T00:00:00.999999+0000", "1970-01-01"},
	    {951782400000001, "2000-02-29T00:00:00.000001+0000", "2000-02-29"},
	    {1795312800123456, "2026-11-22T02:00:00.123456+0000", "2026-11-22"},
	    {4102444799999999, "2099-12-31T23:59:59.999999+0000", "2099-12-31"},
	};

	cr_assert_eq(setenv("TZ", "Asia/Shanghai", 1), 0);
	tzset();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char out[CLOCK_TEXT_MAX];

		cr_expect_str_eq(clock_text(rows[i].wall_us, out), rows[i].text);
		cr_expect_str_eq(clock_date(rows[i].wall_us, out), rows[i].date);
	}
}

Test(clock, knows_how_far_the_sites_clock_is_from_utc)
{
	cr_assert_eq(setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1), 0);
	tzset();
	cr_expect_eq(clock_utc_offset_s(UINT64_C(1795312800) * 1000000), 3600);
	cr_expect_eq(clock_utc_offset_s(UINT64_C(1782864000) * 1000000), 7200);
	cr_assert_eq(setenv("TZ", "UTC0", 1), 0);
	tzset();
	cr_expect_eq(clock_utc_offset_s(UINT64_C(1795312800) * 1000000), 0);
}

Test(clock, no_time_is_too_long_for_its_text)
{
	char out[CLOCK_TEXT_MAX];

	cr_expect_lt(strlen(clock_text(UINT64_MAX, out)), CLOCK_TEXT_MAX);
	cr_expect_lt(strlen(clock_date(UINT64_MAX, out)), CLOCK_TEXT_MAX);
}

Test(clock, never_goes_back)
{
	uint64_t before_us = clock_mono_us(), before_ms = clock_mono_ms();

	for (int i = 0; i < 1000; i++) {
		uint64_t now_us = clock_mono_us();

		cr_assert_geq(now_us, before_us);
		before_us = now_us;
	}
	cr_expect_geq(clock_mono_ms(), before_ms);
	before_ms = clock_mono_ms();
	cr_expect_leq(before_ms, clock_mono_us() / 1000);
}

Test(clock, the_wall_clock_is_the_systems)
{
	uint64_t before_s = (uint64_t)time(NULL);
	uint64_t wall_us = clock_wall_us();

	/* time(2) may run a tick behind. */
	cr_expect_geq(wall_us / 1000000, before_s);
	cr_expect_leq(wall_us / 1000000, (uint64_t)time(NULL) + 1);
}

Test(clock, a_date_is_a_day_of_the_calendar)
{
	static const char *const bad[] = {"", "2026-11-2", "2026-11-222", "2026/11/22",
	    "2026-13-01", "2026-00-01", "2026-01-32", "2026-01-00", "2O26-01-01", "2026-02-29",
	    "1969-12-31", " 2026-01-1", "2026-01-01 ", "026-01-01", "+026-01-01"};
	uint64_t wall_us = 1;

	cr_expect(clock_date_parse("1970-01-01", &wall_us));
	cr_expect_eq(wall_us, 0);
	cr_expect(clock_date_parse("2024-02-29", &wall_us));
	cr_expect_eq(wall_us, UINT64_C(1709164800000000));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_not(clock_date_parse(bad[i], &wall_us), "%s", bad[i]);
}
