/* SPDX-License-Identifier: MIT */
#include "proxy/conn_private.h"
#include "tests/flow/silence.h"

#include <openssl/err.h>

enum { BULK = (3 << 20) + 11 };

static bool
is_taken_over(const struct conn *conn)
{
	return conn->camera.ssl == NULL && conn->server.ssl == NULL;
}

static bool
is_silent(const struct conn *conn)
{
	return is_taken_over(conn) && conn->facts == NULL;
}

/* ---- in order ---- */

static void
expect_both(const struct flow *flow)
{
	cr_expect_eq(flow->closed.facts.end, END_DONE, "%s", flow->closed.facts.end_text);
	cr_expect_eq(flow->closed.facts.inspect, INSPECT_OPENED);
	cr_expect_eq(flow->closed.facts.traffic.left_up, 10);
	cr_expect_eq(flow->closed.facts.traffic.left_down, 4);
	cr_expect_eq(memcmp(flow->server.front, "firstagain", 10), 0);
	cr_expect_eq(flow->camera.end, PEER_CLOSED);
	cr_expect_eq(flow->server.end, PEER_CLOSED);
}

Test(legs_go_on_without_openssl, to_the_end)
{
	struct flow flow;

	silence_open(&flow, is_silent);
	silence_run(&flow, silence_ask_again, silence_answer_again);
	expect_both(&flow);
	flow_close(&flow);
}

static void
renew(struct peer *peer)
{
	if (SSL_key_update(peer->ssl, SSL_KEY_UPDATE_REQUESTED) != 1 ||
	    SSL_do_handshake(peer->ssl) != 1)
		(void)snprintf(peer->trouble, sizeof(peer->trouble), "no key update");
}

static void
renew_and_ask(struct peer *peer)
{
	renew(peer);
	silence_ask_again(peer);
}

static void
renew_and_answer(struct peer *peer)
{
	renew(peer);
	silence_answer_again(peer);
}

Test(legs_go_on_without_openssl, with_other_keys)
{
	struct flow flow;

	silence_open(&flow, is_silent);
	silence_run(&flow, renew_and_ask, renew_and_answer);
	expect_both(&flow);
	flow_close(&flow);
}

static void
hand_out_and_answer(struct peer *peer)
{
	if (SSL_new_session_ticket(peer->ssl) != 1 || SSL_do_handshake(peer->ssl) != 1)
		(void)snprintf(peer->trouble, sizeof(peer->trouble), "no ticket");
	silence_answer_again(peer);
}

Test(legs_go_on_without_openssl, past_a_late_ticket)
{
	struct flow flow;

	silence_open(&flow, is_silent);
	silence_run(&flow, silence_ask_again, hand_out_and_answer);
	expect_both(&flow);
	flow_close(&flow);
}

/* Of the session that came before the leg was taken over. */
Test(legs_go_on_without_openssl, and_the_next_connection_resumes)
{
	struct flow flow;

	silence_open(&flow, is_silent);
	silence_run(&flow, silence_ask_again, silence_answer_again);
	cr_expect_not(flow.server.resumed);
	flow_run(&flow, play_ask, play_answer);
	cr_expect(flow.closed.facts.server.resumed);
	cr_expect_eq(flow.closed.facts.end, END_DONE, "%s", flow.closed.facts.end_text);
	flow_close(&flow);
}

/* ---- much ---- */

static void
pour_and_hear(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_pour(peer, BULK);
	peer_hear(peer, 2);
	silence_await(peer);
	peer_finish(peer);
	peer_hear_end(peer);
}

static void
hear_and_say(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_hear(peer, BULK);
	peer_say(peer, "ok", 2);
	peer_hear_end(peer);
	peer_finish(peer);
}

static void
carry_much(struct flow *flow)
{
	flow_run(flow, pour_and_hear, hear_and_say);
	cr_expect_eq(flow->closed.facts.end, END_DONE, "%s", flow->closed.facts.end_text);
	cr_expect(peer_has_pattern(&flow->server, BULK));
	cr_expect_eq(flow->closed.facts.traffic.left_up, BULK);
	flow_close(flow);
}

Test(legs_go_on_without_openssl, in_the_middle_of_much)
{
	struct flow flow;

	silence_open(&flow, is_taken_over);
	carry_much(&flow);
}

/* The tail of what came fast, and a question behind it, are no less urgent. */
static void
pour_and_ask(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	for (int i = 1; i <= 3; i++) {
		peer_pour(peer, BULK);
		peer_hear(peer, 2 * (uint64_t)i);
	}
	peer_finish(peer);
	peer_hear_end(peer);
}

static void
hear_and_answer(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	for (int i = 1; i <= 3; i++) {
		peer_hear(peer, (uint64_t)i * BULK);
		peer_say(peer, "ok", 2);
	}
	peer_hear_end(peer);
	peer_finish(peer);
}

Test(legs_go_on_without_openssl, and_much_is_answered_before_its_end)
{
	struct flow flow;

	silence_open(&flow, is_taken_over);
	flow_run(&flow, pour_and_ask, hear_and_answer);
	cr_expect_eq(flow.closed.facts.end, END_DONE, "%s", flow.closed.facts.end_text);
	cr_expect_eq(flow.server.received, 3 * (uint64_t)BULK);
	cr_expect_eq(flow.camera.received, 6);
	flow_close(&flow);
}

/* ---- otherwise ---- */

static void
cut(struct peer *peer)
{
	peer_cut(peer);
	peer_hear_end(peer);
}

static void
be_left(struct peer *peer)
{
	peer_hear_end(peer);
	peer_close(peer);
}

static void
truncate_it(struct flow *flow)
{
	silence_run(flow, cut, be_left);
	cr_expect_eq(flow->closed.facts.end, END_TRUNCATED, "%s", flow->closed.facts.end_text);
	cr_expect_eq(flow->server.end, PEER_TRUNCATED);
	flow_close(flow);
}

Test(legs_go_on_without_openssl, and_a_truncation_stays_one)
{
	struct flow flow;

	silence_open(&flow, is_silent);
	truncate_it(&flow);
}

static void
talk_nonsense(struct peer *peer)
{
	if (send(peer->fd, "this is no record", 17, MSG_NOSIGNAL) != 17)
		(void)snprintf(peer->trouble, sizeof(peer->trouble), "nothing was sent");
	peer_hear_end(peer);
}

Test(legs_go_on_without_openssl, and_what_is_no_record_ends_it)
{
	struct flow flow;

	silence_open(&flow, is_silent);
	silence_run(&flow, talk_nonsense, be_left);
	cr_expect_eq(flow.closed.facts.end, END_RESET);
	cr_expect_str_eq(flow.closed.facts.end_text, "the camera sent what TLS has no place for",
	    "no alert came of it");
	cr_expect_eq(flow.server.received, 5, "nothing of it");
	flow_close(&flow);
}

static void
renew_without_end(struct peer *peer)
{
	for (int i = 0; i < 500; i++) {
		if (SSL_key_update(peer->ssl, SSL_KEY_UPDATE_NOT_REQUESTED) != 1 ||
		    SSL_do_handshake(peer->ssl) != 1)
			break;
	}
	ERR_clear_error();
}

Test(legs_go_on_without_openssl, and_key_updates_without_end_end_it)
{
	struct flow flow;

	silence_open(&flow, is_silent);
	silence_run(&flow, renew_without_end, be_left);
	cr_expect_eq(flow.closed.facts.end, END_FLOOD, "%s", flow.closed.facts.end_text);
	flow_close(&flow);
}

/* ---- in TLS 1.2 ---- */

static void
open_tls12(struct flow *flow, bool (*is_so)(const struct conn *conn))
{
	silence_open(flow, is_so);
	cr_assert_eq(SSL_CTX_set_max_proto_version(flow->camera.ctx, TLS1_2_VERSION), 1);
	cr_assert_eq(SSL_CTX_set_max_proto_version(flow->server.ctx, TLS1_2_VERSION), 1);
}

Test(legs_go_on_without_openssl, in_tls_1_2_and_it_resumes)
{
	struct flow flow;

	open_tls12(&flow, is_silent);
	silence_run(&flow, silence_ask_again, silence_answer_again);
	expect_both(&flow);
	cr_expect_eq(flow.camera.version, TLS1_2_VERSION);
	cr_expect_eq(flow.server.version, TLS1_2_VERSION);
	cr_expect_not(flow.server.resumed);
	flow_run(&flow, play_ask, play_answer);
	cr_expect(flow.closed.facts.server.resumed);
	cr_expect_eq(flow.closed.facts.end, END_DONE, "%s", flow.closed.facts.end_text);
	flow_close(&flow);
}

Test(legs_go_on_without_openssl, in_tls_1_2_in_the_middle_of_much)
{
	struct flow flow;

	open_tls12(&flow, is_taken_over);
	carry_much(&flow);
}

Test(legs_go_on_without_openssl, in_tls_1_2_and_a_truncation_stays_one)
{
	struct flow flow;

	open_tls12(&flow, is_silent);
	truncate_it(&flow);
}
