/* SPDX-License-Identifier: MIT */
#include "proxy/records.h"

#include "tests/certs/lean_first.h"
#include "tests/proxy/leg_site.h"

#include <criterion/criterion.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>

/*
 * A leg without OpenSSL and a peer of OpenSSL's say much to each other, in an order and
 * in pieces that are drawn by lot: each hears just what the other one said, and how it
 * ended.  A draw has its number, and comes out the same each time.
 */
enum {
	DRAWS = 5,
	STEPS_MAX = 240,
	TURNS_MAX = 100000, /* more than any draw needs to its end */
	UPDATES_MAX = 12,   /* fewer than a peer may have that says something in between */
	ROOM = 70000,       /* four full records, and a piece */
	PADDING_MAX = 4096,
};

static struct leg_site site;
static struct leg *const leg = &site.pair.leg;

/* Of one draw; bytes are counted by who said, and who heard them. */
static struct {
	uint64_t lot;
	BIO *wire; /* what the peer sent, until it is carried to the leg; the peer's */
	uint64_t peer_said, leg_heard, leg_said, peer_heard;
	unsigned updates;
	bool tls13, ended, asked; /* for an update of the leg's */
} draw;

static uint8_t bytes[ROOM];

static void
begin(void)
{
	leg_site_open(&site);
}

static void
end(void)
{
	leg_site_close(&site);
}

TestSuite(records_shuffled, .init = begin, .fini = end);

/* ---- the lot ---- */

/* From 1 to most; D. Knuth's MMIX, whose high bits are the better ones. */
static uint32_t
pick(uint32_t most)
{
	draw.lot = draw.lot * 6364136223846793005U + 1442695040888963407U;
	return (uint32_t)(draw.lot >> 33) % most + 1;
}

static bool
happens_once_in(uint32_t times)
{
	return pick(times) == 1;
}

/* Small, and so on, as often as large. */
static size_t
pick_size(void)
{
	static const uint32_t most[] = {16, 600, 17000, ROOM};

	return pick(most[pick(4) - 1]);
}

/* ---- what is said ---- */

/* The byte there of what one of the two says. */
static uint8_t
byte_at(uint64_t at, bool peers)
{
	return (uint8_t)((at * 2654435761U >> 7) + at + (peers ? 77 : 0));
}

static void
make(uint64_t at, size_t count, bool peers)
{
	for (size_t i = 0; i < count; i++)
		bytes[i] = byte_at(at + i, peers);
}

static void
compare(uint64_t at, size_t count, bool peers)
{
	for (size_t i = 0; i < count; i++) {
		if (bytes[i] != byte_at(at + i, peers))
			cr_assert_fail("byte %llu of the %s's", (unsigned long long)(at + i),
			    peers ? "peer" : "leg");
	}
}

/* ---- steps ---- */

static void
peer_says(void)
{
	size_t count = pick_size();

	if (draw.tls13)
		cr_assert_eq(SSL_set_block_padding(site.peer,
				 happens_once_in(3) ? pick(PADDING_MAX) : 0),
		    1);
	make(draw.peer_said, count, true);
	cr_assert_eq(SSL_write(site.peer, bytes, (int)count), (int)count);
	draw.peer_said += count;
}

static void
leg_says(void)
{
	size_t count = pick(happens_once_in(2) ? 50 : SSL3_RT_MAX_PLAIN_LENGTH);
	enum leg_io io;

	make(draw.leg_said, count, false);
	io = leg_write(leg, bytes, count);
	cr_assert_neq(io, LEG_ENDED);
	if (io == LEG_DONE)
		draw.leg_said += count;
}

/* Some of what the peer sent, no more than ROOM, comes to the leg's socket. */
static void
carry_some(size_t most)
{
	char *at;
	size_t left = (size_t)BIO_get_mem_data(draw.wire, &at);
	size_t bound = most < ROOM ? most : ROOM;
	size_t count = left < bound ? left : bound;
	ssize_t sent = send(site.pair.other, at, count, MSG_DONTWAIT);

	if (sent > 0)
		cr_assert_eq(BIO_read(draw.wire, bytes, (int)sent), sent);
}

static void
carry(void)
{
	carry_some(happens_once_in(3) ? pick(8) : pick_size());
}

static void
leg_hears(void)
{
	size_t room = pick_size(), count;
	enum leg_io io;

	if (draw.ended)
		return;
	leg_pair_look(&site.pair);
	io = leg_read(leg, bytes, room, &count);
	draw.ended = io == LEG_ENDED;
	if (io != LEG_DONE)
		return;
	compare(draw.leg_heard, count, true);
	draw.leg_heard += count;
}

static void
peer_hears(void)
{
	int got;

	(void)leg_flush(leg);
	got = SSL_read(site.peer, bytes, (int)pick_size());
	if (got > 0) {
		compare(draw.peer_heard, (size_t)got, false);
		draw.peer_heard += (uint64_t)got;
		return;
	}
	got = SSL_get_error(site.peer, got);
	cr_assert(got == SSL_ERROR_WANT_READ || got == SSL_ERROR_ZERO_RETURN, "%s",
	    ERR_reason_error_string(ERR_peek_error()));
	ERR_clear_error();
}

static void
leg_rests(void)
{
	if (happens_once_in(4))
		leg_rest(leg);
}

static void
peer_updates(void)
{
	bool asks = happens_once_in(2);

	if (!draw.tls13 || draw.updates++ >= UPDATES_MAX)
		return;
	cr_assert_eq(SSL_key_update(site.peer,
			 asks ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED),
	    1);
	cr_assert_eq(SSL_do_handshake(site.peer), 1);
	draw.asked = draw.asked || asks;
}

/* ---- ends ---- */

static void
hear_to_the_end(enum leg_end as, size_t carried_most)
{
	for (int i = 0; i < TURNS_MAX && !draw.ended; i++) {
		if (carried_most > 0)
			carry_some(carried_most);
		leg_hears();
	}
	cr_assert(draw.ended);
	cr_assert_eq(leg_how_ended(leg), as, "%d", (int)leg_how_ended(leg));
}

/* Somewhere in what it sent, and somewhere in a record, the peer's direction is over. */
static void
cut_off(void)
{
	size_t left = BIO_ctrl_pending(draw.wire), until = left > 0 ? pick((uint32_t)left) : 0;

	for (int i = 0; i < TURNS_MAX && BIO_ctrl_pending(draw.wire) > until; i++) {
		carry_some(BIO_ctrl_pending(draw.wire) - until);
		leg_hears();
	}
	cr_assert_eq(BIO_ctrl_pending(draw.wire), until);
	cr_assert_eq(shutdown(site.pair.other, SHUT_WR), 0);
	hear_to_the_end(LEG_TRUNCATED, 0);
	cr_expect_leq(draw.leg_heard, draw.peer_said);
}

static void
close_in_order(void)
{
	cr_assert_eq(SSL_shutdown(site.peer), 0);
	hear_to_the_end(LEG_CLOSED, ROOM);
	cr_expect_eq(draw.leg_heard, draw.peer_said);
	/* If it was asked for an update of its keys it says so now at the latest. */
	for (int i = 0; i < TURNS_MAX && leg_waiting(leg) > 0; i++)
		peer_hears();
	leg_says();
}

static bool
has_peer_heard_the_end(void)
{
	return (SSL_get_shutdown(site.peer) & SSL_RECEIVED_SHUTDOWN) != 0;
}

/* ---- a draw ---- */

static void
play(void)
{
	static void (*const steps[])(void) = {peer_says, peer_says, leg_says, carry, carry,
	    leg_hears, peer_hears, leg_rests, peer_updates};
	uint32_t count = 20 + pick(STEPS_MAX - 20);
	bool in_order = !happens_once_in(4);

	draw.wire = BIO_new(BIO_s_mem());
	cr_assert_not_null(draw.wire);
	SSL_set0_wbio(site.peer, draw.wire);
	for (uint32_t i = 0; i < count; i++)
		steps[pick(sizeof(steps) / sizeof(steps[0])) - 1]();
	(in_order ? close_in_order : cut_off)();
	leg_end_direction(leg, true);
	for (int i = 0; i < TURNS_MAX && !has_peer_heard_the_end(); i++)
		peer_hears();
	cr_assert(has_peer_heard_the_end());
	cr_expect_eq(draw.peer_heard, draw.leg_said);
	if (in_order)
		cr_expect_eq(site.peer_updates > 0, draw.asked);
}

/* Of each suite, and with the leg on either side. */
static void
play_all(int version, const char *const suites[3])
{
	bool tls13 = version == TLS1_3_VERSION;

	cr_assert_eq(SSL_CTX_set_max_proto_version(site.ctx, version), 1);
	for (unsigned i = 0; i < 3 * 2 * DRAWS; i++) {
		cr_assert_eq((tls13 ? SSL_CTX_set_ciphersuites
				    : SSL_CTX_set_cipher_list)(site.server_ctx, suites[i % 3]),
		    1);
		leg_site_fall_silent(&site, i / 3 % 2 == 0);
		memset(&draw, 0, sizeof(draw));
		draw.lot = i;
		draw.tls13 = tls13;
		play();
		leg_site_hang_up(&site);
	}
}

Test(records_shuffled, of_tls_1_3_are_what_openssl_says_and_hears)
{
	play_all(TLS1_3_VERSION, (const char *const[3]){"TLS_AES_128_GCM_SHA256",
				     "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"});
}

Test(records_shuffled, of_tls_1_2_are_what_openssl_says_and_hears)
{
	play_all(TLS1_2_VERSION,
	    (const char *const[3]){"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
		"ECDHE-ECDSA-CHACHA20-POLY1305"});
}
