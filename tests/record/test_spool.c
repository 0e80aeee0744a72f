/* SPDX-License-Identifier: MIT */
#include "record/spool.h"

#include "base/err.h"
#include "tests/record/make_facts.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EPOCH = 7, WORKER = 2, SMALL = SPOOL_SIZE_MIN };

struct fixture {
	char dir[128], path[160];
	int fd;
	struct spool *writer, *reader;
};

static void
open_fixture(struct fixture *fixture)
{
	struct err err = {0};

	memset(fixture, 0, sizeof(*fixture));
	scratch_dir(fixture->dir, sizeof(fixture->dir));
	(void)snprintf(fixture->path, sizeof(fixture->path), "%s/spool-2", fixture->dir);
	fixture->fd = spool_create(fixture->path, SMALL, WORKER, EPOCH, &err);
	cr_assert_geq(fixture->fd, 0, "%s", err.text);
	fixture->writer = spool_writer(fixture->fd, "north-gate", &err);
	cr_assert_not_null(fixture->writer, "%s", err.text);
	fixture->reader = spool_reader(fixture->fd, &err);
	cr_assert_not_null(fixture->reader, "%s", err.text);
}

static void
close_fixture(struct fixture *fixture)
{
	spool_close(fixture->writer);
	spool_close(fixture->reader);
	(void)close(fixture->fd);
	scratch_remove(fixture->dir);
}

static void
expect_next(struct spool *reader, enum event_kind kind, uint64_t seq, uint64_t flow_id)
{
	struct recorded event;
	struct err err = {0};

	cr_assert_eq(spool_read(reader, &event, &err), 1, "%s", err.text);
	cr_assert_eq(event.head.kind, kind);
	cr_assert_eq(event.head.seq, seq);
	cr_assert_eq(event.facts.flow_id, flow_id);
	cr_assert_eq(event.head.worker, WORKER);
}

Test(spool, what_is_written_is_read_once)
{
	struct fixture fixture;
	struct recorded event;
	struct facts facts;

	open_fixture(&fixture);
	make_facts(&facts, 11);
	cr_assert_eq(spool_read(fixture.reader, &event, NULL), 0);
	cr_assert_eq(spool_write(fixture.writer, EVENT_OPEN, &facts, NULL), 0);
	cr_assert_eq(spool_write(fixture.writer, EVENT_CLOSE, &facts, NULL), 0);
	cr_assert_eq(spool_waiting(fixture.reader), 2);
	expect_next(fixture.reader, EVENT_OPEN, 1, 11);
	expect_next(fixture.reader, EVENT_CLOSE, 2, 11);
	cr_assert_eq(spool_read(fixture.reader, &event, NULL), 0);
	cr_assert_str_eq(spool_site(fixture.reader), "north-gate");
	cr_assert_eq(spool_worker(fixture.reader), WORKER);
	close_fixture(&fixture);
}

Test(spool, a_reader_that_comes_back_reads_on_from_what_was_consumed)
{
	struct fixture fixture;
	struct facts facts;
	uint64_t place;

	open_fixture(&fixture);
	make_facts(&facts, 11);
	for (int i = 0; i < 4; i++)
		cr_assert_eq(spool_write(fixture.writer, EVENT_OPEN, &facts, NULL), 0);
	expect_next(fixture.reader, EVENT_OPEN, 1, 11);
	place = spool_position(fixture.reader);
	expect_next(fixture.reader, EVENT_OPEN, 2, 11);
	spool_consumed(fixture.reader, place);
	spool_close(fixture.reader);
	fixture.reader = spool_reader(fixture.fd, NULL);
	cr_assert_not_null(fixture.reader);
	expect_next(fixture.reader, EVENT_OPEN, 2, 11);
	expect_next(fixture.reader, EVENT_OPEN, 3, 11);
	cr_assert_eq(spool_seek(fixture.reader, place, NULL), 0);
	expect_next(fixture.reader, EVENT_OPEN, 2, 11);
	cr_assert_eq(spool_seek(fixture.reader, place + 1000 * 64, NULL), -1);
	close_fixture(&fixture);
}

Test(spool, the_ring_goes_round_for_ever)
{
	struct fixture fixture;
	struct facts facts;
	uint64_t seq = 0;

	open_fixture(&fixture);
	make_facts(&facts, 1);
	for (unsigned round = 0; round < 3000; round++) {
		unsigned batch = 1 + round % 7;

		facts.flow_id = round + 1;
		/* Frames of many lengths, so that they meet the end everywhere. */
		memset(facts.end_text, 'e', round % 100);
		facts.end_text[round % 100] = '\0';
		for (unsigned i = 0; i < batch; i++)
			cr_assert_eq(spool_write(fixture.writer, EVENT_CLOSE, &facts, NULL), 0);
		for (unsigned i = 0; i < batch; i++)
			expect_next(fixture.reader, EVENT_CLOSE, ++seq, round + 1);
		spool_consumed(fixture.reader, spool_position(fixture.reader));
	}
	close_fixture(&fixture);
}

Test(spool, a_full_ring_refuses_opens_and_still_takes_every_close)
{
	struct fixture fixture;
	struct facts facts;
	struct err err = {0};
	struct recorded event;
	struct spool_live *live[512];
	size_t opened = 0, closed = 0, seen = 0, cut = 0;

	open_fixture(&fixture);
	make_full_facts(&facts);
	while (opened < 512) {
		facts.flow_id = opened + 1;
		live[opened] = spool_live_take(fixture.writer, facts.flow_id);
		if (live[opened] == NULL)
			break;
		if (spool_write(fixture.writer, EVENT_OPEN, &facts, &err) != 0)
			break;
		opened++;
	}
	cr_assert_gt(opened, 50);
	cr_assert_lt(opened, 512);
	cr_assert_not(spool_has_room(fixture.writer));
	for (; closed < opened; closed++) {
		facts.flow_id = closed + 1;
		cr_assert_eq(spool_write(fixture.writer, EVENT_CLOSE, &facts, &err), 0, "%s",
		    err.text);
		spool_live_drop(fixture.writer, live[closed]);
	}
	while (spool_write(fixture.writer, EVENT_CLOSE, &facts, &err) == 0)
		closed++;
	cr_assert_eq(err.kind, ERR_LIMIT);
	while (spool_read(fixture.reader, &event, NULL) == 1) {
		cr_assert_eq(event.head.seq, ++seen);
		cut += event.facts.verdict.detail == DETAIL_CUT ? 1 : 0;
		cr_assert_eq(event.facts.traffic.left_up, UINT64_MAX);
	}
	cr_assert_eq(seen, opened + closed);
	cr_assert(cut > 0 && cut < closed, "%zu of %zu", cut, closed);
	cr_assert_not(spool_has_room(fixture.writer));
	spool_consumed(fixture.reader, spool_position(fixture.reader));
	cr_assert(spool_has_room(fixture.writer));
	close_fixture(&fixture);
}

Test(spool, a_successor_tells_what_its_predecessor_left)
{
	struct fixture fixture;
	struct spool_live *live[3];
	static struct spool_live copy[SPOOL_LIVE_COUNT];
	struct recorded event;
	struct facts facts;

	open_fixture(&fixture);
	make_facts(&facts, 1);
	for (uint64_t i = 0; i < 3; i++) {
		live[i] = spool_live_take(fixture.writer, i + 1);
		cr_assert_not_null(live[i]);
		facts.flow_id = i + 1;
		cr_assert_eq(spool_write(fixture.writer, EVENT_OPEN, &facts, NULL), 0);
		live[i]->left_up = 1000 * (i + 1);
		live[i]->left_down = i;
	}
	cr_assert_eq(spool_write(fixture.writer, EVENT_CLOSE, &facts, NULL), 0);
	spool_live_drop(fixture.writer, live[2]);
	cr_assert_eq(spool_live_copy(fixture.reader, copy), 2);
	cr_assert_eq(copy[1].left_up, 2000);
	spool_close(fixture.writer);
	fixture.writer = spool_writer(fixture.fd, "north-gate", NULL);
	cr_assert_not_null(fixture.writer);
	for (uint64_t i = 0; i < 3; i++)
		expect_next(fixture.reader, EVENT_OPEN, i + 1, i + 1);
	expect_next(fixture.reader, EVENT_CLOSE, 4, 3);
	for (uint64_t i = 0; i < 2; i++) {
		cr_assert_eq(spool_read(fixture.reader, &event, NULL), 1);
		cr_assert_eq(event.head.kind, EVENT_LOST);
		cr_assert_eq(event.head.seq, 5 + i);
		cr_assert_eq(event.facts.flow_id, i + 1);
		cr_assert_eq(event.facts.traffic.left_up, 1000 * (i + 1));
		cr_assert_eq(event.facts.end, END_LOST);
	}
	cr_assert_eq(spool_live_copy(fixture.reader, copy), 0);
	close_fixture(&fixture);
}

Test(spool, all_counters_can_be_taken_and_given_back)
{
	char dir[128], path[160];
	struct spool *writer;
	struct spool_live *live[100];
	int fd;

	scratch_dir(dir, sizeof(dir));
	(void)snprintf(path, sizeof(path), "%s/spool-0", dir);
	fd = spool_create(path, 64 << 20, 0, EPOCH, NULL);
	cr_assert_geq(fd, 0);
	writer = spool_writer(fd, "", NULL);
	cr_assert_not_null(writer);
	for (uint64_t i = 0; i < SPOOL_LIVE_COUNT; i++) {
		live[i % 100] = spool_live_take_brief(writer, i + 1);
		cr_assert_not_null(live[i % 100]);
	}
	cr_assert_null(spool_live_take_brief(writer, 1));
	for (uint64_t i = 0; i < 100; i++)
		spool_live_drop(writer, live[i]);
	for (uint64_t i = 0; i < 100; i++)
		cr_assert_not_null(spool_live_take_brief(writer, 77));
	cr_assert_null(spool_live_take_brief(writer, 1));
	spool_close(writer);
	(void)close(fd);
	scratch_remove(dir);
}

/* Flows of datagrams are many: 100,000 of them are open in a spool of the usual
 * size, and when their worker dies all are told. */
Test(spool, has_room_for_the_loss_of_a_hundred_thousand_flows)
{
	enum { FLOWS = 100000 };
	char dir[128], path[160];
	struct spool *writer, *reader;
	struct recorded event;
	struct err err = {0};
	uint64_t lost = 0;
	int fd;

	scratch_dir(dir, sizeof(dir));
	(void)snprintf(path, sizeof(path), "%s/spool-0", dir);
	fd = spool_create(path, 32 << 20, 0, EPOCH, NULL);
	cr_assert_geq(fd, 0);
	writer = spool_writer(fd, "", NULL);
	reader = spool_reader(fd, NULL);
	cr_assert_not_null(writer);
	cr_assert_not_null(reader);
	for (uint64_t i = 0; i < FLOWS; i++) {
		struct spool_live *live = spool_live_take_brief(writer, UINT64_MAX - i);

		cr_assert_not_null(live);
		live->left_up = UINT64_MAX;
		live->left_down = UINT64_MAX;
	}
	spool_close(writer);
	writer = spool_writer(fd, "", &err);
	cr_assert_not_null(writer, "%s", err.text);
	while (spool_read(reader, &event, NULL) == 1) {
		cr_assert_eq(event.head.kind, EVENT_LOST);
		cr_assert_eq(event.facts.traffic.left_down, UINT64_MAX);
		lost++;
	}
	cr_expect_eq(lost, FLOWS);
	spool_close(writer);
	spool_close(reader);
	(void)close(fd);
	scratch_remove(dir);
}

/* What a full ring has no room for is written when it has; and what was set aside
 * for others is theirs. */
Test(spool, the_end_of_a_flow_waits_for_room)
{
	struct fixture fixture;
	struct facts facts;
	struct recorded event;
	struct err err = {0};
	struct spool_live *flow, *conn;
	const struct facts little = {0};
	uint64_t seen = 0;

	open_fixture(&fixture);
	make_full_facts(&facts);
	facts.flow_id = 1;
	conn = spool_live_take(fixture.writer, 1);
	flow = spool_live_take_brief(fixture.writer, 2);
	cr_assert_not_null(conn);
	cr_assert_not_null(flow);
	while (spool_write(fixture.writer, EVENT_OPEN, &facts, NULL) == 0)
		seen++;
	while (spool_write(fixture.writer, EVENT_STATS, &little, NULL) == 0)
		seen++;
	cr_expect_eq(spool_write_brief(fixture.writer, &facts, &err), -1);
	cr_expect_eq(err.kind, ERR_LIMIT);
	cr_expect_eq(spool_write(fixture.writer, EVENT_CLOSE, &facts, NULL), 0);
	spool_live_drop(fixture.writer, conn);
	cr_expect_eq(spool_write_brief(fixture.writer, &facts, NULL), -1);
	for (seen++; seen > 0; seen--)
		cr_assert_eq(spool_read(fixture.reader, &event, NULL), 1);
	spool_consumed(fixture.reader, spool_position(fixture.reader));
	cr_expect_eq(spool_write_brief(fixture.writer, &facts, NULL), 0);
	spool_live_drop(fixture.writer, flow);
	cr_assert_eq(spool_read(fixture.reader, &event, NULL), 1);
	cr_expect_eq(event.head.kind, EVENT_CLOSE);
	cr_expect_eq(event.facts.verdict.detail, DETAIL_FULL);
	close_fixture(&fixture);
}

Test(spool, a_new_run_keeps_the_file_and_counts_from_one)
{
	struct fixture fixture;
	struct facts facts;
	struct recorded event;
	int fd;

	open_fixture(&fixture);
	make_facts(&facts, 5);
	cr_assert_eq(spool_write(fixture.writer, EVENT_OPEN, &facts, NULL), 0);
	fd = spool_create(fixture.path, SMALL, WORKER, EPOCH, NULL);
	cr_assert_geq(fd, 0);
	spool_close(fixture.writer);
	fixture.writer = spool_writer(fd, "north-gate", NULL);
	cr_assert_eq(spool_write(fixture.writer, EVENT_OPEN, &facts, NULL), 0);
	expect_next(fixture.reader, EVENT_OPEN, 1, 5);
	expect_next(fixture.reader, EVENT_OPEN, 2, 5);
	(void)close(fd);
	fd = spool_create(fixture.path, SMALL, WORKER, EPOCH + 1, NULL);
	cr_assert_geq(fd, 0);
	spool_close(fixture.writer);
	fixture.writer = spool_writer(fd, "north-gate", NULL);
	cr_assert_eq(spool_write(fixture.writer, EVENT_OPEN, &facts, NULL), 0);
	cr_assert_eq(spool_read(fixture.reader, &event, NULL), 1);
	cr_assert_eq(event.head.seq, 1);
	cr_assert_eq(event.head.epoch, EPOCH + 1);
	(void)close(fd);
	close_fixture(&fixture);
}

Test(spool, a_file_of_another_size_or_kind_is_moved_aside)
{
	struct fixture fixture;
	char aside[200];
	struct stat st;
	int fd;

	open_fixture(&fixture);
	fd = spool_create(fixture.path, SMALL * 2, WORKER, EPOCH + 1, NULL);
	cr_assert_geq(fd, 0);
	cr_assert_eq(fstat(fd, &st), 0);
	cr_assert_eq(st.st_size, SMALL * 2);
	(void)close(fd);
	(void)snprintf(aside, sizeof(aside), "%s.8", fixture.path);
	cr_assert_eq(stat(aside, &st), 0);
	cr_assert_eq(st.st_size, SMALL);
	scratch_file(fixture.dir, "spool-2", "garbage", 7);
	fd = spool_create(fixture.path, SMALL, WORKER, EPOCH + 2, NULL);
	cr_assert_geq(fd, 0);
	(void)close(fd);
	close_fixture(&fixture);
}

Test(spool, one_whose_worker_wrote_over_its_head_is_not_whole)
{
	struct fixture fixture;
	uint8_t good[256], bad[256];

	open_fixture(&fixture);
	cr_assert(spool_is_whole(fixture.fd, WORKER));
	cr_expect_not(spool_is_whole(fixture.fd, WORKER + 1), "it is another's");
	cr_assert_eq(pread(fixture.fd, good, sizeof(good), 0), (ssize_t)sizeof(good));
	memset(bad, 0xa5, sizeof(bad));
	cr_assert_eq(pwrite(fixture.fd, bad, sizeof(bad), 0), (ssize_t)sizeof(bad));
	cr_expect_not(spool_is_whole(fixture.fd, WORKER));
	cr_assert_eq(pwrite(fixture.fd, good, sizeof(good), 0), (ssize_t)sizeof(good));
	cr_expect(spool_is_whole(fixture.fd, WORKER));
	cr_assert_eq(ftruncate(fixture.fd, 0), 0);
	cr_expect_not(spool_is_whole(fixture.fd, WORKER), "nothing is mapped beyond its end");
	cr_assert_eq(ftruncate(fixture.fd, SMALL), 0);
	cr_assert_eq(pwrite(fixture.fd, good, sizeof(good), 0), (ssize_t)sizeof(good));
	close_fixture(&fixture);
}

Test(spool, what_no_spool_is_is_refused)
{
	char dir[128], path[160];
	uint8_t *zeros = calloc(1, SMALL);
	struct err err = {0};
	int fd;

	scratch_dir(dir, sizeof(dir));
	scratch_file(dir, "zeros", zeros, SMALL);
	(void)snprintf(path, sizeof(path), "%s/zeros", dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	cr_assert_null(spool_reader(fd, &err));
	cr_assert_eq(err.kind, ERR_INPUT);
	(void)close(fd);
	cr_assert_eq(spool_create(path, 1, 0, 1, &err), -1);
	cr_assert_eq(err.kind, ERR_LIMIT);
	free(zeros);
	scratch_remove(dir);
}

Test(spool, an_altered_event_is_not_read_and_can_be_skipped)
{
	struct fixture fixture;
	struct facts facts;
	struct recorded event;
	struct err err = {0};

	open_fixture(&fixture);
	make_facts(&facts, 5);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(spool_write(fixture.writer, EVENT_OPEN, &facts, NULL), 0);
	/* The ring begins behind a page and the counters. */
	cr_assert_eq(pwrite(fixture.fd, "x", 1, 4096 + 24 * SPOOL_LIVE_COUNT + 60), 1);
	cr_assert_eq(spool_read(fixture.reader, &event, &err), -1);
	cr_assert_eq(err.kind, ERR_INPUT);
	cr_assert_eq(spool_read(fixture.reader, &event, &err), -1);
	cr_assert_eq(spool_skip(fixture.reader), 3);
	cr_assert_eq(spool_write(fixture.writer, EVENT_OPEN, &facts, NULL), 0);
	expect_next(fixture.reader, EVENT_OPEN, 4, 5);
	close_fixture(&fixture);
}

/* ---- a worker that is killed ---- */

/* Writes connections as fast as it can until it is killed. */
static void
write_until_killed(int fd, uint64_t first_flow)
{
	struct spool *writer = spool_writer(fd, "north-gate", NULL);
	struct spool_live *live[8] = {NULL};
	struct facts facts;

	if (writer == NULL)
		_exit(1);
	make_facts(&facts, 1);
	for (uint64_t i = 0;; i++) {
		struct spool_live **slot = &live[i % 8];

		if (*slot != NULL) {
			facts.flow_id = (*slot)->flow_id;
			if (spool_write(writer, EVENT_CLOSE, &facts, NULL) != 0)
				_exit(2);
			spool_live_drop(writer, *slot);
		}
		do
			*slot = spool_live_take(writer, first_flow + i);
		while (*slot == NULL);
		facts.flow_id = first_flow + i;
		while (spool_write(writer, EVENT_OPEN, &facts, NULL) != 0)
			;
		(*slot)->left_up = i + 1;
	}
}

struct tally {
	uint64_t opened, ended, seq;
	uint8_t state[1 << 20]; /* of a flow: 0 unseen, 1 open, 2 ended */
};

static void
count_event(struct tally *tally, const struct recorded *event)
{
	uint64_t flow = event->facts.flow_id;

	cr_assert_eq(event->head.seq, ++tally->seq, "no gap and no double");
	cr_assert_lt(flow, sizeof(tally->state));
	if (event->head.kind == EVENT_OPEN) {
		cr_assert_eq(tally->state[flow], 0);
		tally->state[flow] = 1;
		tally->opened++;
	} else if (event->head.kind == EVENT_CLOSE) {
		cr_assert_eq(tally->state[flow], 1);
		tally->state[flow] = 2;
		tally->ended++;
	} else if (tally->state[flow] == 1) {
		tally->state[flow] = 2;
		tally->ended++;
	}
}

static void
drain(struct fixture *fixture, struct tally *tally)
{
	struct recorded event;
	struct err err = {0};
	int got;

	while ((got = spool_read(fixture->reader, &event, &err)) == 1)
		count_event(tally, &event);
	cr_assert_eq(got, 0, "%s", err.text);
	spool_consumed(fixture->reader, spool_position(fixture->reader));
}

Test(spool, kills_at_any_instant_lose_and_double_nothing)
{
	enum { KILLS = 150, FLOWS_A_LIFE = 6000 };
	struct fixture fixture;
	struct tally *tally = calloc(1, sizeof(*tally));

	cr_assert_not_null(tally);
	open_fixture(&fixture);
	srandom(1);
	for (uint64_t i = 0; i < KILLS; i++) {
		pid_t pid = fork();
		uint64_t target = tally->seq + (uint64_t)random() % 300;
		int status;

		cr_assert_geq(pid, 0);
		if (pid == 0)
			write_until_killed(fixture.fd, 1 + i * FLOWS_A_LIFE);
		while (tally->seq < target)
			drain(&fixture, tally);
		cr_assert_eq(kill(pid, SIGKILL), 0);
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		cr_assert(WIFSIGNALED(status), "the writer ended by itself: %d", status);
		drain(&fixture, tally);
	}
	spool_close(fixture.writer);
	fixture.writer = spool_writer(fixture.fd, "north-gate", NULL);
	drain(&fixture, tally);
	cr_assert_gt(tally->opened, KILLS);
	cr_assert_eq(tally->opened, tally->ended, "every connection that opened has an end");
	free(tally);
	close_fixture(&fixture);
}
