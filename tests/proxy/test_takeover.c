/* SPDX-License-Identifier: MIT */
#include "proxy/takeover.h"

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

TestSuite(takeover, .init = begin, .fini = end);

/* ---- it goes on without OpenSSL ---- */

Test(takeover, a_silent_leg_goes_on_in_all_suites)
{
	static const char *const suites[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
	    "TLS_CHACHA20_POLY1305_SHA256"};

	for (int i = 0; i < 6; i++) {
		cr_assert_eq(SSL_CTX_set_ciphersuites(site.server_ctx, suites[i / 2]), 1);
		leg_site_fall_silent(&site, i % 2 == 0);
		cr_expect_null(leg->out);
		cr_expect_null(leg->records->at);
		cr_expect_null(leg->records->in.ctx);
		cr_expect_null(leg->records->out.ctx);
		leg_site_exchange(&site);
		leg_rest(leg);
		cr_expect_null(leg->records->in.ctx);
		leg_site_exchange(&site);
		leg_site_hang_up(&site);
	}
}

Test(takeover, a_leg_that_carries_much_goes_on_in_the_middle)
{
	leg_site_carry_much(&site);
}

/* Much at once, of which OpenSSL has read ahead when it is left. */
Test(takeover, what_was_read_ahead_is_not_lost)
{
	enum { RECORDS = 200 };
	size_t count, used = 0;

	for (int accepts = 0; accepts < 2; accepts++) {
		leg_site_shake_hands(&site, accepts == 1);
		for (int i = 0; i < RECORDS; i++) {
			memset(site.buffer, i, sizeof(site.buffer));
			cr_assert_eq(SSL_write(site.peer, site.buffer,
					 i % 3 == 0 ? 1000 : LEG_SITE_FULL),
			    i % 3 == 0 ? 1000 : LEG_SITE_FULL);
		}
		leg_pair_look(&site.pair);
		for (int i = 0; i < RECORDS; i++) {
			size_t expected = i % 3 == 0 ? 1000 : LEG_SITE_FULL;

			for (used = 0; used < expected; used += count) {
				cr_assert_eq(leg_read(leg, site.heard, expected - used, &count),
				    LEG_DONE);
				for (size_t at = 0; at < count; at++)
					cr_assert_eq(site.heard[at], (uint8_t)i, "record %d", i);
			}
		}
		cr_expect_null(leg->ssl);
		cr_expect_eq(leg_read(leg, site.heard, sizeof(site.heard), &count), LEG_WAIT);
		cr_expect_null(leg->records->at, "no buffer is held");
		leg_site_hang_up(&site);
	}
}

/* An upload to a server that says nothing: its tickets are waited for, but not for
 * ever. */
Test(takeover, a_server_that_says_nothing_is_waited_for)
{
	cr_assert_eq(SSL_CTX_set_num_tickets(site.server_ctx, 0), 1);
	leg_site_shake_hands(&site, false);
	leg_site_leg_says(&site, "hello", 5);
	leg_rest(leg);
	cr_expect_not_null(leg->ssl);
	for (int i = 0; i < 10; i++)
		leg_site_leg_says(&site, site.buffer, LEG_SITE_FULL);
	cr_expect_not_null(leg->ssl);
	for (int i = 0; i < 130; i++)
		leg_site_leg_says(&site, site.buffer, LEG_SITE_FULL);
	cr_expect_null(leg->ssl);
	leg_site_exchange(&site);
	leg_site_hang_up(&site);
}

/* What is sent before the handshake looks like records of payload, and none of it
 * is opened. */
Test(takeover, early_data_that_was_passed_over_does_not_count)
{
	cr_assert_eq(SSL_CTX_set_max_early_data(site.server_ctx, 1000), 1);
	leg_site_fall_silent(&site, true);
	leg_site_leg_says(&site, "behind the tickets", 18);
	site.session = SSL_get1_session(site.peer);
	cr_assert_gt(SSL_SESSION_get_max_early_data(site.session), 0);
	SSL_set_shutdown(site.peer, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	leg_site_hang_up(&site);
	cr_assert_eq(SSL_CTX_set_max_early_data(site.server_ctx, 0), 1);
	cr_assert_eq(SSL_CTX_set_recv_max_early_data(site.server_ctx, 1000), 1);
	leg_site_fall_silent(&site, true);
	cr_expect_eq(SSL_get_early_data_status(site.peer), SSL_EARLY_DATA_REJECTED);
	leg_site_exchange(&site);
	leg_site_hang_up(&site);
	SSL_SESSION_free(site.session);
	site.session = NULL;
}

/* ---- it stays with OpenSSL ---- */

static void
stays_with_openssl(void)
{
	for (int accepts = 0; accepts < 2; accepts++) {
		leg_site_shake_hands(&site, accepts == 1);
		for (int i = 0; i < 10; i++)
			leg_site_exchange(&site);
		leg_rest(leg);
		cr_expect_not_null(leg->ssl);
		leg_site_exchange(&site);
		leg_site_hang_up(&site);
	}
}

Test(takeover, versions_before_tls_1_2_stay_with_openssl)
{
	cr_assert_eq(SSL_CTX_set_max_proto_version(site.ctx, TLS1_1_VERSION), 1);
	for (int i = 0; i < 2; i++) {
		SSL_CTX *ctx = i == 0 ? site.ctx : site.server_ctx;

		cr_assert_eq(SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION), 1);
		cr_assert_eq(SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0"), 1);
	}
	stays_with_openssl();
}

/* Keys for what is sealed and others for what is checked. */
Test(takeover, tls_1_2_with_a_mac_stays_with_openssl)
{
	cr_assert_eq(SSL_CTX_set_max_proto_version(site.ctx, TLS1_2_VERSION), 1);
	cr_assert_eq(SSL_CTX_set_cipher_list(site.ctx, "ECDHE-ECDSA-AES128-SHA256"), 1);
	stays_with_openssl();
}

Test(takeover, another_suite_stays_with_openssl)
{
	cr_assert_eq(SSL_CTX_set_ciphersuites(site.server_ctx, "TLS_AES_128_CCM_SHA256"), 1);
	cr_assert_eq(SSL_CTX_set_ciphersuites(site.ctx, "TLS_AES_128_CCM_SHA256"), 1);
	leg_site_shake_hands(&site, true);
	leg_site_exchange(&site);
	leg_rest(leg);
	cr_expect_not_null(leg->ssl);
	leg_site_exchange(&site);
	leg_site_hang_up(&site);
}

Test(takeover, renewed_keys_stay_with_openssl)
{
	leg_site_shake_hands(&site, true);
	cr_assert_eq(SSL_key_update(site.peer, SSL_KEY_UPDATE_REQUESTED), 1);
	leg_site_exchange(&site);
	leg_rest(leg);
	cr_expect_not_null(leg->ssl);
	leg_site_exchange(&site);
	leg_site_hang_up(&site);
}

/* Any piece of a record that was read ahead is OpenSSL's until it has the rest. */
Test(takeover, a_piece_of_a_record_is_waited_for)
{
	uint8_t record[200];
	int ends[2];

	leg_site_shake_hands(&site, true);
	leg_site_peer_says(&site, "a", 1);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	for (size_t cut = 1; cut < 28; cut++) {
		ssize_t size;

		cr_assert_eq(SSL_set_fd(site.peer, ends[0]), 1);
		cr_assert_eq(SSL_write(site.peer, "secret", 6), 6);
		size = recv(ends[1], record, sizeof(record), 0);
		cr_assert_eq(size, 6 + RECORD_SEAL_BYTES);
		cr_assert_eq(send(site.pair.other, record, cut, 0), (ssize_t)cut);
		leg_site_hear(&site, 0);
		leg_rest(leg);
		cr_assert_not_null(leg->ssl, "%zu bytes wait", cut);
		cr_assert_eq(send(site.pair.other, record + cut, (size_t)size - cut, 0),
		    size - (ssize_t)cut);
		leg_site_hear(&site, 6);
	}
	cr_assert_eq(SSL_set_fd(site.peer, site.pair.other), 1);
	leg_rest(leg);
	cr_expect_null(leg->ssl);
	leg_site_exchange(&site);
	(void)close(ends[0]);
	(void)close(ends[1]);
	leg_site_hang_up(&site);
}

/* As small as cameras with little memory want them. */
Test(takeover, short_records_stay_with_openssl)
{
	cr_assert_eq(SSL_CTX_set_tlsext_max_fragment_length(site.ctx,
			 TLSEXT_max_fragment_length_512),
	    1);
	leg_site_shake_hands(&site, true);
	for (int i = 0; i < 10; i++)
		leg_site_exchange(&site);
	leg_rest(leg);
	cr_expect_not_null(leg->ssl);
	leg_site_exchange(&site);
	leg_site_hang_up(&site);
}

Test(takeover, what_was_not_read_yet_is_not_lost)
{
	size_t count;

	leg_site_shake_hands(&site, true);
	cr_assert_eq(SSL_write(site.peer, "secret", 6), 6);
	cr_assert_eq(SSL_write(site.peer, "more", 4), 4);
	leg_pair_look(&site.pair);
	cr_assert_eq(leg_read(leg, site.heard, 3, &count), LEG_DONE);
	leg_rest(leg);
	cr_expect_not_null(leg->ssl, "OpenSSL has the rest of it");
	leg_site_hear(&site, 7);
	leg_site_hang_up(&site);
}
