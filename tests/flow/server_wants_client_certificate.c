/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"

#include <string.h>

/* The appliance comes first and cannot show a certificate; the camera's own
 * hello comes on a second connection. */
static void
refuse_then_answer(struct peer *peer)
{
	peer_connect(peer);
	peer_expect_no_handshake(peer);
	peer_close(peer);
	peer->alert = 0;
	peer->end = PEER_OPEN;
	peer_connect(peer);
	peer_handshake(peer);
	peer_hear(peer, 6);
	peer_say(peer, "ok", 2);
	peer_hear_end(peer);
	peer_finish(peer);
}

/* A camera of whose certificate the server knows the issuer; it trusts the
 * server's root, and not us. */
static void
give_the_camera_a_certificate(struct flow *flow)
{
	struct pki_spec spec = pki_server_spec("camera-7");
	struct pki own;

	spec.purpose = "clientAuth";
	own = pki_make(&spec, &flow->root);
	cr_assert_eq(SSL_CTX_use_certificate(flow->camera.ctx, own.cert), 1);
	cr_assert_eq(SSL_CTX_use_PrivateKey(flow->camera.ctx, own.key), 1);
	SSL_CTX_set_cert_store(flow->camera.ctx, pki_store(&flow->root));
	SSL_CTX_set_cert_store(flow->server.ctx, pki_store(&flow->root));
	SSL_CTX_set_verify(flow->server.ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
	    NULL);
	pki_free(&own);
}

static void
play(int version)
{
	const struct facts *facts;
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	give_the_camera_a_certificate(&flow);
	cr_assert_eq(SSL_CTX_set_max_proto_version(flow.server.ctx, version), 1);
	flow_run(&flow, play_ask, refuse_then_answer);
	facts = &flow.closed.facts;
	cr_expect_eq(memcmp(flow.server.front, "secret", 6), 0);
	cr_expect_eq(memcmp(flow.camera.front, "ok", 2), 0);
	cr_expect_eq(flow.server.connections, 2);
	cr_expect_eq(flow.opens, 1, "it is one connection of the camera's");
	cr_expect_eq(flow.closes, 1);
	cr_expect_eq(facts->inspect, INSPECT_PASSTHROUGH);
	cr_expect(facts->server.wants_client_cert);
	cr_expect_not(facts->server.verified);
	cr_expect_eq(facts->end, END_DONE, "%s", facts->end_text);
	flow_close(&flow);
}

Test(server_wants_client_certificate, over_tls_1_3)
{
	play(TLS1_3_VERSION);
}

Test(server_wants_client_certificate, over_tls_1_2)
{
	play(TLS1_2_VERSION);
}

/* ---- a server whose own certificate is not good asks for one ---- */

/* Asking for a certificate opened a way around the check of its own. */
Test(server_wants_client_certificate, and_is_blocked_when_its_own_is_bad)
{
	struct flow flow;
	struct pki stranger = pki_root("Stranger");
	struct pki leaf = pki_server(FLOW_NAME, &stranger);

	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, leaf);
	give_the_camera_a_certificate(&flow);
	flow_run(&flow, play_hope, play_hope);
	cr_expect_eq(flow.closed.facts.end, END_SERVER_CERT, "%s", flow.closed.facts.end_text);
	cr_expect_eq(flow.closed.facts.inspect, INSPECT_REFUSED);
	cr_expect_eq(flow.closed.facts.traffic.left_up, 0);
	cr_expect_eq(flow.server.connections, 1);
	cr_expect_not(flow_reached_server(&flow));
	pki_free(&stranger);
	flow_close(&flow);
}
