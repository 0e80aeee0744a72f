/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"

#include <string.h>

/* A camera that trusts the server's own root, and not us. */
static void
trust_the_server_only(struct flow *flow)
{
	SSL_CTX_set_cert_store(flow->camera.ctx, pki_store(&flow->root));
}

static void
expect_rejected(const struct flow *flow)
{
	const struct facts *facts = &flow->closed.facts;

	cr_expect_eq(facts->inspect, INSPECT_REJECTED);
	cr_expect_eq(facts->end, END_REJECTED, "%s", facts->end_text);
	cr_expect_eq(facts->camera_tls.verdict, CAMERA_TLS_REJECTED);
	cr_expect_eq(facts->camera_tls.alert, 48); /* unknown_ca */
	cr_expect_eq(facts->traffic.left_up, 0);
	cr_expect_eq(flow->server.received, 0);
}

static void
expect_passed(struct flow *flow)
{
	const struct facts *facts = &flow->closed.facts;

	cr_expect_eq(facts->inspect, INSPECT_PASSTHROUGH);
	cr_expect_eq(facts->end, END_DONE, "%s", facts->end_text);
	cr_expect_eq(memcmp(flow->server.front, "secret", 6), 0);
	cr_expect_eq(memcmp(flow->camera.front, "ok", 2), 0);
	cr_expect_gt(facts->traffic.left_up, 6, "what left is the encrypted bytes");
	cr_expect_eq(facts->traffic.left_up, facts->traffic.up);
	cr_expect_not(facts->server.verified, "nobody but the camera saw its certificate");
	cr_expect_eq(facts->camera_tls.verdict, CAMERA_TLS_REJECTED);
	cr_expect_str_eq(facts->hello.sni, FLOW_NAME);
}

static void
play(int version)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	trust_the_server_only(&flow);
	(void)SSL_CTX_set_max_proto_version(flow.camera.ctx, version);
	flow_run(&flow, play_hope, play_be_left);
	expect_rejected(&flow);
	flow_run(&flow, play_ask, play_answer);
	expect_passed(&flow);
	cr_expect_eq(flow.opens, 2);
	cr_expect_eq(flow.closes, 2);
	flow_close(&flow);
}

Test(camera_refuses_our_leaf_then_passes, over_tls_1_3)
{
	play(TLS1_3_VERSION);
}

Test(camera_refuses_our_leaf_then_passes, over_tls_1_2)
{
	play(TLS1_2_VERSION);
}
