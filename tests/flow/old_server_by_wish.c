/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"

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
	flow_run(&flow, play_ask, play_answer);
	cr_expect_eq(memcmp(flow.server.front, "secret", 6), 0);
	cr_expect_eq(facts->end, END_DONE, "%s", facts->end_text);
	cr_expect_eq(facts->server.version, TLS1_VERSION);
	cr_expect(facts->server.verified);
	cr_expect_eq(flow.camera.version, TLS1_3_VERSION);
	flow_close(&flow);
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
