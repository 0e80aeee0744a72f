/* SPDX-License-Identifier: MIT */
#include "record/store.h"

#include "base/err.h"
#include "record/columns.h"
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

/* ---- a store that an older program made ---- */

/* Those that were there before the first was added. */
static bool
is_of_old(const char *name)
{
	static const char *const names[] = {"flow_id", "opened", "closed", "sni", "camera", "dst"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

static void
add_nothing(struct store *store, struct recorded *event, uint64_t seq, const char *sni)
{
	struct stored stored = {.event = event, .site = "north-gate", .eve_version = 1};
	struct err err = {0};

	memset(event, 0, sizeof(*event));
	event->head = (struct event_head){EVENT_CLOSE, 1, 7, seq, 100};
	event->facts.flow_id = seq;
	event->facts.opened_wall_us = 100;
	event->facts.closed_wall_us = 100;
	(void)snprintf(event->facts.hello.sni, sizeof(event->facts.hello.sni), "%s", sni);
	cr_assert_eq(store_add(store, &stored, &err), 1, "%s", err.text);
}

Test(store, columns_that_were_added_fit_the_rows_from_before)
{
	struct recorded events[2];
	struct fixture fixture;
	struct err err = {0};

	open_fixture(&fixture);
	cr_assert_eq(store_begin(fixture.store, NULL), 0);
	add_nothing(fixture.store, &events[0], 1, "");
	add_nothing(fixture.store, &events[1], 2, "cloud.example");
	cr_assert_eq(store_commit(fixture.store, NULL), 0);
	for (size_t i = 0; i < column_count; i++) {
		char sql[96];

		(void)snprintf(sql, sizeof(sql), "ALTER TABLE flow DROP COLUMN \"%s\"",
		    columns[i].name);
		if (!is_of_old(columns[i].name))
			cr_assert_eq(sqlite3_exec(store_database(fixture.store), sql, NULL, NULL,
					 NULL),
			    SQLITE_OK, "%s", sqlite3_errmsg(store_database(fixture.store)));
	}
	cr_assert_null(store_open(fixture.path, STORE_READ, &err));
	cr_assert_not_null(strstr(err.text, "an older program made it"), "%s", err.text);
	reopen(&fixture);
	for (uint64_t i = 0; i < 2; i++) {
		const struct stored stored = {.id = i + 1, .event = &events[i]};

		cr_expect_eq(store_flow_fits(fixture.store, &stored, &err), 1, "row %llu",
		    (unsigned long long)i);
	}
	cr_expect_eq(ask(&fixture, "SELECT count(*) FROM flow WHERE name_basis = 'sni'"), 1);
	cr_expect_eq(ask(&fixture, "SELECT count(*) FROM flow WHERE proto = 'tcp'"), 2);
	close_fixture(&fixture);
}

/* ---- what rows hold ---- */

static const char *
value_of(const struct fixture *fixture, const char *column)
{
	static char text[256];
	sqlite3_stmt *statement;
	char sql[96];

	(void)snprintf(sql, sizeof(sql), "SELECT \"%s\" FROM flow", column);
	cr_assert_eq(sqlite3_prepare_v2(store_database(fixture->store), sql, -1, &statement, NULL),
	    SQLITE_OK, "%s", column);
	cr_assert_eq(sqlite3_step(statement), SQLITE_ROW);
	(void)snprintf(text, sizeof(text), "%s", (const char *)sqlite3_column_text(statement, 0));
	(void)sqlite3_finalize(statement);
	return text;
}

static void
make_sent(struct facts *facts)
{
	make_facts(facts, 1);
	memset(&facts->hello, 0, sizeof(facts->hello));
	facts->transport = TRANSPORT_UDP;
	facts->app.proto = APP_RTP;
	facts->app.status = 200;
	facts->app.host_mismatch = true;
	facts->app.first_size = 3;
	memcpy(facts->app.first, "\x80\x60\x01", 3);
	(void)snprintf(facts->app.topics, sizeof(facts->app.topics), "a/b,c");
	(void)snprintf(facts->looked_up, sizeof(facts->looked_up), "relay.example");
	facts->payload.class = PAYLOAD_VIDEO;
	facts->payload.confidence = CONFIDENCE_IDENTIFIED;
	facts->payload.direction = DIRECTION_UP;
	facts->payload.held = 65536;
	facts->payload.examined = 4096;
	facts->payload.examined = 4096;
	facts->payload.up[PAYLOAD_VIDEO] = UINT64_C(5000000000);
	facts->payload.down[PAYLOAD_CONTROL] = 200;
	facts->traffic.packets_up = UINT32_MAX;
}

Test(store, rows_hold_what_was_said_and_sent)
{
	static const struct {
		const char *column, *value;
	} rows[] = {
	    {"proto", "udp"},
	    {"app", "rtp"},
	    {"name_basis", "dns"},
	    {"looked_up", "relay.example"},
	    {"topics", "a/b,c"},
	    {"status", "200"},
	    {"first", "806001"},
	    {"host_mismatch", "1"},
	    {"opaque_inner", "0"},
	    {"class", "video"},
	    {"confidence", "identified"},
	    {"direction", "up"},
	    {"classes", "video 5000000000/0, control 0/200"},
	    {"held", "65536"},
	    {"packets_up", "4294967295"},
	    {"camera", "10.0.0.21"},
	    {"camera_port", "40112"},
	    {"mac", "44:19:b6:12:34:56"},
	    {"operator", "CN"},
	    {"asn", "45102"},
	    {"server_tls", "TLS 1.3"},
	    {"verified", "1"},
	};
	struct recorded event = {.head = {EVENT_CLOSE, 1, 7, 1, 100}};
	struct stored stored = {.event = &event, .site = "north-gate", .eve_version = 1};
	struct fixture fixture;

	open_fixture(&fixture);
	make_sent(&event.facts);
	cr_assert_eq(store_begin(fixture.store, NULL), 0);
	cr_assert_eq(store_add(fixture.store, &stored, NULL), 1);
	cr_assert_eq(store_commit(fixture.store, NULL), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_str_eq(value_of(&fixture, rows[i].column), rows[i].value, "%s: %s",
		    rows[i].column, value_of(&fixture, rows[i].column));
	stored.id = 1;
	cr_expect_eq(store_flow_fits(fixture.store, &stored, NULL), 1);
	close_fixture(&fixture);
}
