/* SPDX-License-Identifier: MIT */
#include "proxy/leg.h"

#include "base/err.h"
#include "tests/support/pki.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* A leg on one end of a socket pair; the test holds the other end. */
static struct event_base *base;
static struct pool pool;
static struct leg leg;
static int other;
static uint8_t buffer[32 << 10];

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	leg_note(arg, what);
}

/* Let the kernel say what there is. */
static void
look(void)
{
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
}

static void
open_leg(void)
{
	int ends[2];

	base = event_base_new();
	cr_assert_not_null(base);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
	other = ends[1];
	pool = (struct pool){0};
	leg = (struct leg){.pool = &pool, .fd = -1};
	cr_assert_eq(leg_open(&leg, ends[0], base, on_event), 0);
	look();
}

static void
close_leg(void)
{
	leg_close(&leg, false);
	leg_close(&leg, false);
	if (other >= 0)
		(void)close(other);
	pool_clear(&pool);
	event_base_free(base);
}

TestSuite(leg, .init = open_leg, .fini = close_leg);

static void
say(const void *bytes, size_t count)
{
	cr_assert_eq(send(other, bytes, count, MSG_NOSIGNAL), (ssize_t)count);
	look();
}

Test(leg, a_new_one_can_be_written_and_has_nothing_to_read)
{
	size_t count = 7;

	cr_expect(leg.writable);
	cr_expect_not(leg.readable);
	cr_expect_eq(leg_read(&leg, buffer, sizeof(buffer), &count), LEG_WAIT);
	cr_expect_eq(count, 0);
	cr_expect_eq(leg_waiting(&leg), 0);
	cr_expect_null(leg.out, "an idle leg holds no buffer");
}

Test(leg, what_was_read_before_comes_first)
{
	static const uint8_t before[] = "before-";
	size_t count;

	leg.replay = (struct bytes){before, 7};
	say("after", 5);
	cr_assert_eq(leg_read(&leg, buffer, 3, &count), LEG_DONE);
	cr_expect_eq(count, 3);
	cr_assert_eq(leg_read(&leg, buffer + 3, sizeof(buffer) - 3, &count), LEG_DONE);
	cr_expect_eq(count, 4, "the replay and the socket are not mixed in a read");
	cr_assert_eq(leg_read(&leg, buffer + 7, sizeof(buffer) - 7, &count), LEG_DONE);
	cr_expect_eq(memcmp(buffer, "before-after", 12), 0);
	cr_expect_eq(leg_read(&leg, buffer, sizeof(buffer), &count), LEG_WAIT);
}

Test(leg, the_kernel_is_not_asked_again_once_it_had_nothing)
{
	size_t count;

	say("12345", 5);
	cr_assert_eq(leg_read(&leg, buffer, sizeof(buffer), &count), LEG_DONE);
	cr_expect(leg.readable, "a short read says nothing of what stands behind it");
	cr_expect_eq(leg_read(&leg, buffer, sizeof(buffer), &count), LEG_WAIT);
	cr_assert_eq(send(other, "6", 1, 0), 1);
	cr_expect_eq(leg_read(&leg, buffer, sizeof(buffer), &count), LEG_WAIT);
	look();
	cr_expect_eq(leg_read(&leg, buffer, sizeof(buffer), &count), LEG_DONE, "a new edge");
}

Test(leg, bytes_before_the_end_are_read_before_it)
{
	size_t count;

	cr_assert_eq(send(other, "last", 4, 0), 4);
	cr_assert_eq(shutdown(other, SHUT_WR), 0);
	look();
	cr_expect(leg.fin_coming);
	cr_assert_eq(leg_read(&leg, buffer, sizeof(buffer), &count), LEG_DONE);
	cr_expect_eq(count, 4);
	cr_expect_eq(leg.end, LEG_OPEN);
	cr_expect_eq(leg_read(&leg, buffer, sizeof(buffer), &count), LEG_ENDED);
	cr_expect_eq(leg.end, LEG_CLOSED);
	cr_expect_eq(leg_read(&leg, buffer, sizeof(buffer), &count), LEG_ENDED);
}

Test(leg, writes_go_to_the_kernel_when_it_is_told)
{
	cr_assert_eq(leg_write(&leg, (const uint8_t *)"one", 3), LEG_DONE);
	cr_assert_eq(leg_write(&leg, (const uint8_t *)"two", 3), LEG_DONE);
	cr_expect_eq(leg_waiting(&leg), 6);
	cr_expect_eq(recv(other, buffer, sizeof(buffer), 0), -1);
	cr_expect_eq(leg_flush(&leg), LEG_DONE);
	cr_expect_eq(leg_waiting(&leg), 0);
	cr_expect_null(leg.out, "its buffer went back");
	cr_expect_eq(recv(other, buffer, sizeof(buffer), 0), 6);
	cr_expect_eq(memcmp(buffer, "onetwo", 6), 0);
}

/* Take all that stands in the other end. */
static size_t
drain(uint8_t *next)
{
	size_t total = 0;
	ssize_t count;

	while ((count = recv(other, buffer, sizeof(buffer), 0)) > 0) {
		for (ssize_t i = 0; i < count; i++)
			cr_assert_eq(buffer[i], (*next)++, "the bytes are in order");
		total += (size_t)count;
	}
	return total;
}

Test(leg, a_peer_that_does_not_read_fills_it_and_no_byte_is_lost)
{
	static uint8_t chunk[16 << 10];
	size_t written = 0, got = 0;
	uint8_t next = 0;

	for (size_t i = 0; i < sizeof(chunk); i++)
		chunk[i] = (uint8_t)i;
	while (leg_write(&leg, chunk, sizeof(chunk)) == LEG_DONE) {
		written += sizeof(chunk);
		(void)leg_flush(&leg);
		cr_assert_lt(written, 64U << 20, "it never fills");
	}
	cr_expect_gt(leg_waiting(&leg), (size_t)LEG_OUT_HIGH);
	cr_expect_eq(leg_flush(&leg), LEG_WAIT);
	cr_expect_not(leg.writable);
	for (int turn = 0; turn < 1000 && got < written; turn++) {
		got += drain(&next);
		look();
		(void)leg_flush(&leg);
	}
	cr_expect_eq(got, written);
	cr_expect_eq(leg_waiting(&leg), 0);
}

Test(leg, its_end_goes_behind_what_waits)
{
	cr_assert_eq(leg_write(&leg, (const uint8_t *)"bye", 3), LEG_DONE);
	leg_end_direction(&leg, true);
	leg_end_direction(&leg, true);
	cr_expect_not(leg.end_sent);
	cr_expect_eq(leg_flush(&leg), LEG_DONE);
	cr_expect(leg.end_sent);
	cr_expect_eq(recv(other, buffer, sizeof(buffer), 0), 3);
	cr_expect_eq(recv(other, buffer, sizeof(buffer), 0), 0);
}

Test(leg, of_a_peer_that_is_gone_is_reset)
{
	size_t count;

	cr_assert_eq(leg_write(&leg, (const uint8_t *)"x", 1), LEG_DONE);
	(void)close(other);
	other = -1;
	look();
	cr_expect_eq(leg_flush(&leg), LEG_ENDED);
	cr_expect_eq(leg.end, LEG_RESET);
	cr_expect_eq(leg.error, EPIPE);
	cr_expect_eq(leg_write(&leg, (const uint8_t *)"x", 1), LEG_ENDED);
	cr_expect_eq(leg_read(&leg, buffer, sizeof(buffer), &count), LEG_ENDED);
}

/* ---- TLS ---- */

static struct pki root, leaf;
static SSL_CTX *server_ctx, *ctx;
static SSL *peer;

/* The leg connects; the peer on the other end is a server. */
static void
open_tls(void)
{
	struct err err = {0};
	SSL *ssl;

	open_leg();
	root = pki_root("Root");
	leaf = pki_server("a.example", &root);
	server_ctx = pki_server_ctx(&leaf, NULL);
	ctx = SSL_CTX_new(TLS_client_method());
	(void)SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_default_read_buffer_len(ctx, 66 << 10);
	ssl = SSL_new(ctx);
	SSL_set_connect_state(ssl);
	cr_assert_eq(leg_start_tls(&leg, ssl, &err), 0, "%s", err.text);
	peer = SSL_new(server_ctx);
	SSL_set_accept_state(peer);
	cr_assert_eq(SSL_set_fd(peer, other), 1);
}

static void
close_tls(void)
{
	SSL_free(peer);
	close_leg();
	SSL_CTX_free(ctx);
	SSL_CTX_free(server_ctx);
	pki_free(&leaf);
	pki_free(&root);
}

TestSuite(leg_tls, .init = open_tls, .fini = close_tls);

static void
shake_hands(void)
{
	bool done = false, peer_done = false;
	struct err err = {0};

	for (int turn = 0; turn < 20 && !(done && peer_done); turn++) {
		look();
		done = leg_handshake(&leg, &err) == LEG_DONE;
		(void)leg_flush(&leg);
		peer_done = SSL_do_handshake(peer) == 1;
	}
	cr_assert(done && peer_done, "%s", err.text);
	look();
}

Test(leg_tls, small_records_are_one_read)
{
	size_t count;

	shake_hands();
	for (int i = 0; i < 10; i++)
		cr_assert_eq(SSL_write(peer, "0123456789", 10), 10);
	look();
	cr_assert_eq(leg_read(&leg, buffer, sizeof(buffer), &count), LEG_DONE);
	cr_expect_eq(count, 100);
	cr_expect_eq(leg_read(&leg, buffer, sizeof(buffer), &count), LEG_WAIT);
}

/* The room for what is read ahead holds four full records, and a piece of a fifth. */
Test(leg_tls, no_piece_of_a_record_is_read_ahead)
{
	static const uint8_t full[16 << 10];
	const size_t record = SSL3_RT_HEADER_LENGTH + sizeof(full) + 1 + 16; /* type, tag */
	size_t count;
	int left = 0;

	shake_hands();
	/* The first tells how long they are. */
	for (int i = 0; i < 8; i++) {
		cr_assert_eq(SSL_write(peer, full, sizeof(full)), (int)sizeof(full));
		look();
		if (i == 0)
			cr_assert_eq(leg_read(&leg, buffer, sizeof(full), &count), LEG_DONE);
	}
	cr_expect_eq(leg.record, record);
	cr_assert_eq(leg_read(&leg, buffer, sizeof(full), &count), LEG_DONE);
	cr_assert_eq(ioctl(leg.fd, FIONREAD, &left), 0);
	cr_expect_eq((size_t)left, 3 * record, "%d", left);
	for (int i = 0; i < 6; i++)
		cr_assert_eq(leg_read(&leg, buffer, sizeof(full), &count), LEG_DONE);
	cr_expect_eq(leg_read(&leg, buffer, sizeof(full), &count), LEG_WAIT);
}

Test(leg_tls, a_close_notify_is_a_close_and_a_fin_alone_is_none)
{
	size_t count;

	shake_hands();
	cr_assert_eq(SSL_write(peer, "bye", 3), 3);
	(void)SSL_shutdown(peer);
	(void)shutdown(other, SHUT_WR);
	look();
	cr_assert_eq(leg_read(&leg, buffer, sizeof(buffer), &count), LEG_DONE);
	cr_expect_eq(count, 3);
	cr_expect_eq(leg_read(&leg, buffer, sizeof(buffer), &count), LEG_ENDED);
	cr_expect_eq(leg.end, LEG_CLOSED);
}

Test(leg_tls, a_fin_without_close_notify_is_a_truncation)
{
	size_t count;

	shake_hands();
	cr_assert_eq(SSL_write(peer, "by", 2), 2);
	(void)shutdown(other, SHUT_WR);
	look();
	cr_assert_eq(leg_read(&leg, buffer, sizeof(buffer), &count), LEG_DONE);
	cr_expect_eq(leg_read(&leg, buffer, sizeof(buffer), &count), LEG_ENDED);
	cr_expect_eq(leg.end, LEG_TRUNCATED);
}

Test(leg_tls, a_record_that_is_none_ends_it)
{
	size_t count;

	shake_hands();
	say("this is no record at all, is it?", 32);
	cr_expect_eq(leg_read(&leg, buffer, sizeof(buffer), &count), LEG_ENDED);
	cr_expect_eq(leg.end, LEG_ALERT);
	cr_expect_eq(leg.alert, 0, "the peer sent no alert");
}

/* Both buffers of the socket pair hold what is asked for here. */
static void
update_keys(int times)
{
	for (int i = 0; i < times; i++) {
		cr_assert_eq(SSL_key_update(peer, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
		cr_assert_eq(SSL_do_handshake(peer), 1);
	}
}

static void
make_room(void)
{
	const int bytes = 8 << 20;

	cr_assert_eq(setsockopt(other, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)), 0);
}

Test(leg_tls, key_updates_without_end_end_it)
{
	size_t count;

	shake_hands();
	make_room();
	update_keys(80);
	look();
	(void)leg_read(&leg, buffer, sizeof(buffer), &count);
	cr_expect_eq(leg_read(&leg, buffer, sizeof(buffer), &count), LEG_ENDED);
	cr_expect_eq(leg.end, LEG_FLOOD);
	cr_expect_eq(count, 0);
}

Test(leg_tls, a_flood_behind_which_the_peer_leaves_stays_one)
{
	size_t count;

	shake_hands();
	make_room();
	update_keys(80);
	(void)shutdown(other, SHUT_WR);
	look();
	cr_expect_eq(leg_read(&leg, buffer, sizeof(buffer), &count), LEG_ENDED);
	cr_expect_eq(leg.end, LEG_FLOOD);
}

Test(leg_tls, key_updates_between_payload_are_no_flood)
{
	static uint8_t sent[16 << 10];
	size_t count;

	shake_hands();
	make_room();
	for (int i = 0; i < 200; i++) {
		size_t got = 0;

		update_keys(1);
		cr_assert_eq(SSL_write(peer, sent, sizeof(sent)), (int)sizeof(sent));
		for (int turn = 0; turn < 10 && got < sizeof(sent); turn++) {
			look();
			if (leg_read(&leg, buffer, sizeof(buffer), &count) == LEG_DONE)
				got += count;
		}
		cr_assert_eq(got, sizeof(sent), "after %d updates", i);
	}
	cr_expect_eq(leg.end, LEG_OPEN);
}

Test(leg_tls, one_byte_records_are_taken_a_share_at_a_time)
{
	size_t count, total = 0;
	int reads = 0;

	shake_hands();
	make_room();
	for (int i = 0; i < 1000; i++)
		cr_assert_eq(SSL_write(peer, "y", 1), 1);
	look();
	while (leg_read(&leg, buffer, sizeof(buffer), &count) == LEG_DONE) {
		cr_expect_leq(count, 256);
		total += count;
		reads++;
	}
	cr_expect_eq(total, 1000);
	cr_expect_geq(reads, 4);
}

Test(leg_tls, a_handshake_with_a_peer_that_leaves_says_how)
{
	struct err err = {0};

	cr_expect_eq(leg_handshake(&leg, &err), LEG_WAIT);
	cr_expect_eq(leg_flush(&leg), LEG_DONE);
	(void)shutdown(other, SHUT_WR);
	look();
	cr_expect_eq(leg_handshake(&leg, &err), LEG_ENDED);
	cr_expect_eq(leg.end, LEG_TRUNCATED);
	cr_expect_eq(err.kind, ERR_TLS);
	cr_expect_neq(err.text[0], '\0');
}

Test(leg_tls, an_orderly_end_is_a_close_notify)
{
	shake_hands();
	cr_assert_eq(leg_write(&leg, (const uint8_t *)"bye", 3), LEG_DONE);
	leg_end_direction(&leg, true);
	cr_expect_eq(leg_flush(&leg), LEG_DONE);
	cr_expect_eq(SSL_read(peer, buffer, sizeof(buffer)), 3);
	cr_expect_leq(SSL_read(peer, buffer, sizeof(buffer)), 0);
	cr_expect_eq(SSL_get_shutdown(peer) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
}

Test(leg_tls, another_end_is_a_fin_alone)
{
	int ret;

	shake_hands();
	leg_end_direction(&leg, false);
	cr_expect_eq(leg_flush(&leg), LEG_DONE);
	ret = SSL_read(peer, buffer, sizeof(buffer));
	cr_expect_eq(SSL_get_error(peer, ret), SSL_ERROR_SSL);
	cr_expect_eq(SSL_get_shutdown(peer) & SSL_RECEIVED_SHUTDOWN, 0);
}
