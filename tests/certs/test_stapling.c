/* SPDX-License-Identifier: MIT */
#include "base/addr.h"
#include "certs/verify.h"
#include "tests/support/pki.h"

#include <criterion/criterion.h>
#include <openssl/ocsp.h>
#include <string.h>

/* Handshakes in memory with a server that staples. */
enum { HOUR_S = 3600, DAY_S = 86400 };

static struct pki root, issuer, leaf;
static SSL_CTX *servers, *server;
static unsigned char *staple;
static size_t staple_size;
static bool was_asked;

/* OpenSSL takes the response over, so each handshake gets a copy. */
static int
on_status(SSL *ssl, void *arg)
{
	(void)arg;
	was_asked = true;
	if (staple == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	(void)SSL_set_tlsext_status_ocsp_resp(ssl, OPENSSL_memdup(staple, staple_size),
	    (long)staple_size);
	return SSL_TLSEXT_ERR_OK;
}

static void
show(struct pki made)
{
	SSL_CTX_free(server);
	pki_free(&leaf);
	leaf = made;
	server = pki_server_ctx(&leaf, &issuer);
	(void)SSL_CTX_set_tlsext_status_cb(server, on_status);
}

static void
open_peers(void)
{
	X509_STORE *store;

	root = pki_root("Root");
	issuer = pki_issuer("Issuer", &root);
	store = pki_store(&root);
	servers = SSL_CTX_new(TLS_client_method());
	cr_assert_eq(verify_setup(servers, store, NULL), 0);
	X509_STORE_free(store);
	show(pki_server("cam.example.com", &issuer));
}

static void
close_peers(void)
{
	OPENSSL_free(staple);
	SSL_CTX_free(servers);
	SSL_CTX_free(server);
	pki_free(&leaf);
	pki_free(&issuer);
	pki_free(&root);
}

TestSuite(stapling, .init = open_peers, .fini = close_peers);

static void
staples(int status, int from_s, int to_s)
{
	const struct pki_staple about = {.leaf = &leaf,
	    .issuer = &issuer,
	    .status = status,
	    .from_s = from_s,
	    .to_s = to_s};

	OPENSSL_free(staple);
	staple = pki_staple(&about, &staple_size);
}

static struct server_facts
connect_once(void)
{
	SSL *connecting = SSL_new(servers), *accepting = SSL_new(server);
	struct server_facts facts = {0};
	struct addr addr = {0};

	was_asked = false;
	cr_assert_eq(verify_expect(connecting, "cam.example.com", &addr, &facts, NULL), 0);
	cr_assert(pki_handshake(connecting, accepting));
	verify_result(connecting, &facts);
	SSL_free(connecting);
	SSL_free(accepting);
	return facts;
}

/* In both versions, which send a staple in different places. */
static void
expect(enum staple wanted, uint32_t errors)
{
	static const uint16_t versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

	for (size_t i = 0; i < 2; i++) {
		struct server_facts facts;

		cr_assert_eq(SSL_CTX_set_max_proto_version(server, versions[i]), 1);
		facts = connect_once();
		cr_expect(was_asked);
		cr_expect_eq(facts.version, versions[i]);
		cr_expect_eq(facts.staple, wanted, "%x: %d", versions[i], facts.staple);
		cr_expect_eq(facts.errors, errors, "%x: %x", versions[i], facts.errors);
		cr_expect_eq(facts.verified, errors == 0);
	}
}

Test(stapling, is_asked_for_and_a_good_one_is_told)
{
	expect(STAPLE_NONE, 0);
	staples(V_OCSP_CERTSTATUS_GOOD, -HOUR_S, DAY_S);
	expect(STAPLE_GOOD, 0);
	expect(STAPLE_GOOD, 0); /* remembered */
}

Test(stapling, a_revoked_one_is_revoked_though_its_chain_was_good_before)
{
	expect(STAPLE_NONE, 0);
	staples(V_OCSP_CERTSTATUS_REVOKED, -HOUR_S, DAY_S);
	expect(STAPLE_REVOKED, CERT_REVOKED);
	staples(V_OCSP_CERTSTATUS_GOOD, -HOUR_S, DAY_S);
	expect(STAPLE_GOOD, 0);
	staples(V_OCSP_CERTSTATUS_REVOKED, -HOUR_S, DAY_S);
	expect(STAPLE_REVOKED, CERT_REVOKED);
}

Test(stapling, an_old_or_broken_one_is_an_error)
{
	staples(V_OCSP_CERTSTATUS_GOOD, -2 * DAY_S, -DAY_S);
	expect(STAPLE_EXPIRED, CERT_BAD_STAPLE);
	staples(V_OCSP_CERTSTATUS_UNKNOWN, -HOUR_S, DAY_S);
	expect(STAPLE_UNKNOWN, CERT_BAD_STAPLE);
	staples(V_OCSP_CERTSTATUS_GOOD, -HOUR_S, DAY_S);
	staple_size--;
	expect(STAPLE_INVALID, CERT_BAD_STAPLE);
}

Test(stapling, must_staple_is_honoured)
{
	struct pki_spec spec = pki_server_spec("cam.example.com");

	spec.more_oid = "1.3.6.1.5.5.7.1.24";
	spec.more = "DER:3003020105";
	show(pki_make(&spec, &issuer));
	expect(STAPLE_NONE, CERT_NO_STAPLE);
	expect(STAPLE_NONE, CERT_NO_STAPLE); /* by a remembered chain too */
	staples(V_OCSP_CERTSTATUS_GOOD, -HOUR_S, DAY_S);
	expect(STAPLE_GOOD, 0);
	OPENSSL_free(staple);
	staple = NULL;
	expect(STAPLE_NONE, CERT_NO_STAPLE);
}

Test(stapling, one_for_an_issuer_that_nobody_knows_proves_nothing)
{
	struct pki stranger = pki_root("Stranger"), own = issuer;

	issuer = stranger;
	show(pki_server("cam.example.com", &stranger));
	SSL_CTX_free(server);
	server = pki_server_ctx(&leaf, NULL); /* its issuer is not sent */
	(void)SSL_CTX_set_tlsext_status_cb(server, on_status);
	staples(V_OCSP_CERTSTATUS_GOOD, -HOUR_S, DAY_S);
	expect(STAPLE_INVALID, CERT_UNKNOWN_ISSUER | CERT_BAD_STAPLE);
	issuer = own;
	pki_free(&stranger);
}
