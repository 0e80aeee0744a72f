/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"

#include <string.h>

/* A camera and a server that share a key: nobody can stand between them. */
enum { KEY_BYTES = 16 };

static unsigned
give_key(SSL *ssl, const char *hint, char *identity, unsigned identity_size, unsigned char *key,
    unsigned key_size)
{
	(void)ssl;
	(void)hint;
	(void)identity_size;
	(void)key_size;
	memcpy(identity, "camera", 7);
	memset(key, 'k', KEY_BYTES);
	return KEY_BYTES;
}

static unsigned
take_key(SSL *ssl, const char *identity, unsigned char *key, unsigned size)
{
	(void)ssl;
	(void)identity;
	(void)size;
	memset(key, 'k', KEY_BYTES);
	return KEY_BYTES;
}

static void
share_a_key(struct flow *flow)
{
	SSL_CTX *ctxs[] = {flow->camera.ctx, NULL};

	flow_show(flow, pki_server(FLOW_NAME, &flow->root));
	ctxs[1] = flow->server.ctx;
	for (size_t i = 0; i < 2; i++) {
		cr_assert_eq(SSL_CTX_set_max_proto_version(ctxs[i], TLS1_2_VERSION), 1);
		cr_assert_eq(SSL_CTX_set_cipher_list(ctxs[i], "PSK-AES128-GCM-SHA256"), 1);
	}
	SSL_CTX_set_psk_client_callback(flow->camera.ctx, give_key);
	SSL_CTX_set_psk_server_callback(flow->server.ctx, take_key);
}

Test(camera_takes_no_certificate, and_passes_undecrypted)
{
	struct flow flow;
	const struct facts *facts = &flow.closed.facts;

	flow_open(&flow, &(struct flow_setup){0});
	share_a_key(&flow);
	flow_run(&flow, play_ask, play_answer);
	cr_expect_eq(memcmp(flow.server.front, "secret", 6), 0);
	cr_expect(facts->hello.no_certificate);
	cr_expect_eq(facts->inspect, INSPECT_PASSTHROUGH);
	cr_expect_eq(facts->camera_tls.verdict, CAMERA_TLS_NONE);
	cr_expect_eq(facts->end, END_DONE, "%s", facts->end_text);
	cr_expect_eq(flow.asked, 0, "no leaf was minted");
	flow_close(&flow);
}

/* Its server has such a key; the appliance's leaves do not. */
Test(camera_takes_no_certificate, of_ours_for_it_wants_ed25519)
{
	char signatures[] = "ed25519";
	struct pki_spec spec = pki_server_spec(FLOW_NAME);
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	spec.key = PKI_ED25519;
	flow_show(&flow, pki_make(&spec, &flow.root));
	cr_assert_eq(SSL_CTX_set1_sigalgs_list(flow.camera.ctx, signatures), 1);
	SSL_CTX_set_verify(flow.camera.ctx, SSL_VERIFY_NONE, NULL);
	cr_assert_eq(SSL_CTX_set_min_proto_version(flow.camera.ctx, TLS1_3_VERSION), 1);
	flow_run(&flow, play_ask, play_answer);
	cr_expect_eq(memcmp(flow.server.front, "secret", 6), 0);
	cr_expect(flow.closed.facts.hello.no_certificate);
	cr_expect_eq(flow.closed.facts.inspect, INSPECT_PASSTHROUGH);
	cr_expect_eq(flow.closed.facts.end, END_DONE, "%s", flow.closed.facts.end_text);
	flow_close(&flow);
}

Test(camera_takes_no_certificate, and_is_blocked_where_nothing_is_to_pass)
{
	struct flow flow;
	const struct facts *facts = &flow.closed.facts;

	flow_open(&flow, &(struct flow_setup){.config = "  rejected: block\n"});
	share_a_key(&flow);
	flow_run(&flow, play_hope, NULL);
	cr_expect_eq(facts->end, END_REFUSED);
	cr_expect_str_eq(facts->verdict.rule, "no-certificate");
	cr_expect_eq(facts->traffic.left_up, 0);
	cr_expect_not(flow_reached_server(&flow));
	flow_close(&flow);
}

Test(camera_takes_no_certificate, and_where_the_address_is_blocked)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){.dst = FLOW_CN});
	share_a_key(&flow);
	flow_run(&flow, play_hope, NULL);
	cr_expect_eq(flow.closed.facts.end, END_REFUSED);
	cr_expect_str_eq(flow.closed.facts.verdict.ruleset, "flow");
	cr_expect_not(flow_reached_server(&flow));
	flow_close(&flow);
}
