/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"

#include <string.h>

static void
play_camera(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_say(peer, "hello, cloud", 12);
	peer_hear(peer, 13);
	peer_finish(peer);
	peer_hear_end(peer);
}

static void
play_server(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_hear(peer, 12);
	peer_say(peer, "hello, camera", 13);
	peer_hear_end(peer);
	peer_finish(peer);
}

static void
expect_story(const struct flow *flow, const char *dst)
{
	const struct facts *facts = &flow->closed.facts;
	char text[ADDR_TEXT_MAX];

	cr_expect_eq(memcmp(flow->server.front, "hello, cloud", 12), 0);
	cr_expect_eq(memcmp(flow->camera.front, "hello, camera", 13), 0);
	cr_expect_eq(flow->camera.end, PEER_CLOSED);
	cr_expect_eq(flow->server.end, PEER_CLOSED);
	cr_expect_eq(flow->opens, 1);
	cr_expect_eq(flow->closes, 1);
	cr_expect_eq(facts->inspect, INSPECT_OPENED);
	cr_expect_eq(facts->end, END_DONE, "%s", facts->end_text);
	cr_expect_str_eq(addr_text_port(&facts->dst, text), dst);
	cr_expect_str_eq(facts->hello.sni, FLOW_NAME);
	cr_expect(facts->server.verified);
	cr_expect_eq(facts->server.errors, 0);
	cr_expect_eq(facts->server.version, TLS1_3_VERSION);
	cr_expect_eq(facts->camera_tls.version, TLS1_3_VERSION);
	cr_expect_eq(facts->camera_tls.verdict, CAMERA_TLS_OK);
	cr_expect_eq(facts->verdict.result, RESULT_ALLOW);
	cr_expect_eq(facts->verdict.stage, VERDICT_CERTIFICATE);
	cr_expect_str_eq(facts->verdict.rule, "default");
	cr_expect(countries_has(&facts->place.located, "DE"));
	cr_expect_eq(facts->traffic.up, 12);
	cr_expect_eq(facts->traffic.left_up, 12);
	cr_expect_eq(facts->traffic.down, 13);
	cr_expect_eq(facts->traffic.left_down, 13);
}

Test(opens_a_camera_that_trusts_us, over_ipv4)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	flow_run(&flow, play_camera, play_server);
	expect_story(&flow, FLOW_DE);
	flow_close(&flow);
}

Test(opens_a_camera_that_trusts_us, over_ipv6)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){.dst = FLOW_DE6});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	flow_run(&flow, play_camera, play_server);
	expect_story(&flow, FLOW_DE6);
	flow_close(&flow);
}

/* The leaf of the first is there for the second: the signer is asked once. */
Test(opens_a_camera_that_trusts_us, again_with_the_same_leaf)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	flow_run(&flow, play_camera, play_server);
	flow_run(&flow, play_camera, play_server);
	cr_expect_eq(flow.asked, 1);
	cr_expect_eq(flow.closes, 2);
	cr_expect_eq(flow.closed.facts.end, END_DONE);
	flow_close(&flow);
}
