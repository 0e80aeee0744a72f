/* SPDX-License-Identifier: MIT */
/* STARTTLS: the conversation begins in the clear, and is opened where it agrees. */
#include "tests/flow/plays.h"

#include "tests/flow/harness.h"

#include <string.h>

#define SAY(peer, text) peer_say(peer, text, sizeof(text) - 1)

static void
take_mail(struct peer *peer)
{
	peer_connect(peer);
	play_offer_tls(peer);
	SAY(peer, "220 go\r\n");
	peer_handshake(peer);
	peer_hear(peer, 10 + 10 + 10);
	SAY(peer, "250 ok\r\n");
	peer_hear_end(peer);
	peer_finish(peer);
}

Test(tls_begins_in_the_middle, and_is_opened)
{
	struct flow flow;
	const struct facts *facts;

	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	flow_run(&flow, play_mail, take_mail);
	facts = &flow.closed.facts;
	cr_expect_eq(facts->inspect, INSPECT_OPENED);
	cr_expect_eq(facts->app.proto, APP_SMTP);
	cr_expect(facts->app.starttls);
	cr_expect_not(facts->app.confused);
	cr_expect_str_eq(facts->hello.sni, FLOW_NAME);
	cr_expect(facts->server.verified);
	cr_expect_eq(facts->camera_tls.verdict, CAMERA_TLS_OK);
	cr_expect_eq(facts->traffic.left_up, 30);
	cr_expect_eq(facts->traffic.left_down, 9 + 14 + 8 + 8);
	cr_expect_eq(facts->end, END_DONE, "%s", facts->end_text);
	cr_expect_eq(flow.server.connections, 1);
	cr_expect_eq(flow.opens, 1);
	flow_close(&flow);
}

/* Commands are told at once, so a rule that waits for the class holds none up. */
Test(tls_begins_in_the_middle, also_where_rules_wait_for_the_class)
{
	struct flow flow;

	flow_open(&flow,
	    &(struct flow_setup){
		.rules =
		    "ruleset: r\nversion: 1\ntitle: t\nunknown: allow\ndefault: allow\nrules:\n"
		    "- {id: film, match: {class: video}, then: block, why: w, hold: {bytes: "
		    "64KB, time: 60s, unknown: block}}\n"});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	flow_run(&flow, play_mail, take_mail);
	cr_expect_eq(flow.closed.facts.inspect, INSPECT_OPENED);
	cr_expect_eq(flow.closed.facts.end, END_DONE, "%s", flow.closed.facts.end_text);
	cr_expect_eq(flow.closed.facts.traffic.left_up, 30);
	flow_close(&flow);
}

/* A server, up to its agreement. */
static void
agree_on(struct peer *peer, const char *words, size_t size)
{
	play_offer_tls(peer);
	peer_say(peer, words, size);
}

static void
mail_too_much(struct peer *peer)
{
	peer_connect(peer);
	peer_hear(peer, 9);
	SAY(peer, "EHLO cam\r\n");
	peer_hear(peer, 9 + 14);
	SAY(peer, "STARTTLS\r\nMAIL FROM:<evil>\r\n");
	peer_hear(peer, 9 + 14 + 8);
	peer_handshake(peer);
	SAY(peer, "EHLO cam\r\n");
	peer_finish(peer);
	peer_hear_end(peer);
}

static void
say_too_much(struct peer *peer)
{
	peer_connect(peer);
	agree_on(peer, "220 go\r\n250 injected\r\n", 22);
	peer_handshake(peer);
	peer_hear_end(peer);
	peer_finish(peer);
}

/* What was said in the clear behind the agreement reaches nobody. */
Test(tls_begins_in_the_middle, without_what_stood_behind_the_command)
{
	struct flow flow;
	const struct facts *facts;

	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	flow_run(&flow, mail_too_much, say_too_much);
	facts = &flow.closed.facts;
	cr_expect_eq(flow.server.received, 30);
	cr_expect_eq(memcmp(flow.server.front, "EHLO cam\r\nSTARTTLS\r\nEHLO cam\r\n", 30), 0);
	cr_expect_eq(flow.camera.received, 9 + 14 + 8);
	cr_expect_eq(memcmp(flow.camera.front + 23, "220 go\r\n", 8), 0);
	cr_expect_eq(facts->inspect, INSPECT_OPENED);
	cr_expect(facts->app.confused);
	cr_expect_eq(facts->traffic.left_up, 30);
	cr_expect_eq(facts->end, END_DONE, "%s", facts->end_text);
	flow_close(&flow);
}

static void
mail_blocked_name(struct peer *peer)
{
	peer_connect(peer);
	peer_hear(peer, 9);
	SAY(peer, "EHLO cam\r\n");
	peer_hear(peer, 9 + 14);
	SAY(peer, "STARTTLS\r\n");
	peer_hear(peer, 9 + 14 + 8);
	peer_expect_no_handshake(peer);
}

static void
agree(struct peer *peer)
{
	peer_connect(peer);
	agree_on(peer, "220 go\r\n", 8);
	peer_hear_end(peer);
}

/* The name that it asks for there is judged as any other. */
Test(tls_begins_in_the_middle, with_a_name_that_is_blocked)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	flow.camera.sni = "blocked.example";
	flow_run(&flow, mail_blocked_name, agree);
	cr_expect_eq(flow.closed.facts.end, END_REFUSED, "%s", flow.closed.facts.end_text);
	cr_expect_str_eq(flow.closed.facts.verdict.rule, "name");
	cr_expect_eq(flow.closed.facts.traffic.left_up, 20);
	cr_expect_eq(flow.server.received, 20, "nothing of the hello");
	flow_close(&flow);
}

static void
mail_and_refuse(struct peer *peer)
{
	peer_connect(peer);
	peer_hear(peer, 9);
	SAY(peer, "EHLO cam\r\n");
	peer_hear(peer, 9 + 14);
	SAY(peer, "STARTTLS\r\n");
	peer_hear(peer, 9 + 14 + 8);
	SSL_CTX_set_cert_store(peer->ctx, X509_STORE_new());
	peer_expect_no_handshake(peer);
}

static void
agree_in_vain(struct peer *peer)
{
	peer_connect(peer);
	agree_on(peer, "220 go\r\n", 8);
	peer_handshake(peer);
	peer_hear_end(peer);
}

Test(tls_begins_in_the_middle, and_a_camera_that_refuses_our_leaf_is_told)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	flow_run(&flow, mail_and_refuse, agree_in_vain);
	cr_expect_eq(flow.closed.facts.end, END_REJECTED, "%s", flow.closed.facts.end_text);
	cr_expect_eq(flow.closed.facts.inspect, INSPECT_REJECTED);
	cr_expect_eq(flow.closed.facts.camera_tls.verdict, CAMERA_TLS_REJECTED);
	flow_close(&flow);
}

static void
ask_inside(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_hear(peer, 9);
	SAY(peer, "EHLO cam\r\n");
	peer_hear(peer, 9 + 14);
	SAY(peer, "STARTTLS\r\n");
	peer_hear(peer, 9 + 14 + 8);
	SAY(peer, "what may be TLS in TLS");
	peer_finish(peer);
	peer_hear_end(peer);
}

static void
grant_inside(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	agree_on(peer, "220 go\r\n", 8);
	peer_hear_end(peer);
	peer_finish(peer);
}

/* It has begun already: what comes is inside of it, and nobody's to open. */
Test(tls_begins_in_the_middle, and_not_again_inside_of_it)
{
	struct flow flow;
	const struct facts *facts = &flow.closed.facts;

	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	flow_run(&flow, ask_inside, grant_inside);
	cr_expect_eq(facts->inspect, INSPECT_OPENED);
	cr_expect_eq(facts->end, END_DONE, "%s", facts->end_text);
	cr_expect_eq(facts->traffic.left_up, 20 + 22);
	cr_expect_eq(flow.server.received, 20 + 22);
	cr_expect_not(facts->app.starttls);
	cr_expect(facts->app.opaque_inner);
	cr_expect(facts->server.verified);
	flow_close(&flow);
}
