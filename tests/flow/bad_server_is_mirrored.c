/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"

#include <openssl/x509v3.h>
#include <string.h>

enum { ALERT_CERTIFICATE_EXPIRED = 45, ALERT_UNKNOWN_CA = 48 }; /* RFC 8446 section 6 */

static void
open_mirror(struct flow *flow)
{
	flow_open(flow, &(struct flow_setup){.upstream = ", bad: mirror"});
}

static struct pki
expired(const struct pki *issuer)
{
	struct pki_spec spec = pki_server_spec(FLOW_NAME);

	spec.to_days = -1;
	return pki_make(&spec, issuer);
}

/* Twice: what it refuses is the server, so it is not let pass the next time. */
static void
expect_refusal(struct flow *flow, unsigned connection)
{
	const struct facts *facts = &flow->closed.facts;

	flow_run(flow, play_hope, play_be_left);
	cr_expect_not(flow->camera.handshake_done);
	cr_expect_eq(flow->server.received, 0);
	cr_expect_eq(facts->end, END_REJECTED, "%s", facts->end_text);
	cr_expect_eq(facts->inspect, INSPECT_REJECTED, "connection %u: %d", connection,
	    facts->inspect);
	cr_expect_eq(facts->server.treatment, TREATED_MIRRORED);
	cr_expect_eq(facts->traffic.left_up, 0);
}

Test(bad_server_is_mirrored, and_a_camera_that_verifies_refuses_the_copied_dates)
{
	struct flow flow;

	open_mirror(&flow);
	flow_show(&flow, expired(&flow.root));
	expect_refusal(&flow, 1);
	cr_expect_eq(flow.closed.facts.camera_tls.alert, ALERT_CERTIFICATE_EXPIRED);
	peer_close(&flow.camera);
	peer_close(&flow.server);
	expect_refusal(&flow, 2);
	flow_close(&flow);
}

Test(bad_server_is_mirrored, and_a_camera_that_verifies_refuses_the_unknown_issuer)
{
	struct pki stranger = pki_root("Stranger");
	struct flow flow;

	open_mirror(&flow);
	flow_show(&flow, pki_server(FLOW_NAME, &stranger));
	expect_refusal(&flow, 1);
	cr_expect_eq(flow.closed.facts.camera_tls.alert, ALERT_UNKNOWN_CA);
	pki_free(&stranger);
	flow_close(&flow);
}

Test(bad_server_is_mirrored, and_one_that_does_not_verify_is_found_out)
{
	struct flow flow;
	const struct facts *facts = &flow.closed.facts;

	open_mirror(&flow);
	flow_show(&flow, pki_server(FLOW_NAME, NULL));
	SSL_CTX_set_verify(flow.camera.ctx, SSL_VERIFY_NONE, NULL);
	flow_run(&flow, play_ask, play_answer);
	cr_expect_eq(memcmp(flow.server.front, "secret", 6), 0);
	cr_expect_eq(facts->end, END_DONE, "%s", facts->end_text);
	cr_expect_eq(facts->server.treatment, TREATED_MIRRORED);
	cr_expect_eq(facts->server.errors, CERT_SELF_SIGNED);
	cr_expect_not(facts->server.verified);
	cr_expect_eq(facts->camera_tls.verdict, CAMERA_TLS_OK);
	cr_expect_eq(facts->inspect, INSPECT_OPENED);
	flow_close(&flow);
}

Test(bad_server_is_mirrored, with_an_rsa_leaf_where_the_camera_takes_no_other)
{
	struct pki stranger = pki_root("Stranger");
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){.upstream = ", bad: mirror", .rsa = true});
	flow_show(&flow, pki_server(FLOW_NAME, &stranger));
	cr_assert_eq(SSL_CTX_set_max_proto_version(flow.camera.ctx, TLS1_2_VERSION), 1);
	cr_assert_eq(SSL_CTX_set_cipher_list(flow.camera.ctx, "ECDHE-RSA-AES128-GCM-SHA256"), 1);
	expect_refusal(&flow, 1);
	cr_expect_eq(flow.closed.facts.camera_tls.alert, ALERT_UNKNOWN_CA);
	pki_free(&stranger);
	flow_close(&flow);
}
