/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"

#include <string.h>

/* It takes the hello and says nothing. */
static void
stall(struct peer *peer)
{
	peer_connect(peer);
	peer_hear_end(peer);
}

static void
close_after_the_hello(struct peer *peer)
{
	peer_connect(peer);
	peer_hear_some(peer);
}

static void
reset_after_the_hello(struct peer *peer)
{
	peer_connect(peer);
	peer_hear_some(peer);
	peer_reset(peer);
}

static void
say_alert(struct peer *peer)
{
	peer_connect(peer);
	peer_hear_some(peer);
	peer_say(peer, "\x15\x03\x03\x00\x02\x02\x70", 7); /* unrecognized_name */
	peer_hear_end(peer);
}

static void
speak_http(struct peer *peer)
{
	peer_connect(peer);
	peer_hear_some(peer);
	peer_say(peer, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
	peer_hear_end(peer);
}

static void
expect_end(void (*server)(struct peer *), enum end end, enum peer_end seen, uint8_t alert)
{
	/* Only what the server says makes it one that we refuse: else it is it that went. */
	bool blocked = server == speak_http;
	struct flow flow;
	const struct facts *facts;

	flow_open(&flow, &(struct flow_setup){.config = "timeout: {handshake: 300ms}\n"});
	flow_run(&flow, play_hope, server);
	facts = &flow.closed.facts;
	cr_expect_eq(facts->end, end, "%s", facts->end_text);
	cr_expect_eq(flow.camera.end, seen);
	cr_expect_eq(flow.camera.alert, alert, "%u", flow.camera.alert);
	cr_expect_eq(facts->traffic.left_up, 0);
	cr_expect_eq(facts->verdict.result, blocked ? RESULT_BLOCK : RESULT_ALLOW);
	cr_expect_eq(facts->inspect, blocked ? INSPECT_REFUSED : INSPECT_OPENED);
	cr_expect_not(facts->server.handshake_done);
	cr_expect_eq(flow.opens, 1);
	cr_expect_eq(flow.closes, 1);
	flow_close(&flow);
}

Test(server_stalls_in_handshake, and_is_given_up)
{
	expect_end(stall, END_TIMEOUT, PEER_RESET, 0);
}

Test(server_stalls_in_handshake, or_closes)
{
	expect_end(close_after_the_hello, END_SERVER_TLS, PEER_TRUNCATED, 0);
}

Test(server_stalls_in_handshake, or_resets)
{
	expect_end(reset_after_the_hello, END_SERVER_TLS, PEER_RESET, 0);
}

Test(server_stalls_in_handshake, or_refuses_and_its_alert_is_the_cameras)
{
	expect_end(say_alert, END_SERVER_TLS, PEER_ALERT, 112);
}

/* It was told as allowed, and no alert told of it. */
Test(server_stalls_in_handshake, or_speaks_something_else_and_is_blocked)
{
	expect_end(speak_http, END_SERVER_TLS, PEER_ALERT, 40);
}
