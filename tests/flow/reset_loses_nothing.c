/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "proxy/conn_private.h"
#include "tests/flow/harness.h"

#include <linux/sockios.h>
#include <poll.h>
#include <semaphore.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* How the bytes go through. */
enum way { PLAIN, SPLICED, OPENED, TAKEN_OVER, TLS12 };

enum {
	/* Much less than is said: the rest stands on its way when the reset comes. */
	SEND_ROOM = 32 << 10,
	RECEIVE_ROOM = 16 << 10,
	WARM = 256 << 10,  /* so that a leg is without OpenSSL */
	LITTLE = 40 << 10, /* so that it is not */
	MUCH = 128 << 10,
	MORE = 192 << 10, /* a flush of it comes before the answer is read */
	ANSWER = 20 << 10,
};

static const char greeting[] = "SSH-2.0-x\r\n";

/* One story a process. */
static struct {
	enum way way;
	uint32_t warm, count;
	bool stops;     /* the worker, while both sides act */
	bool stands;    /* the side that reads, until the connection is over */
	unsigned sides; /* that have met */
	bool reset;     /* a side was */
	struct event look;
	sem_t met;   /* by each side: all that was said before the story has come */
	sem_t ready; /* for both sides: the worker is as the way wants it */
	sem_t acted; /* for the worker: a side did what it was to do */
	sem_t seen;  /* for the side that reads: the worker has seen the reset */
} story;

/* ---- the worker's side ---- */

static bool
is_ready(const struct conn *conn)
{
	while (sem_trywait(&story.met) == 0)
		story.sides++;
	if (conn == NULL || conn->state != CONN_RELAY || story.sides < 2)
		return false;
	return story.way != TAKEN_OVER || (conn->camera.ssl == NULL && conn->server.ssl == NULL);
}

static bool
is_reset(const struct leg *leg)
{
	struct pollfd look = {.fd = leg->fd};

	return poll(&look, 1, 0) == 1 && (look.revents & POLLHUP) != 0;
}

static void
on_reset(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval soon = clock_span(1);
	const struct flow *flow = arg;
	const struct conn *conn = TAILQ_FIRST(&flow->worker->open);

	(void)fd;
	(void)what;
	if (conn == NULL || (story.reset && !story.stands)) {
		(void)sem_post(&story.seen);
		return;
	}
	/* A turn later the worker has heard of it. */
	story.reset = is_reset(&conn->camera) || is_reset(&conn->server);
	(void)event_base_once(flow->worker->base, -1, EV_TIMEOUT, on_reset, arg, &soon);
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval soon = clock_span(1);
	const struct flow *flow = arg;
	struct conn *conn = TAILQ_FIRST(&flow->worker->open);
	const int room = SEND_ROOM;

	(void)fd;
	(void)what;
	if (!is_ready(conn)) {
		(void)evtimer_add(&story.look, &soon);
		return;
	}
	(void)setsockopt(conn->camera.fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	(void)setsockopt(conn->server.fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	/* By a pipe from here on, however much came at once before. */
	conn->splice_up.bulk = conn->splice_down.bulk = story.way == SPLICED;
	(void)sem_post(&story.ready);
	(void)sem_post(&story.ready);
	for (int sides = 2; story.stops && sides > 0; sides--)
		peer_await(&story.acted, "a side did not act");
	on_reset(-1, 0, arg);
}

/* ---- the sides ---- */

static void
forget(struct peer *peer)
{
	peer->received = 0;
	(void)EVP_DigestInit_ex(peer->digest, EVP_sha256(), NULL);
}

/* Until the other kernel has all that was said. */
static void
await_acknowledged(struct peer *peer)
{
	int left = 1;

	for (int i = 0; i < PEER_PATIENCE_S * 1000 && left > 0; i++) {
		if (ioctl(peer->fd, SIOCOUTQ, &left) != 0)
			break;
		(void)poll(NULL, 0, 1);
	}
	if (left > 0 && peer->trouble[0] == '\0')
		(void)snprintf(peer->trouble, sizeof(peer->trouble), "the %s: %d are not taken",
		    peer->name, left);
}

static void
await_ready(void)
{
	(void)sem_post(&story.met);
	peer_await(&story.ready, "the way is not as it should be");
}

/* Both have said something. */
static void
meet(struct peer *peer)
{
	peer_connect(peer);
	if (story.way != PLAIN)
		peer_handshake(peer);
	if (peer->is_camera)
		peer_say(peer, greeting, sizeof(greeting) - 1);
	peer_hear(peer, sizeof(greeting) - 1);
	if (!peer->is_camera)
		peer_say(peer, greeting, sizeof(greeting) - 1);
	forget(peer);
}

/* A side that says all, is told by its kernel that it was taken, and resets. */
static void
say_and_reset(struct peer *peer)
{
	meet(peer);
	peer_pour(peer, story.warm);
	await_ready();
	peer_pour(peer, story.count);
	await_acknowledged(peer);
	peer_reset(peer);
}

/* ... to one that does not read before that. */
static void
hear_afterwards(struct peer *peer)
{
	meet(peer);
	peer_hear(peer, story.warm);
	forget(peer);
	await_ready();
	peer_await(&story.seen, "the reset is not seen");
	peer_hear_end(peer);
}

/* A side that says more than is wanted of it ... */
static void
say_more(struct peer *peer)
{
	meet(peer);
	peer_pour(peer, story.warm);
	await_ready();
	peer_pour(peer, MORE);
	(void)sem_post(&story.acted);
	peer_hear_end(peer);
}

/* ... by one that says so, and closes with the rest unread. */
static void
answer_and_reset(struct peer *peer)
{
	meet(peer);
	peer_hear(peer, story.warm);
	await_ready();
	peer_pour(peer, ANSWER);
	await_acknowledged(peer);
	peer_reset(peer);
	(void)sem_post(&story.acted);
}

/* ---- the stories ---- */

static void
begin(struct flow *flow, const struct flow_setup *setup, enum way way)
{
	story.way = way;
	story.warm = way == TAKEN_OVER ? WARM : 0;
	story.count = way == OPENED || story.stands ? LITTLE : MUCH;
	cr_assert_eq(sem_init(&story.met, 0, 0), 0);
	cr_assert_eq(sem_init(&story.ready, 0, 0), 0);
	cr_assert_eq(sem_init(&story.acted, 0, 0), 0);
	cr_assert_eq(sem_init(&story.seen, 0, 0), 0);
	flow_open(flow, setup);
	flow_show(flow, pki_server(FLOW_NAME, &flow->root));
	if (way == TLS12) {
		cr_assert_eq(SSL_CTX_set_max_proto_version(flow->camera.ctx, TLS1_2_VERSION), 1);
		cr_assert_eq(SSL_CTX_set_max_proto_version(flow->server.ctx, TLS1_2_VERSION), 1);
	}
	if (way == SPLICED) {
		SSL_CTX_set_cert_store(flow->camera.ctx, pki_store(&flow->root));
		flow_run(flow, play_hope, play_be_left);
	}
	flow->camera.room = flow->server.room = RECEIVE_ROOM;
	cr_assert_eq(evtimer_assign(&story.look, flow->worker->base, on_look, flow), 0);
	on_look(-1, 0, flow);
}

static void
expect_reset(struct flow *flow, const struct peer *heard, const char *by)
{
	static const enum inspect inspects[] = {[PLAIN] = INSPECT_PLAIN,
	    [SPLICED] = INSPECT_PASSTHROUGH,
	    [OPENED] = INSPECT_OPENED,
	    [TAKEN_OVER] = INSPECT_OPENED,
	    [TLS12] = INSPECT_OPENED};
	const struct facts *facts = &flow->closed.facts;

	cr_expect_eq(heard->end, PEER_RESET, "it ended by %d", (int)heard->end);
	cr_expect_eq(facts->end, END_RESET, "%s", facts->end_text);
	cr_expect_not_null(strstr(facts->end_text, by), "%s", facts->end_text);
	cr_expect_eq(facts->inspect, inspects[story.way]);
	cr_expect_eq(flow->worker->pipes.made > 0, story.way == SPLICED);
	cr_expect_eq(flow->worker->pipes.spares, flow->worker->pipes.made);
	pipes_clear(&flow->worker->pipes);
	flow_close(flow);
}

static void
tell_up(enum way way)
{
	struct flow flow;

	begin(&flow, &(struct flow_setup){0}, way);
	flow_run(&flow, say_and_reset, hear_afterwards);
	cr_expect(peer_has_pattern(&flow.server, story.count), "%llu of %u came",
	    (unsigned long long)flow.server.received, (unsigned)story.count);
	cr_expect_eq(flow.closed.facts.traffic.left_up, flow.closed.facts.traffic.up);
	cr_expect_geq(flow.closed.facts.traffic.left_up, story.warm + story.count);
	expect_reset(&flow, &flow.server, "camera");
}

static void
tell_down(enum way way)
{
	struct flow flow;

	begin(&flow, &(struct flow_setup){0}, way);
	flow_run(&flow, hear_afterwards, say_and_reset);
	cr_expect(peer_has_pattern(&flow.camera, story.count), "%llu of %u came",
	    (unsigned long long)flow.camera.received, (unsigned)story.count);
	cr_expect_eq(flow.closed.facts.traffic.left_down, flow.closed.facts.traffic.down);
	expect_reset(&flow, &flow.camera, "server");
}

static void
tell_refused_up(enum way way)
{
	struct flow flow;

	story.stops = true;
	begin(&flow, &(struct flow_setup){0}, way);
	flow_run(&flow, say_more, answer_and_reset);
	cr_expect(peer_has_pattern(&flow.camera, ANSWER), "%llu of %u came",
	    (unsigned long long)flow.camera.received, (unsigned)ANSWER);
	expect_reset(&flow, &flow.camera, "server");
}

static void
tell_refused_down(enum way way)
{
	struct flow flow;

	story.stops = true;
	begin(&flow, &(struct flow_setup){0}, way);
	flow_run(&flow, answer_and_reset, say_more);
	cr_expect(peer_has_pattern(&flow.server, ANSWER), "%llu of %u came",
	    (unsigned long long)flow.server.received, (unsigned)ANSWER);
	expect_reset(&flow, &flow.server, "camera");
}

Test(reset_loses_nothing, plain_up)
{
	tell_up(PLAIN);
}

Test(reset_loses_nothing, plain_down)
{
	tell_down(PLAIN);
}

Test(reset_loses_nothing, plain_up_refused)
{
	tell_refused_up(PLAIN);
}

Test(reset_loses_nothing, plain_down_refused)
{
	tell_refused_down(PLAIN);
}

Test(reset_loses_nothing, spliced_up)
{
	tell_up(SPLICED);
}

Test(reset_loses_nothing, spliced_down)
{
	tell_down(SPLICED);
}

Test(reset_loses_nothing, spliced_up_refused)
{
	tell_refused_up(SPLICED);
}

Test(reset_loses_nothing, spliced_down_refused)
{
	tell_refused_down(SPLICED);
}

Test(reset_loses_nothing, opened_up)
{
	tell_up(OPENED);
}

Test(reset_loses_nothing, opened_down)
{
	tell_down(OPENED);
}

Test(reset_loses_nothing, opened_up_refused)
{
	tell_refused_up(OPENED);
}

Test(reset_loses_nothing, opened_down_refused)
{
	tell_refused_down(OPENED);
}

Test(reset_loses_nothing, taken_over_up)
{
	tell_up(TAKEN_OVER);
}

Test(reset_loses_nothing, taken_over_down)
{
	tell_down(TAKEN_OVER);
}

Test(reset_loses_nothing, taken_over_up_refused)
{
	tell_refused_up(TAKEN_OVER);
}

Test(reset_loses_nothing, taken_over_down_refused)
{
	tell_refused_down(TAKEN_OVER);
}

Test(reset_loses_nothing, tls12_up)
{
	tell_up(TLS12);
}

Test(reset_loses_nothing, tls12_down)
{
	tell_down(TLS12);
}

Test(reset_loses_nothing, tls12_up_refused)
{
	tell_refused_up(TLS12);
}

Test(reset_loses_nothing, tls12_down_refused)
{
	tell_refused_down(TLS12);
}

/* ---- within bounds ---- */

/* As the end of one that closes in order. */
Test(reset_loses_nothing, but_one_that_reads_nothing_is_not_waited_for_without_end)
{
	struct flow flow;

	story.stands = true;
	begin(&flow, &(struct flow_setup){.config = "timeout: {half_close: 1s}\n"}, PLAIN);
	flow_run(&flow, say_and_reset, hear_afterwards);
	cr_expect_lt(flow.server.received, story.count);
	cr_expect_geq(flow.closed.facts.duration_us, 1000000);
	expect_reset(&flow, &flow.server, "camera");
}

/* What a limit lets go a piece at a time goes on so. */
Test(reset_loses_nothing, of_a_camera_that_is_slowed)
{
	struct flow flow;

	begin(&flow,
	    &(struct flow_setup){
		.rules = "ruleset: r\nversion: \"1\"\ntitle: t\nunknown: allow\n"
			 "default: allow\nrules:\n"
			 "- {id: much, match: {bytes: {up_over: 10KB, per: 52w, by: device}}, "
			 "then: limit, rate: 200KB/s, why: too much}\n"},
	    PLAIN);
	flow_run(&flow, say_and_reset, hear_afterwards);
	cr_expect(peer_has_pattern(&flow.server, story.count), "%llu of %u came",
	    (unsigned long long)flow.server.received, (unsigned)story.count);
	cr_expect_eq(flow.closed.facts.verdict.result, RESULT_LIMIT);
	expect_reset(&flow, &flow.server, "camera");
}
