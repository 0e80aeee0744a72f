/* SPDX-License-Identifier: MIT */
#include "record/replay.h"

#include "base/err.h"
#include "base/text.h"
#include "record/store.h"
#include "tests/record/make_facts.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

enum { FOUND_MAX = 16 };

static char dir[128];
static struct store *store;
static uint64_t seq;

struct found {
	size_t count, stop_after;
	uint64_t ids[FOUND_MAX], opened_us[FOUND_MAX];
	bool refuse;
};

static void
set_up(void)
{
	char path[160];
	struct err err = {0};

	scratch_dir(dir, sizeof(dir));
	(void)snprintf(path, sizeof(path), "%s/" STORE_FILE, dir);
	store = store_open(path, STORE_WRITE, &err);
	cr_assert_not_null(store, "%s", err.text);
	cr_assert_eq(store_begin(store, NULL), 0);
}

static void
tear_down(void)
{
	store_close(store);
	scratch_remove(dir);
}

TestSuite(replay, .init = set_up, .fini = tear_down);

static void
add(enum event_kind kind, uint64_t flow_id, uint64_t opened_us, const char *device)
{
	struct recorded event = {.head = {kind, 1, 7, ++seq, opened_us}};
	struct stored stored = {.event = &event, .site = "north-gate", .eve_version = 1};
	struct err err = {0};

	make_facts(&event.facts, flow_id);
	event.facts.opened_wall_us = opened_us;
	event.facts.closed_wall_us = kind == EVENT_OPEN ? 0 : opened_us + 10;
	event.facts.traffic.left_up = 1000 * flow_id;
	text_copy(event.facts.device, sizeof(event.facts.device), device);
	cr_assert_eq(store_add(store, &stored, &err), 1, "%s", err.text);
}

static void
alter(const char *sql)
{
	cr_assert_eq(sqlite3_exec(store_database(store), sql, NULL, NULL, NULL), SQLITE_OK, "%s",
	    sqlite3_errmsg(store_database(store)));
}

static enum replay_answer
note(void *context, const struct replayed *replayed)
{
	struct found *found = context;
	struct facts facts;

	cr_assert_lt(found->count, FOUND_MAX);
	cr_assert_eq(replayed_facts(replayed, &facts), 0);
	cr_expect_eq(facts.opened_wall_us, replayed->gist->opened_wall_us);
	cr_expect_eq(facts.traffic.left_up, replayed->gist->traffic.left_up);
	found->ids[found->count] = facts.flow_id;
	found->opened_us[found->count++] = facts.opened_wall_us;
	if (found->count == found->stop_after)
		return REPLAY_STOP;
	return found->refuse ? REPLAY_DAMAGED : REPLAY_TAKEN;
}

static struct replay_count
read_all(const struct replay_wish *wish, struct found *found)
{
	struct replay_count count;
	struct err err = {0};
	uint64_t total = 0;

	cr_assert_eq(replay_read(store, wish, note, found, &count, &err), 0, "%s", err.text);
	cr_assert_eq(replay_count(store, wish, &total, &err), 0, "%s", err.text);
	if (found->stop_after == 0)
		cr_expect_eq(total, count.flows + count.damaged);
	return count;
}

Test(replay, gives_the_last_that_is_known_of_each_connection)
{
	struct found found = {0};
	struct replay_count count;

	add(EVENT_OPEN, 1, 100, "a");
	add(EVENT_OPEN, 2, 200, "a");
	add(EVENT_CLOSE, 2, 200, "a");
	add(EVENT_CLOSE, 3, 150, "a"); /* refused: it has no opening */
	add(EVENT_OPEN, 4, 300, "a");
	add(EVENT_LOST, 4, 300, "a");
	add(EVENT_STATS, 0, 400, "");
	count = read_all(&(struct replay_wish){0}, &found);
	cr_expect_eq(count.flows, 4);
	cr_expect_eq(count.open, 1);
	cr_expect_eq(count.damaged, 0);
	cr_assert_eq(found.count, 4);
	/* In the order in which they were opened. */
	cr_expect_eq(found.ids[0], 1);
	cr_expect_eq(found.ids[1], 3);
	cr_expect_eq(found.ids[2], 2);
	cr_expect_eq(found.ids[3], 4);
}

Test(replay, takes_a_time_without_its_end_and_one_device)
{
	static const struct {
		struct replay_wish wish;
		size_t count;
	} rows[] = {
	    {{0, 0, NULL}, 4},
	    {{100, 0, NULL}, 4},
	    {{101, 0, NULL}, 3},
	    {{100, 300, NULL}, 2},
	    {{0, 100, NULL}, 0},
	    {{UINT64_MAX / 2, 0, NULL}, 0},
	    {{0, UINT64_MAX, NULL}, 4},
	    {{0, 0, "b"}, 2},
	    {{201, 0, "b"}, 1},
	    {{0, 0, "b' OR 1"}, 0},
	    {{0, 0, ""}, 0},
	};

	add(EVENT_CLOSE, 1, 100, "a");
	add(EVENT_CLOSE, 2, 200, "b");
	add(EVENT_CLOSE, 3, 300, "a");
	add(EVENT_CLOSE, 4, 400, "b");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct found found = {0};

		(void)read_all(&rows[i].wish, &found);
		cr_expect_eq(found.count, rows[i].count, "row %zu: %zu", i, found.count);
	}
}

Test(replay, counts_what_is_damaged_or_gone_and_goes_on)
{
	struct found found = {0};
	struct replay_count count;

	for (uint64_t i = 1; i <= 5; i++)
		add(EVENT_CLOSE, i, 100 * i, "a");
	alter("UPDATE event SET frame = substr(frame, 1, 40) WHERE id = 1");
	alter("UPDATE event SET frame = zeroblob(length(frame)) WHERE id = 2");
	alter("DELETE FROM event WHERE id = 3");
	alter("UPDATE event SET frame = x'' WHERE id = 4");
	count = read_all(&(struct replay_wish){0}, &found);
	cr_expect_eq(count.damaged, 4);
	cr_expect_eq(count.flows, 1);
	cr_assert_eq(found.count, 1);
	cr_expect_eq(found.ids[0], 5);
}

Test(replay, ends_when_it_is_told_to_and_counts_what_the_reader_refuses)
{
	struct found two = {.stop_after = 2}, refusing = {.refuse = true};
	struct replay_count count;

	for (uint64_t i = 1; i <= 5; i++)
		add(EVENT_CLOSE, i, 100 * i, "a");
	count = read_all(&(struct replay_wish){0}, &two);
	cr_expect_eq(two.count, 2);
	cr_expect_eq(count.flows, 1);
	count = read_all(&(struct replay_wish){0}, &refusing);
	cr_expect_eq(count.flows, 0);
	cr_expect_eq(count.damaged, 5);
}

Test(replay, a_store_without_its_tables_is_an_error)
{
	struct replay_count count;
	struct found found = {0};
	struct err err = {0};

	alter("DROP TABLE event");
	cr_expect_eq(replay_read(store, &(struct replay_wish){0}, note, &found, &count, &err), -1);
	cr_expect_not_null(strstr(err.text, "no such table"), "%s", err.text);
}
