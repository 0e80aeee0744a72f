/* SPDX-License-Identifier: MIT */
#include "record/store.h"

#include "base/err.h"
#include "tests/record/make_facts.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

struct fixture {
	char dir[128], path[160];
	struct store *store;
};

static void
open_fixture(struct fixture *fixture)
{
	struct err err = {0};

	scratch_dir(fixture->dir, sizeof(fixture->dir));
	(void)snprintf(fixture->path, sizeof(fixture->path), "%s/" STORE_FILE, fixture->dir);
	fixture->store = store_open(fixture->path, STORE_WRITE, &err);
	cr_assert_not_null(fixture->store, "%s", err.text);
}

static void
close_fixture(struct fixture *fixture)
{
	store_close(fixture->store);
	scratch_remove(fixture->dir);
}

static void
reopen(struct fixture *fixture)
{
	store_close(fixture->store);
	fixture->store = store_open(fixture->path, STORE_WRITE, NULL);
	cr_assert_not_null(fixture->store);
}

static int
add(struct fixture *fixture, enum event_kind kind, uint64_t seq, uint64_t wall_us)
{
	struct recorded event = {.head = {kind, 1, 7, seq, wall_us}};
	struct stored stored = {.event = &event, .site = "north-gate", .eve_version = 1};
	struct err err = {0};
	int got;

	make_facts(&event.facts, seq);
	event.facts.opened_wall_us = wall_us;
	event.facts.closed_wall_us = kind == EVENT_OPEN ? 0 : wall_us;
	got = store_add(fixture->store, &stored, &err);
	cr_assert_geq(got, 0, "%s", err.text);
	return got;
}

static uint64_t
ask(const struct fixture *fixture, const char *sql)
{
	sqlite3_stmt *statement;
	uint64_t answer;

	cr_assert_eq(sqlite3_prepare_v2(store_database(fixture->store), sql, -1, &statement, NULL),
	    SQLITE_OK);
	cr_assert_eq(sqlite3_step(statement), SQLITE_ROW);
	answer = (uint64_t)sqlite3_column_int64(statement, 0);
	(void)sqlite3_finalize(statement);
	return answer;
}

Test(store, keeps_an_event_once)
{
	struct fixture fixture;

	open_fixture(&fixture);
	cr_assert_eq(store_begin(fixture.store, NULL), 0);
	cr_assert_eq(add(&fixture, EVENT_OPEN, 1, 100), 1);
	cr_assert_eq(add(&fixture, EVENT_OPEN, 1, 100), 0);
	cr_assert_eq(add(&fixture, EVENT_OPEN, 2, 100), 1);
	cr_assert_eq(store_commit(fixture.store, NULL), 0);
	cr_assert_eq(store_last_id(fixture.store), 2);
	reopen(&fixture);
	cr_assert_eq(store_last_id(fixture.store), 2);
	cr_assert_eq(ask(&fixture, "SELECT count(*) FROM flow"), 2);
	close_fixture(&fixture);
}

Test(store, a_rollback_leaves_nothing)
{
	struct fixture fixture;

	open_fixture(&fixture);
	cr_assert_eq(store_begin(fixture.store, NULL), 0);
	cr_assert_eq(add(&fixture, EVENT_OPEN, 1, 100), 1);
	store_rollback(fixture.store);
	cr_assert_eq(store_last_id(fixture.store), 0);
	cr_assert_eq(store_begin(fixture.store, NULL), 0);
	cr_assert_eq(add(&fixture, EVENT_OPEN, 2, 100), 1);
	cr_assert_eq(store_commit(fixture.store, NULL), 0);
	cr_assert_eq(ask(&fixture, "SELECT id FROM event"), 1);
	cr_assert_eq(ask(&fixture, "SELECT seq FROM event"), 2);
	close_fixture(&fixture);
}

Test(store, finds_a_connection_while_it_is_open)
{
	struct fixture fixture;
	struct facts facts, expected;
	uint64_t flow_id = 0;

	open_fixture(&fixture);
	make_facts(&expected, 5);
	expected.opened_wall_us = 100;
	expected.closed_wall_us = 0;
	cr_assert_eq(store_begin(fixture.store, NULL), 0);
	cr_assert_eq(store_find_open(fixture.store, 5, &facts, NULL), 0);
	(void)add(&fixture, EVENT_OPEN, 5, 100);
	cr_assert_eq(store_find_open(fixture.store, 5, &facts, NULL), 1);
	cr_assert_eq(memcmp(&facts, &expected, sizeof(facts)), 0);
	cr_assert_eq(store_next_open(fixture.store, 0, &flow_id, NULL), 1);
	cr_assert_eq(flow_id, 5);
	(void)add(&fixture, EVENT_OPEN, 3, 100);
	cr_assert_eq(store_next_open(fixture.store, 0, &flow_id, NULL), 1);
	cr_assert_eq(flow_id, 3);
	cr_assert_eq(store_next_open(fixture.store, 3, &flow_id, NULL), 1);
	cr_assert_eq(flow_id, 5);
	cr_assert_eq(store_next_open(fixture.store, 5, &flow_id, NULL), 0);
	cr_assert_eq(store_commit(fixture.store, NULL), 0);
	close_fixture(&fixture);
}

Test(store, progress_is_kept)
{
	struct fixture fixture;
	struct store_eve eve = {1, 2, 3, 4, 5, 6}, read;
	const uint8_t id[16] = "sixteen letters";
	uint64_t position = 0, seq = 0;

	open_fixture(&fixture);
	cr_assert_eq(store_begin(fixture.store, NULL), 0);
	cr_assert_eq(store_spool(fixture.store, id, &position, NULL), 0);
	cr_assert_eq(store_set_spool(fixture.store, id, UINT64_MAX, NULL), 0);
	cr_assert_eq(store_set_eve(fixture.store, &eve, NULL), 0);
	(void)add(&fixture, EVENT_OPEN, 9, 100);
	cr_assert_eq(store_commit(fixture.store, NULL), 0);
	reopen(&fixture);
	cr_assert_eq(store_spool(fixture.store, id, &position, NULL), 1);
	cr_assert_eq(position, UINT64_MAX);
	cr_assert_eq(store_eve(fixture.store, &read, NULL), 0);
	cr_assert_eq(memcmp(&read, &eve, sizeof(eve)), 0);
	cr_assert_eq(store_last_seq(fixture.store, 7, 1, &seq, NULL), 0);
	cr_assert_eq(seq, 9);
	cr_assert_eq(store_last_seq(fixture.store, 8, 1, &seq, NULL), 0);
	cr_assert_eq(seq, 0);
	cr_assert_eq(store_drop_spool(fixture.store, id, NULL), 0);
	cr_assert_eq(store_spool(fixture.store, id, &position, NULL), 0);
	close_fixture(&fixture);
}

Test(store, old_rows_go_and_the_chain_goes_on)
{
	struct fixture fixture;
	struct store_eve eve = {.first_id = 1, .last_id = 650};
	int gone = 0, step;

	open_fixture(&fixture);
	cr_assert_eq(store_begin(fixture.store, NULL), 0);
	for (uint64_t i = 1; i <= 700; i++)
		(void)add(&fixture, EVENT_CLOSE, i, 1000 + i);
	cr_assert_eq(store_set_eve(fixture.store, &eve, NULL), 0);
	do {
		step = store_prune(fixture.store, 1000 + 601, 5000, NULL);
		cr_assert_geq(step, 0);
		gone += step;
	} while (step > 0);
	cr_assert_eq(gone, 1200, "600 events and their connections");
	cr_assert_eq(ask(&fixture, "SELECT min(id) FROM event"), 601);
	cr_assert_eq(ask(&fixture, "SELECT sum(count) FROM tombstone"), 600);
	cr_assert_eq(ask(&fixture, "SELECT max(last_id) FROM tombstone"), 600);
	while (store_prune(fixture.store, 9000, 5000, NULL) > 0)
		;
	cr_assert_eq(ask(&fixture, "SELECT min(id) FROM event"), 651,
	    "what the EVE file does not have stays");
	eve.last_id = 700;
	cr_assert_eq(store_set_eve(fixture.store, &eve, NULL), 0);
	while (store_prune(fixture.store, 9000, 5000, NULL) > 0)
		;
	cr_assert_eq(ask(&fixture, "SELECT count(*) FROM event"), 0);
	cr_assert_eq(store_commit(fixture.store, NULL), 0);
	cr_assert_eq(store_shrink(fixture.store, NULL), 0);
	reopen(&fixture);
	cr_assert_eq(store_last_id(fixture.store), 700, "numbers are never used anew");
	close_fixture(&fixture);
}

Test(store, another_programs_file_is_left_alone)
{
	struct fixture fixture;
	struct err err = {0};

	open_fixture(&fixture);
	cr_assert_eq(sqlite3_exec(store_database(fixture.store), "PRAGMA application_id = 1", NULL,
			 NULL, NULL),
	    SQLITE_OK);
	store_close(fixture.store);
	cr_assert_null(store_open(fixture.path, STORE_WRITE, &err));
	cr_assert_eq(err.kind, ERR_SYS);
	fixture.store = NULL;
	close_fixture(&fixture);
}

Test(store, a_reader_changes_nothing)
{
	struct fixture fixture;
	struct store *reader;

	open_fixture(&fixture);
	cr_assert_null(store_open("/nonexistent/borderlens.db", STORE_READ, NULL));
	reader = store_open(fixture.path, STORE_READ, NULL);
	cr_assert_not_null(reader);
	cr_assert_neq(sqlite3_exec(store_database(reader), "DELETE FROM progress", NULL, NULL,
			  NULL),
	    SQLITE_OK);
	store_close(reader);
	close_fixture(&fixture);
}
