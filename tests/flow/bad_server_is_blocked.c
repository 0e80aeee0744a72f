/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"

#include <string.h>

enum { /* RFC 8446 section 6 */
	ALERT_BAD_CERTIFICATE = 42,
	ALERT_CERTIFICATE_EXPIRED = 45,
	ALERT_UNKNOWN_CA = 48,
};

static void
expect_blocked(struct pki leaf, struct flow *flow, uint32_t error, uint8_t alert)
{
	const struct facts *facts = &flow->closed.facts;

	flow_show(flow, leaf);
	flow_run(flow, play_hope, play_be_left);
	cr_expect_eq(flow->camera.end, PEER_ALERT);
	cr_expect_eq(flow->camera.alert, alert, "%u", flow->camera.alert);
	cr_expect_eq(flow->server.received, 0);
	cr_expect_eq(facts->end, END_SERVER_CERT);
	cr_expect_eq(facts->inspect, INSPECT_REFUSED);
	cr_expect_eq(facts->verdict.result, RESULT_BLOCK);
	cr_expect_str_eq(facts->verdict.ruleset, "appliance");
	cr_expect_eq(facts->verdict.stage, VERDICT_CERTIFICATE);
	cr_expect_not(facts->server.verified);
	cr_expect_neq(facts->server.errors & error, 0, "0x%x", facts->server.errors);
	cr_expect_eq(facts->traffic.left_up, 0);
	cr_expect_eq(facts->traffic.left_down, 0);
	cr_expect_eq(facts->camera_tls.verdict, CAMERA_TLS_NONE);
	cr_expect_eq(flow->asked, 0, "no leaf was minted");
	flow_close(flow);
}

Test(bad_server_is_blocked, that_has_expired)
{
	struct pki_spec spec = pki_server_spec(FLOW_NAME);
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	spec.to_days = -1;
	expect_blocked(pki_make(&spec, &flow.root), &flow, CERT_EXPIRED, ALERT_CERTIFICATE_EXPIRED);
}

Test(bad_server_is_blocked, that_is_somebody_else)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	expect_blocked(pki_server("other.example.com", &flow.root), &flow, CERT_NAME_MISMATCH,
	    ALERT_BAD_CERTIFICATE);
}

Test(bad_server_is_blocked, that_signed_itself)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	expect_blocked(pki_server(FLOW_NAME, NULL), &flow, CERT_SELF_SIGNED, ALERT_UNKNOWN_CA);
}

Test(bad_server_is_blocked, of_an_unknown_ca)
{
	struct flow flow;
	struct pki stranger = pki_root("Stranger");
	struct pki leaf = pki_server(FLOW_NAME, &stranger);

	pki_free(&stranger);
	flow_open(&flow, &(struct flow_setup){0});
	expect_blocked(leaf, &flow, CERT_UNKNOWN_ISSUER, ALERT_UNKNOWN_CA);
}

Test(bad_server_is_blocked, whose_certificate_is_for_something_else)
{
	struct pki_spec spec = pki_server_spec(FLOW_NAME);
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	spec.purpose = "clientAuth";
	expect_blocked(pki_make(&spec, &flow.root), &flow, CERT_WRONG_PURPOSE,
	    ALERT_BAD_CERTIFICATE);
}

/* ---- by a rule ---- */

static const char rules[] =
    "ruleset: flow\n"
    "version: 1\n"
    "title: Bad servers have rules of their own\n"
    "unknown: block\n"
    "default: block\n"
    "rules:\n"
    "  - {id: old, match: {tls: {errors: [expired]}}, then: block, how: refuse,"
    " why: \"It has expired\"}\n"
    "  - {id: cloud, match: {sni: " FLOW_NAME "}, then: allow, why: \"Ours\"}\n";

static void
ask_a_server_from(struct flow *flow, int from_days, int to_days)
{
	struct pki_spec spec = pki_server_spec(FLOW_NAME);

	spec.from_days = from_days;
	spec.to_days = to_days;
	flow_open(flow, &(struct flow_setup){.rules = rules});
	flow_show(flow, pki_make(&spec, &flow->root));
	flow_run(flow, play_hope, play_be_left);
	cr_expect_eq(flow->server.received, 0);
	cr_expect_eq(flow->closed.facts.inspect, INSPECT_REFUSED);
	cr_expect_eq(flow->closed.facts.verdict.result, RESULT_BLOCK);
	cr_expect_eq(flow->closed.facts.verdict.stage, VERDICT_CERTIFICATE);
}

/* It was told as the appliance's own block, and not done as the rule wants it. */
Test(bad_server_is_blocked, by_the_rule_that_asks_for_its_flaw)
{
	struct flow flow;
	const struct facts *facts = &flow.closed.facts;

	ask_a_server_from(&flow, -10, -1);
	cr_expect_eq(facts->end, END_REFUSED);
	cr_expect_str_eq(facts->verdict.ruleset, "flow");
	cr_expect_str_eq(facts->verdict.rule, "old");
	cr_expect_str_eq(facts->verdict.why, "It has expired");
	cr_expect_eq(flow.camera.alert, SSL_AD_ACCESS_DENIED, "%u", flow.camera.alert);
	cr_expect_neq(facts->server.errors & CERT_EXPIRED, 0);
	flow_close(&flow);
}

/* That a bad one proves no name is no word of a rule about it. */
Test(bad_server_is_blocked, as_such_where_no_rule_asks_for_its_flaw)
{
	struct flow flow;
	const struct facts *facts = &flow.closed.facts;

	ask_a_server_from(&flow, 1, 10);
	cr_expect_eq(facts->end, END_SERVER_CERT);
	cr_expect_str_eq(facts->verdict.ruleset, "appliance");
	cr_expect_str_eq(facts->verdict.rule, "server-certificate");
	cr_expect_eq(flow.camera.alert, ALERT_CERTIFICATE_EXPIRED, "%u", flow.camera.alert);
	flow_close(&flow);
}
