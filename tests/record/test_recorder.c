/* SPDX-License-Identifier: MIT */
#include "record/recorder.h"

#include "base/err.h"
#include "base/text.h"
#include "record/ledger.h"
#include "record/spool.h"
#include "tests/record/make_facts.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EPOCH = 7 };

/* An appliance's directories, one worker's spool, and a recorder on it. */
struct box {
	char dir[128], eve[192], db[192], spool_path[192];
	int fd;
	struct spool *worker;
	struct recorder *recorder;
	struct recorder_config config;
	uint64_t now_ms;
};

static void
open_recorder(struct box *box)
{
	struct err err = {0};

	box->recorder = recorder_open(&box->config, &box->fd, 1, &err);
	cr_assert_not_null(box->recorder, "%s", err.text);
}

static void
open_box(struct box *box)
{
	memset(box, 0, sizeof(*box));
	scratch_dir(box->dir, sizeof(box->dir));
	(void)snprintf(box->eve, sizeof(box->eve), "%s/eve.json", box->dir);
	(void)snprintf(box->db, sizeof(box->db), "%s/borderlens.db", box->dir);
	(void)snprintf(box->spool_path, sizeof(box->spool_path), "%s/spool-0", box->dir);
	box->fd = spool_create(box->spool_path, SPOOL_SIZE_MIN, 0, EPOCH, NULL);
	cr_assert_geq(box->fd, 0);
	box->worker = spool_writer(box->fd, "north-gate", NULL);
	cr_assert_not_null(box->worker);
	box->config = (struct recorder_config){.eve_fd = -1,
	    .state_dir = box->dir,
	    .run_dir = box->dir,
	    .eve = box->eve,
	    .site = "north-gate",
	    .epoch = EPOCH};
	box->now_ms = 1000;
	open_recorder(box);
}

static void
close_box(struct box *box)
{
	recorder_close(box->recorder);
	spool_close(box->worker);
	(void)close(box->fd);
	scratch_remove(box->dir);
}

static void
say(struct box *box, enum event_kind kind, uint64_t flow_id)
{
	struct facts facts;
	struct err err = {0};

	make_facts(&facts, flow_id);
	cr_assert_eq(spool_write(box->worker, kind, &facts, &err), 0, "%s", err.text);
}

/* Let the recorder's clock go on until all that is due is done. */
static void
turn(struct box *box, int turns)
{
	for (int i = 0; i < turns; i++) {
		box->now_ms += 100;
		recorder_turn(box->recorder, box->now_ms);
	}
}

static uint64_t
ask(const struct box *box, const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *statement;
	uint64_t answer;

	cr_assert_eq(sqlite3_open_v2(box->db, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK, "%s",
	    sqlite3_errmsg(db));
	cr_assert_eq(sqlite3_step(statement), SQLITE_ROW);
	answer = (uint64_t)sqlite3_column_int64(statement, 0);
	(void)sqlite3_finalize(statement);
	(void)sqlite3_close(db);
	return answer;
}

static size_t
count_lines(const char *path)
{
	FILE *file = fopen(path, "r");
	size_t lines = 0;
	int c, last = '\n';

	if (file == NULL)
		return 0;
	while ((c = getc(file)) != EOF) {
		lines += c == '\n';
		last = c;
	}
	(void)fclose(file);
	cr_assert_eq(last, '\n', "no torn line");
	return lines;
}

static bool
file_has(const char *path, const char *what)
{
	char line[16384];
	FILE *file = fopen(path, "r");
	bool found = false;

	cr_assert_not_null(file);
	while (!found && fgets(line, sizeof(line), file) != NULL)
		found = strstr(line, what) != NULL;
	(void)fclose(file);
	return found;
}

Test(recorder, a_connection_becomes_rows_and_lines)
{
	struct box box;

	open_box(&box);
	say(&box, EVENT_OPEN, 11);
	turn(&box, 3);
	cr_assert_eq(ask(&box, "SELECT count(*) FROM flow WHERE closed IS NULL"), 1);
	cr_assert_eq(count_lines(box.eve), 1);
	say(&box, EVENT_CLOSE, 11);
	turn(&box, 3);
	cr_assert_eq(ask(&box, "SELECT count(*) FROM flow WHERE closed IS NULL"), 0);
	cr_assert_eq(ask(&box, "SELECT end_event FROM flow WHERE event = 1"), 2);
	cr_assert_eq(ask(&box, "SELECT left_up FROM flow"), 1000);
	cr_assert_eq(ask(&box, "SELECT count(*) FROM event"), 2);
	cr_assert_eq(count_lines(box.eve), 2);
	cr_assert(file_has(box.eve, "\"event_type\":\"flow\""));
	cr_assert_eq(recorder_status(box.recorder)->recorded, 2);
	cr_assert_eq(recorder_finish(box.recorder), 0);
	cr_assert_eq(ask(&box, "SELECT last_id FROM progress"), 2);
	close_box(&box);
}

Test(recorder, a_lost_connection_is_completed_from_its_opening)
{
	struct box box;
	struct spool_live *live;

	open_box(&box);
	live = spool_live_take(box.worker, 11);
	say(&box, EVENT_OPEN, 11);
	live->left_up = 4321;
	live = spool_live_take(box.worker, 12);
	say(&box, EVENT_OPEN, 12);
	say(&box, EVENT_CLOSE, 12); /* killed before it gave its counter back */
	spool_close(box.worker);
	box.worker = spool_writer(box.fd, "north-gate", NULL);
	turn(&box, 3);
	cr_assert_eq(ask(&box, "SELECT count(*) FROM flow"), 2);
	cr_assert_eq(ask(&box, "SELECT left_up FROM flow WHERE flow_id = 11 AND \"end\" = 'lost'"),
	    4321);
	cr_assert_eq(ask(&box, "SELECT count(*) FROM flow WHERE \"end\" = 'done'"), 1);
	cr_assert_eq(ask(&box, "SELECT count(*) FROM event"), 5);
	cr_assert_eq(count_lines(box.eve), 4, "two opened, two ended");
	cr_assert_eq(recorder_status(box.recorder)->lost, 1);
	close_box(&box);
}

Test(recorder, a_file_that_is_moved_or_deleted_is_made_anew)
{
	struct box box;
	char moved[256];

	open_box(&box);
	say(&box, EVENT_OPEN, 1);
	turn(&box, 3);
	(void)snprintf(moved, sizeof(moved), "%s.1", box.eve);
	cr_assert_eq(rename(box.eve, moved), 0);
	turn(&box, 11);
	cr_assert_eq(access(box.eve, F_OK), 0, "there again without any line");
	say(&box, EVENT_CLOSE, 1);
	turn(&box, 3);
	cr_assert_eq(count_lines(moved), 1);
	cr_assert_eq(count_lines(box.eve), 1);
	cr_assert_eq(unlink(box.eve), 0);
	say(&box, EVENT_OPEN, 2);
	say(&box, EVENT_CLOSE, 2);
	turn(&box, 3);
	cr_assert_eq(count_lines(box.eve), 2);
	cr_assert_eq(truncate(box.eve, 0), 0);
	say(&box, EVENT_OPEN, 3);
	turn(&box, 3);
	cr_assert_eq(count_lines(box.eve), 1);
	close_box(&box);
}

Test(recorder, lines_that_cannot_be_written_come_when_they_can)
{
	struct box box;
	char dir[192], eve[256];

	open_box(&box);
	recorder_close(box.recorder);
	(void)snprintf(dir, sizeof(dir), "%s/log", box.dir);
	(void)snprintf(eve, sizeof(eve), "%s/eve.json", dir);
	box.config.eve = eve;
	open_recorder(&box);
	for (uint64_t i = 1; i <= 100; i++) {
		say(&box, EVENT_OPEN, i);
		say(&box, EVENT_CLOSE, i);
		turn(&box, 2);
	}
	cr_assert(recorder_status(box.recorder)->eve_failing);
	cr_assert_eq(ask(&box, "SELECT count(*) FROM event"), 200, "the store goes on");
	cr_assert_eq(mkdir(dir, 0755), 0);
	turn(&box, 2);
	cr_assert_not(recorder_status(box.recorder)->eve_failing);
	cr_assert_eq(count_lines(eve), 200);
	close_box(&box);
}

Test(recorder, what_was_not_committed_is_cut_and_written_again)
{
	struct box box;
	FILE *file;

	open_box(&box);
	for (uint64_t i = 1; i <= 20; i++)
		say(&box, EVENT_OPEN, i);
	turn(&box, 15);
	cr_assert_eq(ask(&box, "SELECT last_id FROM progress"), 20);
	for (uint64_t i = 1; i <= 20; i++)
		say(&box, EVENT_CLOSE, i);
	turn(&box, 3);
	cr_assert_eq(ask(&box, "SELECT last_id FROM progress"), 20, "appended, not yet synced");
	cr_assert_eq(count_lines(box.eve), 40);
	recorder_close(box.recorder);
	file = fopen(box.eve, "a");
	cr_assert_not_null(file);
	(void)fputs("{\"torn", file);
	(void)fclose(file);
	open_recorder(&box);
	turn(&box, 2);
	cr_assert_eq(count_lines(box.eve), 40);
	cr_assert_eq(ask(&box, "SELECT count(*) FROM event"), 40);
	close_box(&box);
}

Test(recorder, spools_of_an_earlier_run_are_read_and_removed)
{
	struct box box;
	char path[192];
	struct facts facts;
	struct spool *writer;
	struct spool_live *live;
	int fd;

	open_box(&box);
	recorder_close(box.recorder);
	(void)snprintf(path, sizeof(path), "%s/spool-5", box.dir);
	fd = spool_create(path, SPOOL_SIZE_MIN, 5, EPOCH - 1, NULL);
	writer = spool_writer(fd, "old-gate", NULL);
	cr_assert_not_null(writer);
	make_facts(&facts, 50);
	live = spool_live_take(writer, 50);
	cr_assert_eq(spool_write(writer, EVENT_OPEN, &facts, NULL), 0);
	live->left_up = 99;
	spool_close(writer);
	(void)close(fd);
	open_recorder(&box);
	turn(&box, 4);
	cr_assert_eq(access(path, F_OK), -1);
	cr_assert_eq(ask(&box, "SELECT left_up FROM flow WHERE flow_id = 50 AND \"end\" = 'lost'"),
	    99);
	cr_assert_eq(recorder_status(box.recorder)->spools_removed, 1);
	cr_assert(file_has(box.eve, "\"host\":\"old-gate\""));
	close_box(&box);
}

/* A worker that was taken over writes to its own spool what it likes: events
 * under its neighbour's numbers too, which the neighbour would then not get. */
Test(recorder, events_under_another_workers_number_are_not_taken)
{
	struct box box;
	int fds[2];
	char path[192];
	struct spool *thief;
	struct facts facts;
	const uint32_t zero = 0;

	open_box(&box);
	recorder_close(box.recorder);
	(void)snprintf(path, sizeof(path), "%s/spool-1", box.dir);
	fds[0] = box.fd;
	fds[1] = spool_create(path, SPOOL_SIZE_MIN, 1, EPOCH, NULL);
	/* Behind magic and version, record/spool_private.h. */
	cr_assert_eq(pwrite(fds[1], &zero, sizeof(zero), 12), (ssize_t)sizeof(zero));
	thief = spool_writer(fds[1], "north-gate", NULL);
	cr_assert_not_null(thief);
	make_facts(&facts, 66);
	cr_assert_eq(spool_write(thief, EVENT_OPEN, &facts, NULL), 0);
	box.recorder = recorder_open(&box.config, fds, 2, NULL);
	cr_assert_not_null(box.recorder);
	turn(&box, 4);
	say(&box, EVENT_OPEN, 77);
	turn(&box, 4);
	cr_expect_eq(ask(&box, "SELECT count(*) FROM flow WHERE flow_id = 66"), 0);
	cr_expect_eq(ask(&box, "SELECT count(*) FROM flow WHERE flow_id = 77"), 1);
	cr_expect_eq(recorder_status(box.recorder)->altered, 1);
	cr_expect_eq(recorder_status(box.recorder)->doubled, 0);
	spool_close(thief);
	(void)close(fds[1]);
	close_box(&box);
}

Test(recorder, connections_that_died_with_the_machine_are_ended)
{
	struct box box;

	open_box(&box);
	say(&box, EVENT_OPEN, 1);
	turn(&box, 3);
	recorder_close(box.recorder);
	/* Power came back: run_dir is empty, and a new run begins. */
	spool_close(box.worker);
	(void)close(box.fd);
	cr_assert_eq(unlink(box.spool_path), 0);
	box.config.epoch = EPOCH + 1;
	box.fd = spool_create(box.spool_path, SPOOL_SIZE_MIN, 0, EPOCH + 1, NULL);
	box.worker = spool_writer(box.fd, "north-gate", NULL);
	open_recorder(&box);
	turn(&box, 5);
	cr_assert_eq(ask(&box, "SELECT count(*) FROM flow WHERE \"end\" = 'lost'"), 1);
	cr_assert_eq(count_lines(box.eve), 2);
	close_box(&box);
}

/* The worker wrote over its own spool: the supervisor sets it aside and gives
 * both another. */
static void
lose_spool(struct box *box)
{
	const uint8_t nothing[4096] = {0};

	recorder_close(box->recorder);
	spool_close(box->worker);
	cr_assert_eq(pwrite(box->fd, nothing, sizeof(nothing), 0), (ssize_t)sizeof(nothing));
	(void)close(box->fd);
	box->fd = spool_create(box->spool_path, SPOOL_SIZE_MIN, 0, EPOCH + 1000, NULL);
	box->worker = spool_writer(box->fd, "north-gate", NULL);
	cr_assert_not_null(box->worker);
	open_recorder(box);
}

Test(recorder, connections_whose_end_was_in_a_lost_spool_are_ended)
{
	struct box box;

	open_box(&box);
	for (uint64_t i = 1; i <= 300; i++)
		say(&box, EVENT_OPEN, i);
	turn(&box, 10);
	say(&box, EVENT_CLOSE, 1); /* which nobody reads */
	lose_spool(&box);
	cr_assert_not_null(spool_live_take(box.worker, 1001));
	say(&box, EVENT_OPEN, 1001);
	turn(&box, 20);
	cr_assert_eq(ask(&box, "SELECT count(*) FROM flow WHERE \"end\" = 'lost'"), 300);
	cr_assert_eq(ask(&box, "SELECT flow_id FROM flow WHERE closed IS NULL"), 1001);
	cr_assert_eq(recorder_status(box.recorder)->lost, 300);
	cr_assert_eq(count_lines(box.eve), 601);
	close_box(&box);
}

Test(recorder, an_end_that_is_still_to_be_read_is_no_missing_one)
{
	struct box box;
	struct spool_live *live[2];

	open_box(&box);
	for (uint64_t i = 0; i < 2; i++) {
		live[i] = spool_live_take(box.worker, i + 1);
		say(&box, EVENT_OPEN, i + 1);
	}
	turn(&box, 3);
	recorder_close(box.recorder);
	say(&box, EVENT_CLOSE, 1);
	spool_live_drop(box.worker, live[0]);
	/* So many before it is read that a transaction has not room for all. */
	for (uint64_t i = 100; i < 620; i++)
		say(&box, EVENT_CLOSE, i);
	say(&box, EVENT_CLOSE, 2);
	spool_live_drop(box.worker, live[1]);
	open_recorder(&box);
	turn(&box, 20);
	cr_assert_eq(ask(&box, "SELECT count(*) FROM flow WHERE \"end\" = 'done'"), 522);
	cr_assert_eq(ask(&box, "SELECT count(*) FROM event"), 524);
	cr_assert_eq(recorder_status(box.recorder)->lost, 0);
	close_box(&box);
}

Test(recorder, connections_whose_end_could_not_be_read_are_ended)
{
	struct box box;
	struct spool_live *live;
	uint8_t ring[16384];
	/* Behind the head and the counters, record/spool_private.h. */
	const off_t ring_at = 4096 + SPOOL_LIVE_COUNT * sizeof(*live);

	open_box(&box);
	live = spool_live_take(box.worker, 1);
	cr_assert_not_null(spool_live_take(box.worker, 2));
	say(&box, EVENT_OPEN, 1);
	say(&box, EVENT_OPEN, 2);
	turn(&box, 3);
	say(&box, EVENT_CLOSE, 1);
	spool_live_drop(box.worker, live);
	memset(ring, 0xff, sizeof(ring));
	cr_assert_eq(pwrite(box.fd, ring, sizeof(ring), ring_at), (ssize_t)sizeof(ring));
	turn(&box, 10);
	cr_assert_eq(recorder_status(box.recorder)->altered, 1);
	cr_assert_eq(ask(&box, "SELECT flow_id FROM flow WHERE \"end\" = 'lost'"), 1);
	cr_assert_eq(ask(&box, "SELECT flow_id FROM flow WHERE closed IS NULL"), 2);
	close_box(&box);
}

Test(recorder, a_damaged_store_is_set_aside)
{
	struct box box;
	char junk[8192];

	open_box(&box);
	recorder_close(box.recorder);
	memset(junk, 'j', sizeof(junk));
	scratch_file(box.dir, "borderlens.db", junk, sizeof(junk));
	open_recorder(&box);
	cr_assert(recorder_status(box.recorder)->store_replaced);
	say(&box, EVENT_OPEN, 1);
	turn(&box, 3);
	cr_assert_eq(ask(&box, "SELECT count(*) FROM event"), 1);
	close_box(&box);
}

/* ---- a full disk ---- */

/* A file system of its own and of size at dir, which this test's process alone
 * sees; false where that is not permitted. */
static bool
mount_small(const char *dir, const char *size)
{
	if (mkdir(dir, 0700) != 0 || unshare(CLONE_NEWNS) != 0)
		return false;
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("none", dir, "tmpfs", 0, size) == 0;
}

/* Fill what is left of the file system. */
static void
fill_disk(const char *path)
{
	char junk[4096] = {0};
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0);
	while (write(fd, junk, sizeof(junk)) > 0)
		;
	(void)close(fd);
}

static void
expect_all(struct box *box, uint64_t events)
{
	struct ledger_files files = {box->config.state_dir, box->dir, box->config.eve};
	struct ledger ledger;
	struct err err = {0};

	cr_assert_eq(ledger_verify(&files, &ledger, &err), 0, "%s", err.text);
	cr_assert(ledger_is_whole(&ledger), "%s", ledger.notes[0]);
	cr_assert_eq(ledger.events, events);
	cr_assert_eq(ledger.eve_lines, events);
	cr_assert_eq(ledger.eve_waiting, 0);
}

Test(recorder, a_full_disk_loses_nothing_and_is_left_by_itself)
{
	struct box box;
	char state[192], eve[224], junk[224];
	struct spool_live *live;
	uint64_t flows = 0;

	open_box(&box);
	recorder_close(box.recorder);
	(void)snprintf(state, sizeof(state), "%s/state", box.dir);
	(void)snprintf(eve, sizeof(eve), "%s/eve.json", state);
	(void)snprintf(junk, sizeof(junk), "%s/junk", state);
	box.config.state_dir = state;
	box.config.eve = eve;
	if (!mount_small(state, "size=16m")) {
		box.recorder = NULL;
		close_box(&box);
		cr_skip_test("mounting is not permitted here");
	}
	open_recorder(&box);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 20; i++) {
			say(&box, EVENT_OPEN, ++flows);
			say(&box, EVENT_CLOSE, flows);
		}
		turn(&box, 5);
		cr_assert_not(recorder_status(box.recorder)->store_failing);
		fill_disk(junk);
		/* The worker goes on until its spool is full, and then refuses. */
		while ((live = spool_live_take(box.worker, flows + 1)) != NULL) {
			say(&box, EVENT_OPEN, ++flows);
			say(&box, EVENT_CLOSE, flows);
			spool_live_drop(box.worker, live);
			turn(&box, flows % 20 == 0 ? 1 : 0);
		}
		cr_assert(recorder_status(box.recorder)->store_failing);
		if (round == 1) { /* the recorder is killed, and comes back to a full disk */
			recorder_close(box.recorder);
			open_recorder(&box);
		}
		cr_assert_eq(unlink(junk), 0);
		turn(&box, 20);
		cr_assert_not(recorder_status(box.recorder)->store_failing, "%s",
		    recorder_status(box.recorder)->store_error);
		cr_assert_not(recorder_status(box.recorder)->eve_failing);
		cr_assert(spool_has_room(box.worker));
	}
	cr_assert_eq(recorder_finish(box.recorder), 0);
	expect_all(&box, 2 * flows);
	recorder_close(box.recorder);
	box.recorder = NULL;
	cr_assert_eq(umount(state), 0);
	close_box(&box);
}

/* ---- kills ---- */

static void
record_until_killed(const struct box *box)
{
	struct recorder *recorder = recorder_open(&box->config, &box->fd, 1, NULL);

	if (recorder == NULL)
		_exit(1);
	for (uint64_t now_ms = 1000;; now_ms += 60)
		recorder_turn(recorder, now_ms);
}

Test(recorder, kills_at_any_instant_lose_and_double_nothing)
{
	enum { KILLS = 50 };
	struct box box;
	uint64_t flows = 0;

	open_box(&box);
	recorder_close(box.recorder);
	box.recorder = NULL;
	srandom(2);
	for (int i = 0; i < KILLS; i++) {
		pid_t pid = fork();
		int count = 1 + (int)(random() % 60), status;

		cr_assert_geq(pid, 0);
		if (pid == 0)
			record_until_killed(&box);
		for (int j = 0; j < count; j++) {
			while (!spool_has_room(box.worker))
				;
			say(&box, EVENT_OPEN, ++flows);
			say(&box, EVENT_CLOSE, flows);
		}
		/* Not to wait for anything: the instant of the kill is what varies. */
		(void)usleep((useconds_t)(random() % 30000));
		cr_assert_eq(kill(pid, SIGKILL), 0);
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		cr_assert(WIFSIGNALED(status), "the recorder ended by itself");
	}
	open_recorder(&box);
	cr_assert_eq(recorder_finish(box.recorder), 0);
	cr_assert_eq(ask(&box, "SELECT count(*) FROM event"), 2 * flows);
	cr_assert_eq(ask(&box, "SELECT max(seq) FROM event"), 2 * flows);
	cr_assert_eq(ask(&box, "SELECT count(*) FROM flow WHERE closed IS NOT NULL"), flows);
	cr_assert_eq(count_lines(box.eve), 2 * flows);
	expect_all(&box, 2 * flows);
	close_box(&box);
}

static void
sight(struct box *box, const char *mac, enum sighting kind)
{
	struct facts facts;

	make_facts(&facts, 0);
	cr_assert(mac_parse(mac, facts.mac, MAC_BYTES));
	facts.sighting.kind = kind;
	cr_assert_eq(spool_write(box->worker, EVENT_SIGHTING, &facts, NULL), 0);
}

/* Who is new is the store's to say, whatever the worker says. */
Test(recorder, a_camera_is_new_once)
{
	struct box box;

	open_box(&box);
	sight(&box, "44:19:b6:00:00:01", SIGHTING_SEEN);
	sight(&box, "44:19:b6:00:00:01", SIGHTING_NEW);
	sight(&box, "44:19:b6:00:00:02", SIGHTING_SEEN);
	sight(&box, "44:19:b6:00:00:02", SIGHTING_IP_TAKEN);
	turn(&box, 5);
	cr_expect_eq(ask(&box, "SELECT count(*) FROM event WHERE kind = 5"), 4);
	cr_expect_eq(ask(&box, "SELECT count(*) FROM event WHERE eve_version = 0"), 1);
	cr_expect_eq(ask(&box, "SELECT count(*) FROM sighting"), 2);
	cr_expect_eq(ask(&box, "SELECT count(*) FROM conflict"), 1);
	cr_expect_eq(count_lines(box.eve), 3);
	close_box(&box);
}

/* What is about no connection of its own has its event and its line, and no row. */
Test(recorder, lookups_and_anomalies_are_recorded)
{
	struct facts facts;
	struct box box;

	open_box(&box);
	make_facts(&facts, 3);
	text_copy(facts.dns.name, sizeof(facts.dns.name), "api.cloud.example");
	cr_assert_eq(spool_write(box.worker, EVENT_DNS, &facts, NULL), 0);
	facts.flow_id = 0;
	facts.anomaly = (struct anomaly_facts){ANOMALY_GRE, 2, 200};
	cr_assert_eq(spool_write(box.worker, EVENT_ANOMALY, &facts, NULL), 0);
	turn(&box, 25);
	cr_expect_eq(ask(&box, "SELECT count(*) FROM event WHERE kind = 7"), 1);
	cr_expect_eq(ask(&box, "SELECT count(*) FROM event WHERE kind = 8"), 1);
	cr_expect_eq(ask(&box, "SELECT count(*) FROM flow"), 0);
	cr_expect_eq(ask(&box, "SELECT count(*) FROM sighting"), 0);
	cr_expect_eq(count_lines(box.eve), 2);
	expect_all(&box, 2);
	close_box(&box);
}

/* A recorder that is killed before it has told the store how far the file is. */
Test(recorder, a_new_eve_file_is_known_before_its_first_line)
{
	struct box box;

	open_box(&box);
	for (int round = 0; round < 2; round++) {
		for (uint64_t i = 1; i <= 20; i++)
			say(&box, EVENT_CLOSE, 100 * (uint64_t)round + i);
		turn(&box, 4);
		cr_expect_eq(count_lines(box.eve), 20, "appended");
		recorder_close(box.recorder); /* as a kill would */
		open_recorder(&box);
		turn(&box, 4);
		cr_expect_eq(count_lines(box.eve), 20, "and not doubled");
		cr_assert_eq(unlink(box.eve), 0); /* the same once more, after a rotation */
	}
	close_box(&box);
}
