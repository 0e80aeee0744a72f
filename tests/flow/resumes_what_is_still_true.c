/* SPDX-License-Identifier: MIT */
#include "proxy/sessions.h"
#include "proxy/snapshot.h"
#include "proxy/worker_private.h"
#include "tests/flow/harness.h"

#include <string.h>

static void
ask(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_say(peer, "ping", 4);
	peer_hear(peer, 4);
	peer_keep_session(peer);
	peer_finish(peer);
	peer_hear_end(peer);
}

static void
answer(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_hear(peer, 4);
	peer_say(peer, "pong", 4);
	peer_hear_end(peer);
	peer_finish(peer);
}

static void
open_story(struct flow *flow, int camera, int server)
{
	flow_open(flow, &(struct flow_setup){0});
	flow_show(flow, pki_server(FLOW_NAME, &flow->root));
	cr_assert_eq(SSL_CTX_set_max_proto_version(flow->camera.ctx, camera), 1);
	cr_assert_eq(SSL_CTX_set_max_proto_version(flow->server.ctx, server), 1);
}

static void
expect_resumed(const struct flow *flow, bool camera, bool server)
{
	const struct facts *facts = &flow->closed.facts;

	cr_expect_eq(facts->end, END_DONE, "%s", facts->end_text);
	cr_expect_eq(facts->camera_tls.resumed, camera);
	cr_expect_eq(facts->server.resumed, server);
	cr_expect_eq(flow->camera.resumed, camera);
	cr_expect_eq(flow->server.resumed, server);
	cr_expect_eq(memcmp(flow->camera.front, "pong", 4), 0);
	cr_expect_eq(facts->inspect, INSPECT_OPENED);
	cr_expect_eq(facts->camera_tls.verdict, CAMERA_TLS_OK);
}

/* What is recorded of the server is the same, though it showed nothing. */
static void
expect_same_server(const struct facts *first, const struct facts *later)
{
	cr_expect(later->server.verified);
	cr_expect_eq(later->server.errors, 0);
	cr_expect_str_eq(later->server.subject, first->server.subject);
	cr_expect_str_eq(later->server.issuer, first->server.issuer);
	cr_expect_str_eq(later->server.serial, first->server.serial);
	cr_expect_str_eq(later->server.sha1, first->server.sha1);
	cr_expect_eq(memcmp(later->server.sha256, first->server.sha256, 32), 0);
	cr_expect_eq(later->server.not_after, first->server.not_after);
	cr_expect_eq(later->verdict.result, first->verdict.result);
	cr_expect_eq(later->verdict.stage, VERDICT_CERTIFICATE);
	cr_expect_str_eq(later->verdict.rule, first->verdict.rule);
}

static void
play(int camera, int server)
{
	struct facts first;
	struct flow flow;

	open_story(&flow, camera, server);
	flow_run(&flow, ask, answer);
	expect_resumed(&flow, false, false);
	first = flow.closed.facts;
	for (int i = 0; i < 3; i++) {
		flow_run(&flow, ask, answer);
		expect_resumed(&flow, true, true);
		expect_same_server(&first, &flow.closed.facts);
		cr_expect_eq(flow.closed.facts.server.version, server);
		cr_expect_eq(flow.closed.facts.camera_tls.version, camera);
	}
	cr_expect_eq(flow.asked, 1, "no other leaf was minted");
	flow_close(&flow);
}

Test(resumes_what_is_still_true, over_tls_1_3)
{
	play(TLS1_3_VERSION, TLS1_3_VERSION);
}

Test(resumes_what_is_still_true, over_tls_1_2)
{
	play(TLS1_2_VERSION, TLS1_2_VERSION);
}

Test(resumes_what_is_still_true, over_one_and_the_other)
{
	play(TLS1_2_VERSION, TLS1_3_VERSION);
	play(TLS1_3_VERSION, TLS1_2_VERSION);
}

/* ---- one side alone ---- */

static void
forget(struct flow *flow)
{
	SSL_SESSION_free(flow->camera.session);
	flow->camera.session = NULL;
}

Test(resumes_what_is_still_true, with_a_server_for_a_camera_that_does_not)
{
	struct flow flow;

	open_story(&flow, TLS1_3_VERSION, TLS1_3_VERSION);
	flow_run(&flow, ask, answer);
	forget(&flow);
	flow_run(&flow, ask, answer);
	expect_resumed(&flow, false, true);
	flow_close(&flow);
}

/* The same certificate, and keys for its tickets that are new. */
static void
restart_server(struct flow *flow, const struct pki *leaf, int version)
{
	SSL_CTX_free(flow->server.ctx);
	flow->server.ctx = pki_server_ctx(leaf, NULL);
	cr_assert_eq(SSL_CTX_set_max_proto_version(flow->server.ctx, version), 1);
}

Test(resumes_what_is_still_true, with_a_camera_whose_server_does_not)
{
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		struct flow flow;
		struct pki leaf;

		open_story(&flow, version, version);
		leaf = pki_server(FLOW_NAME, &flow.root);
		restart_server(&flow, &leaf, version);
		flow_run(&flow, ask, answer);
		restart_server(&flow, &leaf, version);
		flow_run(&flow, ask, answer);
		expect_resumed(&flow, true, false);
		flow_run(&flow, ask, answer);
		expect_resumed(&flow, true, true);
		pki_free(&leaf);
		flow_close(&flow);
	}
}

/* ---- what makes it a full handshake ---- */

/* The camera must look at the new leaf, which is like the new certificate. */
Test(resumes_what_is_still_true, and_nothing_when_the_server_has_another_certificate)
{
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		struct flow flow;
		struct facts first;

		open_story(&flow, version, version);
		flow_run(&flow, ask, answer);
		first = flow.closed.facts;
		flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
		flow_run(&flow, ask, answer);
		expect_resumed(&flow, false, false);
		cr_expect_neq(memcmp(first.server.sha256, flow.closed.facts.server.sha256, 32), 0);
		cr_expect_eq(flow.asked, 2);
		flow_close(&flow);
	}
}

static void
change(uint8_t id[SNAPSHOT_ID_BYTES], int version, struct flow *flow)
{
	flow_run(flow, ask, answer);
	id[7] ^= 1;
	flow_run(flow, ask, answer);
	expect_resumed(flow, false, false);
	cr_expect_eq(flow->closed.facts.server.version, version);
	flow_run(flow, ask, answer);
	expect_resumed(flow, true, true);
}

/* What a reload that changes one of them does. */
Test(resumes_what_is_still_true, and_nothing_under_another_trust_store_or_policy)
{
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		struct flow flow;

		open_story(&flow, version, version);
		change(flow.worker->snapshot->trust_id, version, &flow);
		change(flow.worker->snapshot->policy_id, version, &flow);
		flow_close(&flow);
	}
}

/* A camera that shows at one name what it got at another. */
Test(resumes_what_is_still_true, and_nothing_at_another_name)
{
	struct pki_spec spec = pki_server_spec(FLOW_NAME);

	spec.names = "DNS:" FLOW_NAME ",DNS:other.example.com";
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		struct flow flow;

		open_story(&flow, version, version);
		flow_show(&flow, pki_make(&spec, &flow.root));
		flow_run(&flow, ask, answer);
		flow.camera.sni = "other.example.com";
		flow_run(&flow, ask, answer);
		expect_resumed(&flow, false, false);
		flow_close(&flow);
	}
}

/* ---- how connections end ---- */

static void
ask_and_reset(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_say(peer, "ping", 4);
	peer_hear(peer, 4);
	peer_keep_session(peer);
	peer_reset(peer);
}

static void
answer_and_be_left(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_hear(peer, 4);
	peer_say(peer, "pong", 4);
	peer_hear_end(peer);
}

/* A camera that goes without a word must not cost the next one a handshake. */
Test(resumes_what_is_still_true, whatever_way_the_last_one_ended)
{
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		struct flow flow;

		open_story(&flow, version, version);
		flow_run(&flow, ask_and_reset, answer_and_be_left);
		cr_expect_eq(flow.closed.facts.end, END_RESET);
		flow_run(&flow, ask, answer);
		expect_resumed(&flow, true, true);
		flow_close(&flow);
	}
}

static void
choke_once(struct peer *peer)
{
	peer_connect(peer);
	peer_hear_some(peer); /* the hello */
	peer_reset(peer);
	peer->received = 0;
}

static void
choke_then_answer(struct peer *peer)
{
	choke_once(peer);
	answer(peer);
}

/* One that breaks off where it is shown its own session is asked without one,
 * and the camera sees nothing of it. */
Test(resumes_what_is_still_true, or_asks_once_more_where_the_server_chokes_on_it)
{
	struct flow flow;

	open_story(&flow, TLS1_3_VERSION, TLS1_3_VERSION);
	flow_run(&flow, ask, answer);
	flow_run(&flow, ask, choke_then_answer);
	expect_resumed(&flow, true, false);
	cr_expect_eq(flow.server.connections, 3);
	cr_expect_eq(flow.closes, 2, "it is one connection of the camera's");
	flow_close(&flow);
}

static void
choke(struct peer *peer)
{
	choke_once(peer);
	choke_once(peer);
}

Test(resumes_what_is_still_true, and_asks_no_third_time)
{
	struct flow flow;

	open_story(&flow, TLS1_3_VERSION, TLS1_3_VERSION);
	flow_run(&flow, ask, answer);
	flow_run(&flow, play_hope, choke);
	cr_expect_eq(flow.closed.facts.end, END_SERVER_TLS);
	cr_expect_not(flow_reached_server(&flow));
	flow_close(&flow);
}
