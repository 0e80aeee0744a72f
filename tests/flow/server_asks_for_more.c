/* SPDX-License-Identifier: MIT */
/* Servers that want another hello, or more to be said of who the camera is. */
#include "tests/flow/harness.h"

#include <openssl/err.h>
#include <stdio.h>

/* The groups that a side has; OpenSSL sends a share of the first, and what it
 * likes is asked for by another hello (RFC 8446 section 4.1.4). */
static void
set_groups(SSL_CTX *ctx, const char *groups)
{
	char list[64];

	(void)snprintf(list, sizeof(list), "%s", groups);
	cr_assert_eq(SSL_CTX_set1_groups_list(ctx, list), 1, "%s", groups);
}

static void
play_groups(const char *camera, const char *server)
{
	const struct facts *facts;
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	set_groups(flow.camera.ctx, camera);
	set_groups(flow.server.ctx, server);
	flow_run(&flow, play_ask, play_answer);
	facts = &flow.closed.facts;
	cr_expect_eq(facts->end, END_DONE, "%s, %s: %s", camera, server, facts->end_text);
	cr_expect_eq(facts->inspect, INSPECT_OPENED);
	cr_expect(facts->server.verified);
	cr_expect_eq(facts->server.version, TLS1_3_VERSION);
	cr_expect_eq(facts->camera_tls.version, TLS1_3_VERSION);
	cr_expect_eq(facts->camera_tls.verdict, CAMERA_TLS_OK);
	cr_expect_eq(flow.server.connections, 1, "another hello is no other connection");
	cr_expect_eq(flow.opens, 1);
	flow_close(&flow);
}

Test(server_asks_for_more, another_hello_is_said)
{
	play_groups("X25519", "P-384");
	play_groups("X25519", "P-521:P-384");
}

/* The same between the camera and us, at the same time or not. */
Test(server_asks_for_more, the_camera_is_asked_for_another_too)
{
	play_groups("ffdhe2048:X25519", "X25519");
	play_groups("ffdhe3072:P-256", "P-384");
}

/* Nothing in common: the camera hears it as the server said it. */
Test(server_asks_for_more, a_group_that_we_do_not_have)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	set_groups(flow.server.ctx, "ffdhe3072");
	flow_run(&flow, play_hope, play_hope);
	cr_expect_eq(flow.closed.facts.end, END_SERVER_TLS);
	cr_expect_eq(flow.closed.facts.server.alert, 40, "handshake_failure");
	cr_expect_eq(flow.camera.alert, 40, "as from the server");
	cr_expect_eq(flow.closed.facts.traffic.left_up, 0);
	flow_close(&flow);
}

/* ---- who the camera is, behind the handshake ---- */

static void
ask_afterwards(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_hear(peer, 6);
	/* RFC 8446 section 4.6.2: only of one that has offered it. */
	SSL_set_verify(peer->ssl, SSL_VERIFY_PEER, NULL);
	if (SSL_verify_client_post_handshake(peer->ssl) != 0)
		(void)snprintf(peer->trouble, sizeof(peer->trouble), "it was offered");
	ERR_clear_error();
	peer_say(peer, "ok", 2);
	peer_hear_end(peer);
	peer_finish(peer);
}

/* A camera may offer to say who it is later; we cannot say it for the camera, so
 * the server does not hear the offer, and has no way to ask. */
Test(server_asks_for_more, an_offer_to_say_later_who_the_camera_is_ends_at_us)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	SSL_CTX_set_post_handshake_auth(flow.camera.ctx, 1);
	flow_run(&flow, play_ask, ask_afterwards);
	cr_expect_eq(flow.closed.facts.end, END_DONE, "%s", flow.closed.facts.end_text);
	cr_expect_eq(flow.closed.facts.inspect, INSPECT_OPENED);
	cr_expect_not(flow.closed.facts.server.wants_client_cert);
	flow_close(&flow);
}
