/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "tests/proxy/leg_site.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* The leg connects to a server, by OpenSSL all along. */
static struct leg_site site;
static struct leg *const leg = &site.pair.leg;
static uint8_t buffer[32 << 10];

static void
begin(void)
{
	leg_site_open(&site);
	/* The peer tells a truncation from an end. */
	(void)SSL_CTX_clear_options(site.server_ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
	leg_site_connect(&site, false);
}

static void
end(void)
{
	leg_site_hang_up(&site);
	leg_site_close(&site);
}

TestSuite(leg_tls, .init = begin, .fini = end);

Test(leg_tls, small_records_are_one_read)
{
	size_t count;

	leg_site_handshake(&site);
	for (int i = 0; i < 10; i++)
		cr_assert_eq(SSL_write(site.peer, "0123456789", 10), 10);
	leg_pair_look(&site.pair);
	cr_assert_eq(leg_read(leg, buffer, sizeof(buffer), &count), LEG_DONE);
	cr_expect_eq(count, 100);
	cr_expect_eq(leg_read(leg, buffer, sizeof(buffer), &count), LEG_WAIT);
}

/* The room for what is read ahead holds four full records, and a piece of a fifth. */
Test(leg_tls, no_piece_of_a_record_is_read_ahead)
{
	static const uint8_t full[16 << 10];
	const size_t record = SSL3_RT_HEADER_LENGTH + sizeof(full) + 1 + 16; /* type, tag */
	size_t count;
	int left = 0;

	leg_site_handshake(&site);
	/* The first tells how long they are. */
	for (int i = 0; i < 8; i++) {
		cr_assert_eq(SSL_write(site.peer, full, sizeof(full)), (int)sizeof(full));
		leg_pair_look(&site.pair);
		if (i == 0)
			cr_assert_eq(leg_read(leg, buffer, sizeof(full), &count), LEG_DONE);
	}
	cr_expect_eq(leg->record, record);
	cr_assert_eq(leg_read(leg, buffer, sizeof(full), &count), LEG_DONE);
	cr_assert_eq(ioctl(leg->fd, FIONREAD, &left), 0);
	cr_expect_eq((size_t)left, 3 * record, "%d", left);
	for (int i = 0; i < 6; i++)
		cr_assert_eq(leg_read(leg, buffer, sizeof(full), &count), LEG_DONE);
	cr_expect_eq(leg_read(leg, buffer, sizeof(full), &count), LEG_WAIT);
}

Test(leg_tls, a_close_notify_is_a_close_and_a_fin_alone_is_none)
{
	size_t count;

	leg_site_handshake(&site);
	cr_assert_eq(SSL_write(site.peer, "bye", 3), 3);
	(void)SSL_shutdown(site.peer);
	(void)shutdown(site.pair.other, SHUT_WR);
	leg_pair_look(&site.pair);
	cr_assert_eq(leg_read(leg, buffer, sizeof(buffer), &count), LEG_DONE);
	cr_expect_eq(count, 3);
	cr_expect_eq(leg_read(leg, buffer, sizeof(buffer), &count), LEG_ENDED);
	cr_expect_eq(leg->end, LEG_CLOSED);
}

Test(leg_tls, a_fin_without_close_notify_is_a_truncation)
{
	size_t count;

	leg_site_handshake(&site);
	cr_assert_eq(SSL_write(site.peer, "by", 2), 2);
	(void)shutdown(site.pair.other, SHUT_WR);
	leg_pair_look(&site.pair);
	cr_assert_eq(leg_read(leg, buffer, sizeof(buffer), &count), LEG_DONE);
	cr_expect_eq(leg_read(leg, buffer, sizeof(buffer), &count), LEG_ENDED);
	cr_expect_eq(leg->end, LEG_TRUNCATED);
}

Test(leg_tls, a_record_that_is_none_ends_it)
{
	static const char nonsense[] = "this is no record at all, is it?";
	size_t count;

	leg_site_handshake(&site);
	cr_assert_eq(send(site.pair.other, nonsense, sizeof(nonsense), 0),
	    (ssize_t)sizeof(nonsense));
	leg_pair_look(&site.pair);
	cr_expect_eq(leg_read(leg, buffer, sizeof(buffer), &count), LEG_ENDED);
	cr_expect_eq(leg->end, LEG_ALERT);
	cr_expect_eq(leg->alert, 0, "the peer sent no alert");
}

static void
update_keys(int times)
{
	for (int i = 0; i < times; i++) {
		cr_assert_eq(SSL_key_update(site.peer, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
		cr_assert_eq(SSL_do_handshake(site.peer), 1);
	}
}

Test(leg_tls, key_updates_without_end_end_it)
{
	size_t count;

	leg_site_handshake(&site);
	update_keys(80);
	leg_pair_look(&site.pair);
	(void)leg_read(leg, buffer, sizeof(buffer), &count);
	cr_expect_eq(leg_read(leg, buffer, sizeof(buffer), &count), LEG_ENDED);
	cr_expect_eq(leg->end, LEG_FLOOD);
	cr_expect_eq(count, 0);
}

Test(leg_tls, a_flood_behind_which_the_peer_leaves_stays_one)
{
	size_t count;

	leg_site_handshake(&site);
	update_keys(80);
	(void)shutdown(site.pair.other, SHUT_WR);
	leg_pair_look(&site.pair);
	cr_expect_eq(leg_read(leg, buffer, sizeof(buffer), &count), LEG_ENDED);
	cr_expect_eq(leg->end, LEG_FLOOD);
}

Test(leg_tls, key_updates_between_payload_are_no_flood)
{
	static uint8_t sent[16 << 10];
	size_t count;

	leg_site_handshake(&site);
	for (int i = 0; i < 200; i++) {
		size_t got = 0;

		update_keys(1);
		cr_assert_eq(SSL_write(site.peer, sent, sizeof(sent)), (int)sizeof(sent));
		for (int turn = 0; turn < 10 && got < sizeof(sent); turn++) {
			leg_pair_look(&site.pair);
			if (leg_read(leg, buffer, sizeof(buffer), &count) == LEG_DONE)
				got += count;
		}
		cr_assert_eq(got, sizeof(sent), "after %d updates", i);
	}
	cr_expect_eq(leg->end, LEG_OPEN);
}

Test(leg_tls, one_byte_records_are_taken_a_share_at_a_time)
{
	size_t count, total = 0;
	int reads = 0;

	leg_site_handshake(&site);
	for (int i = 0; i < 1000; i++)
		cr_assert_eq(SSL_write(site.peer, "y", 1), 1);
	leg_pair_look(&site.pair);
	while (leg_read(leg, buffer, sizeof(buffer), &count) == LEG_DONE) {
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

	cr_expect_eq(leg_handshake(leg, &err), LEG_WAIT);
	cr_expect_eq(leg_flush(leg), LEG_DONE);
	(void)shutdown(site.pair.other, SHUT_WR);
	leg_pair_look(&site.pair);
	cr_expect_eq(leg_handshake(leg, &err), LEG_ENDED);
	cr_expect_eq(leg->end, LEG_TRUNCATED);
	cr_expect_eq(err.kind, ERR_TLS);
	cr_expect_neq(err.text[0], '\0');
}

Test(leg_tls, an_orderly_end_is_a_close_notify)
{
	leg_site_handshake(&site);
	cr_assert_eq(leg_write(leg, (const uint8_t *)"bye", 3), LEG_DONE);
	leg_end_direction(leg, true);
	cr_expect_eq(leg_flush(leg), LEG_DONE);
	cr_expect_eq(SSL_read(site.peer, buffer, sizeof(buffer)), 3);
	cr_expect_leq(SSL_read(site.peer, buffer, sizeof(buffer)), 0);
	cr_expect_eq(SSL_get_shutdown(site.peer) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
}

Test(leg_tls, another_end_is_a_fin_alone)
{
	int ret;

	leg_site_handshake(&site);
	leg_end_direction(leg, false);
	cr_expect_eq(leg_flush(leg), LEG_DONE);
	ret = SSL_read(site.peer, buffer, sizeof(buffer));
	cr_expect_eq(SSL_get_error(site.peer, ret), SSL_ERROR_SSL);
	cr_expect_eq(SSL_get_shutdown(site.peer) & SSL_RECEIVED_SHUTDOWN, 0);
}

/* A camera with little memory: each piece becomes 32 records, with a MAC of 48 bytes and
 * padding each.  What waits before it may be any number of bytes below the mark. */
Test(leg_tls, a_piece_finds_room_where_its_seals_are_largest)
{
	leg_site_hang_up(&site);
	cr_assert_eq(SSL_CTX_set_max_proto_version(site.ctx, TLS1_2_VERSION), 1);
	cr_assert_eq(SSL_CTX_set_cipher_list(site.ctx,
			 "ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384"),
	    1);
	cr_assert_eq(SSL_CTX_set_tlsext_max_fragment_length(site.ctx,
			 TLSEXT_max_fragment_length_512),
	    1);
	leg_site_shake_hands(&site, true);
	cr_assert_eq(leg_write(leg, site.buffer, 1), LEG_DONE);
	memset(leg->out + leg->out_end, 0, LEG_OUT_HIGH - leg->out_end);
	leg->out_end = leg->out_start + LEG_OUT_HIGH - 1;
	cr_expect_eq(leg_write(leg, site.buffer, sizeof(site.buffer)), LEG_DONE);
	cr_expect_eq(leg_waiting(leg), LEG_OUT_HIGH - 1 + sizeof(site.buffer) + 32 * 85);
}
