/* SPDX-License-Identifier: MIT */
#include "proxy/tickets.h"

#include "base/err.h"
#include "base/facts.h"
#include "tests/support/pki.h"

#include <criterion/criterion.h>
#include <string.h>

/* Cameras and our side of them in memory. */
static struct tickets *tickets;
static SSL_CTX *camera_ctx, *ctx;
static struct pki root, leaf, other_leaf;
static struct addr dst;
static uint8_t trust[32], policy[32];

static SSL_CTX *
make_ctx(const char *class)
{
	SSL_CTX *made = pki_server_ctx(&leaf, NULL);
	struct err err = {0};

	SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);
	cr_assert_eq(tickets_watch(made, class, &err), 0, "%s", err.text);
	return made;
}

static void
open_tickets(void)
{
	struct err err = {0};

	root = pki_root("Root");
	leaf = pki_server("cam.example.com", &root);
	other_leaf = pki_server("cam.example.com", &root);
	tickets = tickets_new(&err);
	cr_assert_not_null(tickets, "%s", err.text);
	ctx = make_ctx("new");
	camera_ctx = SSL_CTX_new(TLS_client_method());
	cr_assert_eq(addr_parse(&dst, "203.0.114.10:443", 0, NULL), 0);
	memset(trust, 1, sizeof(trust));
	memset(policy, 2, sizeof(policy));
}

static void
close_tickets(void)
{
	SSL_CTX_free(camera_ctx);
	SSL_CTX_free(ctx);
	tickets_free(tickets);
	pki_free(&leaf);
	pki_free(&other_leaf);
	pki_free(&root);
}

TestSuite(tickets, .init = open_tickets, .fini = close_tickets);

static struct ticket_use
use(void)
{
	return (struct ticket_use){.dst = &dst,
	    .name = "cam.example.com",
	    .alpn = "h2",
	    .leaf = leaf.cert,
	    .trust_id = trust,
	    .policy_id = policy};
}

/* One connection of a camera that shows *session, if there is one, and takes
 * the ticket that it is given into its place; whether it was resumed. */
static bool
connect_with(struct tickets *keys, SSL_CTX *our_ctx, const struct ticket_use *what,
    SSL_SESSION **session)
{
	SSL *camera = SSL_new(camera_ctx), *ours = SSL_new(our_ctx);
	struct ticket_binding binding;
	struct err err = {0};
	bool resumed;
	char byte;

	cr_assert_eq(tickets_bind(keys, what, ours, &binding, &err), 0, "%s", err.text);
	SSL_set_connect_state(camera);
	if (*session != NULL)
		cr_assert_eq(SSL_set_session(camera, *session), 1);
	cr_assert(pki_handshake(camera, ours));
	(void)SSL_read(camera, &byte, 1);
	resumed = SSL_session_reused(ours) == 1;
	cr_expect_eq(SSL_session_reused(camera) == 1, resumed);
	SSL_SESSION_free(*session);
	*session = SSL_get1_session(camera);
	(void)SSL_set_shutdown(camera, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(camera);
	SSL_free(ours);
	return resumed;
}

static bool
resumes(const struct ticket_use *what, SSL_SESSION **session)
{
	return connect_with(tickets, ctx, what, session);
}

static void
speak(int version)
{
	cr_assert_eq(SSL_CTX_set_max_proto_version(camera_ctx, version), 1);
}

Test(tickets, resume_what_they_were_given_for)
{
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		const struct ticket_use what = use();
		SSL_SESSION *session = NULL;

		speak(version);
		cr_expect_not(resumes(&what, &session));
		for (int i = 0; i < 4; i++)
			cr_expect(resumes(&what, &session), "again and again");
		SSL_SESSION_free(session);
	}
}

/* Every part of what a ticket is given for. */
Test(tickets, open_nothing_else)
{
	struct ticket_use others[9];
	struct addr other_host, other_port;
	uint8_t changed[32] = {9};

	for (size_t i = 0; i < 9; i++)
		others[i] = use();
	cr_assert_eq(addr_parse(&other_host, "203.0.114.11:443", 0, NULL), 0);
	cr_assert_eq(addr_parse(&other_port, "203.0.114.10:8443", 0, NULL), 0);
	others[0].dst = &other_host;
	others[1].dst = &other_port;
	others[2].name = "cam.example.co";
	others[3].name = "";
	others[4].alpn = "";
	others[5].leaf = other_leaf.cert;
	others[6].trust_id = changed;
	others[7].policy_id = changed;
	others[8].errors = CERT_EXPIRED; /* the same leaf, a day later */
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		speak(version);
		for (size_t i = 0; i < 9; i++) {
			const struct ticket_use what = use();
			SSL_SESSION *session = NULL;

			cr_expect_not(resumes(&what, &session));
			cr_expect_not(resumes(&others[i], &session), "%zu", i);
			cr_expect(resumes(&others[i], &session), "it was given one for that");
			SSL_SESSION_free(session);
		}
	}
}

/* A reload makes a new context; the keys stay. */
Test(tickets, outlive_a_context)
{
	SSL_CTX *next = make_ctx("new"), *legacy = make_ctx("legacy");

	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		const struct ticket_use what = use();
		SSL_SESSION *session = NULL;

		speak(version);
		cr_expect_not(resumes(&what, &session));
		cr_expect(connect_with(tickets, next, &what, &session));
		cr_expect_not(connect_with(tickets, legacy, &what, &session), "another class");
		SSL_SESSION_free(session);
	}
	SSL_CTX_free(next);
	SSL_CTX_free(legacy);
}

Test(tickets, of_another_worker_are_none)
{
	struct err err = {0};
	struct tickets *keys = tickets_new(&err);
	const struct ticket_use what = use();
	SSL_SESSION *session = NULL;

	cr_assert_not_null(keys, "%s", err.text);
	cr_expect_not(resumes(&what, &session));
	cr_expect_not(connect_with(keys, ctx, &what, &session));
	cr_expect(connect_with(keys, ctx, &what, &session));
	SSL_SESSION_free(session);
	tickets_free(keys);
}

/* A bit anywhere in a ticket. */
Test(tickets, that_were_changed_open_nothing)
{
	const struct ticket_use what = use();
	const unsigned char *ticket;
	size_t size;

	speak(TLS1_2_VERSION);
	for (size_t at = 0; at < 400; at += 23) {
		SSL_SESSION *session = NULL;
		unsigned char *bytes;

		cr_expect_not(resumes(&what, &session));
		SSL_SESSION_get0_ticket(session, &ticket, &size);
		memcpy(&bytes, &ticket, sizeof(bytes));
		bytes[at % size] ^= 0x10;
		cr_expect_not(resumes(&what, &session));
		SSL_SESSION_free(session);
	}
}

Test(tickets, cameras_are_given_one_and_no_early_data)
{
	const struct ticket_use what = use();
	SSL_SESSION *session = NULL;

	cr_expect_not(resumes(&what, &session));
	cr_expect_eq(SSL_SESSION_get_max_early_data(session), 0);
	cr_expect_eq(SSL_SESSION_get_ticket_lifetime_hint(session), TICKET_LIFETIME_S);
	cr_expect_eq(SSL_CTX_get_num_tickets(ctx), 1);
	SSL_SESSION_free(session);
}
