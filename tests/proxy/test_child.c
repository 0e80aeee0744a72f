/* SPDX-License-Identifier: MIT */
#include "proxy/child.h"

#include <criterion/criterion.h>

enum { START_MS = 1000000 };

static struct child
running(enum role role)
{
	return (struct child){.role = role, .pid = 7, .start_ms = START_MS};
}

Test(child, is_started_again_at_once)
{
	struct child child = running(ROLE_WORKER);

	child_ended(&child, START_MS + 50);
	cr_expect_eq(child.pid, 0);
	cr_expect_eq(child.deaths, 1);
	cr_expect_eq(child.start_ms, START_MS + 50);
}

Test(child, is_slowed_after_more_than_five_deaths_in_ten_seconds)
{
	struct child child = running(ROLE_SIGNER);
	uint64_t now_ms = START_MS;

	for (int i = 0; i < CHILD_DEATHS - 1; i++) {
		now_ms += 100;
		child_ended(&child, now_ms);
		cr_expect_eq(child.start_ms, now_ms, "death %d", i + 1);
	}
	now_ms += 100;
	child_ended(&child, now_ms);
	cr_expect_eq(child.start_ms, now_ms + CHILD_PAUSE_MS);
	cr_expect_lt(CHILD_PAUSE_MS, 1000, "a role is back within a second");
}

Test(child, is_not_slowed_by_deaths_long_ago)
{
	struct child child = running(ROLE_SIGNER);
	uint64_t now_ms = START_MS;

	for (int i = 0; i < 3 * CHILD_DEATHS; i++) {
		now_ms += CHILD_DEATHS_WITHIN_MS / (CHILD_DEATHS - 1) + 1;
		child_ended(&child, now_ms);
		cr_expect_eq(child.start_ms, now_ms, "death %d", i + 1);
	}
}

Test(child, is_stuck_when_it_has_not_beaten_for_its_time)
{
	static const struct {
		enum role role;
		uint64_t after_ms;
	} rows[] = {{ROLE_WORKER, 5000}, {ROLE_SIGNER, 5000}, {ROLE_RECORDER, 15000}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct child child = running(rows[i].role);
		uint64_t beat_ms = START_MS + 100;

		cr_expect_not(child_is_stuck(&child, beat_ms, beat_ms));
		cr_expect_not(child_is_stuck(&child, beat_ms, beat_ms + rows[i].after_ms));
		cr_expect(child_is_stuck(&child, beat_ms, beat_ms + rows[i].after_ms + 1));
	}
}

Test(child, is_not_stuck_by_a_beat_after_our_reading_of_the_clock)
{
	struct child child = running(ROLE_WORKER);

	cr_expect_not(child_is_stuck(&child, START_MS + 1, START_MS));
}

Test(child, has_a_minute_for_its_first_beat)
{
	struct child child = running(ROLE_RECORDER);

	cr_expect_not(child_is_stuck(&child, 0, START_MS + CHILD_FIRST_BEAT_MS));
	cr_expect(child_is_stuck(&child, 0, START_MS + CHILD_FIRST_BEAT_MS + 1));
}

Test(child, has_a_name)
{
	char name[CHILD_NAME_MAX];
	struct child worker = {.role = ROLE_WORKER, .index = 12};
	struct child signer = {.role = ROLE_SIGNER};

	cr_expect_str_eq(child_name(&worker, name), "worker 12");
	cr_expect_str_eq(child_name(&signer, name), "signer");
}
