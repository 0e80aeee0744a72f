/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"

#include <string.h>

static const char request[] = "GET /snapshot HTTP/1.1\r\nHost: a.example\r\n\r\n";

static void
ask(struct peer *peer)
{
	peer_connect(peer);
	peer_say(peer, request, sizeof(request) - 1);
	peer_finish(peer);
	peer_hear_end(peer);
}

static void
answer(struct peer *peer)
{
	peer_connect(peer);
	peer_hear_end(peer);
	peer_pour(peer, 2 << 20);
	peer_finish(peer);
}

static void
say_ssh(struct peer *peer)
{
	peer_connect(peer);
	peer_say(peer, "SSH-2.0-cam\r\n", 13);
	peer_hear(peer, 13);
	peer_finish(peer);
	peer_hear_end(peer);
}

static void
answer_ssh(struct peer *peer)
{
	peer_connect(peer);
	peer_hear(peer, 13);
	peer_say(peer, "SSH-2.0-srv\r\n", 13);
	peer_hear_end(peer);
	peer_finish(peer);
}

Test(plain_protocol_is_relayed, with_its_name_and_its_bytes)
{
	struct flow flow;
	const struct facts *facts;

	flow_open(&flow, &(struct flow_setup){0});
	flow_run(&flow, ask, answer);
	facts = &flow.closed.facts;
	cr_expect_eq(flow.server.received, sizeof(request) - 1);
	cr_expect_eq(memcmp(flow.server.front, request, sizeof(request) - 1), 0);
	cr_expect(peer_has_pattern(&flow.camera, 2 << 20));
	cr_expect_eq(facts->inspect, INSPECT_PLAIN);
	cr_expect_str_eq(facts->hello.protocol, "http");
	cr_expect_eq(facts->traffic.left_up, sizeof(request) - 1);
	cr_expect_eq(facts->traffic.left_down, 2 << 20);
	cr_expect_eq(facts->end, END_DONE, "%s", facts->end_text);
	cr_expect_eq(flow.opens, 1);
	flow_close(&flow);
}

Test(plain_protocol_is_relayed, where_both_sides_speak_at_once)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	flow_run(&flow, say_ssh, answer_ssh);
	cr_expect_str_eq(flow.closed.facts.hello.protocol, "ssh");
	cr_expect_eq(flow.closed.facts.end, END_DONE);
	flow_close(&flow);
}
