/* SPDX-License-Identifier: MIT */
/* The connection of a story is looked at in the worker's loop, each millisecond. */
#include "base/clock.h"
#include "proxy/conn_private.h"
#include "tests/flow/harness.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>

#define SAY(peer, text) peer_say(peer, text, sizeof(text) - 1)

static struct {
	struct event look;
	void (*look_at)(struct conn *conn);
	sem_t so; /* what a peer waits for, by peer_await */
	bool seen;
} story;

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval soon = clock_span(1);
	const struct flow *flow = arg;
	struct conn *conn = TAILQ_FIRST(&flow->worker->open);

	(void)fd;
	(void)what;
	if (conn != NULL && conn->state == CONN_RELAY && conn->facts != NULL && !story.seen)
		story.look_at(conn);
	(void)evtimer_add(&story.look, &soon);
}

static void
open_story(struct flow *flow, const struct flow_setup *setup, void (*look_at)(struct conn *))
{
	story.look_at = look_at;
	cr_assert_eq(sem_init(&story.so, 0, 0), 0);
	flow_open(flow, setup);
	flow_show(flow, pki_server(FLOW_NAME, &flow->root));
	cr_assert_eq(evtimer_assign(&story.look, flow->worker->base, on_look, flow), 0);
	on_look(-1, 0, flow);
}

static void
close_story(struct flow *flow)
{
	cr_expect(story.seen, "what the story is about did not happen");
	cr_expect_eq(flow->closed.facts.end, END_DONE, "%s", flow->closed.facts.end_text);
	(void)evtimer_del(&story.look);
	flow_close(flow);
}

static void
tell(void)
{
	story.seen = true;
	(void)sem_post(&story.so);
}

/* As if the camera had been fast; and time stands still: what comes later in a
 * direction that waits has to come without a look. */
static void
gather_for_good(struct conn *conn)
{
	gather_note(conn, &conn->gather_up, &conn->camera, GATHER_FAST_BYTES);
	cr_assert(conn->gather_up.on);
	(void)evtimer_del(&conn->worker->gathers.timer);
}

/* ---- where it is opened ---- */

enum { POUR = 256 << 10, POURED_MAX = 256 << 20 };

static atomic_bool is_fast;
static atomic_uint_least64_t poured; /* 0: it goes on */

/* However slow this machine is: the bytes count, and not the time. */
static void
look_at_speed(struct conn *conn)
{
	if (conn->camera.ssl != NULL || conn->camera.records == NULL)
		return;
	if (conn->gather_up.on)
		atomic_store(&is_fast, true);
	else if (atomic_load(&is_fast))
		tell();
	else
		conn->gather_up.since_us = clock_mono_us();
}

static void
pour_until_fast(struct peer *peer)
{
	for (uint64_t sum = POUR; atomic_load(&poured) == 0; sum += POUR) {
		if (atomic_load(&is_fast) || sum >= POURED_MAX)
			atomic_store(&poured, sum);
		peer_pour(peer, POUR);
	}
}

static void
pour_and_ask(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	pour_until_fast(peer);
	peer_hear(peer, 2);
	SAY(peer, "soon");
	peer_hear(peer, 4);
	if (atomic_load(&is_fast))
		peer_await(&story.so, "a sender that pauses is fast for ever");
	SAY(peer, "later");
	peer_hear(peer, 6);
	peer_finish(peer);
	peer_hear_end(peer);
}

static void
hear_and_answer(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	while (peer->trouble[0] == '\0' &&
	       (atomic_load(&poured) == 0 || peer->received < atomic_load(&poured)))
		peer_hear_some(peer);
	SAY(peer, "ok");
	peer_hear(peer, atomic_load(&poured) + 4);
	SAY(peer, "ok");
	peer_hear(peer, atomic_load(&poured) + 4 + 5);
	SAY(peer, "ok");
	peer_hear_end(peer);
	peer_finish(peer);
}

/* And its tail, and questions behind it, are answered. */
Test(what_is_fast_is_gathered, where_it_is_opened)
{
	struct flow flow;

	open_story(&flow, &(struct flow_setup){0}, look_at_speed);
	flow_run(&flow, pour_and_ask, hear_and_answer);
	cr_expect(atomic_load(&is_fast));
	cr_expect_eq(flow.closed.facts.inspect, INSPECT_OPENED);
	cr_expect_eq(flow.server.received, atomic_load(&poured) + 4 + 5);
	cr_expect_eq(flow.camera.received, 6);
	close_story(&flow);
}

/* ---- where it is held ---- */

enum { HELD = 40 << 10 }; /* three pieces */

static void
look_at_hold(struct conn *conn)
{
	if (conn->facts->payload.held < HELD)
		return;
	gather_for_good(conn);
	tell();
}

static void
say_what_is_held(struct peer *peer)
{
	static char bytes[HELD];
	static const char head[] = "POST /up HTTP/1.1\r\nHost: a.example\r\nX: ";

	memset(bytes, 'x', sizeof(bytes));
	memcpy(bytes, head, sizeof(head) - 1);
	peer_connect(peer);
	peer_say(peer, bytes, sizeof(bytes));
	peer_hear(peer, 2);
	peer_finish(peer);
	peer_hear_end(peer);
}

static void
take_what_was_held(struct peer *peer)
{
	peer_connect(peer);
	peer_hear(peer, HELD);
	SAY(peer, "ok");
	peer_hear_end(peer);
	peer_finish(peer);
}

/* What was held goes on whole: it does not come from the socket. */
Test(what_is_fast_is_gathered, and_what_was_held_does_not_wait)
{
	struct flow flow;

	open_story(&flow,
	    &(struct flow_setup){.rules = "ruleset: r\nversion: \"1\"\ntitle: t\nunknown: allow\n"
					  "default: allow\nrules:\n- {id: film, match: {class: "
					  "video}, then: block, why: w, hold: {bytes: 64KB, time: "
					  "1s}}\n"},
	    look_at_hold);
	flow_run(&flow, say_what_is_held, take_what_was_held);
	cr_expect_eq(flow.closed.facts.traffic.left_up, HELD);
	close_story(&flow);
}

/* ---- where TLS begins ---- */

static void
look_at_command(struct conn *conn)
{
	if (conn->facts->traffic.left_up < 20)
		return;
	gather_for_good(conn);
	tell();
}

static void
take_mail(struct peer *peer)
{
	peer_connect(peer);
	play_offer_tls(peer);
	peer_await(&story.so, "its command does not go on");
	SAY(peer, "220 go\r\n");
	peer_handshake(peer);
	peer_hear(peer, 10 + 10 + 10);
	SAY(peer, "250 ok\r\n");
	peer_hear_end(peer);
	peer_finish(peer);
}

/* A hello is not much, and is not to wait until it is. */
Test(what_is_fast_is_gathered, and_tls_that_begins_does_not_wait)
{
	struct flow flow;

	open_story(&flow, &(struct flow_setup){0}, look_at_command);
	flow_run(&flow, play_mail, take_mail);
	cr_expect_eq(flow.closed.facts.inspect, INSPECT_OPENED);
	cr_expect(flow.closed.facts.app.starttls);
	close_story(&flow);
}
