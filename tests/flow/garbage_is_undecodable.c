/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"

/* It starts like TLS and is none: nobody can say what would be let through. */
static void
say_garbage(struct peer *peer)
{
	peer_connect(peer);
	peer_say(peer, "\x16\x03\x01\x00\x05garbage that goes on", 25);
	peer_hear_end(peer);
}

static void
cut_the_hello(struct peer *peer)
{
	peer_connect(peer);
	peer_say(peer, "\x16\x03\x01\x02\x00\x01\x00", 7);
	peer_finish(peer);
	peer_hear_end(peer);
}

static void
expect_undecodable(void (*camera)(struct peer *))
{
	struct flow flow;
	const struct facts *facts;

	flow_open(&flow, &(struct flow_setup){0});
	flow_run(&flow, camera, NULL);
	facts = &flow.closed.facts;
	cr_expect_eq(flow.camera.end, PEER_RESET);
	cr_expect_eq(flow.camera.received, 0);
	cr_expect_not(flow_reached_server(&flow));
	cr_expect_eq(flow.opens, 0, "nothing was to be forwarded");
	cr_expect_eq(flow.closes, 1);
	cr_expect_eq(facts->inspect, INSPECT_UNDECODABLE);
	cr_expect_eq(facts->hello.kind, HELLO_BROKEN);
	cr_expect_eq(facts->verdict.result, RESULT_BLOCK);
	cr_expect_eq(facts->end, END_REFUSED);
	cr_expect_eq(facts->traffic.left_up, 0);
	flow_close(&flow);
}

Test(garbage_is_undecodable, in_a_record)
{
	expect_undecodable(say_garbage);
}

Test(garbage_is_undecodable, cut_short)
{
	expect_undecodable(cut_the_hello);
}
