/* SPDX-License-Identifier: MIT */
#include "proxy/records.h"

#include "tests/certs/lean_first.h"
#include "tests/proxy/leg_site.h"

#include <criterion/criterion.h>
#include <openssl/err.h>

static struct leg_site site;
static struct leg *const leg = &site.pair.leg;

static void
begin(void)
{
	leg_site_open(&site);
	cr_assert_eq(SSL_CTX_set_max_proto_version(site.ctx, TLS1_2_VERSION), 1);
}

static void
end(void)
{
	leg_site_close(&site);
}

TestSuite(records_tls12, .init = begin, .fini = end);

/* ---- it goes on without OpenSSL ---- */

Test(records_tls12, a_silent_leg_goes_on_in_all_suites)
{
	static const char *const suites[] = {"ECDHE-ECDSA-AES128-GCM-SHA256",
	    "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"};

	for (int i = 0; i < 6; i++) {
		cr_assert_eq(SSL_CTX_set_cipher_list(site.server_ctx, suites[i / 2]), 1);
		leg_site_fall_silent(&site, i % 2 == 0);
		cr_expect_null(leg->records->in.ctx);
		cr_expect_null(leg->records->out.ctx);
		leg_site_exchange(&site);
		leg_rest(leg);
		leg_site_exchange(&site);
		leg_site_hang_up(&site);
	}
}

/* Nothing comes behind a handshake of TLS 1.2, so nothing is waited for. */
Test(records_tls12, a_server_need_not_have_said_anything)
{
	leg_site_shake_hands(&site, false);
	leg_rest(leg);
	cr_expect_null(leg->ssl);
	leg_site_exchange(&site);
	leg_site_hang_up(&site);
}

Test(records_tls12, a_leg_that_carries_much_goes_on_in_the_middle)
{
	leg_site_carry_much(&site);
}

/* Into room for less than the record. */
Test(records_tls12, payload_is_taken_in_any_pieces)
{
	size_t count;

	leg_site_fall_silent(&site, true);
	for (size_t i = 0; i < LEG_SITE_FULL; i++)
		site.buffer[i] = (uint8_t)(i * 13);
	cr_assert_eq(SSL_write(site.peer, site.buffer, LEG_SITE_FULL), LEG_SITE_FULL);
	leg_pair_look(&site.pair);
	for (size_t used = 0; used < LEG_SITE_FULL; used += count)
		cr_assert_eq(leg_read(leg, site.heard + used,
				 LEG_SITE_FULL - used < 1000 ? LEG_SITE_FULL - used : 1000, &count),
		    LEG_DONE);
	cr_expect_arr_eq(site.heard, site.buffer, LEG_SITE_FULL);
	leg_site_hang_up(&site);
}

/* There is no other key for it (RECORD_KEY_RECORDS_MAX is of TLS 1.3). */
Test(records_tls12, a_key_is_not_renewed)
{
	leg_site_fall_silent(&site, true);
	leg->records->out.sequence = RECORD_KEY_RECORDS_MAX;
	cr_assert_eq(leg_write(leg, (const uint8_t *)"one", 3), LEG_DONE);
	cr_expect_eq(leg_waiting(leg), 3 + record_seal_bytes(leg->records->out.suite));
	leg_site_hang_up(&site);
}

/* ---- how it ends ---- */

Test(records_tls12, both_say_close_notify)
{
	leg_site_fall_silent(&site, true);
	cr_expect_eq(SSL_shutdown(site.peer), 0);
	leg_site_end_as(&site, LEG_CLOSED);
	leg_end_direction(leg, true);
	cr_expect_eq(leg_flush(leg), LEG_DONE);
	cr_expect_eq(SSL_shutdown(site.peer), 1);
	leg_site_hang_up(&site);
}

Test(records_tls12, a_warning_is_none_and_what_is_fatal_is_told)
{
	leg_site_fall_silent(&site, true);
	leg_site_peer_sends(&site, RECORD_ALERT, (const uint8_t[]){1, SSL_AD_UNRECOGNIZED_NAME}, 2);
	leg_site_hear(&site, 0);
	cr_expect_eq(leg->end, LEG_OPEN);
	leg_site_peer_sends(&site, RECORD_ALERT, (const uint8_t[]){2, SSL_AD_INTERNAL_ERROR}, 2);
	leg_site_end_as(&site, LEG_ALERT);
	cr_expect_eq(leg->alert, SSL_AD_INTERNAL_ERROR);
	leg_site_hang_up(&site);
}

/* ---- what is wrong ---- */

enum { UNEXPECTED = SSL_R_SSLV3_ALERT_UNEXPECTED_MESSAGE };

static const struct wrong {
	uint8_t type, bytes[32];
	size_t size;
	int reason; /* as the peer is told */
	char why[40];
} wrongs[] = {
    {0, {23, 3, 3, 0, 24}, 29, SSL_R_SSLV3_ALERT_BAD_RECORD_MAC, "sealed by nobody"},
    {0, {20, 3, 3, 0, 1, 1}, 6, SSL_R_SSLV3_ALERT_UNEXPECTED_MESSAGE, "change_cipher_spec"},
    {0, {21, 3, 3, 0, 2, 1, 0}, 7, SSL_R_SSLV3_ALERT_BAD_RECORD_MAC, "an alert as it is"},
    {0, {23, 3, 3, 0x41, 1}, 5, SSL_R_TLSV1_ALERT_RECORD_OVERFLOW, "a long record"},
    {0, {24, 3, 3, 0, 40}, 5, SSL_R_SSLV3_ALERT_UNEXPECTED_MESSAGE, "a heartbeat"},
    {0, {'G', 'E', 'T', ' '}, 4, SSL_R_SSLV3_ALERT_UNEXPECTED_MESSAGE, "no TLS"},
    {22, {0}, 0, SSL_R_SSLV3_ALERT_UNEXPECTED_MESSAGE, "an empty handshake record"},
    {21, {2}, 1, SSL_R_TLSV1_ALERT_DECODE_ERROR, "half an alert"},
    {21, {3, 0}, 2, SSL_R_SSLV3_ALERT_ILLEGAL_PARAMETER, "an alert of no level"},
    {0, {23, 3, 1, 0, 24}, 29, SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "of another version"},
};

static void
expect_told(int reason, const char *why)
{
	cr_expect_eq(leg_flush(leg), LEG_DONE);
	ERR_clear_error();
	cr_expect_leq(SSL_read(site.peer, site.heard, sizeof(site.heard)), 0);
	cr_expect_eq(ERR_GET_REASON(ERR_peek_error()), reason, "%s: %s", why,
	    ERR_reason_error_string(ERR_peek_error()));
}

Test(records_tls12, what_is_wrong_ends_it_and_the_peer_is_told)
{
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		leg_site_fall_silent(&site, i % 2 == 0);
		leg_site_peer_sends(&site, wrongs[i].type, wrongs[i].bytes, wrongs[i].size);
		leg_site_end_as(&site, LEG_ALERT);
		cr_expect_eq(leg->alert, 0, "%s: the peer sent none", wrongs[i].why);
		expect_told(wrongs[i].reason, wrongs[i].why);
		leg_site_hang_up(&site);
	}
}

/* A hello, or the wish for one. */
Test(records_tls12, nobody_negotiates_anew)
{
	static const uint8_t messages[2][4] = {{SSL3_MT_HELLO_REQUEST}, {SSL3_MT_CLIENT_HELLO}};

	for (int accepts = 0; accepts < 2; accepts++) {
		leg_site_fall_silent(&site, accepts == 1);
		leg_site_peer_sends(&site, RECORD_HANDSHAKE, messages[accepts], 4);
		leg_site_hear(&site, 0);
		cr_expect_eq(leg->end, LEG_OPEN);
		cr_expect(leg->renegotiates, "for those who come after a server that goes for it");
		expect_told(SSL_R_NO_RENEGOTIATION, "the peer");
		leg_site_hang_up(&site);
	}
}

Test(records_tls12, a_server_has_nothing_else_to_say)
{
	static const struct wrong messages[] = {
	    {22, {SSL3_MT_SERVER_HELLO}, 4, UNEXPECTED, "a ServerHello"},
	    {22, {SSL3_MT_CLIENT_HELLO}, 4, UNEXPECTED, "a ClientHello"},
	    {22, {SSL3_MT_FINISHED, 0, 0, 12}, 16, UNEXPECTED, "a Finished"},
	    {22, {SSL3_MT_HELLO_REQUEST, 0, 0, 1}, 5, SSL_R_TLSV1_ALERT_DECODE_ERROR,
		"a HelloRequest with something in it"},
	};

	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		leg_site_fall_silent(&site, false);
		leg_site_peer_sends(&site, messages[i].type, messages[i].bytes, messages[i].size);
		leg_site_end_as(&site, LEG_ALERT);
		cr_expect_not(leg->renegotiates, "%s", messages[i].why);
		expect_told(messages[i].reason, messages[i].why);
		leg_site_hang_up(&site);
	}
}

Test(records_tls12, a_camera_has_nothing_but_a_hello_to_say)
{
	static const struct wrong messages[] = {
	    {22, {SSL3_MT_HELLO_REQUEST}, 4, UNEXPECTED, "a HelloRequest"},
	    {22, {SSL3_MT_CLIENT_KEY_EXCHANGE, 0, 0, 1}, 5, UNEXPECTED, "a key exchange"},
	    {22, {SSL3_MT_FINISHED, 0, 0, 12}, 16, UNEXPECTED, "a Finished"},
	    {22, {SSL3_MT_CLIENT_HELLO, 1, 0, 1}, 8, SSL_R_TLSV1_ALERT_DECODE_ERROR,
		"a hello without end"},
	};

	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		leg_site_fall_silent(&site, true);
		leg_site_peer_sends(&site, messages[i].type, messages[i].bytes, messages[i].size);
		leg_site_end_as(&site, LEG_ALERT);
		cr_expect_not(leg->renegotiates, "%s", messages[i].why);
		expect_told(messages[i].reason, messages[i].why);
		leg_site_hang_up(&site);
	}
}

/* RFC 5246 section 6.2.1: payload may come in the middle of it. */
Test(records_tls12, a_hello_in_pieces_is_declined_once)
{
	static const uint8_t hello[] = {SSL3_MT_CLIENT_HELLO, 0, 0, 4, 3, 3, 1, 2};

	leg_site_fall_silent(&site, true);
	for (size_t i = 0; i < sizeof(hello); i++) {
		cr_expect_eq(leg_waiting(leg), 0, "%zu", i);
		leg_site_peer_sends(&site, RECORD_HANDSHAKE, hello + i, 1);
		leg_site_hear(&site, 0);
		if (i + 1 == sizeof(hello))
			break;
		leg_site_peer_sends(&site, RECORD_DATA, (const uint8_t *)"x", 1);
		leg_site_hear(&site, 1);
	}
	cr_expect_eq(leg->end, LEG_OPEN);
	cr_expect(leg->renegotiates);
	cr_expect_eq(leg_waiting(leg), 2 + record_seal_bytes(leg->records->out.suite));
	expect_told(SSL_R_NO_RENEGOTIATION, "the camera");
	leg_site_hang_up(&site);
}

Test(records_tls12, behind_our_end_nothing_is_said)
{
	leg_site_fall_silent(&site, false);
	leg_end_direction(leg, true);
	cr_expect_eq(leg_flush(leg), LEG_DONE);
	leg_site_peer_sends(&site, RECORD_HANDSHAKE,
	    (const uint8_t[]){SSL3_MT_HELLO_REQUEST, 0, 0, 0}, 4);
	leg_site_hear(&site, 0);
	cr_expect_eq(leg_waiting(leg), 0);
	cr_expect_not(leg_is_broken(leg));
	leg_site_hang_up(&site);
}

/* Neither of the master secret nor of another key. */
Test(records_tls12, no_more_of_a_secret_is_held_than_is_used)
{
	leg_site_fall_silent(&site, true);
	for (size_t i = record_secret_size(leg->records->in.suite); i < RECORD_SECRET_MAX; i++) {
		cr_expect_eq(leg->records->in.secret[i], 0, "%zu", i);
		cr_expect_eq(leg->records->out.secret[i], 0, "%zu", i);
	}
	leg_site_hang_up(&site);
}

Test(records_tls12, what_says_nothing_without_end_ends_it)
{
	static const struct wrong endless[] = {
	    {23, {0}, 0, 0, "empty records"},
	    {22, {0, 0, 0, 0}, 4, 0, "wishes for a hello"},
	    {21, {1, 90}, 2, 0, "warnings"},
	};

	for (size_t i = 0; i < sizeof(endless) / sizeof(endless[0]); i++) {
		leg_site_fall_silent(&site, false);
		for (int times = 0; times < 200 && leg->end == LEG_OPEN; times++) {
			leg_site_peer_sends(&site, endless[i].type, endless[i].bytes,
			    endless[i].size);
			leg_site_hear(&site, 0);
		}
		cr_expect_eq(leg->end, LEG_FLOOD, "%s: %d", endless[i].why, (int)leg->end);
		leg_site_hang_up(&site);
	}
}
