/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"
#include "tests/support/hello_maker.h"
#include "tests/support/record_writer.h"

#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

/* A few bytes that say nothing, over and over, in place of what a handshake
 * goes on with. */
static const struct flood {
	const char *name, *record;
	size_t size;
} floods[] = {
    {"ChangeCipherSpec", "\x14\x03\x03\x00\x01\x01", 6},
    {"empty handshake records", "\x16\x03\x03\x00\x00", 5},
    {"empty records of data", "\x17\x03\x03\x00\x00", 5},
    {"warnings", "\x15\x03\x03\x00\x02\x01\x5a", 7},
};
enum { FLOODS = sizeof(floods) / sizeof(floods[0]), TIMES = 2000 };

static const struct flood *flood;
static struct made hello;

static void
pour_nothing(struct peer *peer)
{
	for (int i = 0; i < TIMES; i++) {
		if (send(peer->fd, flood->record, flood->size, MSG_NOSIGNAL) < 0)
			return; /* it was closed */
	}
	peer_hear_end(peer);
}

static void
flood_after_the_hello(struct peer *peer)
{
	peer_connect(peer);
	peer_say(peer, hello.at, hello.size);
	peer_hear_some(peer);
	pour_nothing(peer);
}

/* Each is closed long before it has sent all; some OpenSSL counts as a flood,
 * some it takes for nonsense at once. */
static void
expect_closed(const struct flow *flow)
{
	enum end end = flow->closed.facts.end;

	cr_expect(end == END_FLOOD || end == END_CAMERA_TLS || end == END_SERVER_TLS, "%s: %s (%s)",
	    flood->name, end_name(end), flow->closed.facts.end_text);
	cr_expect_eq(flow->closed.facts.traffic.left_up, 0);
	cr_expect_neq(flow->closed.facts.inspect, INSPECT_REJECTED, "%s: our leaf was not seen",
	    flood->name);
}

Test(floods_end, of_a_camera_in_its_handshake)
{
	for (flood = floods; flood < floods + FLOODS; flood++) {
		struct flow flow;

		flow_open(&flow, &(struct flow_setup){0});
		flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
		hello = hello_of_openssl(TLS1_2_VERSION, TLS1_3_VERSION, FLOW_NAME, NULL, 0);
		flow_run(&flow, flood_after_the_hello, play_be_left);
		expect_closed(&flow);
		made_free(&hello);
		flow_close(&flow);
	}
}

static void
answer_nothing(struct peer *peer)
{
	peer_connect(peer);
	peer_hear_some(peer);
	pour_nothing(peer);
}

Test(floods_end, of_a_server_in_its_handshake)
{
	for (flood = floods; flood < floods + FLOODS; flood++) {
		struct flow flow;

		flow_open(&flow, &(struct flow_setup){0});
		flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
		flow_run(&flow, play_hope, answer_nothing);
		expect_closed(&flow);
		flow_close(&flow);
	}
}

/* ---- when the connection stands ---- */

static void
renew_keys(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	for (int i = 0; i < TIMES; i++) {
		if (SSL_key_update(peer->ssl, SSL_KEY_UPDATE_NOT_REQUESTED) != 1 ||
		    SSL_do_handshake(peer->ssl) != 1)
			break;
	}
	ERR_clear_error();
}

Test(floods_end, of_key_updates_of_either_side)
{
	for (int side = 0; side < 2; side++) {
		struct flow flow;

		flow_open(&flow, &(struct flow_setup){0});
		flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
		if (side == 0)
			flow_run(&flow, renew_keys, play_be_left);
		else
			flow_run(&flow, play_be_left, renew_keys);
		cr_expect_eq(flow.closed.facts.end, END_FLOOD, "%s", flow.closed.facts.end_text);
		cr_expect_eq(flow.closed.facts.traffic.up, 0);
		flow_close(&flow);
	}
}

/* Nor may a hello cost what many do: with 8192 bits each is 160 ms. */
Test(floods_end, and_the_largest_fields_are_not_taken)
{
	char largest[] = "ffdhe8192",
	     or_other[] = "ffdhe8192:P-256"; /* OpenSSL's macro wants it so */
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	cr_assert_eq(SSL_CTX_set_min_proto_version(flow.camera.ctx, TLS1_3_VERSION), 1);
	cr_assert_eq(SSL_CTX_set1_groups_list(flow.camera.ctx, largest), 1);
	flow_run(&flow, play_hope, play_be_left);
	cr_expect_eq(flow.closed.facts.end, END_CAMERA_TLS, "%s", flow.closed.facts.end_text);
	cr_assert_eq(SSL_CTX_set1_groups_list(flow.camera.ctx, or_other), 1);
	flow_run(&flow, play_hello, play_hear_out);
	cr_expect_eq(flow.closed.facts.end, END_DONE, "it is asked for another");
	flow_close(&flow);
}

/* Each is a session to keep, and a message that carries nothing. */
static void
hand_out_tickets(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	for (int i = 0; i < TIMES; i++) {
		if (SSL_new_session_ticket(peer->ssl) != 1 || SSL_do_handshake(peer->ssl) != 1)
			break;
	}
	ERR_clear_error();
}

Test(floods_end, of_tickets)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	flow_run(&flow, play_be_left, hand_out_tickets);
	cr_expect_eq(flow.closed.facts.end, END_FLOOD, "%s", flow.closed.facts.end_text);
	cr_expect_eq(flow.closed.facts.traffic.down, 0);
	flow_close(&flow);
}

/* Records that hold nothing, but are whole: what padding against traffic
 * analysis looks like, without end. */
enum { EMPTY_FEW = 20, RECORD_DATA = 23 };

static unsigned empty_records;
static uint64_t empty_sent;

static void
pour_empty_records(struct peer *peer)
{
	struct record_writer writer;
	uint8_t record[RECORD_WRITER_MAX];

	peer_connect(peer);
	peer_handshake(peer);
	peer_say(peer, "hello", 5);
	if (peer->ssl == NULL || !record_writer_open(&writer, peer->ssl, 1)) {
		(void)snprintf(peer->trouble, sizeof(peer->trouble), "another cipher");
		return;
	}
	for (empty_sent = 0; empty_sent < empty_records; empty_sent++) {
		size_t size = record_writer_make(&writer, RECORD_DATA, "", 0, record);

		if (send(peer->fd, record, size, MSG_NOSIGNAL) < 0)
			return;
	}
	(void)send(peer->fd, record, record_writer_make(&writer, RECORD_DATA, "world", 5, record),
	    MSG_NOSIGNAL);
	/* All of a flood may be sent before its end is heard of. */
	if (empty_records > EMPTY_FEW)
		peer_hear_end(peer);
	else
		peer_hear(peer, 2);
	peer_close(peer);
}

static void
hear_ten(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_hear(peer, 10);
	peer_say(peer, "ok", 2);
	peer_hear_end(peer);
}

static void
open_for_records(struct flow *flow, unsigned records)
{
	flow_open(flow, &(struct flow_setup){0});
	flow_show(flow, pki_server(FLOW_NAME, &flow->root));
	cr_assert_eq(SSL_CTX_set_max_proto_version(flow->camera.ctx, TLS1_2_VERSION), 1);
	cr_assert_eq(SSL_CTX_set_cipher_list(flow->camera.ctx, RECORD_WRITER_CIPHER), 1);
	empty_records = records;
}

Test(floods_end, of_empty_records_that_are_whole)
{
	struct flow flow;

	open_for_records(&flow, TIMES);
	flow_run(&flow, pour_empty_records, play_be_left);
	cr_expect_eq(flow.closed.facts.end, END_FLOOD, "%s", flow.closed.facts.end_text);
	cr_expect_eq(flow.closed.facts.traffic.up, 5);
	cr_expect_eq(flow.server.received, 5);
	cr_expect_eq(memcmp(flow.server.front, "hello", 5), 0);
	flow_close(&flow);
}

Test(floods_end, and_a_few_empty_records_are_none)
{
	struct flow flow;

	open_for_records(&flow, EMPTY_FEW);
	flow_run(&flow, pour_empty_records, hear_ten);
	cr_expect_eq(empty_sent, EMPTY_FEW);
	cr_expect_eq(flow.server.received, 10, "%u", (unsigned)flow.server.received);
	cr_expect_eq(memcmp(flow.server.front, "helloworld", 10), 0);
	flow_close(&flow);
}

/* ---- renegotiation ---- */

static bool was_refused;

static void
renegotiate(struct peer *peer)
{
	char byte;

	peer_connect(peer);
	peer_handshake(peer);
	peer_say(peer, "hello", 5);
	peer_hear(peer, 2);
	if (peer->ssl == NULL || SSL_renegotiate(peer->ssl) != 1)
		return;
	ERR_clear_error();
	was_refused = SSL_do_handshake(peer->ssl) != 1 || SSL_read(peer->ssl, &byte, 1) <= 0;
	was_refused = was_refused && ERR_GET_REASON(ERR_peek_error()) == SSL_R_NO_RENEGOTIATION;
	ERR_clear_error();
}

static void
answer_and_wait(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_hear(peer, 5);
	peer_say(peer, "ok", 2);
	peer_hear_end(peer);
}

Test(floods_end, and_a_camera_that_renegotiates_is_refused)
{
	struct flow flow;

	was_refused = false;
	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	cr_assert_eq(SSL_CTX_set_max_proto_version(flow.camera.ctx, TLS1_2_VERSION), 1);
	flow_run(&flow, renegotiate, answer_and_wait);
	cr_expect(was_refused);
	cr_expect_eq(flow.closed.facts.traffic.up, 5);
	cr_expect_eq(flow.server.received, 5, "the server sees nothing of it");
	flow_close(&flow);
}
