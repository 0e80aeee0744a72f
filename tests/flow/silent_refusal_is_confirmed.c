/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"

#include <string.h>

/* A camera whose program looks at the certificate when the handshake is done,
 * and closes without a word when it does not like it.  For the library below
 * it our leaf is as good as the server's. */
static void
close_silently(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_finish(peer);
	peer_hear_end(peer);
}

static void
hear_greeting_and_close(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_hear(peer, 5);
	peer_finish(peer);
	peer_hear_end(peer);
}

static void
greet(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_say(peer, "hello", 5);
	peer_hear_end(peer);
	peer_finish(peer);
}

static void
close_first(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_finish(peer);
	peer_hear_end(peer);
}

static void
begin(struct flow *flow, int version)
{
	flow_open(flow, &(struct flow_setup){0});
	flow_show(flow, pki_server(FLOW_NAME, &flow->root));
	SSL_CTX_set_verify(flow->camera.ctx, SSL_VERIFY_NONE, NULL);
	(void)SSL_CTX_set_max_proto_version(flow->camera.ctx, version);
}

static void
expect(const struct flow *flow, enum inspect inspect, enum camera_verdict verdict)
{
	cr_expect_eq(flow->closed.facts.inspect, inspect, "%s", flow->closed.facts.end_text);
	cr_expect_eq(flow->closed.facts.camera_tls.verdict, verdict, "%s",
	    flow->closed.facts.end_text);
}

static void
refuse_twice(struct flow *flow, void (*camera)(struct peer *), void (*server)(struct peer *))
{
	for (int i = 0; i < 2; i++) {
		flow_run(flow, camera, server);
		expect(flow, INSPECT_REJECTED, CAMERA_TLS_PROBABLE);
		cr_expect_eq(flow->closed.facts.end, END_REJECTED);
		cr_expect_eq(flow->closed.facts.traffic.left_up, 0);
	}
}

static void
play(int version, void (*camera)(struct peer *), void (*server)(struct peer *))
{
	struct flow flow;

	begin(&flow, version);
	refuse_twice(&flow, camera, server);
	flow_run(&flow, play_ask, play_answer);
	expect(&flow, INSPECT_PASSTHROUGH, CAMERA_TLS_REJECTED);
	cr_expect_eq(flow.opened.facts.camera_tls.verdict, CAMERA_TLS_PROBABLE, "not yet then");
	cr_expect_eq(memcmp(flow.server.front, "secret", 6), 0);
	flow_run(&flow, play_ask, play_answer);
	expect(&flow, INSPECT_PASSTHROUGH, CAMERA_TLS_REJECTED);
	cr_expect_eq(flow.opened.facts.camera_tls.verdict, CAMERA_TLS_REJECTED);
	flow_close(&flow);
}

Test(silent_refusal_is_confirmed, over_tls_1_3)
{
	play(TLS1_3_VERSION, close_silently, play_hear_out);
}

Test(silent_refusal_is_confirmed, over_tls_1_2)
{
	play(TLS1_2_VERSION, close_silently, play_hear_out);
}

/* HTTP/2 and mail servers speak first. */
Test(silent_refusal_is_confirmed, of_a_server_that_greets)
{
	play(TLS1_3_VERSION, hear_greeting_and_close, greet);
}

static void
play_probe(int version)
{
	struct flow flow;

	begin(&flow, version);
	refuse_twice(&flow, close_silently, play_hear_out);
	flow_run(&flow, close_silently, play_hear_out);
	expect(&flow, INSPECT_PASSTHROUGH, CAMERA_TLS_PROBABLE);
	for (int i = 0; i < 3; i++)
		flow_run(&flow, close_silently, play_hear_out);
	expect(&flow, INSPECT_REJECTED, CAMERA_TLS_PROBABLE);
	flow_run(&flow, play_ask, play_answer);
	expect(&flow, INSPECT_OPENED, CAMERA_TLS_OK);
	flow_close(&flow);
}

/* It asks by an empty connection whether its cloud is there, and does so when
 * it passes through, too: it is opened all the same. */
Test(silent_refusal_is_confirmed, not_of_a_camera_that_goes_silently_always)
{
	play_probe(TLS1_3_VERSION);
	play_probe(TLS1_2_VERSION);
}

Test(silent_refusal_is_confirmed, not_when_it_trusts_us_in_between)
{
	struct flow flow;

	begin(&flow, TLS1_3_VERSION);
	for (int i = 0; i < 3; i++) {
		flow_run(&flow, close_silently, play_hear_out);
		expect(&flow, INSPECT_REJECTED, CAMERA_TLS_PROBABLE);
		flow_run(&flow, play_ask, play_answer);
		expect(&flow, INSPECT_OPENED, CAMERA_TLS_OK);
	}
	flow_close(&flow);
}

Test(silent_refusal_is_confirmed, not_when_the_server_closes_first)
{
	struct flow flow;

	begin(&flow, TLS1_3_VERSION);
	for (int i = 0; i < 3; i++) {
		flow_run(&flow, play_hear_out, close_first);
		expect(&flow, INSPECT_OPENED, CAMERA_TLS_NONE);
		cr_expect_eq(flow.closed.facts.end, END_DONE, "%s", flow.closed.facts.end_text);
	}
	flow_close(&flow);
}
