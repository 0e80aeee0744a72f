/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"

#include <stdio.h>

/* What the camera offers beyond TLS 1.2, and the version that comes about. */
struct offer {
	int max;
	const char *suites, *signatures;
	int version;
};

static void
play(const struct offer *offer)
{
	char signatures[64]; /* OpenSSL's macro wants it so */
	struct flow flow;

	(void)snprintf(signatures, sizeof(signatures), "%s", offer->signatures);
	flow_open(&flow, &(struct flow_setup){.rsa = true});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	cr_assert_eq(SSL_CTX_set_max_proto_version(flow.camera.ctx, offer->max), 1);
	cr_assert_eq(SSL_CTX_set_cipher_list(flow.camera.ctx, offer->suites), 1);
	cr_assert_eq(SSL_CTX_set1_sigalgs_list(flow.camera.ctx, signatures), 1);
	flow_run(&flow, play_hello, play_hear_out);
	cr_expect_eq(flow.closed.facts.inspect, INSPECT_OPENED);
	cr_expect_eq(flow.camera.key_type, EVP_PKEY_RSA);
	cr_expect_eq(flow.camera.version, offer->version);
	cr_expect_not(flow.closed.facts.hello.ecdsa);
	cr_expect_eq(flow.closed.facts.end, END_DONE, "%s", flow.closed.facts.end_text);
	cr_expect_eq(flow.closed.facts.camera_tls.verdict, CAMERA_TLS_OK);
	cr_expect_eq(flow.server.received, 5);
	flow_close(&flow);
}

static const char both[] = "RSA+SHA256:RSA-PSS+SHA256";

Test(rsa_only_camera_gets_rsa_leaf, over_tls_1_2)
{
	play(&(struct offer){TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", both, TLS1_2_VERSION});
}

/* Cameras of ten years ago: the key itself is what carries the secret. */
Test(rsa_only_camera_gets_rsa_leaf, without_forward_secrecy)
{
	play(&(struct offer){TLS1_2_VERSION, "AES128-SHA", both, TLS1_2_VERSION});
}

Test(rsa_only_camera_gets_rsa_leaf, over_tls_1_3)
{
	play(&(struct offer){TLS1_3_VERSION, "ALL", both, TLS1_3_VERSION});
}

/* It offers TLS 1.3, and of the signatures that this has none of ours: it passed
 * undecrypted, though TLS 1.2 has one for it. */
Test(rsa_only_camera_gets_rsa_leaf, over_tls_1_2_that_could_check_none_of_tls_1_3)
{
	static const char *const signatures[] = {"RSA+SHA256", "ECDSA+SHA384:RSA+SHA512",
	    "ed25519:RSA+SHA224"};
	static const char *const suites[] = {"ALL", "ECDHE-RSA-CHACHA20-POLY1305", "AES128-SHA"};

	for (size_t i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++)
		play(&(struct offer){TLS1_3_VERSION, suites[i], signatures[i], TLS1_2_VERSION});
}

/* What it could check is below what is taken from it. */
Test(rsa_only_camera_gets_rsa_leaf, but_none_of_a_version_that_is_not_taken)
{
	char signatures[] = "RSA+SHA256";
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){.rsa = true, .config = "  camera: {min: \"1.3\"}\n"});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	cr_assert_eq(SSL_CTX_set1_sigalgs_list(flow.camera.ctx, signatures), 1);
	flow_run(&flow, play_hope, play_be_left);
	cr_expect_eq(flow.closed.facts.end, END_CAMERA_TLS, "%s", flow.closed.facts.end_text);
	cr_expect_eq(flow.closed.facts.traffic.left_up, 0);
	flow_close(&flow);
}
