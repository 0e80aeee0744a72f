/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"

/* A FIN without close_notify: what came may be less than what was sent. */
static void
say_and_cut(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_pour(peer, 70000);
	peer_cut(peer);
	peer_hear_end(peer);
}

Test(truncation_stays_truncation, by_the_camera)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	flow_run(&flow, say_and_cut, play_hear_out);
	cr_expect(peer_has_pattern(&flow.server, 70000), "what stood before it came");
	cr_expect_eq(flow.server.end, PEER_TRUNCATED);
	cr_expect_eq(flow.closed.facts.end, END_TRUNCATED);
	cr_expect_str_eq(flow.closed.facts.end_text, "the camera ended without close_notify");
	flow_close(&flow);
}

Test(truncation_stays_truncation, by_the_server)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	flow_run(&flow, play_hear_out, say_and_cut);
	cr_expect(peer_has_pattern(&flow.camera, 70000));
	cr_expect_eq(flow.camera.end, PEER_TRUNCATED);
	cr_expect_eq(flow.closed.facts.end, END_TRUNCATED);
	cr_expect_str_eq(flow.closed.facts.end_text, "the server ended without close_notify");
	flow_close(&flow);
}
