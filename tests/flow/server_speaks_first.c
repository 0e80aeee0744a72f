/* SPDX-License-Identifier: MIT */
/* A camera that says nothing: whoever speaks first is heard, on any port. */
#include "tests/flow/plays.h"

#include "tests/flow/harness.h"

#include <semaphore.h>
#include <string.h>

/* That the server was reached, though the camera has said nothing. */
static sem_t reached;

static void
wait_for_banner(struct peer *peer)
{
	peer_connect(peer);
	peer_hear(peer, 9);
	peer_say(peer, "EHLO cam\r\n", 10);
	peer_finish(peer);
	peer_hear_end(peer);
}

static void
greet(struct peer *peer)
{
	peer_connect(peer);
	peer_say(peer, "220 you\r\n", 9);
	peer_hear(peer, 10);
	peer_hear_end(peer);
	peer_finish(peer);
}

Test(server_speaks_first, and_is_relayed)
{
	struct flow flow;
	const struct facts *facts;

	flow_open(&flow, &(struct flow_setup){0});
	flow_run(&flow, wait_for_banner, greet);
	facts = &flow.closed.facts;
	cr_expect_eq(memcmp(flow.camera.front, "220 you\r\n", 9), 0);
	cr_expect_eq(memcmp(flow.server.front, "EHLO cam\r\n", 10), 0);
	cr_expect_eq(facts->inspect, INSPECT_PLAIN);
	cr_expect_eq(facts->traffic.left_up, 10);
	cr_expect_eq(facts->traffic.left_down, 9);
	cr_expect_eq(facts->end, END_DONE, "%s", facts->end_text);
	cr_expect_eq(flow.opens, 1);
	cr_expect_eq(flow.closes, 1);
	flow_close(&flow);
}

static void
handshake_late(struct peer *peer)
{
	peer_connect(peer);
	(void)sem_wait(&reached);
	peer_handshake(peer);
	peer_say(peer, "secret", 6);
	peer_hear(peer, 2);
	peer_finish(peer);
	peer_hear_end(peer);
}

static void
answer_late(struct peer *peer)
{
	peer_connect(peer);
	(void)sem_post(&reached);
	peer_handshake(peer);
	peer_hear(peer, 6);
	peer_say(peer, "ok", 2);
	peer_hear_end(peer);
	peer_finish(peer);
}

/* Its hello is gathered and its server verified on the connection that stands. */
Test(server_speaks_first, or_the_camera_does_with_tls)
{
	struct flow flow;
	const struct facts *facts;

	(void)sem_init(&reached, 0, 0);
	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	flow_run(&flow, handshake_late, answer_late);
	facts = &flow.closed.facts;
	cr_expect_eq(facts->inspect, INSPECT_OPENED);
	cr_expect_str_eq(facts->hello.sni, FLOW_NAME);
	cr_expect(facts->server.verified);
	cr_expect_eq(facts->traffic.left_up, 6);
	cr_expect_eq(facts->end, END_DONE, "%s", facts->end_text);
	cr_expect_eq(flow.server.connections, 1);
	cr_expect_eq(flow.opens, 1);
	flow_close(&flow);
}

static void
speak_late(struct peer *peer)
{
	peer_connect(peer);
	(void)sem_wait(&reached);
	peer_say(peer, "GET / HTTP/1.0\r\n\r\n", 18);
	peer_finish(peer);
	peer_hear_end(peer);
}

static void
hear_late(struct peer *peer)
{
	peer_connect(peer);
	(void)sem_post(&reached);
	peer_hear_end(peer);
	peer_say(peer, "HTTP/1.0 200 OK\r\n\r\n", 19);
	peer_finish(peer);
}

Test(server_speaks_first, or_the_camera_does_without)
{
	struct flow flow;

	(void)sem_init(&reached, 0, 0);
	flow_open(&flow, &(struct flow_setup){0});
	flow_run(&flow, speak_late, hear_late);
	cr_expect_eq(flow.closed.facts.inspect, INSPECT_PLAIN);
	cr_expect_eq(flow.closed.facts.hello.kind, HELLO_NOT_TLS);
	cr_expect_eq(flow.closed.facts.traffic.left_up, 18);
	cr_expect_eq(flow.closed.facts.end, END_DONE, "%s", flow.closed.facts.end_text);
	cr_expect_eq(flow.opens, 1);
	flow_close(&flow);
}

static void
say_blocked_name(struct peer *peer)
{
	peer_connect(peer);
	(void)sem_wait(&reached);
	peer_expect_no_handshake(peer);
}

static void
stay_silent(struct peer *peer)
{
	peer_connect(peer);
	(void)sem_post(&reached);
	peer_hear_end(peer);
}

/* That the server was reached widens nothing. */
Test(server_speaks_first, or_the_camera_does_with_a_name_that_is_blocked)
{
	struct flow flow;

	(void)sem_init(&reached, 0, 0);
	flow_open(&flow, &(struct flow_setup){0});
	flow.camera.sni = "blocked.example";
	flow_run(&flow, say_blocked_name, stay_silent);
	cr_expect_eq(flow.closed.facts.end, END_REFUSED);
	cr_expect_str_eq(flow.closed.facts.verdict.rule, "name");
	cr_expect_eq(flow.closed.facts.traffic.left_up, 0);
	cr_expect_eq(flow.server.received, 0);
	flow_close(&flow);
}

static void
say_nothing(struct peer *peer)
{
	peer_connect(peer);
	peer_hear_end(peer);
}

Test(server_speaks_first, or_nobody_does)
{
	struct flow flow;

	(void)sem_init(&reached, 0, 0);
	flow_open(&flow, &(struct flow_setup){.config = "timeout: {hello: 500ms}\n"});
	flow_run(&flow, say_nothing, stay_silent);
	cr_expect_eq(flow.camera.end, PEER_RESET);
	cr_expect_eq(flow.closed.facts.end, END_HELLO_TIMEOUT);
	cr_expect_eq(flow.closed.facts.traffic.left_up, 0);
	flow_close(&flow);
}
