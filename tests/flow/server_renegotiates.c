/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"

#include <string.h>

/* A server of TLS 1.2 that wants to begin anew, under way: RFC 5246 section
 * 7.4.1.1.  The appliance says no_renegotiation, which OpenSSL's server takes
 * for the end. */
static void
ask(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_say(peer, "secret", 6);
	peer_hear_end(peer);
}

static void
begin_anew(struct peer *peer)
{
	char byte;

	peer_connect(peer);
	peer_handshake(peer);
	peer_hear(peer, 6);
	if (SSL_renegotiate(peer->ssl) == 1)
		(void)SSL_do_handshake(peer->ssl);
	(void)SSL_read(peer->ssl, &byte, 1);
	peer_close(peer);
}

Test(server_renegotiates, and_is_told_no)
{
	struct flow flow;
	const struct facts *facts = &flow.closed.facts;

	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	cr_assert_eq(SSL_CTX_set_max_proto_version(flow.server.ctx, TLS1_2_VERSION), 1);
	flow_run(&flow, ask, begin_anew);
	cr_expect_eq(flow.server.connections, 1);
	cr_expect_eq(SSL_CTX_sess_accept_renegotiate(flow.server.ctx), 1, "it tried");
	cr_expect_eq(SSL_CTX_sess_accept_good(flow.server.ctx), 1, "and was not heard");
	cr_expect_eq(memcmp(flow.server.front, "secret", 6), 0);
	cr_expect(facts->server.verified);
	cr_expect_neq(facts->end, END_INTERNAL);
	flow_close(&flow);
}

/* One that goes for it does so each time: the camera's own handshake it bears. */
Test(server_renegotiates, and_who_comes_next_passes)
{
	struct flow flow;
	const struct facts *facts = &flow.closed.facts;
	X509_STORE *both;

	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	both = pki_store(&flow.root);
	cr_assert_eq(X509_STORE_add_cert(both, flow.ca[0].cert), 1);
	SSL_CTX_set_cert_store(flow.camera.ctx, both);
	cr_assert_eq(SSL_CTX_set_max_proto_version(flow.server.ctx, TLS1_2_VERSION), 1);
	flow_run(&flow, ask, begin_anew);
	cr_expect_eq(facts->inspect, INSPECT_OPENED);
	flow_run(&flow, play_ask, play_answer);
	cr_expect_eq(facts->inspect, INSPECT_PASSTHROUGH);
	cr_expect_eq(facts->end, END_DONE, "%s", facts->end_text);
	cr_expect_eq(facts->camera_tls.verdict, CAMERA_TLS_NONE, "it refused nothing");
	flow_close(&flow);
}
