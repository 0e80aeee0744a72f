/* SPDX-License-Identifier: MIT */
#include "record/ledger.h"

#include "base/err.h"
#include "record/recorder.h"
#include "record/spool.h"
#include "tests/record/make_facts.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EPOCH = 7, FLOWS = 40 };

struct box {
	char dir[128], eve[192], db[192];
	struct ledger_files files;
};

/* A record of FLOWS connections, one of them open, the last blocked without
 * having been opened. */
static void
make_box(struct box *box)
{
	char path[192];
	struct recorder_config config;
	struct recorder *recorder;
	struct spool *worker;
	struct facts facts;
	int fd;

	scratch_dir(box->dir, sizeof(box->dir));
	(void)snprintf(box->eve, sizeof(box->eve), "%s/eve.json", box->dir);
	(void)snprintf(box->db, sizeof(box->db), "%s/borderlens.db", box->dir);
	(void)snprintf(path, sizeof(path), "%s/spool-0", box->dir);
	box->files = (struct ledger_files){box->dir, box->dir, box->eve};
	fd = spool_create(path, SPOOL_SIZE_MIN, 0, EPOCH, NULL);
	worker = spool_writer(fd, "north-gate", NULL);
	cr_assert_not_null(worker);
	for (uint64_t i = 1; i <= FLOWS; i++) {
		make_facts(&facts, i);
		if (i == FLOWS) {
			facts.verdict.result = RESULT_BLOCK;
			facts.traffic = (struct traffic){0};
		} else {
			cr_assert_eq(spool_write(worker, EVENT_OPEN, &facts, NULL), 0);
		}
		if (i > 1)
			cr_assert_eq(spool_write(worker, EVENT_CLOSE, &facts, NULL), 0);
	}
	config = (struct recorder_config){.eve_fd = -1,
	    .state_dir = box->dir,
	    .eve = box->eve,
	    .site = "north-gate",
	    .epoch = EPOCH};
	recorder = recorder_open(&config, &fd, 1, NULL);
	cr_assert_not_null(recorder);
	cr_assert_eq(recorder_finish(recorder), 0);
	recorder_close(recorder);
	spool_close(worker);
	(void)close(fd);
}

static void
verify(struct box *box, struct ledger *ledger)
{
	struct err err = {0};

	cr_assert_eq(ledger_verify(&box->files, ledger, &err), 0, "%s", err.text);
}

static void
change(const struct box *box, const char *sql)
{
	sqlite3 *db;
	char *says = NULL;

	cr_assert_eq(sqlite3_open(box->db, &db), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, &says), SQLITE_OK, "%s", says);
	cr_assert_gt(sqlite3_changes(db), 0, "%s", sql);
	(void)sqlite3_close(db);
}

Test(ledger, a_whole_record_is_whole)
{
	struct box box;
	struct ledger ledger;

	make_box(&box);
	verify(&box, &ledger);
	cr_assert(ledger_is_whole(&ledger), "%s", ledger.notes[0]);
	cr_assert_eq(ledger.events, 2 * FLOWS - 2);
	cr_assert_eq(ledger.flows, FLOWS);
	cr_assert_eq(ledger.open_flows, 1);
	cr_assert_eq(ledger.eve_lines, 2 * FLOWS - 2 + 1, "and an alert");
	cr_assert_eq(ledger.waiting, 0);
	cr_assert(ledger.has_eve);
	scratch_remove(box.dir);
}

/* A flow of datagrams that sent without an open event, beside one that had one. */
Test(ledger, flows_of_datagrams_are_announced_too)
{
	struct recorder_config config;
	struct recorder *recorder;
	struct ledger ledger;
	struct facts facts;
	struct spool *worker;
	struct box box;
	char path[192];
	int fd;

	make_box(&box);
	(void)snprintf(path, sizeof(path), "%s/spool-0", box.dir);
	fd = spool_create(path, SPOOL_SIZE_MIN, 0, EPOCH + 1, NULL);
	worker = spool_writer(fd, "north-gate", NULL);
	cr_assert_not_null(worker);
	make_facts(&facts, 101);
	facts.transport = TRANSPORT_UDP;
	facts.app.proto = APP_DNS;
	cr_assert_eq(spool_write(worker, EVENT_OPEN, &facts, NULL), 0, "it has no line");
	cr_assert_eq(spool_write(worker, EVENT_DNS, &facts, NULL), 0);
	cr_assert_eq(spool_write(worker, EVENT_CLOSE, &facts, NULL), 0);
	facts.anomaly = (struct anomaly_facts){ANOMALY_ESP, 3, 300};
	cr_assert_eq(spool_write(worker, EVENT_ANOMALY, &facts, NULL), 0);
	config = (struct recorder_config){.eve_fd = -1,
	    .state_dir = box.dir,
	    .eve = box.eve,
	    .site = "north-gate",
	    .epoch = EPOCH + 1};
	recorder = recorder_open(&config, &fd, 1, NULL);
	cr_assert_not_null(recorder);
	cr_assert_eq(recorder_finish(recorder), 0);
	verify(&box, &ledger);
	cr_expect(ledger_is_whole(&ledger), "%s", ledger.notes[0]);
	cr_expect_eq(ledger.flows, FLOWS + 1);
	cr_expect_eq(ledger.eve_lines, 2 * FLOWS - 2 + 1 + 3);
	facts.flow_id = 102;
	cr_assert_eq(spool_write(worker, EVENT_CLOSE, &facts, NULL), 0);
	cr_assert_eq(recorder_finish(recorder), 0);
	recorder_close(recorder);
	verify(&box, &ledger);
	cr_expect_eq(ledger.unannounced, 1);
	spool_close(worker);
	(void)close(fd);
	scratch_remove(box.dir);
}

Test(ledger, no_store_is_an_error)
{
	struct ledger_files files = {"/nonexistent", NULL, ""};
	struct ledger ledger;

	cr_assert_eq(ledger_verify(&files, &ledger, NULL), -1);
}

Test(ledger, a_changed_store_shows)
{
	static const struct {
		const char *sql;
		size_t count; /* which of the ledger's counts must not be 0 */
	} rows[] = {
#define SHOWS(member) offsetof(struct ledger, member)
	    {"UPDATE event SET hash = zeroblob(32) WHERE id = 9", SHOWS(chain_breaks)},
	    {"UPDATE event SET site = 'south' WHERE id = 9", SHOWS(chain_breaks)},
	    {"UPDATE event SET flow_id = 3 WHERE id = 9", SHOWS(damaged)},
	    {"UPDATE event SET wall_us = wall_us + 1 WHERE id = 9", SHOWS(damaged)},
	    {"UPDATE event SET frame = zeroblob(40) WHERE id = 9", SHOWS(damaged)},
	    {"DELETE FROM event WHERE id = 9", SHOWS(missing_ids)},
	    {"DELETE FROM event WHERE id = 9", SHOWS(gaps)},
	    {"DELETE FROM event WHERE id = 9", SHOWS(eve_foreign)},
	    {"DELETE FROM event WHERE id = 9", SHOWS(chain_breaks)},
	    {"UPDATE event SET id = -id WHERE id IN (9, 10)", SHOWS(missing_ids)},
	    {"UPDATE flow SET left_up = 0 WHERE flow_id = 9", SHOWS(flows_altered)},
	    {"UPDATE flow SET verdict = 'block' WHERE flow_id = 9", SHOWS(flows_altered)},
	    {"UPDATE flow SET why = 'other' WHERE flow_id = 9", SHOWS(flows_altered)},
	    {"DELETE FROM flow WHERE flow_id = 9", SHOWS(flows_altered)},
	    {"DELETE FROM flow WHERE flow_id = 1", SHOWS(flows_altered)},
	    {"UPDATE flow SET event = NULL WHERE flow_id = 9", SHOWS(unannounced)},
	    {"UPDATE flow SET event = end_event WHERE flow_id = 9", SHOWS(unannounced)},
	    {"UPDATE progress SET last_id = last_id - 1", SHOWS(eve_foreign)},
	    {"UPDATE progress SET inode = inode + 1", SHOWS(eve_missing)},
#undef SHOWS
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct box box;
		struct ledger ledger;
		uint64_t count;

		make_box(&box);
		change(&box, rows[i].sql);
		verify(&box, &ledger);
		memcpy(&count, (const char *)&ledger + rows[i].count, sizeof(count));
		cr_assert_gt(count, 0, "%s", rows[i].sql);
		cr_assert_not(ledger_is_whole(&ledger));
		cr_assert_gt(ledger.note_count, 0, "%s", rows[i].sql);
		scratch_remove(box.dir);
	}
}

/* The file's bytes, the caller's to free. */
static char *
read_file(const char *path, size_t *size)
{
	FILE *file = fopen(path, "r");
	char *bytes = malloc(1 << 20);

	cr_assert(file != NULL && bytes != NULL);
	*size = fread(bytes, 1, 1 << 20, file);
	(void)fclose(file);
	return bytes;
}

static void
write_file(const char *path, const char *bytes, size_t size)
{
	FILE *file = fopen(path, "r+"); /* the same file: its inode is known */

	cr_assert_not_null(file);
	cr_assert_eq(fwrite(bytes, 1, size, file), size);
	cr_assert_eq(fclose(file), 0);
	cr_assert_eq(truncate(path, (off_t)size), 0);
}

Test(ledger, a_changed_file_shows)
{
	struct box box;
	struct ledger ledger;
	char *bytes, *line;
	size_t size, next;

	make_box(&box);
	bytes = read_file(box.eve, &size);
	line = strstr(bytes, "\"left\":{\"up\":1000");
	cr_assert_not_null(line);
	line[13] = '9';
	write_file(box.eve, bytes, size);
	verify(&box, &ledger);
	cr_assert_eq(ledger.eve_missing, 1);
	cr_assert_eq(ledger.eve_foreign, 1);
	line[13] = '1';

	write_file(box.eve, bytes, size - 10);
	verify(&box, &ledger);
	cr_assert_gt(ledger.eve_missing, 0, "torn");

	next = (size_t)((char *)memchr(bytes, '\n', size) + 1 - bytes);
	write_file(box.eve, bytes + next, size - next);
	verify(&box, &ledger);
	cr_assert_gt(ledger.eve_missing, 0, "the first line is gone");

	write_file(box.eve, bytes, size);
	verify(&box, &ledger);
	cr_assert(ledger_is_whole(&ledger), "%s", ledger.notes[0]);
	free(bytes);
	scratch_remove(box.dir);
}

Test(ledger, every_changed_byte_of_the_file_shows)
{
	struct box box;
	struct ledger ledger;
	char *bytes;
	size_t size;

	make_box(&box);
	bytes = read_file(box.eve, &size);
	for (size_t i = 0; i < size; i += size / 60) {
		bytes[i] ^= 1;
		write_file(box.eve, bytes, size);
		verify(&box, &ledger);
		cr_assert_not(ledger_is_whole(&ledger), "byte %zu", i);
		bytes[i] ^= 1;
	}
	free(bytes);
	scratch_remove(box.dir);
}

Test(ledger, what_waits_in_a_spool_is_counted_and_no_fault)
{
	struct box box;
	struct ledger ledger;
	char path[192];
	struct spool *worker;
	struct facts facts;
	int fd;

	make_box(&box);
	(void)snprintf(path, sizeof(path), "%s/spool-0", box.dir);
	fd = spool_create(path, SPOOL_SIZE_MIN, 0, EPOCH, NULL);
	worker = spool_writer(fd, "north-gate", NULL);
	make_facts(&facts, 99);
	cr_assert_eq(spool_write(worker, EVENT_OPEN, &facts, NULL), 0);
	verify(&box, &ledger);
	cr_assert(ledger_is_whole(&ledger));
	cr_assert_eq(ledger.waiting, 1);
	spool_close(worker);
	(void)close(fd);
	scratch_remove(box.dir);
}
