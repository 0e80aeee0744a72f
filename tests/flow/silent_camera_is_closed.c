/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"

static void
say_nothing(struct peer *peer)
{
	peer_connect(peer);
	peer_hear_end(peer);
}

static void
stop_in_the_hello(struct peer *peer)
{
	peer_connect(peer);
	peer_say(peer, "\x16\x03\x01\x02\x00\x01\x00\x01", 8);
	peer_hear_end(peer);
}

static void
leave_at_once(struct peer *peer)
{
	peer_connect(peer);
	peer_finish(peer);
	peer_hear_end(peer);
}

static void
expect_closed(void (*camera)(struct peer *), enum end end, enum peer_end seen)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){.config = "timeout: {hello: 300ms}\n"});
	flow_run(&flow, camera, NULL);
	cr_expect_eq(flow.camera.end, seen);
	cr_expect_not(flow_reached_server(&flow));
	cr_expect_eq(flow.opens, 0);
	cr_expect_eq(flow.closes, 1);
	cr_expect_eq(flow.closed.facts.end, end, "%s", flow.closed.facts.end_text);
	cr_expect_eq(flow.closed.facts.traffic.left_up, 0);
	flow_close(&flow);
}

Test(silent_camera_is_closed, that_says_nothing)
{
	expect_closed(say_nothing, END_HELLO_TIMEOUT, PEER_RESET);
}

Test(silent_camera_is_closed, that_stops_in_its_hello)
{
	expect_closed(stop_in_the_hello, END_HELLO_TIMEOUT, PEER_RESET);
}

Test(silent_camera_is_closed, that_leaves_without_a_word)
{
	expect_closed(leave_at_once, END_DONE, PEER_CLOSED);
}

/* Nothing tells who it wanted; that it may not go there is known. */
Test(silent_camera_is_closed, where_it_may_not_go_anyway)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){.dst = FLOW_CN});
	flow_run(&flow, say_nothing, NULL);
	cr_expect_eq(flow.camera.end, PEER_RESET);
	cr_expect_not(flow_reached_server(&flow));
	cr_expect_eq(flow.closed.facts.end, END_REFUSED);
	cr_expect_eq(flow.closed.facts.inspect, INSPECT_REFUSED);
	cr_expect_eq(flow.closed.facts.verdict.result, RESULT_BLOCK);
	flow_close(&flow);
}
