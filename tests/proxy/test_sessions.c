/* SPDX-License-Identifier: MIT */
#include "proxy/sessions.h"

#include "base/clock.h"
#include "tests/support/pki.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* Servers and connections to them in memory, the sessions kept as a worker
 * keeps them. */
static struct sessions *sessions;
static SSL_CTX *ctx, *server_ctx;
static struct addr dst;
static uint8_t trust[32], policy[32], shown[32];
static uint64_t start_ms; /* of the test, by the clock that the sessions are kept by */

static void
open_sessions(void)
{
	struct pki root = pki_root("Root"), leaf = pki_server("cam.example.com", &root);

	sessions = sessions_new();
	ctx = SSL_CTX_new(TLS_client_method());
	server_ctx = pki_server_ctx(&leaf, NULL);
	cr_assert(sessions != NULL && ctx != NULL);
	cr_assert_eq(sessions_watch(ctx, NULL), 0);
	cr_assert_eq(addr_parse(&dst, "203.0.114.10:443", 0, NULL), 0);
	start_ms = clock_mono_ms();
	memset(trust, 1, sizeof(trust));
	memset(policy, 2, sizeof(policy));
	memset(shown, 3, sizeof(shown));
	pki_free(&leaf);
	pki_free(&root);
}

static void
close_sessions(void)
{
	SSL_CTX_free(ctx);
	SSL_CTX_free(server_ctx);
	sessions_free(sessions);
}

TestSuite(sessions, .init = open_sessions, .fini = close_sessions);

static struct session_peer
peer(void)
{
	return (struct session_peer){.dst = &dst,
	    .name = "cam.example.com",
	    .alpn = {(const uint8_t *)"\2h2", 3},
	    .trust_id = trust,
	    .policy_id = policy};
}

struct told {
	bool offered, resumed;
};

/* One connection: handshake, the server's tickets, and an end of whatever
 * kind, as a worker ends them. */
static struct told
connect_at(const struct session_peer *to, uint64_t now_ms, bool accept)
{
	SSL *connecting = SSL_new(ctx), *server = SSL_new(server_ctx);
	struct session_slot slot;
	struct told told;
	char byte;

	SSL_set_connect_state(connecting);
	SSL_set_accept_state(server);
	session_offer(&slot, sessions, to, connecting, now_ms);
	cr_assert(pki_handshake(connecting, server));
	told = (struct told){slot.offered, SSL_session_reused(connecting) == 1};
	if (accept)
		session_accept(&slot, connecting, now_ms);
	(void)SSL_read(connecting, &byte, 1); /* takes the tickets of TLS 1.3 */
	(void)SSL_set_shutdown(connecting, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	(void)SSL_set_shutdown(server, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(connecting);
	SSL_free(server);
	return told;
}

static bool
resumes(const struct session_peer *to, uint64_t now_ms)
{
	return connect_at(to, now_ms, true).resumed;
}

static void
speak(int version)
{
	cr_assert_eq(SSL_CTX_set_max_proto_version(server_ctx, version), 1);
}

Test(sessions, of_tls_1_3_are_given_out_once_and_each_connection_brings_new_ones)
{
	const struct session_peer to = peer();

	cr_assert_eq(SSL_CTX_set_num_tickets(server_ctx, 2), 1);
	cr_expect_not(resumes(&to, start_ms));
	cr_expect_eq(sessions_count(sessions), 2);
	for (int i = 0; i < 5; i++) {
		size_t before = sessions_count(sessions);

		cr_expect(resumes(&to, start_ms));
		cr_expect_geq(sessions_count(sessions), before, "one gone, one or more come");
	}
}

Test(sessions, a_ticket_of_tls_1_3_is_not_shown_twice)
{
	const struct session_peer to = peer();

	cr_assert_eq(SSL_CTX_set_num_tickets(server_ctx, 1), 1);
	cr_expect_not(resumes(&to, start_ms));
	cr_expect(connect_at(&to, start_ms, false).resumed);
	cr_expect_eq(sessions_count(sessions), 0);
	cr_expect_not(connect_at(&to, start_ms, false).offered);
}

Test(sessions, of_tls_1_2_are_used_until_a_newer_one_comes)
{
	const struct session_peer to = peer();

	speak(TLS1_2_VERSION);
	cr_expect_not(resumes(&to, start_ms));
	cr_expect_eq(sessions_count(sessions), 1);
	for (int i = 0; i < 4; i++) {
		cr_expect(resumes(&to, start_ms));
		cr_expect_eq(sessions_count(sessions), 1);
	}
}

Test(sessions, by_id_alone_are_kept_too)
{
	const struct session_peer to = peer();

	speak(TLS1_2_VERSION);
	(void)SSL_CTX_set_options(server_ctx, SSL_OP_NO_TICKET);
	cr_assert_eq(SSL_CTX_set_session_id_context(server_ctx, (const uint8_t *)"x", 1), 1);
	cr_expect_not(resumes(&to, start_ms));
	cr_expect(resumes(&to, start_ms));
}

Test(sessions, of_a_server_that_was_not_accepted_are_not_kept)
{
	const struct session_peer to = peer();

	cr_expect_not(connect_at(&to, start_ms, false).offered);
	speak(TLS1_2_VERSION);
	cr_expect_not(connect_at(&to, start_ms, false).offered);
	cr_expect_eq(sessions_count(sessions), 0);
}

/* Every part of whom a session belongs to. */
Test(sessions, are_offered_to_nobody_else)
{
	struct addr other_host, other_port;
	uint8_t changed[32] = {9};
	struct session_peer others[9];

	for (size_t i = 0; i < 9; i++)
		others[i] = peer();
	cr_assert_eq(addr_parse(&other_host, "203.0.114.11:443", 0, NULL), 0);
	cr_assert_eq(addr_parse(&other_port, "203.0.114.10:8443", 0, NULL), 0);
	others[0].dst = &other_host;
	others[1].dst = &other_port;
	others[2].name = "cam.example.co";
	others[3].name = "";
	others[4].alpn = (struct bytes){(const uint8_t *)"\2h3", 3};
	others[5].alpn = (struct bytes){0};
	others[6].trust_id = changed;
	others[7].policy_id = changed;
	others[8].client_id = shown;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		const struct session_peer to = peer();

		speak(version);
		cr_expect_not(resumes(&to, start_ms));
		for (size_t i = 0; i < 9; i++)
			cr_expect_not(connect_at(&others[i], start_ms, false).offered, "%zu", i);
		cr_expect(resumes(&to, start_ms));
	}
}

Test(sessions, do_not_outlive_an_hour_since_the_certificate_was_shown)
{
	const struct session_peer to = peer();
	uint64_t now_ms = start_ms;

	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		uint64_t end_ms = now_ms + SESSION_AGE_MAX_MS;

		speak(version);
		cr_expect_not(resumes(&to, now_ms));
		cr_expect(resumes(&to, end_ms - 1000), "each time it brings new ones");
		cr_expect(resumes(&to, end_ms - 1));
		cr_expect_not(connect_at(&to, end_ms, false).offered);
		cr_expect_eq(sessions_count(sessions), 0);
		now_ms = end_ms;
	}
}

Test(sessions, do_not_outlive_what_the_server_says)
{
	const struct session_peer to = peer();

	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		speak(version);
		(void)SSL_CTX_set_timeout(server_ctx, 60);
		cr_expect_not(resumes(&to, start_ms));
		cr_expect(connect_at(&to, start_ms + 58000, false).resumed);
		cr_expect_not(connect_at(&to, start_ms + 70000, false).offered);
	}
}

Test(sessions, a_server_that_takes_none_back_does_a_full_handshake)
{
	struct pki root = pki_root("Root"), leaf = pki_server("cam.example.com", &root);
	const struct session_peer to = peer();
	struct told told;

	cr_expect_not(resumes(&to, start_ms));
	SSL_CTX_free(server_ctx);
	server_ctx = pki_server_ctx(&leaf, NULL); /* with other keys */
	told = connect_at(&to, start_ms, true);
	cr_expect(told.offered);
	cr_expect_not(told.resumed);
	cr_expect(resumes(&to, start_ms));
	pki_free(&leaf);
	pki_free(&root);
}

/* What the server says of itself in its tickets, and how much. */
static int
fill_ticket(SSL *ssl, void *size)
{
	static const uint8_t said[65100];

	return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), said, *(const size_t *)size);
}

static SSL_TICKET_RETURN
/* NOLINTNEXTLINE(readability-function-size): the parameters are OpenSSL's */
take_ticket(SSL *ssl, SSL_SESSION *session, const unsigned char *name, size_t size,
    SSL_TICKET_STATUS status, void *arg)
{
	(void)ssl;
	(void)session;
	(void)name;
	(void)size;
	(void)arg;
	return status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW
		   ? SSL_TICKET_RETURN_USE_RENEW
		   : SSL_TICKET_RETURN_IGNORE_RENEW;
}

Test(sessions, of_a_ticket_that_no_hello_has_room_for_are_not_kept)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	static const char *const names[] = {"a.example", "b.example"};
	struct session_peer to = peer();
	size_t size;

	cr_assert_eq(SSL_CTX_set_session_ticket_cb(server_ctx, fill_ticket, take_ticket, &size), 1);
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		speak(versions[i]);
		to.name = names[i];
		size = 65100;
		cr_expect_not(resumes(&to, start_ms));
		cr_expect_not(connect_at(&to, start_ms, true).offered);
		size = 20000;
		cr_expect_not(resumes(&to, start_ms));
		cr_expect(resumes(&to, start_ms), "a long one is");
	}
}

Test(sessions, of_a_server_can_be_forgotten)
{
	const struct session_peer to = peer();
	struct session_slot slot;
	SSL *ssl = SSL_new(ctx);

	cr_expect_not(resumes(&to, start_ms));
	session_offer(&slot, sessions, &to, ssl, start_ms);
	cr_expect(slot.offered);
	session_forget(&slot);
	cr_expect_eq(sessions_count(sessions), 0);
	cr_expect_eq(sessions_bytes(sessions), 0);
	SSL_free(ssl);
}

Test(sessions, are_bounded_for_one_server_and_for_all)
{
	struct session_peer to = peer();
	char name[32];

	cr_assert_eq(SSL_CTX_set_num_tickets(server_ctx, SESSIONS_A_KEY_MAX * 2), 1);
	cr_expect_not(resumes(&to, start_ms));
	cr_expect_eq(sessions_count(sessions), SESSIONS_A_KEY_MAX);
	for (int i = 0; i < SESSIONS_MAX / SESSIONS_A_KEY_MAX + 5; i++) {
		(void)snprintf(name, sizeof(name), "%d.example.com", i);
		to.name = name;
		cr_expect_not(resumes(&to, start_ms));
		cr_expect_leq(sessions_count(sessions), SESSIONS_MAX);
		cr_expect_leq(sessions_bytes(sessions), SESSIONS_BYTES_MAX);
	}
	cr_expect(resumes(&to, start_ms), "the newest are there");
	to = peer();
	cr_expect_not(connect_at(&to, start_ms, false).offered, "the oldest are gone");
}
