/* SPDX-License-Identifier: MIT */
/* What a peer says that it may not, and what says nothing, without end. */
#include "proxy/records.h"

#include "tests/certs/lean_first.h"
#include "tests/proxy/leg_site.h"

#include <criterion/criterion.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct leg_site site;
static struct leg *const leg = &site.pair.leg;

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

TestSuite(records_wrong, .init = begin, .fini = end);

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
    {22, {24, 0, 0, 0}, 4, SSL_R_TLSV1_ALERT_DECODE_ERROR, "an empty key update"},
    {22, {24, 0, 0, 2, 0, 0}, 6, SSL_R_TLSV1_ALERT_DECODE_ERROR, "a long key update"},
    {22, {24, 0, 0, 1, 0, 0}, 6, SSL_R_SSLV3_ALERT_UNEXPECTED_MESSAGE, "bytes of two keys"},
    {21, {2}, 1, SSL_R_TLSV1_ALERT_DECODE_ERROR, "half an alert"},
    {21, {0}, 0, SSL_R_SSLV3_ALERT_UNEXPECTED_MESSAGE, "an empty alert"},
};

static void
send_wrong(const struct wrong *wrong)
{
	leg_site_peer_sends(&site, wrong->type, wrong->bytes, wrong->size);
}

Test(records_wrong, what_is_wrong_ends_it_and_the_peer_is_told)
{
	size_t count;

	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		leg_site_fall_silent(&site, i % 2 == 0);
		send_wrong(&wrongs[i]);
		leg_pair_look(&site.pair);
		if (i == 0) { /* not whole yet */
			cr_expect_eq(leg_read(leg, site.heard, sizeof(site.heard), &count),
			    LEG_WAIT);
			cr_assert_eq(send(site.pair.other, "123456", 6, 0), 6);
		}
		leg_site_end_as(&site, LEG_ALERT);
		cr_expect_eq(leg->alert, 0, "%s: the peer sent none", wrongs[i].why);
		cr_expect_eq(leg_flush(leg), LEG_DONE);
		ERR_clear_error();
		cr_expect_leq(SSL_read(site.peer, site.heard, sizeof(site.heard)), 0);
		cr_expect_eq(ERR_GET_REASON(ERR_peek_error()), wrongs[i].reason, "%s: %s",
		    wrongs[i].why, ERR_reason_error_string(ERR_peek_error()));
		leg_site_hang_up(&site);
	}
}

/* Payload between the pieces of a message. */
Test(records_wrong, a_message_is_not_interrupted)
{
	static const struct wrong half = {22, {24, 0}, 2, 0, ""}, data = {23, {'x'}, 1, 0, ""};

	leg_site_fall_silent(&site, true);
	send_wrong(&half);
	leg_site_hear(&site, 0);
	send_wrong(&data);
	leg_site_end_as(&site, LEG_ALERT);
	leg_site_hang_up(&site);
}

Test(records_wrong, a_changed_record_is_not_heard)
{
	uint8_t record[100];
	ssize_t size;
	int ends[2];

	leg_site_fall_silent(&site, true);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	cr_assert_eq(SSL_set_fd(site.peer, ends[0]), 1);
	cr_assert_eq(SSL_write(site.peer, "secret", 6), 6);
	size = recv(ends[1], record, sizeof(record), 0);
	cr_assert_gt(size, RECORD_SEAL_BYTES);
	record[7] ^= 1;
	cr_assert_eq(send(site.pair.other, record, (size_t)size, 0), size);
	leg_site_hear(&site, 0);
	cr_expect_eq(leg->end, LEG_ALERT);
	(void)close(ends[0]);
	(void)close(ends[1]);
	leg_site_hang_up(&site);
}

/* ---- what says nothing, without end ---- */

static const struct wrong endless[] = {
    {23, {0}, 0, 0, "empty records"},
    {22, {24, 0, 0, 1, 0}, 5, 0, "key updates"},
    {22, {4, 0, 0, 1, 0}, 5, 0, "tickets"},
    {22, {4, 0, 0, 1, 0, 4, 0, 0, 1, 0}, 10, 0, "two tickets a record"},
    {21, {1, 90}, 2, 0, "warnings"},
};

Test(records_wrong, what_says_nothing_without_end_ends_it)
{
	for (size_t i = 0; i < sizeof(endless) / sizeof(endless[0]); i++) {
		leg_site_fall_silent(&site, false);
		for (int times = 0; times < 200 && leg->end == LEG_OPEN; times++) {
			send_wrong(&endless[i]);
			leg_pair_look(&site.pair);
			leg_site_hear(&site, 0);
		}
		cr_expect_eq(leg->end, LEG_FLOOD, "%s: %d", endless[i].why, (int)leg->end);
		leg_site_hang_up(&site);
	}
}

Test(records_wrong, a_little_of_it_is_none)
{
	for (int i = 0; i < 300; i++) {
		if (i == 0)
			leg_site_fall_silent(&site, false);
		send_wrong(&(struct wrong){23, {0}, 0, 0, ""});
		leg_site_hear(&site, 0);
		send_wrong(&(struct wrong){23, {'x'}, 1, 0, ""});
		leg_site_hear(&site, 1);
	}
	cr_expect_eq(leg->end, LEG_OPEN);
	leg_site_hang_up(&site);
}
