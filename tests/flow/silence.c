/* SPDX-License-Identifier: MIT */
#include "tests/flow/silence.h"

#include "base/clock.h"
#include "proxy/conn_private.h"

#include <semaphore.h>

static struct {
	struct event look;
	sem_t so; /* for either side */
	bool (*is_so)(const struct conn *conn);
	void (*camera)(struct peer *peer);
	void (*server)(struct peer *peer);
} story;

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval soon = clock_span(1);
	const struct flow *flow = arg;
	const struct conn *conn = TAILQ_FIRST(&flow->worker->open);

	(void)fd;
	(void)what;
	if (conn != NULL && conn->state == CONN_RELAY && story.is_so(conn)) {
		(void)sem_post(&story.so);
		(void)sem_post(&story.so);
		return;
	}
	(void)evtimer_add(&story.look, &soon);
}

void
silence_open(struct flow *flow, bool (*is_so)(const struct conn *conn))
{
	story.is_so = is_so;
	cr_assert_eq(sem_init(&story.so, 0, 0), 0);
	flow_open(flow, &(struct flow_setup){0});
	flow_show(flow, pki_server(FLOW_NAME, &flow->root));
	cr_assert_eq(evtimer_assign(&story.look, flow->worker->base, on_look, flow), 0);
	on_look(-1, 0, flow);
}

void
silence_await(struct peer *peer)
{
	(void)peer;
	peer_await(&story.so, "nothing becomes of the connection");
}

static void
ask_first(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_say(peer, "first", 5);
	peer_hear(peer, 2);
	silence_await(peer);
	story.camera(peer);
}

static void
answer_first(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_hear(peer, 5);
	peer_say(peer, "ok", 2);
	silence_await(peer);
	story.server(peer);
}

void
silence_run(struct flow *flow, void (*camera)(struct peer *), void (*server)(struct peer *))
{
	story.camera = camera;
	story.server = server;
	flow_run(flow, ask_first, answer_first);
}

void
silence_ask_again(struct peer *peer)
{
	peer_say(peer, "again", 5);
	peer_hear(peer, 4);
	peer_finish(peer);
	peer_hear_end(peer);
}

void
silence_answer_again(struct peer *peer)
{
	peer_hear(peer, 10);
	peer_say(peer, "ok", 2);
	peer_hear_end(peer);
	peer_finish(peer);
}
