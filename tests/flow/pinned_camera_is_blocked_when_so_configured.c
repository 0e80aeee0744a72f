/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"

Test(pinned_camera_is_blocked_when_so_configured, each_time)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){.config = "  rejected: block\n"});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	SSL_CTX_set_cert_store(flow.camera.ctx, pki_store(&flow.root));
	for (size_t i = 1; i <= 3; i++) {
		flow_run(&flow, play_hope, play_be_left);
		cr_expect_eq(flow.closes, i);
		cr_expect_eq(flow.closed.facts.inspect, INSPECT_REJECTED);
		cr_expect_eq(flow.closed.facts.end, END_REJECTED);
		cr_expect_eq(flow.closed.facts.traffic.left_up, 0);
		cr_expect_eq(flow.server.received, 0);
	}
	flow_close(&flow);
}
