/* SPDX-License-Identifier: MIT */
#include "proxy/board.h"
#include "proxy/snapshot.h"
#include "proxy/worker_private.h"
#include "record/spool.h"
#include "tests/flow/appliance.h"
#include "tests/flow/harness.h"

#include <arpa/inet.h>
#include <poll.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

enum { FLOOD = 50, FEW = 5, FIRST = 0x7f000001, SECOND = 0x7f000002, PATIENCE_MS = 15000 };

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

/* ---- in turn ---- */

/* So a camera asks fifty times, then another one a little beyond its share. */
static void
flood_then_few(struct peer *peer)
{
	int fds[FLOOD + FEW];

	for (int i = 0; i < FLOOD + FEW; i++)
		fds[i] = ask_as(peer, i < FLOOD ? FIRST : SECOND);
	(void)sem_post(&all_came);
	for (int i = 0; i < FLOOD + FEW; i++)
		hear_out(peer, fds[i]);
}

/* How many connections of the first camera ended before all of the second's. */
static unsigned
ends_before_second(struct flow *flow, uint64_t from)
{
	struct recorded event;
	unsigned ends = 0, before = 0;

	cr_assert_eq(spool_seek(flow->reader, from, NULL), 0);
	while (spool_read(flow->reader, &event, NULL) == 1) {
		if (event.head.kind != EVENT_CLOSE)
			continue;
		if (event.facts.camera.ip[15] == (SECOND & 0xff))
			before = ends;
		else
			ends++;
	}
	return before;
}

/* It would wait for all of the first's. */
Test(flood_stands_behind_the_others, and_not_before_who_is_a_little_beyond_its_share)
{
	struct flow flow;
	uint64_t from;

	open_story(&flow);
	from = spool_position(flow.reader);
	flow_run(&flow, flood_then_few, NULL);
	cr_expect_eq(flow.closes, FLOOD + FEW, "each is recorded");
	cr_expect_leq(ends_before_second(&flow, from), FLOOD / 2, "%u of the flood before it",
	    ends_before_second(&flow, from));
	flow_close(&flow);
}

/* ---- while it waits ---- */

static size_t waited, opened;

/* Whether any wait now, as many as are told of; else look comes again. */
static bool
some_wait(struct flow *flow)
{
	static const struct timeval at_once;
	struct worker *worker = flow->worker;

	waited = worker->backlog.count;
	cr_expect_eq(atomic_load(&worker->counters->waiting), waited);
	if (waited == 0)
		(void)evtimer_add(&look, &at_once);
	return waited > 0;
}

static void
await_some(struct flow *flow, event_callback_fn on_look)
{
	cr_assert_eq(evtimer_assign(&look, flow->worker->base, on_look, flow), 0);
	(void)some_wait(flow);
}

/* The worker ends. */
static void
on_look_to_end(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = ((struct flow *)arg)->worker;
	size_t open = worker->open_count;

	(void)fd;
	(void)what;
	if (!some_wait(arg))
		return;
	backlog_flush(&worker->backlog);
	opened = worker->open_count - open;
	cr_expect_eq(atomic_load(&worker->counters->waiting), 0);
}

Test(flood_stands_behind_the_others, and_nobody_is_forgotten_at_the_end)
{
	struct flow flow;

	open_story(&flow);
	await_some(&flow, on_look_to_end);
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
	if (!some_wait(arg))
		return;
	while (spool_has_room(worker->spool))
		cr_assert_eq(spool_write(worker->spool, EVENT_STATS, &facts, NULL), 0);
}

/* Nothing is taken that cannot be recorded; and what is not taken is not held
 * against its camera. */
Test(flood_stands_behind_the_others, and_is_refused_where_it_cannot_be_recorded_meanwhile)
{
	struct flow flow;

	open_story(&flow);
	await_some(&flow, on_look_to_fill);
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

/* ---- a share that grows again ---- */

static const char blocking[] = "ruleset: flow\n"
			       "version: 1\n"
			       "title: Nothing\n"
			       "unknown: block\n"
			       "default: block\n"
			       "rules: []\n";

static sem_t share_grew;
static in_port_t ports[FLOOD]; /* in the order in which the camera asked */

static in_port_t
port_of(int fd)
{
	struct sockaddr_in own = {0};
	socklen_t size = sizeof(own);

	(void)getsockname(fd, (struct sockaddr *)&own, &size);
	return ntohs(own.sin_port);
}

/* The second half within its share, while the first one waits. */
static void
flood_in_halves(struct peer *peer)
{
	int fds[FLOOD];

	for (int i = 0; i < FLOOD; i++) {
		if (i == FLOOD / 2) {
			(void)sem_post(&all_came);
			peer_await(&share_grew, peer->trouble);
		}
		fds[i] = ask_as(peer, FIRST);
		ports[i] = port_of(fds[i]);
	}
	(void)sem_post(&all_came);
	for (int i = 0; i < FLOOD; i++)
		hear_out(peer, fds[i]);
}

static void
on_look_to_grow(evutil_socket_t fd, short what, void *arg)
{
	struct flow *flow = arg;
	struct snapshot *old = flow->worker->snapshot;

	(void)fd;
	(void)what;
	if (!some_wait(flow))
		return;
	flow->setup.config = "limit: {handshakes: 100000, per_camera: 50}\n";
	appliance_write(flow, blocking);
	flow->worker->snapshot = appliance_read(flow, 2);
	snapshot_retire(old, NULL);
	(void)sem_post(&share_grew);
	peer_await(&all_came, flow->camera.trouble);
}

/* When the connection of that port began. */
static uint64_t
began_us(struct flow *flow, uint64_t from, in_port_t port)
{
	struct recorded event;

	cr_assert_eq(spool_seek(flow->reader, from, NULL), 0);
	while (spool_read(flow->reader, &event, NULL) == 1) {
		if (event.head.kind == EVENT_CLOSE && event.facts.camera.port == port)
			return event.facts.opened_wall_us;
	}
	cr_assert_fail("port %u is not recorded", (unsigned)port);
	return 0;
}

Test(flood_stands_behind_the_others, and_none_of_it_overtakes_what_waits)
{
	uint64_t from, before_us = 0;
	struct flow flow;

	open_story(&flow);
	(void)sem_init(&share_grew, 0, 0);
	await_some(&flow, on_look_to_grow);
	from = spool_position(flow.reader);
	flow_run(&flow, flood_in_halves, NULL);
	cr_expect_eq(flow.closes, FLOOD);
	for (unsigned i = 0; i < FLOOD; i++) {
		uint64_t us = began_us(&flow, from, ports[i]);

		cr_expect_geq(us, before_us, "connection %u", i);
		before_us = us;
	}
	flow_close(&flow);
}
