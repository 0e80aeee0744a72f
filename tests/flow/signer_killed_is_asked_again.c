/* SPDX-License-Identifier: MIT */
#include "proxy/board.h"
#include "proxy/worker_private.h"
#include "tests/flow/harness.h"

/* What it was asked died with it; the socket is its successor's. */
Test(signer_killed_is_asked_again, and_the_camera_only_waits)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){.signer_dies = 1});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	flow_run(&flow, play_hello, play_hear_out);
	cr_expect_eq(flow.asked, 2);
	cr_expect_eq(flow.server.received, 5);
	cr_expect_eq(flow.closed.facts.end, END_DONE, "%s", flow.closed.facts.end_text);
	cr_expect_geq(flow.closed.facts.duration_us, 1000000);
	flow_close(&flow);
}

/* ---- one that never comes back ---- */

Test(signer_killed_is_asked_again, but_not_for_ever)
{
	struct flow flow;

	flow_open(&flow,
	    &(struct flow_setup){.signer_dies = 1000, .config = "timeout: {handshake: 2s}\n"});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	flow_run(&flow, play_hope, play_be_left);
	cr_expect_eq(flow.camera.end, PEER_RESET);
	cr_expect_eq(flow.closed.facts.end, END_TIMEOUT, "%s", flow.closed.facts.end_text);
	cr_expect_eq(flow.closed.facts.traffic.left_up, 0);
	cr_expect_eq(flow.server.received, 0);
	flow_close(&flow);
}
