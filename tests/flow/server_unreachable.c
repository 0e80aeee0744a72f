/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"

#include <string.h>

/* The camera sees what the server itself would have shown it: a reset. */
Test(server_unreachable, is_a_reset_for_the_camera)
{
	struct flow flow;
	const struct facts *facts;

	flow_open(&flow, &(struct flow_setup){.dst = FLOW_NOBODY});
	flow_run(&flow, play_hope, NULL);
	facts = &flow.closed.facts;
	cr_expect_eq(flow.camera.end, PEER_RESET);
	cr_expect_eq(facts->end, END_UNREACHABLE);
	cr_expect_not_null(strstr(facts->end_text, "refused"), "%s", facts->end_text);
	cr_expect_eq(facts->traffic.left_up, 0);
	cr_expect_eq(flow.opens, 1);
	cr_expect_eq(flow.closes, 1);
	flow_close(&flow);
}
