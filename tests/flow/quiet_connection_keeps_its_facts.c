/* SPDX-License-Identifier: MIT */
#include "proxy/conn_private.h"
#include "tests/flow/silence.h"

/* One story a process: the facts as they were when it became quiet. */
static struct facts before;

static bool
is_quiet(const struct conn *conn)
{
	if (conn->facts == NULL)
		return true;
	before = *conn->facts;
	return false;
}

/* What was known before it became quiet, and is known of its end. */
static void
expect_whole(const struct facts *facts)
{
	cr_expect_eq(facts->flow_id, before.flow_id);
	cr_expect_eq(facts->inspect, INSPECT_OPENED);
	cr_expect_str_eq(facts->hello.sni, FLOW_NAME);
	cr_expect_str_eq(facts->hello.ja4, before.hello.ja4);
	cr_expect_str_neq(facts->hello.ja4, "");
	cr_expect_arr_eq(facts->server.sha256, before.server.sha256, sizeof(facts->server.sha256));
	cr_expect_str_eq(facts->server.subject, before.server.subject);
	cr_expect_str_eq(facts->place.located_basis, before.place.located_basis);
	cr_expect_str_eq(facts->verdict.why, before.verdict.why);
	cr_expect_eq(facts->camera_tls.verdict, CAMERA_TLS_OK);
}

Test(quiet_connection_keeps_its_facts, and_goes_on)
{
	struct flow flow;

	silence_open(&flow, is_quiet);
	silence_run(&flow, silence_ask_again, silence_answer_again);
	cr_expect_eq(before.traffic.up, 5U);
	expect_whole(&flow.closed.facts);
	cr_expect_eq(flow.closed.facts.end, END_DONE);
	cr_expect_eq(flow.closed.facts.traffic.up, 10U);
	cr_expect_eq(flow.closed.facts.traffic.left_up, 10U);
	cr_expect_eq(flow.closed.facts.traffic.left_down, 4U);
	flow_close(&flow);
}

Test(quiet_connection_keeps_its_facts, when_it_is_reset)
{
	struct flow flow;

	silence_open(&flow, is_quiet);
	silence_run(&flow, peer_reset, peer_hear_end);
	expect_whole(&flow.closed.facts);
	cr_expect_eq(flow.closed.facts.end, END_RESET);
	cr_expect_eq(flow.closed.facts.traffic.up, 5U);
	flow_close(&flow);
}
