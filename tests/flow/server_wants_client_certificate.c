/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"

#include <string.h>

/* The appliance comes first and cannot show a certificate; the camera's own
 * hello comes on a second connection. */
static void
refuse_first(struct peer *peer)
{
	peer_connect(peer);
	peer_expect_no_handshake(peer);
	peer_close(peer);
	peer->alert = 0;
	peer->end = PEER_OPEN;
	peer_connect(peer);
}

static void
refuse_then_answer(struct peer *peer)
{
	refuse_first(peer);
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
open_asking(struct flow *flow, const struct flow_setup *setup)
{
	flow_open(flow, setup);
	flow_show(flow, pki_server(FLOW_NAME, &flow->root));
	give_the_camera_a_certificate(flow);
}

static void
play(int version)
{
	const struct facts *facts;
	struct flow flow;

	open_asking(&flow, &(struct flow_setup){0});
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

/* ---- it is remembered ---- */

/* Each connection there made a handshake that was broken off. */
Test(server_wants_client_certificate, and_the_next_one_passes_at_once)
{
	struct facts first;
	const struct facts *next;
	struct flow flow;

	open_asking(&flow, &(struct flow_setup){0});
	flow_run(&flow, play_ask, refuse_then_answer);
	first = flow.closed.facts;
	flow_run(&flow, play_ask, play_answer);
	next = &flow.closed.facts;
	cr_expect_eq(flow.server.connections, 2 + 1);
	cr_expect_eq(memcmp(flow.server.front, "secret", 6), 0);
	cr_expect_eq(next->end, END_DONE, "%s", next->end_text);
	cr_expect_eq(next->inspect, first.inspect);
	cr_expect(next->server.wants_client_cert);
	cr_expect_eq(next->server.verified, first.server.verified);
	cr_expect_eq(next->server.errors, first.server.errors);
	cr_expect_eq(next->verdict.result, first.verdict.result);
	cr_expect_eq(next->verdict.stage, first.verdict.stage);
	cr_expect_str_eq(next->verdict.rule, first.verdict.rule);
	cr_expect_str_eq(next->verdict.why, first.verdict.why);
	flow_close(&flow);
}

static const char proven[] =
    "ruleset: flow\n"
    "version: 1\n"
    "title: One name, where it is proven\n"
    "unknown: block\n"
    "default: block\n"
    "rules:\n"
    "  - {id: cloud, match: {sni: " FLOW_NAME "}, then: allow, why: \"Ours\"}\n";

static void
be_broken_off(struct peer *peer)
{
	peer_connect(peer);
	peer_expect_no_handshake(peer);
}

/* A second camera's connection, which ends before its open event, and with nothing
 * said to the server. */
static void
be_blocked_at_once(struct flow *flow)
{
	flow_run(flow, play_hope, NULL);
	cr_expect_not(flow_reached_server(flow));
	cr_expect_eq(flow->opens, 1);
	cr_expect_eq(flow->closes, 2);
	flow->opens = 0;
	flow->opened = (struct recorded){0};
}

/* What passes has proven nothing, the second time as the first. */
Test(server_wants_client_certificate, and_the_next_one_is_blocked_at_once)
{
	struct facts first;
	const struct facts *next;
	struct flow flow;

	open_asking(&flow, &(struct flow_setup){.rules = proven});
	flow_run(&flow, play_hope, be_broken_off);
	first = flow.closed.facts;
	cr_expect_eq(first.end, END_REFUSED, "%s", first.end_text);
	cr_expect_eq(first.inspect, INSPECT_REFUSED, "nothing was forwarded");
	be_blocked_at_once(&flow);
	next = &flow.closed.facts;
	cr_expect_eq(next->end, END_REFUSED, "%s", next->end_text);
	cr_expect_eq(next->inspect, INSPECT_REFUSED);
	cr_expect(next->server.wants_client_cert);
	cr_expect_str_eq(next->verdict.rule, first.verdict.rule);
	cr_expect_str_eq(next->verdict.why, first.verdict.why);
	flow_close(&flow);
}

static const char no_strangers[] = "ruleset: flow\n"
				   "version: 1\n"
				   "title: Not whose name nobody knows\n"
				   "unknown: allow\n"
				   "default: allow\n"
				   "rules:\n"
				   "  - {id: nameless, match: {tls: {errors: [name-unchecked]}}, "
				   "then: block, why: \"Who is it?\"}\n";

/* A rule about what was found of its certificate holds as if it had been found now. */
Test(server_wants_client_certificate, and_what_was_found_of_its_own_still_counts)
{
	struct flow flow;

	open_asking(&flow, &(struct flow_setup){.rules = no_strangers});
	flow.camera.sni = NULL;
	flow_run(&flow, play_hope, be_broken_off);
	cr_expect_str_eq(flow.closed.facts.verdict.rule, "nameless");
	be_blocked_at_once(&flow);
	cr_expect_str_eq(flow.closed.facts.verdict.rule, "nameless");
	cr_expect_eq(flow.closed.facts.server.errors, CERT_NAME_UNCHECKED);
	flow_close(&flow);
}

/* A server that turns bad, or somebody in its place, is held to its certificate
 * wherever that was looked at. */
Test(server_wants_client_certificate, and_a_bad_one_that_is_mirrored_is_looked_at_each_time)
{
	struct pki_spec spec = pki_server_spec(FLOW_NAME);
	struct flow flow;

	spec.to_days = -1;
	flow_open(&flow, &(struct flow_setup){.upstream = ", bad: mirror"});
	flow_show(&flow, pki_make(&spec, &flow.root));
	give_the_camera_a_certificate(&flow);
	SSL_CTX_set_verify(flow.camera.ctx, SSL_VERIFY_NONE, NULL);
	for (unsigned i = 0; i < 2; i++) {
		flow_run(&flow, play_ask, refuse_then_answer);
		cr_expect_eq(flow.server.connections, 2 * (i + 1));
		cr_expect_eq(flow.closed.facts.inspect, INSPECT_PASSTHROUGH);
		cr_expect_neq(flow.closed.facts.server.errors & CERT_EXPIRED, 0);
	}
	flow_close(&flow);
}

static const char not_opened_when_old[] =
    "ruleset: flow\n"
    "version: 1\n"
    "title: Opened where the server's certificate holds\n"
    "unknown: allow\n"
    "default: allow\n"
    "rules:\n"
    "  - {id: old, match: {tls: {errors: [expired]}, inspect: opened}, "
    "then: block, why: \"It is out of date\"}\n";

/* A rule that holds for opened connections alone held against it, and was not asked
 * when it was passed. */
Test(server_wants_client_certificate, and_a_bad_one_is_not_passed_around_a_rule)
{
	struct pki_spec spec = pki_server_spec(FLOW_NAME);
	struct flow flow;

	spec.to_days = -1;
	flow_open(&flow, &(struct flow_setup){.rules = not_opened_when_old});
	flow_show(&flow, pki_make(&spec, &flow.root));
	give_the_camera_a_certificate(&flow);
	SSL_CTX_set_verify(flow.camera.ctx, SSL_VERIFY_NONE, NULL);
	flow_run(&flow, play_hope, be_broken_off);
	cr_expect_eq(flow.closed.facts.inspect, INSPECT_REFUSED);
	cr_expect_str_eq(flow.closed.facts.verdict.rule, "old");
	cr_expect_eq(flow.closed.facts.traffic.left_up, 0);
	cr_expect_eq(flow.server.connections, 1);
	flow_close(&flow);
}

/* Who has the certificate and not its key, of which RSA key exchange asks no proof
 * before. */
static void
ask_as_impostor(struct flow *flow, const struct pki *real)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	SSL_CTX_free(flow->server.ctx);
	flow->server.ctx = ctx;
	cr_assert_not_null(ctx);
	cr_assert_eq(SSL_CTX_use_certificate(ctx, real->cert), 1);
	cr_assert_eq(SSL_CTX_use_PrivateKey(ctx, X509_get0_pubkey(real->cert)), 1);
	cr_assert_eq(SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION), 1);
	cr_assert_eq(SSL_CTX_set_cipher_list(ctx, "AES128-GCM-SHA256"), 1);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

static void
fail_twice(struct peer *peer)
{
	refuse_first(peer);
	peer_expect_no_handshake(peer);
}

/* An impostor's wish was remembered as the server's, which then passed unopened. */
Test(server_wants_client_certificate, and_an_impostor_that_asks_is_not_remembered)
{
	struct pki_spec spec = pki_server_spec(FLOW_NAME);
	struct pki real;
	struct flow flow;

	spec.key = PKI_RSA2048;
	spec.usage = "digitalSignature,keyEncipherment";
	flow_open(&flow, &(struct flow_setup){0});
	real = pki_make(&spec, &flow.root);
	ask_as_impostor(&flow, &real);
	flow_run(&flow, play_hope, fail_twice);
	flow_show(&flow, real);
	flow_run(&flow, play_ask, play_answer);
	cr_expect_eq(flow.closed.facts.inspect, INSPECT_OPENED);
	cr_expect_not(flow.closed.facts.server.wants_client_cert);
	flow_close(&flow);
}
