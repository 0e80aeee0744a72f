/* SPDX-License-Identifier: MIT */
#include "proxy/records.h"

#include "base/err.h"
#include "certs/lean.h"
#include "proxy/leg.h"
#include "tests/support/pki.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * A leg on one end of a socket pair, and an SSL of OpenSSL's on the other: what the
 * leg says once it is without OpenSSL is heard by that, and the other way round.
 */
static __attribute__((constructor)) void
open_first(void)
{
	struct err err = {0};

	if (lean_open(&err) == 0)
		return;
	(void)fprintf(stderr, "%s\n", err.text);
	abort();
}

enum { FULL = 16 << 10 };

static struct event_base *base;
static struct pool pool;
static struct leg leg;
static int other;
static struct pki root, leaf;
static SSL_CTX *server_ctx, *ctx;
static SSL *peer;
static unsigned peer_updates; /* key updates that it heard */
static SSL_SESSION *session;  /* for a peer that connects, which then says something early */
static uint8_t buffer[FULL], heard[FULL];

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	leg_note(arg, what);
}

static void
look(void)
{
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
}

static void
/* NOLINTNEXTLINE(readability-function-size): the parameters are OpenSSL's */
on_message(int write, int version, int type, const void *bytes, size_t size, SSL *ssl, void *arg)
{
	const uint8_t *at = bytes;

	(void)version;
	(void)ssl;
	(void)arg;
	if (write == 0 && type == SSL3_RT_HANDSHAKE && size > 0 && at[0] == SSL3_MT_KEY_UPDATE)
		peer_updates++;
}

static void
open_contexts(void)
{
	root = pki_root("Root");
	leaf = pki_server("a.example", &root);
	server_ctx = pki_server_ctx(&leaf, NULL);
	ctx = SSL_CTX_new(TLS_client_method());
	(void)SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
	(void)SSL_CTX_set_options(server_ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
}

/* As a worker's legs are. */
static void
set_up(SSL *ssl)
{
	(void)SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE |
				    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_set_read_ahead(ssl, 1);
	SSL_set_default_read_buffer_len(ssl, 66 << 10);
}

static void
open_pair(void)
{
	const int bytes = 8 << 20;
	int ends[2];

	base = event_base_new();
	cr_assert_not_null(base);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
	other = ends[1];
	(void)setsockopt(other, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	(void)setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	pool = (struct pool){0};
	leg = (struct leg){.pool = &pool, .fd = -1};
	cr_assert_eq(leg_open(&leg, ends[0], base, on_event), 0);
	look();
}

/* Before its handshake, for which it is too early. */
static void
say_early(void)
{
	size_t count;

	cr_assert_eq(SSL_set_session(peer, session), 1);
	cr_assert_eq(SSL_write_early_data(peer, "early", 5, &count), 1);
	cr_assert_eq(SSL_write_early_data(peer, "more", 4, &count), 1);
}

/* Which side the leg is: it accepts towards a camera, and connects to a server. */
static void
shake_hands(bool accepts)
{
	SSL *ssl = SSL_new(accepts ? server_ctx : ctx);
	bool done = false, peer_done = false;
	struct err err = {0};

	open_pair();
	peer = SSL_new(accepts ? ctx : server_ctx);
	(accepts ? SSL_set_accept_state : SSL_set_connect_state)(ssl);
	(accepts ? SSL_set_connect_state : SSL_set_accept_state)(peer);
	set_up(ssl);
	cr_assert_eq(leg_start_tls(&leg, ssl, &err), 0, "%s", err.text);
	SSL_set_msg_callback(peer, on_message);
	cr_assert_eq(SSL_set_fd(peer, other), 1);
	peer_updates = 0;
	if (session != NULL)
		say_early();
	for (int turn = 0; turn < 20 && !(done && peer_done); turn++) {
		look();
		done = done || leg_handshake(&leg, &err) == LEG_DONE;
		(void)leg_flush(&leg);
		peer_done = peer_done || SSL_do_handshake(peer) == 1;
	}
	cr_assert(done && peer_done, "%s", err.text);
	look();
}

static void
close_pair(void)
{
	leg_close(&leg, false);
	SSL_free(peer);
	peer = NULL;
	(void)close(other);
	pool_clear(&pool);
	event_base_free(base);
}

static void
close_contexts(void)
{
	SSL_CTX_free(ctx);
	SSL_CTX_free(server_ctx);
	pki_free(&leaf);
	pki_free(&root);
}

TestSuite(records, .init = open_contexts, .fini = close_contexts);

/* All that the peer said is heard, and exactly that. */
static void
hear(size_t expected)
{
	size_t count, used = 0;
	enum leg_io io = LEG_DONE;

	look();
	while (io == LEG_DONE && used <= expected) {
		io = leg_read(&leg, heard + used,
		    sizeof(heard) - used < 1 ? 1 : sizeof(heard) - used, &count);
		used += count;
		if (used == sizeof(heard))
			break;
	}
	cr_assert_eq(used, expected, "%zu and not %zu", used, expected);
}

static void
peer_says(const void *bytes, size_t count)
{
	cr_assert_eq(SSL_write(peer, bytes, (int)count), (int)count);
	memset(heard, 0, sizeof(heard));
	hear(count);
	cr_expect_arr_eq(heard, (const uint8_t *)bytes, count);
}

static void
leg_says(const void *bytes, size_t count)
{
	int got, used = 0;

	cr_assert_eq(leg_write(&leg, bytes, count), LEG_DONE);
	cr_assert_eq(leg_flush(&leg), LEG_DONE);
	while ((got = SSL_read(peer, heard + used, (int)(sizeof(heard) - (size_t)used))) > 0)
		used += got;
	ERR_clear_error();
	cr_assert_eq((size_t)used, count);
	cr_expect_arr_eq(heard, (const uint8_t *)bytes, count);
}

static void
exchange(void)
{
	static const size_t counts[] = {1, 100, 4000, FULL};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		for (size_t at = 0; at < counts[i]; at++)
			buffer[at] = (uint8_t)(at * 7 + i);
		peer_says(buffer, counts[i]);
		leg_says(buffer, counts[i]);
	}
}

/* Shake hands, and fall silent. */
static void
fall_silent(bool accepts)
{
	shake_hands(accepts);
	peer_says("a", 1);
	leg_rest(&leg);
	cr_assert_null(leg.ssl, "it is taken over");
	cr_assert_not(leg_is_plain(&leg));
}

static void
end_as(enum leg_end end)
{
	size_t count;

	look();
	while (leg_read(&leg, heard, sizeof(heard), &count) == LEG_DONE)
		look();
	cr_expect_eq(leg.end, end, "%d", (int)leg.end);
}

/* ---- it goes on ---- */

Test(records, a_silent_leg_goes_on_in_all_suites)
{
	static const char *const suites[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
	    "TLS_CHACHA20_POLY1305_SHA256"};

	for (int i = 0; i < 6; i++) {
		cr_assert_eq(SSL_CTX_set_ciphersuites(server_ctx, suites[i / 2]), 1);
		fall_silent(i % 2 == 0);
		cr_expect_null(leg.out);
		cr_expect_null(leg.records->at);
		cr_expect_null(leg.records->in.ctx);
		cr_expect_null(leg.records->out.ctx);
		exchange();
		leg_rest(&leg);
		cr_expect_null(leg.records->in.ctx);
		exchange();
		close_pair();
	}
}

Test(records, a_leg_that_carries_much_goes_on_in_the_middle)
{
	for (int accepts = 0; accepts < 2; accepts++) {
		shake_hands(accepts == 1);
		for (int i = 0; i < 40; i++)
			exchange();
		cr_expect_null(leg.ssl);
		cr_expect_eq(leg.payload, 40 * (1 + 100 + 4000 + FULL));
		close_pair();
	}
}

/* Much at once, of which OpenSSL has read ahead when it is left. */
Test(records, what_was_read_ahead_is_not_lost)
{
	enum { RECORDS = 200 };
	size_t count, used = 0;

	for (int accepts = 0; accepts < 2; accepts++) {
		shake_hands(accepts == 1);
		for (int i = 0; i < RECORDS; i++) {
			memset(buffer, i, sizeof(buffer));
			cr_assert_eq(SSL_write(peer, buffer, i % 3 == 0 ? 1000 : FULL),
			    i % 3 == 0 ? 1000 : FULL);
		}
		look();
		for (int i = 0; i < RECORDS; i++) {
			size_t expected = i % 3 == 0 ? 1000 : FULL;

			for (used = 0; used < expected; used += count) {
				cr_assert_eq(leg_read(&leg, heard, expected - used, &count),
				    LEG_DONE);
				for (size_t at = 0; at < count; at++)
					cr_assert_eq(heard[at], (uint8_t)i, "record %d", i);
			}
		}
		cr_expect_null(leg.ssl);
		cr_expect_eq(leg_read(&leg, heard, sizeof(heard), &count), LEG_WAIT);
		cr_expect_null(leg.records->at, "no buffer is held");
		close_pair();
	}
}

/* An upload to a server that says nothing: its tickets are waited for, but not for
 * ever. */
Test(records, a_server_that_says_nothing_is_waited_for)
{
	cr_assert_eq(SSL_CTX_set_num_tickets(server_ctx, 0), 1);
	shake_hands(false);
	leg_says("hello", 5);
	leg_rest(&leg);
	cr_expect_not_null(leg.ssl);
	for (int i = 0; i < 10; i++)
		leg_says(buffer, FULL);
	cr_expect_not_null(leg.ssl);
	for (int i = 0; i < 130; i++)
		leg_says(buffer, FULL);
	cr_expect_null(leg.ssl);
	exchange();
	close_pair();
}

Test(records, payload_is_taken_in_any_pieces)
{
	size_t count;

	fall_silent(true);
	for (size_t i = 0; i < FULL; i++)
		buffer[i] = (uint8_t)(i * 13);
	for (size_t size = 1; size < FULL; size = size * 5 + 1) {
		size_t used = 0;

		cr_assert_eq(SSL_write(peer, buffer, FULL), FULL);
		look();
		for (; used < FULL; used += count) {
			size_t room = FULL - used < size ? FULL - used : size;

			cr_assert_eq(leg_read(&leg, heard + used, room, &count), LEG_DONE);
			cr_assert(count > 0 && count <= room);
		}
		cr_expect_arr_eq(heard, buffer, FULL);
	}
	close_pair();
}

/* Of a record whose rest takes its time no more is held than came. */
Test(records, a_piece_of_a_record_may_wait)
{
	uint8_t record[4096 + RECORD_SEAL_BYTES];
	int ends[2];

	fall_silent(true);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	cr_assert_eq(SSL_set_fd(peer, ends[0]), 1);
	for (size_t cut = 1; cut < sizeof(record); cut = cut * 3 + 1) {
		memset(buffer, (int)cut, 4096);
		cr_assert_eq(SSL_write(peer, buffer, 4096), 4096);
		cr_assert_eq(recv(ends[1], record, sizeof(record), 0), (ssize_t)sizeof(record));
		cr_assert_eq(send(other, record, cut, 0), (ssize_t)cut);
		hear(0);
		cr_expect_not(leg.records->packed);
		leg_rest(&leg);
		leg_rest(&leg);
		cr_expect(leg.records->packed);
		cr_expect_eq(leg.records->end, cut);
		if (cut % 2 == 0)
			hear(0);
		cr_assert_eq(send(other, record + cut, sizeof(record) - cut, 0),
		    (ssize_t)(sizeof(record) - cut));
		hear(4096);
		cr_expect_arr_eq(heard, buffer, 4096);
		cr_expect_null(leg.records->at);
	}
	cr_assert_eq(send(other, record, 7, 0), 7);
	hear(0);
	leg_rest(&leg); /* and is closed so */
	(void)close(ends[0]);
	(void)close(ends[1]);
	close_pair();
}

/* What is sent before the handshake looks like records of payload, and none of it
 * is opened. */
Test(records, early_data_that_was_passed_over_does_not_count)
{
	cr_assert_eq(SSL_CTX_set_max_early_data(server_ctx, 1000), 1);
	fall_silent(true);
	leg_says("behind the tickets", 18);
	session = SSL_get1_session(peer);
	cr_assert_gt(SSL_SESSION_get_max_early_data(session), 0);
	SSL_set_shutdown(peer, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	close_pair();
	cr_assert_eq(SSL_CTX_set_max_early_data(server_ctx, 0), 1);
	cr_assert_eq(SSL_CTX_set_recv_max_early_data(server_ctx, 1000), 1);
	fall_silent(true);
	cr_expect_eq(SSL_get_early_data_status(peer), SSL_EARLY_DATA_REJECTED);
	exchange();
	close_pair();
	SSL_SESSION_free(session);
	session = NULL;
}

/* ---- keys are renewed ---- */

Test(records, key_updates_are_answered_once)
{
	for (int accepts = 0; accepts < 2; accepts++) {
		fall_silent(accepts == 1);
		for (int i = 0; i < 3; i++) {
			cr_assert_eq(SSL_key_update(peer, SSL_KEY_UPDATE_REQUESTED), 1);
			cr_assert_eq(SSL_do_handshake(peer), 1);
			hear(0);
		}
		cr_expect_eq(leg_waiting(&leg), 0, "with the next payload");
		leg_says("one", 3);
		leg_says("two", 3);
		cr_expect_eq(peer_updates, 1);
		exchange();
		cr_assert_eq(SSL_key_update(peer, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
		exchange();
		cr_expect_eq(peer_updates, 1);
		close_pair();
	}
}

/* A peer of our own, for what OpenSSL would not do: what the leg opens by, it seals
 * by, and the other way round. */
static struct record_key
mirror(const struct record_key *key)
{
	struct record_key copy = *key;

	copy.ctx = NULL;
	copy.seals = !key->seals;
	return copy;
}

Test(records, a_key_is_renewed_before_it_is_worn_out)
{
	static const uint8_t key_update[] = {24, 0, 0, 1, 0};
	static uint8_t wire[4 * RECORD_BYTES_MAX], out[RECORD_BYTES_MAX];
	struct record_key key;
	struct opened opened;
	struct bytes in, record;
	size_t size;

	fall_silent(true);
	leg_says("tickets stand before it", 23);
	leg.records->out.sequence = RECORD_KEY_RECORDS_MAX - 1;
	key = mirror(&leg.records->out);
	cr_assert_eq(leg_write(&leg, (const uint8_t *)"one", 3), LEG_DONE);
	cr_assert_eq(leg_write(&leg, (const uint8_t *)"two", 3), LEG_DONE);
	cr_assert_eq(leg_flush(&leg), LEG_DONE);
	in = (struct bytes){wire, (size_t)recv(other, wire, sizeof(wire), 0)};
	for (int i = 0; i < 3; i++) {
		static const char *const said[] = {"one", (const char *)key_update, "two"};
		size_t expected = i == 1 ? sizeof(key_update) : 3;

		cr_assert_eq(record_size(in, &size), RECORD_GOOD);
		cr_assert(bytes_take(&in, size, &record));
		cr_assert_eq(record_key_open(&key, record, out, &opened), RECORD_GOOD, "%d", i);
		cr_expect_eq(opened.type, i == 1 ? RECORD_HANDSHAKE : RECORD_DATA);
		cr_assert_eq(opened.size, expected);
		cr_expect_eq(memcmp(out, said[i], expected), 0);
		if (i == 1)
			cr_assert(record_key_renew(&key));
	}
	cr_expect_eq(in.left, 0);
	cr_expect_eq(leg.records->out.sequence, 1);
	record_key_clear(&key);
	close_pair();
}

/* ---- tickets ---- */

Test(records, a_ticket_that_comes_later_is_passed_over)
{
	uint32_t before;

	fall_silent(false);
	before = leg.messages;
	cr_assert_eq(SSL_new_session_ticket(peer), 1);
	peer_says("behind it", 9);
	cr_expect_eq(leg.messages, before + 1);
	exchange();
	close_pair();
}

/* ---- ends ---- */

Test(records, a_close_notify_is_a_close)
{
	fall_silent(true);
	cr_assert_eq(SSL_write(peer, "bye", 3), 3);
	(void)SSL_shutdown(peer);
	(void)shutdown(other, SHUT_WR);
	hear(3);
	end_as(LEG_CLOSED);
	leg_says("yes", 3);
	close_pair();
}

Test(records, a_fin_alone_is_a_truncation)
{
	fall_silent(true);
	cr_assert_eq(SSL_write(peer, "by", 2), 2);
	(void)shutdown(other, SHUT_WR);
	hear(2);
	end_as(LEG_TRUNCATED);
	close_pair();
}

Test(records, an_orderly_end_is_a_close_notify)
{
	fall_silent(false);
	leg_end_direction(&leg, true);
	cr_expect_eq(leg_flush(&leg), LEG_DONE);
	cr_expect_leq(SSL_read(peer, buffer, sizeof(buffer)), 0);
	cr_expect_eq(SSL_get_shutdown(peer) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
	close_pair();
}

Test(records, an_alert_is_told)
{
	static const uint8_t alert[] = {2, 48};
	uint8_t record[sizeof(alert) + RECORD_SEAL_BYTES];
	struct record_key key;

	fall_silent(true);
	key = mirror(&leg.records->in);
	cr_assert(
	    record_key_seal(&key, RECORD_ALERT, (struct bytes){alert, sizeof(alert)}, record));
	cr_assert_eq(send(other, record, sizeof(record), 0), (ssize_t)sizeof(record));
	end_as(LEG_ALERT);
	cr_expect_eq(leg.alert, 48);
	record_key_clear(&key);
	close_pair();
}

/* What is wrong, as a record's inner type and bytes; type 0: as it stands. */
static const struct wrong {
	uint8_t type, bytes[16];
	size_t size;
	int reason; /* as the peer is told */
	char why[40];
} wrongs[] = {
    {0, {23, 3, 3, 0, 17}, 22 - 6, SSL_R_SSLV3_ALERT_BAD_RECORD_MAC, "waits"},
    {0, {20, 3, 3, 0, 1, 1}, 6, SSL_R_SSLV3_ALERT_UNEXPECTED_MESSAGE, "change_cipher_spec"},
    {0, {21, 3, 3, 0, 2, 1, 0}, 7, SSL_R_SSLV3_ALERT_UNEXPECTED_MESSAGE, "an alert as it is"},
    {0, {23, 3, 3, 0x41, 1}, 5, SSL_R_TLSV1_ALERT_RECORD_OVERFLOW, "a long record"},
    {0, {23, 3, 3, 0, 3}, 8, SSL_R_SSLV3_ALERT_BAD_RECORD_MAC, "a short record"},
    {0, {'G', 'E', 'T', ' '}, 4, SSL_R_SSLV3_ALERT_UNEXPECTED_MESSAGE, "no TLS"},
    {20, {1}, 1, SSL_R_SSLV3_ALERT_UNEXPECTED_MESSAGE, "change_cipher_spec, sealed"},
    {24, {1}, 1, SSL_R_SSLV3_ALERT_UNEXPECTED_MESSAGE, "an unknown type"},
    {22, {0}, 0, SSL_R_SSLV3_ALERT_UNEXPECTED_MESSAGE, "an empty handshake record"},
    {22, {1, 0, 0, 0}, 4, SSL_R_SSLV3_ALERT_UNEXPECTED_MESSAGE, "a hello"},
    {22, {13, 0, 0, 0}, 4, SSL_R_SSLV3_ALERT_UNEXPECTED_MESSAGE, "asks for a certificate"},
    {22, {24, 0, 0, 1, 9}, 5, SSL_R_SSLV3_ALERT_ILLEGAL_PARAMETER, "an odd key update"},
    {22, {24, 0, 0, 1, 0, 0}, 6, SSL_R_SSLV3_ALERT_UNEXPECTED_MESSAGE, "bytes of two keys"},
    {21, {2}, 1, SSL_R_TLSV1_ALERT_DECODE_ERROR, "half an alert"},
};

static void
send_wrong(const struct wrong *wrong)
{
	uint8_t record[sizeof(wrong->bytes) + RECORD_SEAL_BYTES];
	struct record_key key = mirror(&leg.records->in);
	struct bytes bytes = {wrong->bytes, wrong->size};

	if (wrong->type == 0) {
		cr_assert_eq(send(other, wrong->bytes, wrong->size, 0), (ssize_t)wrong->size);
		return;
	}
	cr_assert(record_key_seal(&key, (enum record_type)wrong->type, bytes, record));
	cr_assert_eq(send(other, record, wrong->size + RECORD_SEAL_BYTES, 0),
	    (ssize_t)(wrong->size + RECORD_SEAL_BYTES));
	record_key_clear(&key);
}

Test(records, what_is_wrong_ends_it_and_the_peer_is_told)
{
	size_t count;

	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		fall_silent(i % 2 == 0);
		send_wrong(&wrongs[i]);
		look();
		if (i == 0) { /* not whole yet */
			cr_expect_eq(leg_read(&leg, heard, sizeof(heard), &count), LEG_WAIT);
			cr_assert_eq(send(other, "123456", 6, 0), 6);
		}
		end_as(LEG_ALERT);
		cr_expect_eq(leg.alert, 0, "%s: the peer sent none", wrongs[i].why);
		cr_expect_eq(leg_flush(&leg), LEG_DONE);
		ERR_clear_error();
		cr_expect_leq(SSL_read(peer, heard, sizeof(heard)), 0);
		cr_expect_eq(ERR_GET_REASON(ERR_peek_error()), wrongs[i].reason, "%s: %s",
		    wrongs[i].why, ERR_reason_error_string(ERR_peek_error()));
		close_pair();
	}
}

/* Payload between the pieces of a message. */
Test(records, a_message_is_not_interrupted)
{
	static const struct wrong half = {22, {24, 0}, 2, 0, ""}, data = {23, {'x'}, 1, 0, ""};

	fall_silent(true);
	send_wrong(&half);
	hear(0);
	send_wrong(&data);
	end_as(LEG_ALERT);
	close_pair();
}

Test(records, a_changed_record_is_not_heard)
{
	uint8_t record[100];
	ssize_t size;
	int ends[2];

	fall_silent(true);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	cr_assert_eq(SSL_set_fd(peer, ends[0]), 1);
	cr_assert_eq(SSL_write(peer, "secret", 6), 6);
	size = recv(ends[1], record, sizeof(record), 0);
	cr_assert_gt(size, RECORD_SEAL_BYTES);
	record[7] ^= 1;
	cr_assert_eq(send(other, record, (size_t)size, 0), size);
	hear(0);
	cr_expect_eq(leg.end, LEG_ALERT);
	(void)close(ends[0]);
	(void)close(ends[1]);
	close_pair();
}

/* ---- what says nothing, without end ---- */

static const struct wrong endless[] = {
    {23, {0}, 0, 0, "empty records"},
    {22, {24, 0, 0, 1, 0}, 5, 0, "key updates"},
    {22, {4, 0, 0, 1, 0}, 5, 0, "tickets"},
    {22, {4, 0, 0, 1, 0, 4, 0, 0, 1, 0}, 10, 0, "two tickets a record"},
    {21, {1, 90}, 2, 0, "warnings"},
};

Test(records, what_says_nothing_without_end_ends_it)
{
	for (size_t i = 0; i < sizeof(endless) / sizeof(endless[0]); i++) {
		fall_silent(false);
		for (int times = 0; times < 200 && leg.end == LEG_OPEN; times++) {
			send_wrong(&endless[i]);
			look();
			hear(0);
		}
		cr_expect_eq(leg.end, LEG_FLOOD, "%s: %d", endless[i].why, (int)leg.end);
		close_pair();
	}
}

Test(records, a_little_of_it_is_none)
{
	for (int i = 0; i < 300; i++) {
		if (i == 0)
			fall_silent(false);
		send_wrong(&(struct wrong){23, {0}, 0, 0, ""});
		hear(0);
		send_wrong(&(struct wrong){23, {'x'}, 1, 0, ""});
		hear(1);
	}
	cr_expect_eq(leg.end, LEG_OPEN);
	close_pair();
}

/* ---- when it is not taken over ---- */

Test(records, tls_1_2_stays_with_openssl)
{
	cr_assert_eq(SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION), 1);
	for (int accepts = 0; accepts < 2; accepts++) {
		shake_hands(accepts == 1);
		for (int i = 0; i < 10; i++)
			exchange();
		leg_rest(&leg);
		cr_expect_not_null(leg.ssl);
		exchange();
		close_pair();
	}
}

Test(records, another_suite_stays_with_openssl)
{
	cr_assert_eq(SSL_CTX_set_ciphersuites(server_ctx, "TLS_AES_128_CCM_SHA256"), 1);
	cr_assert_eq(SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_CCM_SHA256"), 1);
	shake_hands(true);
	exchange();
	leg_rest(&leg);
	cr_expect_not_null(leg.ssl);
	exchange();
	close_pair();
}

Test(records, renewed_keys_stay_with_openssl)
{
	shake_hands(true);
	cr_assert_eq(SSL_key_update(peer, SSL_KEY_UPDATE_REQUESTED), 1);
	exchange();
	leg_rest(&leg);
	cr_expect_not_null(leg.ssl);
	exchange();
	close_pair();
}

/* Any piece of a record that was read ahead is OpenSSL's until it has the rest. */
Test(records, a_piece_of_a_record_is_waited_for)
{
	uint8_t record[200];
	int ends[2];

	shake_hands(true);
	peer_says("a", 1);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	for (size_t cut = 1; cut < 28; cut++) {
		ssize_t size;

		cr_assert_eq(SSL_set_fd(peer, ends[0]), 1);
		cr_assert_eq(SSL_write(peer, "secret", 6), 6);
		size = recv(ends[1], record, sizeof(record), 0);
		cr_assert_eq(size, 6 + RECORD_SEAL_BYTES);
		cr_assert_eq(send(other, record, cut, 0), (ssize_t)cut);
		hear(0);
		leg_rest(&leg);
		cr_assert_not_null(leg.ssl, "%zu bytes wait", cut);
		cr_assert_eq(send(other, record + cut, (size_t)size - cut, 0), size - (ssize_t)cut);
		hear(6);
	}
	cr_assert_eq(SSL_set_fd(peer, other), 1);
	leg_rest(&leg);
	cr_expect_null(leg.ssl);
	exchange();
	(void)close(ends[0]);
	(void)close(ends[1]);
	close_pair();
}

/* As small as cameras with little memory want them. */
Test(records, short_records_stay_with_openssl)
{
	cr_assert_eq(SSL_CTX_set_tlsext_max_fragment_length(ctx, TLSEXT_max_fragment_length_512),
	    1);
	shake_hands(true);
	for (int i = 0; i < 10; i++)
		exchange();
	leg_rest(&leg);
	cr_expect_not_null(leg.ssl);
	exchange();
	close_pair();
}

Test(records, what_was_not_read_yet_is_not_lost)
{
	size_t count;

	shake_hands(true);
	cr_assert_eq(SSL_write(peer, "secret", 6), 6);
	cr_assert_eq(SSL_write(peer, "more", 4), 4);
	look();
	cr_assert_eq(leg_read(&leg, heard, 3, &count), LEG_DONE);
	leg_rest(&leg);
	cr_expect_not_null(leg.ssl, "OpenSSL has the rest of it");
	hear(7);
	close_pair();
}
