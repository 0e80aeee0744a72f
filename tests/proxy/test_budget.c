/* SPDX-License-Identifier: MIT */
#include "proxy/budget.h"

#include "base/err.h"
#include "base/text.h"
#include "config/problems.h"
#include "config/rules.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DAY_US (UINT64_C(86400) * 1000000)
/* 2086-09-09 00:00 UTC: a row begins with the period that the clock is in, which has to
 * be over by then. */
#define MONDAY_US (UINT64_C(3682368000) * 1000000)

static const char text[] =
    "ruleset: r\nversion: \"1\"\ntitle: t\nunknown: allow\ndefault: allow\nrules:\n"
    "- {id: much, match: {bytes: {up_over: 100B, per: 1d, by: device}}, then: block, why: w}\n"
    "- {id: slow, match: {bytes: {up_over: 50B, per: 1h, by: destination}}, then: limit, rate: "
    "100B/s, why: w}\n"
    "- {id: stop, match: {port: 80, bytes: {up_over: 9B, per: 1w, by: device}}, then: limit, why: "
    "w}\n";

/* The same rule's count, 4 x 20,000 x 3 bytes. */
static const char exact[] =
    "ruleset: r\nversion: \"1\"\ntitle: t\nunknown: allow\ndefault: allow\nrules:\n"
    "- {id: much, match: {bytes: {up_over: 240000B, per: 1d, by: device}}, then: block, why: w}\n";

enum { MUCH = 1, SLOW = 2, STOP = 4 };

static struct rules *rules;
static int fd = -1;
static struct budgets *budgets;

static void
load(const char *file)
{
	struct problems problems = {0};
	struct bytes all = {(const uint8_t *)file, strlen(file)};

	rules = rules_new();
	cr_assert_eq(rules_add(rules, "f", all, &problems), 0);
	problems_free(&problems);
}

static void
open_all(void)
{
	(void)setenv("TZ", "UTC", 1);
	load(text);
	fd = budgets_memory(NULL);
	cr_assert_geq(fd, 0);
	budgets = budgets_map(fd, NULL);
	cr_assert_not_null(budgets);
}

static void
close_all(void)
{
	rules_free(rules);
	budgets_unmap(budgets);
	(void)close(fd);
}

static struct spending *
draw(struct budgets *from, const char *device, const char *dst)
{
	struct facts facts = {.inspect = INSPECT_OPENED};
	struct spending *spending;

	(void)snprintf(facts.device, sizeof(facts.device), "%s", device);
	cr_assert_eq(addr_parse(&facts.dst, dst, 0, NULL), 0);
	facts.inner = facts.dst;
	cr_assert_eq(spending_open(from, rules, &facts, &spending), 0);
	return spending;
}

TestSuite(budget, .init = open_all, .fini = close_all);

Test(budget, goes_over_with_the_byte_that_does)
{
	struct spending *a = draw(budgets, "lobby", "192.0.2.1:443");

	cr_expect_eq(spending_over(a, 50, MONDAY_US), 0);
	cr_expect_eq(spending_over(a, 51, MONDAY_US), SLOW);
	cr_expect_eq(spending_over(a, 101, MONDAY_US), SLOW | MUCH);
	cr_expect_eq(spending_over(a, UINT64_MAX, MONDAY_US), SLOW | MUCH);
	spending_add(a, 50, MONDAY_US);
	cr_expect_eq(spending_over(a, 0, MONDAY_US), 0);
	cr_expect_eq(spending_over(a, 1, MONDAY_US), SLOW);
	cr_expect_eq(spending_over(a, 50, MONDAY_US), SLOW);
	cr_expect_eq(spending_over(a, 51, MONDAY_US), SLOW | MUCH);
	spending_free(a);
}

Test(budget, is_one_for_all_connections_of_a_camera_or_to_a_place)
{
	struct spending *a = draw(budgets, "lobby", "192.0.2.1:443");
	struct spending *same = draw(budgets, "lobby", "192.0.2.2:443");
	struct spending *other = draw(budgets, "yard", "192.0.2.1:8443");
	struct spending *web = draw(budgets, "lobby", "192.0.2.3:80");

	spending_add(a, 60, MONDAY_US);
	cr_expect_eq(spending_over(same, 40, MONDAY_US), 0);
	cr_expect_eq(spending_over(same, 41, MONDAY_US), MUCH);
	cr_expect_eq(spending_over(other, 1, MONDAY_US), SLOW, "the place, by another camera");
	cr_expect_eq(spending_over(web, 9, MONDAY_US), 0, "what fulfils the rest of the match");
	cr_expect_eq(spending_over(web, 10, MONDAY_US), STOP);
	spending_free(a);
	spending_free(same);
	spending_free(other);
	spending_free(web);
}

Test(budget, begins_anew_with_its_period)
{
	struct spending *a = draw(budgets, "lobby", "192.0.2.1:80");
	const uint64_t hour_us = DAY_US / 24;

	spending_add(a, 100, MONDAY_US + hour_us - 1000000);
	cr_expect_eq(spending_over(a, 1, MONDAY_US + hour_us - 1), MUCH | SLOW | STOP);
	cr_expect_eq(spending_over(a, 1, MONDAY_US + hour_us), MUCH | STOP);
	cr_expect_eq(spending_over(a, 1, MONDAY_US + DAY_US - 1), MUCH | STOP);
	cr_expect_eq(spending_over(a, 1, MONDAY_US + DAY_US), STOP);
	cr_expect_eq(spending_over(a, 1, MONDAY_US + 7 * DAY_US - 1), STOP);
	cr_expect_eq(spending_over(a, 1, MONDAY_US + 7 * DAY_US), 0);
	/* A clock that is set back. */
	spending_add(a, 1, MONDAY_US + DAY_US);
	cr_expect_eq(spending_over(a, 100, MONDAY_US + DAY_US - 1) & MUCH, MUCH);
	spending_free(a);
}

/* 65,536 minutes are 45 days. */
Test(budget, of_minutes_is_over_after_any_number_of_them)
{
	static const char minutes[] =
	    "ruleset: r\nversion: \"1\"\ntitle: t\nunknown: allow\ndefault: allow\nrules:\n"
	    "- {id: much, match: {bytes: {up_over: 100B, per: 1m, by: device}}, then: block, why: "
	    "w}\n";

	rules_free(rules);
	load(minutes);
	for (uint64_t days = 1; days < 100; days++) {
		char name[20];
		struct spending *a;

		(void)snprintf(name, sizeof(name), "camera-%u", (unsigned)days);
		a = draw(budgets, name, "192.0.2.1:443");
		spending_add(a, 100, MONDAY_US);
		cr_expect_eq(spending_over(a, 1, MONDAY_US), 1);
		cr_expect_eq(spending_over(a, 1, MONDAY_US + days * DAY_US), 0, "%u days",
		    (unsigned)days);
		spending_add(a, 60, MONDAY_US + days * DAY_US);
		cr_expect_eq(spending_over(a, 40, MONDAY_US + days * DAY_US), 0);
		cr_expect_eq(spending_over(a, 41, MONDAY_US + days * DAY_US), 1);
		spending_free(a);
	}
}

Test(budget, a_day_is_the_sites)
{
	struct spending *a;

	(void)setenv("TZ", "EAST-05:00", 1); /* five hours ahead of UTC */
	a = draw(budgets, "lobby", "192.0.2.1:443");
	spending_add(a, 100, MONDAY_US + 18 * (DAY_US / 24));
	cr_expect_eq(spending_over(a, 1, MONDAY_US + 19 * (DAY_US / 24) - 1) & MUCH, MUCH);
	cr_expect_eq(spending_over(a, 1, MONDAY_US + 19 * (DAY_US / 24)), 0);
	spending_free(a);
}

Test(budget, is_shared_by_processes_exactly)
{
	enum { WRITERS = 4, TIMES = 20000 };
	struct spending *a = draw(budgets, "lobby", "192.0.2.1:443");

	for (int i = 0; i < WRITERS; i++) {
		if (fork() != 0)
			continue;
		struct spending *mine = draw(budgets_map(fd, NULL), "lobby", "192.0.2.1:443");

		for (int n = 0; n < TIMES; n++)
			spending_add(mine, 3, MONDAY_US);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	cr_expect_eq(spending_over(a, 0, MONDAY_US), MUCH | SLOW);
	spending_free(a);
	/* Not one is lost: a larger budget tells the exact count. */
	rules_free(rules);
	load(exact);
	a = draw(budgets, "lobby", "192.0.2.1:443");
	cr_expect_eq(spending_over(a, 1, MONDAY_US), 1);
	cr_expect_eq(spending_over(a, 0, MONDAY_US), 0);
	spending_free(a);
}

Test(budget, outlives_who_counts)
{
	char path[] = "/tmp/budget-XXXXXX", aside[BUDGETS_PATH_MAX];
	struct spending *a;
	struct budgets *first, *again;
	struct stat st;
	int file = mkstemp(path), one, other;

	cr_assert_geq(file, 0);
	(void)close(file);
	one = budgets_open(path, aside, NULL);
	cr_assert_geq(one, 0, "an empty file is made one of ours");
	cr_expect_str_eq(aside, "");
	first = budgets_map(one, NULL);
	cr_expect_eq(budgets_take_loss(first), 0);
	a = draw(first, "lobby", "192.0.2.1:443");
	spending_add(a, 100, MONDAY_US);
	spending_free(a);
	budgets_unmap(first);
	(void)close(one);
	other = budgets_open(path, aside, NULL);
	cr_expect_str_eq(aside, "");
	again = budgets_map(other, NULL);
	a = draw(again, "lobby", "192.0.2.1:443");
	cr_expect_eq(spending_over(a, 1, MONDAY_US), MUCH | SLOW);
	spending_free(a);
	cr_assert_eq(fstat(other, &st), 0);
	cr_expect_eq(st.st_blocks * 512 >= st.st_size, 1, "a full disk must not matter later");
	budgets_unmap(again);
	(void)close(other);
	(void)unlink(path);
	cr_expect_lt(budgets_open("/tmp", aside, NULL), 0);
	cr_expect_lt(budgets_open("/dev/null", aside, NULL), 0);
}

static void
write_file(const char *path, const void *bytes, size_t size)
{
	int file = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	cr_assert_eq(write(file, bytes, size), (ssize_t)size);
	(void)close(file);
}

/* What is there is kept for who wants to know what it was, and told once. */
static void
is_set_aside(const char *path, off_t size)
{
	char aside[BUDGETS_PATH_MAX];
	struct budgets *anew;
	struct stat st;
	uint64_t lost_us;
	int file = budgets_open(path, aside, NULL);

	cr_assert_geq(file, 0);
	cr_assert_eq(strncmp(aside, path, strlen(path)), 0, "%s", aside);
	cr_assert_eq(stat(aside, &st), 0);
	cr_expect_eq(st.st_size, size);
	anew = budgets_map(file, NULL);
	lost_us = budgets_take_loss(anew);
	cr_expect_gt(lost_us, MONDAY_US / 4);
	cr_expect_eq(budgets_take_loss(anew), 0);
	budgets_put_loss(anew, lost_us);
	cr_expect_eq(budgets_take_loss(anew), lost_us);
	budgets_unmap(anew);
	(void)close(file);
	(void)unlink(aside);
}

Test(budget, what_is_none_of_ours_is_set_aside)
{
	char path[] = "/tmp/budget-XXXXXX", aside[BUDGETS_PATH_MAX];
	const uint64_t other_magic = 1;
	int file = mkstemp(path);

	cr_assert_geq(file, 0);
	(void)close(file);
	write_file(path, "a note", 6);
	is_set_aside(path, 6);
	/* It is whole now; then its end is lost, and then its beginning. */
	file = budgets_open(path, aside, NULL);
	cr_assert_geq(file, 0);
	cr_expect_str_eq(aside, "");
	cr_assert_eq(ftruncate(file, 4096), 0);
	(void)close(file);
	is_set_aside(path, 4096);
	file = budgets_open(path, aside, NULL);
	cr_assert_eq(pwrite(file, &other_magic, sizeof(other_magic), 0), sizeof(other_magic));
	(void)close(file);
	is_set_aside(path, 4096 + 32 * BUDGET_ROWS);
	(void)unlink(path);
}

/* So many places that no row is left; each has count bytes counted. */
static void
fill_rows(unsigned places, uint64_t count)
{
	char dst[64];

	for (unsigned i = 0; i < places; i++) {
		struct spending *one;

		(void)snprintf(dst, sizeof(dst), "10.%u.%u.%u:443", i >> 16 & 255, i >> 8 & 255,
		    i & 255);
		one = draw(budgets, "lobby", dst);
		spending_add(one, count, MONDAY_US);
		spending_free(one);
	}
}

static const char of_places[] =
    "ruleset: r\nversion: \"1\"\ntitle: t\nunknown: allow\ndefault: allow\nrules:\n"
    "- {id: day, match: {bytes: {up_over: 1KB, per: 1d, by: destination}}, then: block, why: w}\n"
    "- {id: hour, match: {bytes: {up_over: 500B, per: 1h, by: destination}}, then: block, why: w}\n";

enum { OF_DAY = 1, OF_HOUR = 2 };

/* Cameras and places without end: what no row is left for is counted together, for
 * its own budget and as long as that one's period. */
Test(budget, is_bounded_and_never_forgets_what_counts)
{
	const uint64_t hour_us = DAY_US / 24;
	struct spending *first, *late;

	rules_free(rules);
	load(of_places);
	first = draw(budgets, "lobby", "192.0.2.1:443");
	spending_add(first, 1024, MONDAY_US);
	fill_rows(2 * BUDGET_ROWS, 1);
	cr_expect_eq(spending_over(first, 1, MONDAY_US), OF_DAY | OF_HOUR);
	late = draw(budgets, "lobby", "192.0.2.2:443");
	cr_expect_eq(spending_over(late, 0, MONDAY_US), OF_DAY | OF_HOUR, "all that have none");
	/* The hour's rows are free again, and it may go on; the day's are not. */
	cr_expect_eq(spending_over(late, 500, MONDAY_US + hour_us + 1000000), OF_DAY);
	spending_add(late, 500, MONDAY_US + hour_us + 1000000);
	cr_expect_eq(spending_over(late, 1, MONDAY_US + hour_us + 1000000), OF_DAY | OF_HOUR);
	cr_expect_eq(spending_over(first, 1, MONDAY_US + hour_us + 1000000), OF_DAY);
	cr_expect_eq(spending_over(late, 1, MONDAY_US + DAY_US - 1) & OF_DAY, OF_DAY);
	cr_expect_eq(spending_over(late, 1024, MONDAY_US + DAY_US), OF_HOUR);
	spending_free(first);
	spending_free(late);
}

/* The day's rows are full, the hour's make way: who has one then goes on from there. */
Test(budget, who_gets_a_row_late_goes_on_from_what_was_counted)
{
	struct spending *late;
	uint64_t over;

	rules_free(rules);
	load(of_places);
	fill_rows(BUDGET_ROWS + BUDGET_ROWS / 2, 1);
	late = draw(budgets, "lobby", "192.0.2.2:443");
	over = spending_over(late, 0, MONDAY_US);
	cr_expect_eq(over & OF_DAY, OF_DAY);
	for (uint64_t s = 1; s < 86400; s += 3601)
		cr_expect_eq(spending_over(late, 0, MONDAY_US + s * 1000000) & OF_DAY, OF_DAY);
	spending_free(late);
}

Test(budget, the_record_tells_the_deciding_one_or_the_fullest)
{
	struct spending *a = draw(budgets, "lobby", "192.0.2.1:80");
	struct verdict verdict = {.ruleset = "r", .rule = "default"};
	struct budget_facts told = {.used = 7};

	spending_tell(NULL, rules, &verdict, MONDAY_US, &told);
	cr_expect_eq(told.used, 7, "what was told before stays");
	spending_add(a, 8, MONDAY_US);
	spending_tell(a, rules, &verdict, MONDAY_US, &told);
	cr_expect_str_eq(told.ruleset, "r");
	cr_expect_str_eq(told.rule, "stop");
	cr_expect_eq(told.used, 8);
	cr_expect_eq(told.up_over, 9);
	cr_expect_eq(told.per_s, 7 * 86400);
	cr_expect_eq(told.by_device, true);
	text_copy(verdict.rule, sizeof(verdict.rule), "slow");
	spending_tell(a, rules, &verdict, MONDAY_US, &told);
	cr_expect_str_eq(told.rule, "slow");
	cr_expect_eq(told.up_over, 50);
	cr_expect_eq(told.by_device, false);
	spending_free(a);
}

Test(budget, a_limit_slows_to_its_rate)
{
	struct spending *a = draw(budgets, "lobby", "192.0.2.1:443");
	struct spending *b = draw(budgets, "yard", "192.0.2.1:443");
	struct verdict limit = {.result = RESULT_LIMIT,
	    .rate = 100,
	    .ruleset = "r",
	    .rule = "slow"};
	uint64_t now_us = 5000000;

	cr_expect_eq(spending_wait_us(a, &limit, MONDAY_US, now_us), 0);
	spending_pace(a, &limit, 50, now_us);
	cr_expect_eq(spending_wait_us(a, &limit, MONDAY_US, now_us), 500000);
	cr_expect_eq(spending_wait_us(b, &limit, MONDAY_US, now_us), 500000, "all share it");
	cr_expect_eq(spending_wait_us(a, &limit, MONDAY_US, now_us + 499999), 1);
	cr_expect_eq(spending_wait_us(a, &limit, MONDAY_US, now_us + 500000), 0);
	spending_pace(b, &limit, 100, now_us + 500000);
	cr_expect_eq(spending_wait_us(a, &limit, MONDAY_US, now_us + 500000), 1000000);
	cr_expect_eq(spending_wait_us(a, &limit, MONDAY_US, 0), 6500000);
	spending_free(a);
	spending_free(b);
}

Test(budget, a_limit_without_a_rate_stops_until_the_next_period)
{
	struct spending *a = draw(budgets, "lobby", "192.0.2.1:80");
	struct verdict limit = {.result = RESULT_LIMIT, .ruleset = "r", .rule = "stop"};

	cr_expect_eq(spending_wait_us(a, &limit, MONDAY_US, 0), 7 * DAY_US);
	cr_expect_eq(spending_wait_us(a, &limit, MONDAY_US + 6 * DAY_US, 0), DAY_US);
	spending_free(a);
}

Test(budget, nothing_draws_on_what_nothing_asks_for)
{
	struct facts facts = {.inspect = INSPECT_OPENED};
	struct spending *spending;

	cr_expect_eq(spending_open(budgets, NULL, &facts, &spending), 0);
	cr_expect_null(spending);
	cr_expect_eq(spending_over(NULL, 1, MONDAY_US), 0);
	spending_add(NULL, 1, MONDAY_US);
	spending_free(NULL);
}
