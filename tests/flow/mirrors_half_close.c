/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"

#include <string.h>

/* The camera has said all; the answer comes long after. */
static void
ask(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_say(peer, "request", 7);
	peer_finish(peer);
	peer_hear_end(peer);
}

static void
answer_after_the_end(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_hear_end(peer);
	peer_pour(peer, 300000);
	peer_finish(peer);
}

/* The server has said all first. */
static void
say_more_after_the_end(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_say(peer, "request", 7);
	peer_hear_end(peer);
	peer_pour(peer, 300000);
	peer_finish(peer);
}

static void
answer_and_listen(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_hear(peer, 7);
	peer_finish(peer);
	peer->received = 0;
	(void)EVP_DigestInit_ex(peer->digest, EVP_sha256(), NULL);
	peer_hear_end(peer);
}

Test(mirrors_half_close, of_the_camera)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	flow_run(&flow, ask, answer_after_the_end);
	cr_expect_eq(flow.server.end, PEER_CLOSED, "the server saw a close_notify");
	cr_expect(peer_has_pattern(&flow.camera, 300000));
	cr_expect_eq(flow.camera.end, PEER_CLOSED);
	cr_expect_eq(flow.closed.facts.end, END_DONE, "%s", flow.closed.facts.end_text);
	cr_expect_eq(flow.closed.facts.camera_tls.verdict, CAMERA_TLS_OK);
	flow_close(&flow);
}

Test(mirrors_half_close, of_the_server)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	flow_run(&flow, say_more_after_the_end, answer_and_listen);
	cr_expect_eq(flow.camera.end, PEER_CLOSED, "the camera saw a close_notify");
	cr_expect(peer_has_pattern(&flow.server, 300000));
	cr_expect_eq(flow.server.end, PEER_CLOSED);
	cr_expect_eq(flow.closed.facts.end, END_DONE, "%s", flow.closed.facts.end_text);
	flow_close(&flow);
}
