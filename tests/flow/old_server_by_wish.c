/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"

#include <stdio.h>
#include <string.h>

/* Servers of TLS 1.0 and 1.1, which only an administrator can wish for. */
static void
open_old(struct flow *flow, const char *upstream, int version)
{
	flow_open(flow, &(struct flow_setup){.upstream = upstream});
	flow_show(flow, pki_server(FLOW_NAME, &flow->root));
	cr_assert_eq(SSL_CTX_set_min_proto_version(flow->server.ctx, version), 1);
	cr_assert_eq(SSL_CTX_set_max_proto_version(flow->server.ctx, version), 1);
}

Test(old_server_by_wish, is_refused_without_it)
{
	static const int versions[] = {TLS1_VERSION, TLS1_1_VERSION};

	for (size_t i = 0; i < 2; i++) {
		struct flow flow;

		open_old(&flow, NULL, versions[i]);
		flow_run(&flow, play_hope, play_hope);
		cr_expect_eq(flow.closed.facts.end, END_SERVER_TLS);
		cr_expect_eq(flow.closed.facts.traffic.left_up, 0);
		flow_close(&flow);
	}
}

Test(old_server_by_wish, is_opened_and_recorded_and_still_verified)
{
	struct flow flow;
	const struct facts *facts = &flow.closed.facts;

	open_old(&flow, ", min: \"1.0\"", TLS1_VERSION);
	/* One that says nothing of versions but its highest. */
	cr_assert_eq(SSL_CTX_set_min_proto_version(flow.camera.ctx, TLS1_VERSION), 1);
	cr_assert_eq(SSL_CTX_set_max_proto_version(flow.camera.ctx, TLS1_2_VERSION), 1);
	flow_run(&flow, play_ask, play_answer);
	cr_expect_eq(memcmp(flow.server.front, "secret", 6), 0);
	cr_expect_eq(facts->end, END_DONE, "%s", facts->end_text);
	cr_expect_eq(facts->server.version, TLS1_VERSION);
	cr_expect(facts->server.verified);
	cr_expect_eq(flow.camera.version, TLS1_2_VERSION);
	flow_close(&flow);
}

/* A camera that would not speak so itself is not spoken so for. */
Test(old_server_by_wish, is_refused_for_a_camera_that_would_refuse_it)
{
	static const struct {
		const char *upstream;
		int camera, server;
	} rows[] = {{", min: \"1.0\"", TLS1_2_VERSION, TLS1_1_VERSION},
	    {NULL, TLS1_3_VERSION, TLS1_2_VERSION}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct flow flow;

		open_old(&flow, rows[i].upstream, rows[i].server);
		cr_assert_eq(SSL_CTX_set_min_proto_version(flow.camera.ctx, rows[i].camera), 1);
		flow_run(&flow, play_hope, play_hope);
		cr_expect_eq(flow.closed.facts.end, END_SERVER_TLS, "%s",
		    flow.closed.facts.end_text);
		cr_expect_eq(flow.camera.alert, 70, "protocol_version, as from the server");
		cr_expect_eq(flow.closed.facts.traffic.left_up, 0);
		flow_close(&flow);
	}
}

/* Or both sides are to speak alike. */
Test(old_server_by_wish, is_shown_to_the_camera_where_versions_are_mirrored)
{
	static const struct {
		const char *camera; /* the rest of the option's mapping */
		int server, seen;
	} rows[] = {{"", TLS1_3_VERSION, TLS1_3_VERSION}, {"", TLS1_2_VERSION, TLS1_2_VERSION},
	    {"", TLS1_VERSION, TLS1_VERSION}, {", min: \"1.2\"", TLS1_VERSION, TLS1_2_VERSION}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char config[80];
		struct flow flow;

		(void)snprintf(config, sizeof(config), "  camera: {mirror_version: true%s}\n",
		    rows[i].camera);
		flow_open(&flow, &(struct flow_setup){.upstream = ", min: \"1.0\"",
				     .config = config,
				     .rsa = true});
		flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
		cr_assert_eq(SSL_CTX_set_min_proto_version(flow.server.ctx, TLS1_VERSION), 1);
		cr_assert_eq(SSL_CTX_set_max_proto_version(flow.server.ctx, rows[i].server), 1);
		SSL_CTX_set_security_level(flow.camera.ctx, 0);
		cr_assert_eq(SSL_CTX_set_min_proto_version(flow.camera.ctx, TLS1_VERSION), 1);
		flow_run(&flow, play_ask, play_answer);
		cr_expect_eq(flow.closed.facts.end, END_DONE, "%s", flow.closed.facts.end_text);
		cr_expect_eq(flow.closed.facts.server.version, rows[i].server);
		cr_expect_eq(flow.camera.version, rows[i].seen, "row %zu: %x", i,
		    (unsigned)flow.camera.version);
		cr_expect_eq(flow.closed.facts.camera_tls.legacy, rows[i].seen < TLS1_2_VERSION);
		flow_close(&flow);
	}
}

/* The wish is about the version, not about certificates. */
Test(old_server_by_wish, a_weak_certificate_is_none_of_it)
{
	struct pki_spec spec = pki_server_spec(FLOW_NAME);
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){.upstream = ", min: \"1.0\""});
	spec.key = PKI_RSA1024;
	flow_show(&flow, pki_make(&spec, &flow.root));
	flow_run(&flow, play_hope, play_be_left);
	cr_expect_eq(flow.closed.facts.end, END_SERVER_CERT, "%s", flow.closed.facts.end_text);
	cr_expect_neq(flow.closed.facts.server.errors & CERT_WEAK, 0);
	flow_close(&flow);
}
