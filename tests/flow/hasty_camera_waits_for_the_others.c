/* SPDX-License-Identifier: MIT */
#include "base/addr.h"
#include "base/clock.h"
#include "proxy/census.h"
#include "proxy/worker_private.h"
#include "tests/flow/harness.h"

#include <semaphore.h>
#include <stdatomic.h>

static unsigned connections; /* that the camera makes, one after the other */

static void
ask(struct peer *peer)
{
	for (unsigned i = 0; i < connections; i++) {
		peer_connect(peer);
		peer_handshake(peer);
		peer_say(peer, "hello", 5);
		peer_finish(peer);
		peer_hear_end(peer);
		peer_close(peer);
		peer->end = PEER_OPEN;
	}
}

static void
answer(struct peer *peer)
{
	for (unsigned i = 0; i < connections; i++) {
		peer_connect(peer);
		peer_handshake(peer);
		peer_hear_end(peer);
		peer_finish(peer);
		peer_close(peer);
		peer->end = PEER_OPEN;
	}
}

/* Others give the worker so much to do that it is never idle. */
static struct event other;

static void
on_other(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval at_once;

	(void)fd;
	(void)what;
	(void)arg;
	(void)evtimer_add(&other, &at_once);
}

static void
make_busy(struct flow *flow)
{
	cr_assert_eq(evtimer_assign(&other, flow->worker->base, on_other, NULL), 0);
	on_other(-1, 0, NULL);
}

static void
open_story(struct flow *flow, const char *config, unsigned count)
{
	connections = count;
	flow_open(flow, &(struct flow_setup){.config = config});
	flow_show(flow, pki_server(FLOW_NAME, &flow->root));
}

/* Where there is nobody else nothing is lost by it. */
Test(hasty_camera_waits_for_the_others, and_is_served_at_once_where_there_are_none)
{
	struct flow flow;
	uint64_t from_ms;

	open_story(&flow, "limit: {handshakes: 1}\n", 12);
	from_ms = clock_mono_ms();
	flow_run(&flow, ask, answer);
	cr_expect_lt(clock_mono_ms() - from_ms, 9000, "its share alone would take ten seconds");
	cr_expect_eq(flow.closes, 12);
	cr_expect_eq(flow.closed.facts.end, END_DONE, "%s", flow.closed.facts.end_text);
	cr_expect_eq(flow.worker->turns.count, 0);
	flow_close(&flow);
}

/* Its share is its own however much others do. */
Test(hasty_camera_waits_for_the_others, and_has_its_share_beside_them)
{
	struct flow flow;
	uint64_t from_ms;

	open_story(&flow, "limit: {handshakes: 5}\n", 12);
	make_busy(&flow);
	from_ms = clock_mono_ms();
	flow_run(&flow, ask, answer);
	cr_expect_geq(clock_mono_ms() - from_ms, 300, "ten at once, and two that waited");
	cr_expect_eq(flow.closes, 12);
	cr_expect_eq(flow.closed.facts.end, END_DONE, "%s", flow.closed.facts.end_text);
	(void)event_del(&other);
	flow_close(&flow);
}

/* Others begin handshakes all the time, and leave the worker idle between them. */
static void
on_begin(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval soon = clock_span(1);
	struct flow *flow = arg;

	(void)fd;
	(void)what;
	flow->worker->turns.fair_ms = clock_mono_ms();
	(void)evtimer_add(&other, &soon);
}

Test(hasty_camera_waits_for_the_others, and_has_its_share_while_they_begin)
{
	struct flow flow;
	uint64_t from_ms;

	open_story(&flow, "limit: {handshakes: 5}\n", 12);
	cr_assert_eq(evtimer_assign(&other, flow.worker->base, on_begin, &flow), 0);
	on_begin(-1, 0, &flow);
	from_ms = clock_mono_ms();
	flow_run(&flow, ask, answer);
	cr_expect_geq(clock_mono_ms() - from_ms, 300, "ten at once, and two that waited");
	cr_expect_eq(flow.closes, 12);
	cr_expect_eq(flow.closed.facts.end, END_DONE, "%s", flow.closed.facts.end_text);
	cr_expect_eq(flow.worker->turns.count, 0);
	(void)event_del(&other);
	flow_close(&flow);
}

/* A camera that refuses our leaf is not opened any more: a server has to shake
 * hands with it all the same, and with the others. */
Test(hasty_camera_waits_for_the_others, also_where_nobody_opens_it)
{
	struct flow flow;
	uint64_t from_ms;

	open_story(&flow, "limit: {handshakes: 5}\n", 12);
	SSL_CTX_set_cert_store(flow.camera.ctx, pki_store(&flow.root));
	flow_run(&flow, play_hope, play_be_left);
	cr_expect_eq(flow.closed.facts.end, END_REJECTED, "%s", flow.closed.facts.end_text);
	cr_assert_eq(evtimer_assign(&other, flow.worker->base, on_begin, &flow), 0);
	on_begin(-1, 0, &flow);
	from_ms = clock_mono_ms();
	flow_run(&flow, ask, answer);
	cr_expect_geq(clock_mono_ms() - from_ms, 300, "ten at once, and three that waited");
	cr_expect_eq(flow.closes, 13);
	cr_expect_eq(flow.closed.facts.inspect, INSPECT_PASSTHROUGH);
	cr_expect_eq(flow.closed.facts.end, END_DONE, "%s", flow.closed.facts.end_text);
	cr_expect_eq(flow.worker->turns.count, 0);
	(void)event_del(&other);
	flow_close(&flow);
}

static const uint64_t hour_us = UINT64_C(3600000000);

static atomic_bool is_to_be_spent;
static sem_t is_spent; /* the camera's share, for an hour */

static void
spend_share(struct census *census)
{
	struct addr camera;

	cr_assert_eq(addr_parse(&camera, "127.0.0.1", 0, NULL), 0);
	cr_assert(census_add(census, &camera));
	cr_assert(census_start(census, &camera, 1, clock_mono_us() + hour_us));
	census_remove(census, &camera);
}

/* The worker is busy, and its loop is where the share can be spent: how long two
 * handshakes take is nothing to rely on. */
static void
on_busy(evutil_socket_t fd, short what, void *arg)
{
	struct flow *flow = arg;

	if (atomic_exchange(&is_to_be_spent, false)) {
		spend_share(flow->worker->census);
		(void)sem_post(&is_spent);
	}
	on_other(fd, what, NULL);
}

static void
ask_thrice(struct peer *peer)
{
	connections = 2;
	ask(peer);
	atomic_store(&is_to_be_spent, true);
	peer_await(&is_spent, "the worker's loop stands");
	peer_connect(peer);
	peer_expect_no_handshake(peer);
}

/* Beyond its share, and nobody gives way: it is told, and recorded. */
Test(hasty_camera_waits_for_the_others, and_is_refused_where_they_leave_nothing)
{
	struct flow flow;

	open_story(&flow, "limit: {handshakes: 1}\ntimeout: {handshake: 1s}\n", 2);
	(void)sem_init(&is_spent, 0, 0);
	cr_assert_eq(evtimer_assign(&other, flow.worker->base, on_busy, &flow), 0);
	on_other(-1, 0, NULL);
	flow_run(&flow, ask_thrice, answer);
	cr_expect_eq(flow.closes, 3);
	cr_expect_eq(flow.closed.facts.end, END_OVERLOAD, "%s", flow.closed.facts.end_text);
	cr_expect_eq(flow.camera.end, PEER_RESET);
	cr_expect_eq(flow.server.connections, 2, "the server sees nothing of it");
	cr_expect_not(flow_reached_server(&flow));
	cr_expect_eq(flow.worker->turns.count, 0);
	(void)event_del(&other);
	flow_close(&flow);
}
