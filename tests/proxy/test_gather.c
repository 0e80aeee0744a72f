/* SPDX-License-Identifier: MIT */
#include "proxy/gather.h"

#include "base/err.h"
#include "proxy/conn_private.h"
#include "proxy/records.h"
#include "proxy/worker_private.h"
#include "tests/proxy/loopback.h"

#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LITTLE = 1000 };

/* A connection whose two legs receive from far ends. */
static struct worker *worker;
static struct conn conn;
static int sender;
static int other;
static size_t woken;

static void
on_leg(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	leg_note(arg, what);
	if (arg == &conn.camera)
		woken++;
}

static int
join(struct leg *leg)
{
	int taken, fd = loopback_join(&taken);

	*leg = (struct leg){.pool = &worker->pool, .fd = -1};
	cr_assert_eq(leg_open(leg, taken, worker->base, on_leg), 0);
	return fd;
}

static void
begin(void)
{
	struct err err = {0};

	worker = calloc(1, sizeof(*worker));
	cr_assert_not_null(worker);
	worker->base = worker_base();
	cr_assert_not_null(worker->base);
	cr_assert_eq(gather_open(worker, &err), 0, "%s", err.text);
	conn = (struct conn){.worker = worker};
	sender = join(&conn.camera);
	other = join(&conn.server);
	(void)event_base_loop(worker->base, EVLOOP_NONBLOCK);
	conn.camera.readable = false;
	woken = 0;
}

static void
finish(void)
{
	gather_leave(&conn);
	gather_clear(worker);
	leg_close(&conn.camera, false);
	leg_close(&conn.server, false);
	(void)close(sender);
	(void)close(other);
	event_base_free(worker->base);
	free(worker);
}

TestSuite(gather, .init = begin, .fini = finish);

static int
mark(const struct leg *leg)
{
	int bytes = 0;
	socklen_t size = sizeof(bytes);

	cr_assert_eq(getsockopt(leg->fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, &size), 0);
	return bytes;
}

/* The sender says so much more, and all of it is there. */
static void
say(int count)
{
	static uint8_t bytes[GATHER_BYTES];
	int before = 0, there;

	cr_assert_eq(ioctl(conn.camera.fd, FIONREAD, &before), 0);
	cr_assert_eq(send(sender, bytes, (size_t)count, MSG_NOSIGNAL), count);
	do
		cr_assert_eq(ioctl(conn.camera.fd, FIONREAD, &there), 0);
	while (there < before + count);
}

static void
take_much(void)
{
	gather_note(&conn, &conn.gather_up, &conn.camera, GATHER_FAST_BYTES);
}

static bool
waits(void)
{
	return gather_waits(&conn.gather_up, &conn.camera);
}

Test(gather, what_comes_slowly_is_taken_as_it_comes)
{
	gather_note(&conn, &conn.gather_up, &conn.camera, LITTLE);
	cr_expect_not(conn.gather_up.on);
	cr_expect_eq(mark(&conn.camera), 1);
	cr_expect_not(waits());
	cr_expect(TAILQ_EMPTY(&worker->gathers.open));
}

/* However much in all: so much in the time that counts. */
Test(gather, much_over_a_long_time_is_slow)
{
	for (int i = 0; i < 4; i++) {
		gather_note(&conn, &conn.gather_up, &conn.camera, GATHER_FAST_BYTES / 2);
		conn.gather_up.since_us -= GATHER_FAST_US + 1;
	}
	cr_expect_not(conn.gather_up.on);
}

Test(gather, what_comes_fast_waits_until_it_is_much)
{
	take_much();
	cr_expect(conn.gather_up.on);
	cr_expect_not(conn.gather_down.on);
	cr_expect_eq(mark(&conn.camera), GATHER_BYTES);
	say(LITTLE);
	conn.camera.readable = true;
	cr_expect(waits());
	cr_expect_not(conn.camera.readable);
	say(GATHER_ENOUGH_BYTES);
	cr_expect_not(waits());
}

/* A record that is here is not in the socket. */
Test(gather, what_was_received_already_does_not_wait)
{
	struct records records = {.plain_left = 1};

	take_much();
	say(LITTLE);
	conn.camera.records = &records;
	cr_expect_not(waits());
	records.plain_left = 0;
	cr_expect(waits());
	conn.camera.records = NULL;
}

Test(gather, the_end_does_not_wait)
{
	take_much();
	say(LITTLE);
	conn.camera.fin_coming = true;
	cr_expect_not(waits());
}

/* The kernel itself tells nothing of it: the look does, each time. */
Test(gather, what_stays_below_the_mark_is_taken_by_the_look)
{
	take_much();
	for (int i = 0; i < GATHER_LOOKS / 2; i++) {
		say(LITTLE * (i + 1));
		cr_expect(waits());
		cr_expect_not(conn.camera.readable);
		while (!conn.camera.readable)
			cr_assert_eq(event_base_loop(worker->base, EVLOOP_ONCE), 0);
		cr_expect(conn.gather_up.on);
		cr_expect_eq(mark(&conn.camera), GATHER_BYTES);
	}
}

Test(gather, a_sender_that_stays_fast_is_gathered_on)
{
	take_much();
	for (int i = 0; i < 2 * GATHER_LOOKS; i++) {
		gather_note(&conn, &conn.gather_up, &conn.camera, GATHER_SLOW_BYTES);
		while (conn.gather_up.taken)
			cr_assert_eq(event_base_loop(worker->base, EVLOOP_ONCE), 0);
	}
	cr_expect(conn.gather_up.on);
	cr_expect_eq(mark(&conn.camera), GATHER_BYTES);
}

/* Little at each look: it is fast no more. */
Test(gather, a_sender_that_pauses_is_seen)
{
	take_much();
	say(LITTLE);
	cr_expect(waits());
	while (conn.gather_up.on)
		cr_assert_eq(event_base_loop(worker->base, EVLOOP_ONCE), 0);
	cr_expect(conn.camera.readable);
	cr_expect_eq(mark(&conn.camera), 1);
	cr_expect(TAILQ_EMPTY(&worker->gathers.open));
	while (woken == 0)
		cr_assert_eq(event_base_loop(worker->base, EVLOOP_ONCE), 0);
	cr_expect_not(waits());
}

/* One direction goes on while the other pauses. */
Test(gather, each_direction_for_itself)
{
	take_much();
	gather_note(&conn, &conn.gather_down, &conn.server, GATHER_FAST_BYTES);
	while (conn.gather_up.on) {
		gather_note(&conn, &conn.gather_down, &conn.server, GATHER_SLOW_BYTES);
		cr_assert_eq(event_base_loop(worker->base, EVLOOP_ONCE), 0);
	}
	cr_expect(conn.gather_down.on);
	cr_expect_eq(TAILQ_FIRST(&worker->gathers.open), &conn);
}

Test(gather, one_that_ends_is_looked_at_no_more)
{
	take_much();
	gather_leave(&conn);
	cr_expect(TAILQ_EMPTY(&worker->gathers.open));
	cr_expect_not(conn.gather_up.on);
}

/* Its sockets may go on living: before TLS that begins in the middle, or stalled. */
Test(gather, one_that_ends_leaves_its_sockets_as_they_were)
{
	take_much();
	gather_note(&conn, &conn.gather_down, &conn.server, GATHER_FAST_BYTES);
	say(LITTLE);
	gather_leave(&conn);
	cr_expect_eq(mark(&conn.camera), 1);
	cr_expect_eq(mark(&conn.server), 1);
	cr_expect(conn.camera.readable, "it has something, and nobody was told");
}
