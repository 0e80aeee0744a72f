/* SPDX-License-Identifier: MIT */
#include "proxy/board.h"
#include "proxy/worker_private.h"
#include "tests/flow/harness.h"

static void
ask(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_say(peer, "hello", 5);
	peer_finish(peer);
	peer_hear_end(peer);
}

static void
answer(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_hear_end(peer);
	peer_finish(peer);
}

/* What it was asked died with it; the socket is its successor's. */
Test(signer_killed_is_asked_again, and_the_camera_only_waits)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){.signer_dies = 1});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	flow_run(&flow, ask, answer);
	cr_expect_eq(flow.asked, 2);
	cr_expect_eq(flow.server.received, 5);
	cr_expect_eq(flow.closed.facts.end, END_DONE, "%s", flow.closed.facts.end_text);
	cr_expect_geq(flow.closed.facts.duration_us, 1000000);
	flow_close(&flow);
}

/* ---- one that never comes back ---- */

static void
hope(struct peer *peer)
{
	peer_connect(peer);
	peer_expect_no_handshake(peer);
}

static void
wait_for_data(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_hear_end(peer);
}

Test(signer_killed_is_asked_again, but_not_for_ever)
{
	struct flow flow;

	flow_open(&flow,
	    &(struct flow_setup){.signer_dies = 1000, .config = "timeout: {handshake: 2s}\n"});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	flow_run(&flow, hope, wait_for_data);
	cr_expect_eq(flow.camera.end, PEER_RESET);
	cr_expect_eq(flow.closed.facts.end, END_TIMEOUT, "%s", flow.closed.facts.end_text);
	cr_expect_eq(flow.closed.facts.traffic.left_up, 0);
	cr_expect_eq(flow.server.received, 0);
	flow_close(&flow);
}
