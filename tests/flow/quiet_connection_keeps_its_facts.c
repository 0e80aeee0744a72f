/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "proxy/conn_private.h"
#include "tests/flow/harness.h"

#include <semaphore.h>

/* One story a process. */
static struct {
	struct event look;
	sem_t quiet;
	struct facts before; /* as they were when it became so */
} story;

/* Until it is quiet; then it is said so. */
static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval soon = clock_span(1);
	struct flow *flow = arg;
	const struct conn *conn = TAILQ_FIRST(&flow->worker->open);

	(void)fd;
	(void)what;
	if (conn != NULL && conn->state == CONN_RELAY && conn->facts == NULL) {
		(void)sem_post(&story.quiet);
		return;
	}
	if (conn != NULL && conn->state == CONN_RELAY)
		story.before = *conn->facts;
	(void)evtimer_add(&story.look, &soon);
}

static void
ask_twice(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_say(peer, "first", 5);
	peer_hear(peer, 2);
	peer_await(&story.quiet, "it does not become quiet");
	peer_say(peer, "again", 5);
	peer_hear(peer, 4);
	peer_finish(peer);
	peer_hear_end(peer);
}

static void
answer_twice(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_hear(peer, 5);
	peer_say(peer, "ok", 2);
	peer_hear(peer, 10);
	peer_say(peer, "ok", 2);
	peer_hear_end(peer);
	peer_finish(peer);
}

static void
ask_and_go(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_say(peer, "first", 5);
	peer_hear(peer, 2);
	peer_await(&story.quiet, "it does not become quiet");
	peer_reset(peer);
}

static void
answer_once(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_hear(peer, 5);
	peer_say(peer, "ok", 2);
	peer_hear_end(peer);
}

static void
open_story(struct flow *flow)
{
	cr_assert_eq(sem_init(&story.quiet, 0, 0), 0);
	flow_open(flow, &(struct flow_setup){0});
	flow_show(flow, pki_server(FLOW_NAME, &flow->root));
	cr_assert_eq(evtimer_assign(&story.look, flow->worker->base, on_look, flow), 0);
	on_look(-1, 0, flow);
}

/* What was known before it became quiet, and is known of its end. */
static void
expect_whole(const struct facts *facts)
{
	const struct facts *before = &story.before;

	cr_expect_eq(facts->flow_id, before->flow_id);
	cr_expect_eq(facts->inspect, INSPECT_OPENED);
	cr_expect_str_eq(facts->hello.sni, FLOW_NAME);
	cr_expect_str_eq(facts->hello.ja4, before->hello.ja4);
	cr_expect_str_neq(facts->hello.ja4, "");
	cr_expect_arr_eq(facts->server.sha256, before->server.sha256, sizeof(facts->server.sha256));
	cr_expect_str_eq(facts->server.subject, before->server.subject);
	cr_expect_str_eq(facts->place.located_basis, before->place.located_basis);
	cr_expect_str_eq(facts->verdict.why, before->verdict.why);
	cr_expect_eq(facts->camera_tls.verdict, CAMERA_TLS_OK);
}

Test(quiet_connection_keeps_its_facts, and_goes_on)
{
	struct flow flow;

	open_story(&flow);
	flow_run(&flow, ask_twice, answer_twice);
	cr_expect_eq(story.before.traffic.up, 5U);
	expect_whole(&flow.closed.facts);
	cr_expect_eq(flow.closed.facts.end, END_DONE);
	cr_expect_eq(flow.closed.facts.traffic.up, 10U);
	cr_expect_eq(flow.closed.facts.traffic.left_up, 10U);
	cr_expect_eq(flow.closed.facts.traffic.left_down, 4U);
	flow_close(&flow);
}

Test(quiet_connection_keeps_its_facts, when_it_is_reset)
{
	struct flow flow;

	open_story(&flow);
	flow_run(&flow, ask_and_go, answer_once);
	expect_whole(&flow.closed.facts);
	cr_expect_eq(flow.closed.facts.end, END_RESET);
	cr_expect_eq(flow.closed.facts.traffic.up, 5U);
	flow_close(&flow);
}
