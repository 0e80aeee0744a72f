/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"

/* More than the kernel and the appliance hold on the way. */
enum { UP = (20 << 20) + 7, DOWN = (9 << 20) + 1, SLOW = (1 << 20) + 3 };

static void
pour_then_hear(struct peer *peer)
{
	play_pour(peer, UP);
}

static void
hear_then_pour(struct peer *peer)
{
	play_pour_back(peer, DOWN);
}

static void
pour_slow(struct peer *peer)
{
	play_pour(peer, SLOW);
}

static void
hear_slowly(struct peer *peer)
{
	play_hear_slowly(peer, SLOW);
}

static void
expect_counts(const struct flow *flow, uint64_t up, uint64_t down)
{
	const struct facts *facts = &flow->closed.facts;

	cr_expect_eq(facts->end, END_DONE, "%s", facts->end_text);
	cr_expect_eq(facts->traffic.up, up);
	cr_expect_eq(facts->traffic.left_up, up);
	cr_expect_eq(facts->traffic.down, down);
	cr_expect_eq(facts->traffic.left_down, down);
	cr_expect_eq(flow->camera.end, PEER_CLOSED);
	cr_expect_eq(flow->server.end, PEER_CLOSED);
}

Test(passes_bytes_exactly_both_ways, many_up_then_many_down)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	flow_run(&flow, pour_then_hear, hear_then_pour);
	cr_expect(peer_has_pattern(&flow.server, UP));
	cr_expect(peer_has_pattern(&flow.camera, DOWN));
	expect_counts(&flow, UP, DOWN);
	flow_close(&flow);
}

Test(passes_bytes_exactly_both_ways, to_a_server_that_reads_slowly)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	flow_run(&flow, pour_slow, hear_slowly);
	cr_expect(peer_has_pattern(&flow.server, SLOW));
	expect_counts(&flow, SLOW, 0);
	flow_close(&flow);
}

Test(passes_bytes_exactly_both_ways, to_a_camera_that_reads_slowly)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	flow_run(&flow, hear_slowly, pour_slow);
	cr_expect(peer_has_pattern(&flow.camera, SLOW));
	expect_counts(&flow, 0, SLOW);
	flow_close(&flow);
}
