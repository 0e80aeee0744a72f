/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"

static void
play(int version, const char *suites)
{
	char signatures[] = "RSA+SHA256:RSA-PSS+SHA256"; /* OpenSSL's macro wants it so */
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){.rsa = true});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	cr_assert_eq(SSL_CTX_set_max_proto_version(flow.camera.ctx, version), 1);
	cr_assert_eq(SSL_CTX_set_cipher_list(flow.camera.ctx, suites), 1);
	cr_assert_eq(SSL_CTX_set1_sigalgs_list(flow.camera.ctx, signatures), 1);
	flow_run(&flow, play_hello, play_hear_out);
	cr_expect_eq(flow.camera.key_type, EVP_PKEY_RSA);
	cr_expect_eq(flow.camera.version, version);
	cr_expect_not(flow.closed.facts.hello.ecdsa);
	cr_expect_eq(flow.closed.facts.end, END_DONE, "%s", flow.closed.facts.end_text);
	cr_expect_eq(flow.closed.facts.camera_tls.verdict, CAMERA_TLS_OK);
	cr_expect_eq(flow.server.received, 5);
	flow_close(&flow);
}

Test(rsa_only_camera_gets_rsa_leaf, over_tls_1_2)
{
	play(TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256");
}

/* Cameras of ten years ago: the key itself is what carries the secret. */
Test(rsa_only_camera_gets_rsa_leaf, without_forward_secrecy)
{
	play(TLS1_2_VERSION, "AES128-SHA");
}

Test(rsa_only_camera_gets_rsa_leaf, over_tls_1_3)
{
	play(TLS1_3_VERSION, "ALL");
}
