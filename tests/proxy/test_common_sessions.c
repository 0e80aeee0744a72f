/* SPDX-License-Identifier: MIT */
#include "proxy/common_sessions.h"

#include "tests/support/pki.h"

#include <criterion/criterion.h>
#include <string.h>

/* A server, and connections to it in memory. */
static struct common_sessions *common;
static SSL_CTX *ctx, *server_ctx;
static struct pki root;
static const uint8_t key[COMMON_KEY_BYTES] = "one peer", other_key[COMMON_KEY_BYTES] = "another";

static void
serve(const char *name)
{
	struct pki leaf = pki_server(name, &root);

	SSL_CTX_free(server_ctx);
	server_ctx = pki_server_ctx(&leaf, NULL);
	pki_free(&leaf);
}

static void
open_common(void)
{
	common = common_sessions_new();
	ctx = SSL_CTX_new(TLS_client_method());
	cr_assert(common != NULL && ctx != NULL);
	root = pki_root("Root");
	SSL_CTX_set_cert_store(ctx, pki_store(&root));
	serve("cam.example.com");
}

static void
close_common(void)
{
	SSL_CTX_free(ctx);
	SSL_CTX_free(server_ctx);
	server_ctx = NULL;
	common_sessions_free(common);
	pki_free(&root);
}

TestSuite(common_sessions, .init = open_common, .fini = close_common);

struct link {
	SSL *ssl, *server;
};

static struct link
connect_with(SSL_SESSION *session)
{
	struct link link = {SSL_new(ctx), SSL_new(server_ctx)};

	SSL_set_connect_state(link.ssl);
	SSL_set_accept_state(link.server);
	SSL_set_mode(link.ssl, SSL_MODE_RELEASE_BUFFERS);
	if (session != NULL)
		cr_assert_eq(SSL_set_session(link.ssl, session), 1);
	cr_assert(pki_handshake(link.ssl, link.server));
	return link;
}

static void
end_link(struct link *link)
{
	SSL_set_shutdown(link->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(link->ssl);
	SSL_free(link->server);
}

/* What one has sent lies before the other. */
static void
deliver(SSL *from, SSL *to)
{
	char bytes[4096];
	int count;

	while ((count = BIO_read(SSL_get_wbio(from), bytes, sizeof(bytes))) > 0)
		cr_assert_eq(BIO_write(SSL_get_rbio(to), bytes, count), count);
}

static void
carry(SSL *from, SSL *to)
{
	char byte = 'x', got = 0;

	cr_assert_eq(SSL_write(from, &byte, 1), 1);
	deliver(from, to);
	cr_assert_eq(SSL_read(to, &got, 1), 1);
	cr_assert_eq(got, 'x');
	deliver(to, from);
}

/* Both ways, over new keys too, and an end in order. */
static void
expect_works(const struct link *link)
{
	char byte;

	carry(link->server, link->ssl);
	carry(link->ssl, link->server);
	cr_assert_eq(SSL_key_update(link->ssl, SSL_KEY_UPDATE_REQUESTED), 1);
	carry(link->ssl, link->server);
	cr_assert_eq(SSL_key_update(link->server, SSL_KEY_UPDATE_REQUESTED), 1);
	carry(link->server, link->ssl);
	carry(link->ssl, link->server);
	cr_assert_eq(SSL_shutdown(link->server), 0);
	deliver(link->server, link->ssl);
	cr_assert_eq(SSL_read(link->ssl, &byte, 1), 0);
	cr_assert_eq(SSL_get_error(link->ssl, 0), SSL_ERROR_ZERO_RETURN);
}

Test(common_sessions, one_certificate_is_held_for_all_that_were_shown_it)
{
	struct link first = connect_with(NULL), second = connect_with(NULL);
	const X509 *own = SSL_get0_peer_certificate(second.ssl);

	cr_expect_not(common_sessions_take(common, key, first.ssl), "none is there yet");
	cr_expect(common_sessions_take(common, key, second.ssl));
	cr_expect_neq(SSL_get0_peer_certificate(second.ssl), own);
	cr_expect_eq(SSL_get0_peer_certificate(second.ssl), SSL_get0_peer_certificate(first.ssl));
	cr_expect_eq(sk_X509_num(SSL_get_peer_cert_chain(second.ssl)),
	    sk_X509_num(SSL_get_peer_cert_chain(first.ssl)));
	cr_expect_eq(SSL_get_verify_result(second.ssl), X509_V_OK);
	end_link(&first);
	expect_works(&second);
	end_link(&second);
	cr_expect_eq(common_sessions_count(common), 1);
}

/* What a ticket makes of it is resumed as any other. */
static SSL_SESSION *kept;

static int
on_session(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	SSL_SESSION_free(kept);
	kept = session;
	return 1;
}

Test(common_sessions, tickets_that_come_later_can_be_resumed)
{
	struct link link, resumed;
	char byte;

	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, on_session);
	cr_assert_eq(SSL_CTX_set_num_tickets(server_ctx, 2), 1);
	for (int i = 0; i < 3; i++) {
		link = connect_with(NULL);
		cr_assert_null(kept, "no ticket was read yet");
		cr_expect_eq(common_sessions_take(common, key, link.ssl), i > 0);
		cr_assert_lt(SSL_read(link.ssl, &byte, 1), 0);
		cr_assert_not_null(kept);
		cr_expect(common_sessions_take(common, key, link.ssl),
		    "once more, without the ticket");
		cr_expect_eq(SSL_SESSION_is_resumable(kept), 1);
		resumed = connect_with(kept);
		cr_expect_eq(SSL_session_reused(resumed.ssl), 1);
		cr_expect(common_sessions_take(common, key, resumed.ssl));
		cr_expect(common_sessions_take(common, key, link.ssl),
		    "once more, without the ticket");
		cr_expect_eq(SSL_get0_session(link.ssl), SSL_get0_session(resumed.ssl));
		expect_works(&resumed);
		expect_works(&link);
		end_link(&resumed);
		end_link(&link);
		SSL_SESSION_free(kept);
		kept = NULL;
	}
}

Test(common_sessions, of_a_camera_nothing_is_kept)
{
	struct link first, second;
	char byte;

	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, on_session);
	for (int i = 0; i < 2; i++) {
		first = connect_with(NULL);
		cr_expect(common_sessions_blank(common, first.server));
		cr_assert_lt(SSL_read(first.ssl, &byte, 1), 0);
		second = connect_with(kept);
		cr_expect_eq(SSL_session_reused(second.server), 1, "by the first one's ticket");
		cr_expect(common_sessions_blank(common, second.server));
		cr_expect_eq(SSL_get0_session(first.server), SSL_get0_session(second.server));
		cr_expect_eq(SSL_SESSION_get_master_key(SSL_get0_session(first.server), NULL, 0),
		    0);
		expect_works(&first);
		expect_works(&second);
		end_link(&first);
		end_link(&second);
		SSL_SESSION_free(kept);
		kept = NULL;
		cr_assert_eq(SSL_CTX_set_ciphersuites(ctx, "TLS_CHACHA20_POLY1305_SHA256"), 1);
	}
	cr_assert_eq(SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION), 1);
	first = connect_with(NULL);
	cr_expect_not(common_sessions_blank(common, first.server));
	end_link(&first);
}

Test(common_sessions, nobody_takes_one_of_another_peer_certificate_suite_or_version)
{
	struct link link = connect_with(NULL), other;

	cr_expect_not(common_sessions_take(common, key, link.ssl));
	other = connect_with(NULL);
	cr_expect_not(common_sessions_take(common, other_key, other.ssl));
	end_link(&other);
	cr_expect_eq(common_sessions_count(common), 2);

	cr_assert_eq(SSL_CTX_set_ciphersuites(ctx, "TLS_CHACHA20_POLY1305_SHA256"), 1);
	other = connect_with(NULL);
	cr_expect_not(common_sessions_take(common, key, other.ssl));
	end_link(&other);
	other = connect_with(NULL);
	cr_expect(common_sessions_take(common, key, other.ssl), "the newer one is there now");
	end_link(&other);

	serve("other.example.com");
	other = connect_with(NULL);
	cr_expect_not(common_sessions_take(common, key, other.ssl));
	expect_works(&other);
	end_link(&other);

	cr_assert_eq(SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION), 1);
	for (int i = 0; i < 2; i++) {
		other = connect_with(NULL);
		cr_expect_not(common_sessions_take(common, key, other.ssl));
		end_link(&other);
	}
	end_link(&link);
}

Test(common_sessions, none_of_a_peer_that_was_not_verified)
{
	for (int i = 0; i < 2; i++) {
		struct link link = connect_with(NULL);

		SSL_set_verify_result(link.ssl, X509_V_ERR_CERT_HAS_EXPIRED);
		cr_expect_not(common_sessions_take(common, key, link.ssl));
		end_link(&link);
	}
	cr_expect_eq(common_sessions_count(common), 0);
}

Test(common_sessions, are_bounded)
{
	uint8_t each[COMMON_KEY_BYTES] = {0};
	struct link link;

	for (int i = 0; i < COMMON_MAX + 3; i++) {
		each[0] = (uint8_t)i;
		link = connect_with(NULL);
		cr_expect_not(common_sessions_take(common, each, link.ssl));
		end_link(&link);
	}
	cr_expect_eq(common_sessions_count(common), COMMON_MAX);
	each[0] = COMMON_MAX;
	link = connect_with(NULL);
	cr_expect(common_sessions_take(common, each, link.ssl), "the newest are there");
	end_link(&link);
	each[0] = 0;
	link = connect_with(NULL);
	cr_expect_not(common_sessions_take(common, each, link.ssl), "the oldest are gone");
	end_link(&link);
}
