/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"

static void
expect_blocked(struct flow *flow, const char *rule, enum verdict_stage stage)
{
	const struct facts *facts = &flow->closed.facts;

	flow_run(flow, play_hope, NULL);
	cr_expect_eq(flow->camera.end, PEER_RESET);
	cr_expect_not(flow_reached_server(flow));
	cr_expect_eq(flow->opens, 0);
	cr_expect_eq(flow->closes, 1);
	cr_expect_eq(facts->verdict.result, RESULT_BLOCK);
	cr_expect_str_eq(facts->verdict.rule, rule);
	cr_expect_eq(facts->verdict.stage, stage);
	cr_expect_eq(facts->inspect, INSPECT_REFUSED);
	cr_expect_eq(facts->end, END_REFUSED);
	cr_expect_eq(facts->traffic.left_up, 0);
	cr_expect_str_eq(facts->hello.sni, flow->camera.sni);
	flow_close(flow);
}

Test(blocked_by_address_sends_nothing_and_keeps_the_name, of_the_country)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){.dst = FLOW_CN});
	expect_blocked(&flow, "cn", VERDICT_ADDRESS);
}

Test(blocked_by_address_sends_nothing_and_keeps_the_name, of_a_name)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	flow.camera.sni = "blocked.example";
	expect_blocked(&flow, "name", VERDICT_NAME);
}

/* No rule opens the way to the appliance itself. */
Test(blocked_by_address_sends_nothing_and_keeps_the_name, of_the_appliance_itself)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){.dst = "127.0.0.1:443"});
	expect_blocked(&flow, "own-address", VERDICT_ADDRESS);
}
