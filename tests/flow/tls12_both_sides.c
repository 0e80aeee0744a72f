/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"

enum { UP = 200000, DOWN = 100000 };

static void
ask(struct peer *peer)
{
	play_pour(peer, UP);
}

static void
answer(struct peer *peer)
{
	play_pour_back(peer, DOWN);
}

static void
play(int camera, int server)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	cr_assert_eq(SSL_CTX_set_max_proto_version(flow.camera.ctx, camera), 1);
	cr_assert_eq(SSL_CTX_set_max_proto_version(flow.server.ctx, server), 1);
	flow_run(&flow, ask, answer);
	cr_expect(peer_has_pattern(&flow.server, UP));
	cr_expect(peer_has_pattern(&flow.camera, DOWN));
	cr_expect_eq(flow.closed.facts.camera_tls.version, camera);
	cr_expect_eq(flow.closed.facts.server.version, server);
	cr_expect_eq(flow.closed.facts.end, END_DONE, "%s", flow.closed.facts.end_text);
	flow_close(&flow);
}

Test(tls12_both_sides, both)
{
	play(TLS1_2_VERSION, TLS1_2_VERSION);
}

Test(tls12_both_sides, the_camera_alone)
{
	play(TLS1_2_VERSION, TLS1_3_VERSION);
}

Test(tls12_both_sides, the_server_alone)
{
	play(TLS1_3_VERSION, TLS1_2_VERSION);
}
