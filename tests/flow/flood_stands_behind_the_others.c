/* SPDX-License-Identifier: MIT */
#include "proxy/board.h"
#include "proxy/worker_private.h"
#include "record/spool.h"
#include "tests/flow/harness.h"

#include <arpa/inet.h>
#include <poll.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

enum { FLOOD = 50, AT_ONCE = 2, FIRST = 0x7f000001, SECOND = 0x7f000002, PATIENCE_MS = 15000 };

static const char limits[] = "limit: {handshakes: 1, per_camera: 50}\n";

static int
ask_as(struct peer *peer, uint32_t camera)
{
	const struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(camera)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&from, sizeof(from)) != 0 ||
	    connect(fd, (const struct sockaddr *)&peer->at, sizeof(from)) != 0 ||
	    write(fd, "GET / HTTP/1.1\r\n\r\n", 18) != 18)
		(void)snprintf(peer->trouble, sizeof(peer->trouble), "a camera cannot ask");
	peer->connections++;
	return fd;
}

/* Until the appliance ends it. */
static void
hear_out(struct peer *peer, int fd)
{
	struct pollfd ended = {.fd = fd, .events = POLLIN};

	if (poll(&ended, 1, PATIENCE_MS) != 1)
		(void)snprintf(peer->trouble, sizeof(peer->trouble), "a connection is not ended");
	(void)close(fd);
}

static sem_t all_came;

/* One camera asks fifty times, then another one once, before the appliance looks. */
static void
flood(struct peer *peer)
{
	int fds[FLOOD + 1];

	for (int i = 0; i < FLOOD; i++)
		fds[i] = ask_as(peer, FIRST);
	fds[FLOOD] = ask_as(peer, SECOND);
	(void)sem_post(&all_came);
	for (int i = 0; i <= FLOOD; i++)
		hear_out(peer, fds[i]);
}

static struct event stand, look;

static void
on_stand(evutil_socket_t fd, short what, void *arg)
{
	struct flow *flow = arg;

	(void)fd;
	(void)what;
	peer_await(&all_came, flow->camera.trouble);
}

/* Where all that the cameras ask for is refused. */
static void
open_story(struct flow *flow)
{
	flow_open(flow, &(struct flow_setup){.config = limits, .dst = FLOW_CN});
	(void)sem_init(&all_came, 0, 0);
	cr_assert_eq(event_assign(&stand, flow->worker->base, -1, 0, on_stand, flow), 0);
	cr_assert_eq(event_priority_set(&stand, 0), 0);
	event_active(&stand, EV_TIMEOUT, 0);
}

/* The place of the second camera's end among all of the record, from 1. */
static unsigned
place_of_second(struct flow *flow, uint64_t from)
{
	struct recorded event;
	unsigned place = 0;

	cr_assert_eq(spool_seek(flow->reader, from, NULL), 0);
	while (spool_read(flow->reader, &event, NULL) == 1) {
		place++;
		if (event.facts.camera.ip[15] == (SECOND & 0xff))
			return place;
	}
	return 0;
}

/* It came last, and would be served last. */
Test(flood_stands_behind_the_others, and_who_asks_once_is_not_last)
{
	struct flow flow;
	uint64_t from;

	open_story(&flow);
	from = spool_position(flow.reader);
	flow_run(&flow, flood, NULL);
	cr_expect_eq(flow.closes, FLOOD + 1, "each is recorded");
	cr_expect_eq(flow.closed.facts.end, END_REFUSED, "%s", flow.closed.facts.end_text);
	cr_expect_gt(place_of_second(&flow, from), 0);
	cr_expect_leq(place_of_second(&flow, from), FLOOD / 2, "%u", place_of_second(&flow, from));
	flow_close(&flow);
}

/* ---- while it waits ---- */

static size_t waited, opened;

static void
look_again(void)
{
	static const struct timeval at_once;

	(void)evtimer_add(&look, &at_once);
}

/* The worker ends. */
static void
on_look_to_end(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = ((struct flow *)arg)->worker;
	size_t open = worker->open_count;

	(void)fd;
	(void)what;
	if (worker->backlog.count == 0) {
		look_again();
		return;
	}
	waited = worker->backlog.count;
	backlog_flush(&worker->backlog);
	opened = worker->open_count - open;
}

Test(flood_stands_behind_the_others, and_nobody_is_forgotten_at_the_end)
{
	struct flow flow;

	open_story(&flow);
	cr_assert_eq(evtimer_assign(&look, flow.worker->base, on_look_to_end, &flow), 0);
	look_again();
	flow_run(&flow, flood, NULL);
	cr_expect_gt(waited, 0);
	cr_expect_eq(opened, waited, "%zu of %zu", opened, waited);
	cr_expect_eq(flow.closes, FLOOD + 1);
	flow_close(&flow);
}

/* As the recorder leaves it when the store's disk is full. */
static void
on_look_to_fill(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = ((struct flow *)arg)->worker;
	struct facts facts = {.flow_id = 1};

	(void)fd;
	(void)what;
	if (worker->backlog.count == 0) {
		look_again();
		return;
	}
	waited = worker->backlog.count;
	while (spool_has_room(worker->spool))
		cr_assert_eq(spool_write(worker->spool, EVENT_STATS, &facts, NULL), 0);
}

/* Nothing is taken that cannot be recorded; and what is not taken is not held
 * against its camera. */
Test(flood_stands_behind_the_others, and_is_refused_where_it_cannot_be_recorded_meanwhile)
{
	struct flow flow;

	open_story(&flow);
	cr_assert_eq(evtimer_assign(&look, flow.worker->base, on_look_to_fill, &flow), 0);
	look_again();
	flow_run(&flow, flood, NULL);
	cr_expect_gt(waited, 0);
	cr_expect_eq(atomic_load(&flow.worker->counters->unrecordable), waited);
	cr_expect_eq(flow.closes, FLOOD + 1 - waited);
	spool_consumed(flow.reader, spool_position(flow.reader));
	event_active(&stand, EV_TIMEOUT, 0);
	flow_run(&flow, flood, NULL);
	cr_expect_eq(atomic_load(&flow.worker->counters->unrecordable), waited);
	cr_expect_eq(atomic_load(&flow.worker->counters->overload), 0);
	cr_expect_eq(flow.closes, 2 * (FLOOD + 1) - waited);
	flow_close(&flow);
}
