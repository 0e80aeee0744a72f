/* SPDX-License-Identifier: MIT */
#include "base/addr.h"
#include "base/err.h"
#include "certs/verify.h"
#include "tests/support/pki.h"

#include <criterion/criterion.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char asked[] = "cam.example.com";

static int64_t
now_s(void)
{
	return (int64_t)time(NULL);
}

static struct addr
some_addr(const char *text)
{
	struct addr addr = {0};

	cr_assert_eq(addr_parse(&addr, text, 443, NULL), 0);
	return addr;
}

/* What is found wrong with leaf, sent with up to two issuers, under root. */
static uint32_t
errors_of(const struct pki *root, const struct pki *leaf, const struct pki *issuer,
    const struct pki *second)
{
	X509_STORE *store = pki_store(root);
	STACK_OF(X509) *sent = sk_X509_new_null();
	struct addr addr = some_addr("192.0.2.1");
	uint32_t errors;

	(void)sk_X509_push(sent, leaf->cert);
	if (issuer != NULL)
		(void)sk_X509_push(sent, issuer->cert);
	if (second != NULL)
		(void)sk_X509_push(sent, second->cert);
	errors = verify_chain(store, sent, asked, &addr, now_s());
	sk_X509_free(sent);
	X509_STORE_free(store);
	return errors;
}

/* The same for a server's certificate of this spec, signed by the root. */
static uint32_t
errors_of_spec(const struct pki_spec *spec)
{
	struct pki root = pki_root("Root"), leaf = pki_make(spec, &root);
	uint32_t errors = errors_of(&root, &leaf, NULL, NULL);

	pki_free(&leaf);
	pki_free(&root);
	return errors;
}

/* ---- good ones ---- */

Test(verify, a_good_chain_has_no_error)
{
	struct pki root = pki_root("Root"), issuer = pki_issuer("Issuer", &root);
	struct pki leaf = pki_server(asked, &issuer);

	cr_expect_eq(errors_of(&root, &leaf, &issuer, NULL), 0);
	cr_expect_eq(errors_of(&issuer, &leaf, NULL, NULL), 0, "an issuer in the store is enough");
	pki_free(&leaf);
	pki_free(&issuer);
	pki_free(&root);
}

/* Flaws that many private CAs have and that no attacker gains by. */
static void
private_ca(struct pki_spec *spec)
{
	spec->no_key_ids = true;
	spec->purpose = NULL;
	spec->usage = NULL;
	spec->basic = NULL;
}

Test(verify, mere_pedantry_is_no_error)
{
	struct pki_spec root_spec = pki_root_spec("Root"), spec = pki_server_spec(asked);
	struct pki root, leaf;

	private_ca(&spec);
	root_spec.no_key_ids = true;
	root_spec.basic = "CA:TRUE";
	root_spec.usage = NULL;
	root = pki_make(&root_spec, NULL);
	leaf = pki_make(&spec, &root);
	cr_expect_eq(errors_of(&root, &leaf, NULL, NULL), 0);
	pki_free(&leaf);
	pki_free(&root);
}

Test(verify, a_self_made_certificate_in_the_store_is_trusted_as_it_is)
{
	struct pki_spec spec = pki_server_spec(asked);
	struct pki leaf;

	spec.basic = "CA:TRUE";
	spec.usage = NULL;
	spec.purpose = NULL;
	leaf = pki_make(&spec, NULL);
	cr_expect_eq(errors_of(&leaf, &leaf, NULL, NULL), 0);
	pki_free(&leaf);
}

/* ---- bad leaves: one flaw each ---- */

static void
expired(struct pki_spec *spec)
{
	spec->to_days = -1;
}
static void
from_tomorrow(struct pki_spec *spec)
{
	spec->from_days = 1;
}
static void
other_name(struct pki_spec *spec)
{
	spec->names = "DNS:cam.example.org";
}
static void
no_names(struct pki_spec *spec)
{
	spec->names = NULL;
}
static void
wildcard_too_high(struct pki_spec *spec)
{
	spec->names = "DNS:*.com";
}
static void
bare_wildcard(struct pki_spec *spec)
{
	spec->names = "DNS:*";
}
static void
wildcard_two_labels(struct pki_spec *spec)
{
	spec->names = "DNS:*.cam.example.com";
}
static void
partial_wildcard(struct pki_spec *spec)
{
	spec->names = "DNS:ca*.example.com";
}
static void
address_for_name(struct pki_spec *spec)
{
	spec->names = "IP:192.0.2.1";
}
static void
mail_for_name(struct pki_spec *spec)
{
	spec->names = "email:a@cam.example.com";
}
static void
uri_for_name(struct pki_spec *spec)
{
	spec->names = "URI:https://cam.example.com/";
}
static void
not_for_servers(struct pki_spec *spec)
{
	spec->purpose = "clientAuth";
}
static void
any_purpose(struct pki_spec *spec)
{
	spec->purpose = "anyExtendedKeyUsage";
}
static void
signs_code(struct pki_spec *spec)
{
	spec->purpose = "codeSigning,emailProtection";
}
static void
crl_key(struct pki_spec *spec)
{
	spec->usage = "critical,cRLSign";
}
static void
is_ca(struct pki_spec *spec)
{
	spec->basic = "critical,CA:TRUE";
	spec->usage = "critical,keyCertSign,digitalSignature";
}
static void
signs_certs(struct pki_spec *spec)
{
	spec->usage = "critical,keyCertSign,digitalSignature";
}
static void
constrains(struct pki_spec *spec)
{
	spec->constraints = "critical,permitted;DNS:example.com";
}
static void
version_1(struct pki_spec *spec)
{
	spec->version = X509_VERSION_1;
}
static void
weak_rsa(struct pki_spec *spec)
{
	spec->key = PKI_RSA1024;
}
static void
odd_rsa(struct pki_spec *spec)
{
	spec->key = PKI_RSA2052;
}
static void
weak_curve(struct pki_spec *spec)
{
	spec->key = PKI_P192;
}
static void
sha1(struct pki_spec *spec)
{
	spec->digest = "SHA1";
}
static void
unknown_critical(struct pki_spec *spec)
{
	spec->more_oid = "1.2.3.4.5";
	spec->more = "critical,DER:0500";
}
static void
nul_in_name(struct pki_spec *spec)
{
	spec->names = NULL;
	spec->more_oid = "2.5.29.17";
	/* "cam.example.com\0.evil.example" */
	spec->more = "DER:301f821d63616d2e6578616d706c652e636f6d002e6576696c2e6578616d706c65";
}
static void
broken_names(struct pki_spec *spec)
{
	spec->names = NULL;
	spec->more_oid = "2.5.29.17";
	spec->more = "DER:3011820f63616d2e6578616d706c652e636f";
}
static void
empty_names(struct pki_spec *spec)
{
	spec->names = NULL;
	spec->more_oid = "2.5.29.17";
	spec->more = "DER:3000";
}
static void
names_twice(struct pki_spec *spec)
{
	spec->more_oid = "2.5.29.17";
	spec->more = "DER:3011820f63616d2e6578616d706c652e636f6d";
}
static const uint8_t zero[] = {0}, long_serial[21] = {1}, one_byte[] = {5};
static void
zero_serial(struct pki_spec *spec)
{
	spec->serial = zero;
	spec->serial_size = sizeof(zero);
}
static void
endless_serial(struct pki_spec *spec)
{
	spec->serial = long_serial;
	spec->serial_size = sizeof(long_serial);
}
static void
negative_serial(struct pki_spec *spec)
{
	spec->serial = one_byte;
	spec->serial_size = sizeof(one_byte);
	spec->serial_negative = true;
}

/* OpenSSL takes what it cannot read for no issuer's and for no purpose. */
enum { UNREADABLE = CERT_UNKNOWN_ISSUER | CERT_WRONG_PURPOSE };

static const struct {
	const char *what;
	void (*spoil)(struct pki_spec *spec);
	uint32_t wanted;    /* these are found */
	uint32_t tolerated; /* these may be found too */
} flaws[] = {
    {"expired", expired, CERT_EXPIRED, 0},
    {"not yet valid", from_tomorrow, CERT_NOT_YET_VALID, 0},
    {"another name", other_name, CERT_NAME_MISMATCH, 0},
    {"common name only", no_names, CERT_NAME_MISMATCH, 0},
    {"*.com", wildcard_too_high, CERT_NAME_MISMATCH, 0},
    {"*", bare_wildcard, CERT_NAME_MISMATCH, 0},
    {"wildcard below the name", wildcard_two_labels, CERT_NAME_MISMATCH, 0},
    {"partial wildcard", partial_wildcard, CERT_NAME_MISMATCH, 0},
    {"an address for a name", address_for_name, CERT_NAME_MISMATCH, 0},
    {"a mail address", mail_for_name, CERT_NAME_MISMATCH, 0},
    {"a URI", uri_for_name, CERT_NAME_MISMATCH, 0},
    {"for clients", not_for_servers, CERT_WRONG_PURPOSE, 0},
    {"for any purpose", any_purpose, CERT_WRONG_PURPOSE, 0},
    {"for code and mail", signs_code, CERT_WRONG_PURPOSE, 0},
    {"a key for CRLs", crl_key, CERT_WRONG_PURPOSE, 0},
    {"a CA", is_ca, CERT_WRONG_PURPOSE, 0},
    {"signs certificates", signs_certs, CERT_WRONG_PURPOSE, CERT_MALFORMED},
    {"constrains names", constrains, CERT_MALFORMED, 0},
    {"version 1", version_1, CERT_MALFORMED, 0},
    {"RSA-1024", weak_rsa, CERT_WEAK, 0},
    {"RSA of an odd length", odd_rsa, CERT_WEAK, 0},
    {"P-192", weak_curve, CERT_WEAK, 0},
    {"SHA-1", sha1, CERT_WEAK, 0},
    {"an unknown critical extension", unknown_critical, CERT_MALFORMED, 0},
    {"a NUL in the name", nul_in_name, CERT_MALFORMED | CERT_NAME_MISMATCH, 0},
    {"names cut short", broken_names, CERT_MALFORMED | CERT_NAME_MISMATCH, UNREADABLE},
    {"no name in the names", empty_names, CERT_MALFORMED | CERT_NAME_MISMATCH, 0},
    {"names twice", names_twice, CERT_MALFORMED, CERT_NAME_MISMATCH | UNREADABLE},
    {"serial 0", zero_serial, CERT_MALFORMED, 0},
    {"a serial of 21 bytes", endless_serial, CERT_MALFORMED, 0},
    {"a negative serial", negative_serial, CERT_MALFORMED, 0},
};

Test(verify, each_flaw_of_a_leaf_is_found_and_named)
{
	for (size_t i = 0; i < sizeof(flaws) / sizeof(flaws[0]); i++) {
		struct pki_spec spec = pki_server_spec(asked);
		uint32_t errors;

		flaws[i].spoil(&spec);
		errors = errors_of_spec(&spec);
		cr_expect_eq(errors & ~flaws[i].tolerated, flaws[i].wanted, "%s: %x", flaws[i].what,
		    errors);
	}
}

/* ---- bad chains ---- */

Test(verify, issuers_without_a_root_are_unknown)
{
	struct pki root = pki_root("Root"), other = pki_root("Other");
	struct pki issuer = pki_issuer("Issuer", &root), leaf = pki_server(asked, &issuer);
	struct pki own = pki_server(asked, NULL), twin = pki_root("Root");
	struct pki forged = pki_server(asked, &twin);

	cr_expect_eq(errors_of(&root, &leaf, NULL, NULL), CERT_UNKNOWN_ISSUER, "issuer not sent");
	cr_expect_eq(errors_of(&other, &leaf, &issuer, NULL), CERT_UNKNOWN_ISSUER);
	cr_expect_eq(errors_of(&other, &leaf, &issuer, &root), CERT_UNKNOWN_ISSUER,
	    "a root of its own");
	cr_expect_eq(errors_of(&root, &own, NULL, NULL), CERT_SELF_SIGNED);
	cr_expect_neq(errors_of(&root, &forged, NULL, NULL), 0, "a root of the same name");
	pki_free(&forged);
	pki_free(&twin);
	pki_free(&own);
	pki_free(&leaf);
	pki_free(&issuer);
	pki_free(&other);
	pki_free(&root);
}

/* A leaf under an issuer of this spec. */
static uint32_t
errors_under(const struct pki_spec *issuer_spec, const struct pki_spec *leaf_spec)
{
	struct pki root = pki_root("Root"), issuer = pki_make(issuer_spec, &root);
	struct pki leaf = pki_make(leaf_spec, &issuer);
	uint32_t errors = errors_of(&root, &leaf, &issuer, NULL);

	pki_free(&leaf);
	pki_free(&issuer);
	pki_free(&root);
	return errors;
}

static void
not_a_ca(struct pki_spec *spec)
{
	spec->basic = "critical,CA:FALSE";
}
static void
no_cert_sign(struct pki_spec *spec)
{
	spec->usage = "critical,cRLSign";
}
static void
elsewhere(struct pki_spec *spec)
{
	spec->constraints = "critical,permitted;DNS:example.org";
}
static void
not_here(struct pki_spec *spec)
{
	spec->constraints = "critical,excluded;DNS:example.com";
}
static void
issues_no_servers(struct pki_spec *spec)
{
	spec->purpose = "clientAuth";
}

static const struct {
	const char *what;
	void (*spoil)(struct pki_spec *spec);
	uint32_t wanted, tolerated;
} issuer_flaws[] = {
    {"expired", expired, CERT_EXPIRED | CERT_ISSUER_DATES, 0},
    {"not yet valid", from_tomorrow, CERT_NOT_YET_VALID | CERT_ISSUER_DATES, 0},
    {"not a CA", not_a_ca, CERT_BAD_CONSTRAINTS, CERT_WRONG_PURPOSE | CERT_MALFORMED},
    {"may not sign certificates", no_cert_sign, CERT_BAD_CONSTRAINTS, CERT_WRONG_PURPOSE},
    {"permits other names", elsewhere, CERT_BAD_CONSTRAINTS, 0},
    {"excludes the name", not_here, CERT_BAD_CONSTRAINTS, 0},
    {"for clients", issues_no_servers, CERT_WRONG_PURPOSE, 0},
    {"RSA-1024", weak_rsa, CERT_WEAK, 0},
    {"signed with SHA-1", sha1, CERT_WEAK, 0},
    {"an unknown critical extension", unknown_critical, CERT_MALFORMED, 0},
};

Test(verify, each_flaw_of_an_issuer_is_found_and_named)
{
	for (size_t i = 0; i < sizeof(issuer_flaws) / sizeof(issuer_flaws[0]); i++) {
		struct pki_spec spec = pki_issuer_spec("Issuer"), leaf = pki_server_spec(asked);
		uint32_t errors;

		issuer_flaws[i].spoil(&spec);
		errors = errors_under(&spec, &leaf);
		cr_expect_eq(errors & ~issuer_flaws[i].tolerated, issuer_flaws[i].wanted, "%s: %x",
		    issuer_flaws[i].what, errors);
	}
}

Test(verify, a_leaf_issues_nothing)
{
	struct pki root = pki_root("Root"), leaf = pki_server("owned.example", &root);
	struct pki forged = pki_server(asked, &leaf);

	cr_expect_neq(errors_of(&root, &forged, &leaf, NULL) & CERT_BAD_CONSTRAINTS, 0);
	pki_free(&forged);
	pki_free(&leaf);
	pki_free(&root);
}

Test(verify, path_length_is_held_to)
{
	struct pki_spec spec = pki_issuer_spec("First");
	struct pki root = pki_root("Root"), first, second, leaf;

	spec.basic = "critical,CA:TRUE,pathlen:0";
	first = pki_make(&spec, &root);
	second = pki_issuer("Second", &first);
	leaf = pki_server(asked, &second);
	cr_expect_eq(errors_of(&root, &leaf, &second, &first), CERT_BAD_CONSTRAINTS);
	pki_free(&leaf);
	pki_free(&second);
	pki_free(&first);
	pki_free(&root);
}

Test(verify, a_wildcard_does_not_reach_into_what_is_excluded)
{
	struct pki_spec issuer = pki_issuer_spec("Issuer"), leaf = pki_server_spec(asked);

	leaf.names = "DNS:*.example.com";
	issuer.constraints = "critical,excluded;DNS:cam.example.com";
	cr_expect_eq(errors_under(&issuer, &leaf), CERT_BAD_CONSTRAINTS);
	issuer.constraints = "critical,excluded;DNS:cam.example.org";
	cr_expect_eq(errors_under(&issuer, &leaf), 0);
}

Test(verify, a_changed_signature_is_found)
{
	struct pki root = pki_root("Root"), leaf = pki_server(asked, &root);
	unsigned char *der = NULL;
	const unsigned char *at;
	int size = i2d_X509(leaf.cert, &der);

	der[size - 1] ^= 1;
	at = der;
	X509_free(leaf.cert);
	leaf.cert = d2i_X509(NULL, &at, size);
	cr_assert_not_null(leaf.cert);
	cr_expect_eq(errors_of(&root, &leaf, NULL, NULL), CERT_BAD_SIGNATURE);
	OPENSSL_free(der);
	pki_free(&leaf);
	pki_free(&root);
}

Test(verify, the_first_and_the_last_second_are_valid)
{
	struct pki root = pki_root("Root"), leaf = pki_server(asked, &root);
	X509_STORE *store = pki_store(&root);
	STACK_OF(X509) *sent = sk_X509_new_null();
	struct addr addr = some_addr("192.0.2.1");
	struct tm tm;
	int64_t from, to;

	cr_assert_eq(ASN1_TIME_to_tm(X509_get0_notBefore(leaf.cert), &tm), 1);
	from = timegm(&tm);
	cr_assert_eq(ASN1_TIME_to_tm(X509_get0_notAfter(leaf.cert), &tm), 1);
	to = timegm(&tm);
	(void)sk_X509_push(sent, leaf.cert);
	cr_expect_eq(verify_chain(store, sent, asked, &addr, from), 0);
	cr_expect_eq(verify_chain(store, sent, asked, &addr, to), 0);
	cr_expect_eq(verify_chain(store, sent, asked, &addr, from - 1), CERT_NOT_YET_VALID);
	cr_expect_eq(verify_chain(store, sent, asked, &addr, to + 1), CERT_EXPIRED);
	sk_X509_free(sent);
	X509_STORE_free(store);
	pki_free(&leaf);
	pki_free(&root);
}

/* ---- handshakes ---- */

struct peer {
	SSL_CTX *servers, *server;
	X509_STORE *store;
};

static struct peer
peer_open(const struct pki *root, const struct pki *leaf, const struct pki *issuer)
{
	struct peer peer = {.servers = SSL_CTX_new(TLS_client_method()),
	    .server = pki_server_ctx(leaf, issuer),
	    .store = pki_store(root)};
	struct err err = {0};

	cr_assert_eq(verify_setup(peer.servers, peer.store, &err), 0, "%s", err.text);
	return peer;
}

static void
peer_close(struct peer *peer)
{
	SSL_CTX_free(peer->servers);
	SSL_CTX_free(peer->server);
	X509_STORE_free(peer->store);
}

/* One connection; session (may be NULL) is resumed and replaced. */
static struct server_facts
connect_once(struct peer *peer, const char *name, const char *addr_words, SSL_SESSION **session)
{
	struct server_facts facts = {0};
	struct addr addr = some_addr(addr_words);
	SSL *connecting = SSL_new(peer->servers), *server = SSL_new(peer->server);
	char byte;

	cr_assert_eq(verify_expect(connecting, name, &addr, &facts, NULL), 0);
	if (session != NULL && *session != NULL)
		cr_assert_eq(SSL_set_session(connecting, *session), 1);
	cr_expect(pki_handshake(connecting, server));
	verify_result(connecting, &facts);
	(void)SSL_read(connecting, &byte, 1); /* takes the tickets of TLS 1.3 */
	if (session != NULL) {
		SSL_SESSION_free(*session);
		*session = SSL_get1_session(connecting);
	}
	(void)SSL_set_shutdown(connecting, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	(void)SSL_set_shutdown(server, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(connecting);
	SSL_free(server);
	return facts;
}

Test(verify, a_good_server_is_verified_and_described)
{
	struct pki root = pki_root("Root"), issuer = pki_issuer("Issuer, of \"names\"", &root);
	struct pki leaf = pki_server(asked, &issuer);
	struct peer peer = peer_open(&root, &leaf, &issuer);
	struct server_facts facts = connect_once(&peer, asked, "192.0.2.1", NULL), again;
	uint8_t sha256[32];
	char text[64];

	cr_expect(facts.verified);
	cr_expect(facts.handshake_done);
	cr_expect_eq(facts.errors, 0);
	cr_expect_eq(facts.version, TLS1_3_VERSION);
	cr_expect_str_eq(facts.subject, "CN=cam.example.com, O=Example Cloud");
	cr_expect_str_eq(facts.issuer, "CN=Issuer\\, of \\\"names\\\"");
	cr_expect_eq(strlen(facts.serial), 16 * 3 - 1);
	cr_expect_eq(strlen(facts.sha1), 20 * 3 - 1);
	cr_assert_eq(X509_digest(leaf.cert, EVP_sha256(), sha256, NULL), 1);
	cr_expect_eq(memcmp(facts.sha256, sha256, 32), 0);
	cr_expect_eq(facts.not_after / 3600, (now_s() + 90 * 86400) / 3600);
	verify_text(&facts, text, sizeof(text));
	cr_expect_str_eq(text, "");
	again = connect_once(&peer, asked, "192.0.2.1", NULL);
	cr_expect_eq(memcmp(&facts, &again, sizeof(facts)), 0, "remembered, it is the same");
	peer_close(&peer);
	pki_free(&leaf);
	pki_free(&issuer);
	pki_free(&root);
}

Test(verify, a_bad_server_is_described_and_not_verified)
{
	struct pki_spec spec = pki_server_spec("other.example.com");
	struct pki root = pki_root("Root"), leaf;
	struct peer peer;
	struct server_facts facts;
	char text[128];

	spec.to_days = -1;
	leaf = pki_make(&spec, NULL);
	peer = peer_open(&root, &leaf, NULL);
	facts = connect_once(&peer, asked, "192.0.2.1", NULL);
	cr_expect_not(facts.verified);
	cr_expect(facts.handshake_done, "the policy decides, not the handshake");
	cr_expect_eq(facts.errors, CERT_EXPIRED | CERT_NAME_MISMATCH | CERT_SELF_SIGNED, "%x",
	    facts.errors);
	cr_expect_str_eq(facts.subject, "CN=other.example.com, O=Example Cloud");
	verify_text(&facts, text, sizeof(text));
	cr_expect_not_null(strstr(text, "expired 2"), "%s", text);
	cr_expect_not_null(strstr(text, "; made for another name; signed by itself"), "%s", text);
	cr_expect_eq(verify_alert(&facts), SSL_AD_UNKNOWN_CA);
	peer_close(&peer);
	pki_free(&leaf);
	pki_free(&root);
}

/* Cameras with GnuTLS, mbedTLS and wolfSSL refuse a server whose key does what
 * its certificate does not allow. */
static const struct {
	const char *usage;
	enum pki_key key;
	const char *suites; /* of TLS 1.2; NULL: TLS 1.3 */
	uint32_t errors;
} usages[] = {
    {"critical,digitalSignature", PKI_P256, NULL, 0},
    {NULL, PKI_P256, NULL, 0},
    {"critical,keyAgreement", PKI_P256, NULL, CERT_WRONG_PURPOSE},
    {"keyEncipherment,dataEncipherment", PKI_RSA2048, NULL, CERT_WRONG_PURPOSE},
    {"keyEncipherment,dataEncipherment", PKI_RSA2048, "ECDHE-RSA-AES128-GCM-SHA256",
	CERT_WRONG_PURPOSE},
    {"keyEncipherment,dataEncipherment", PKI_RSA2048, "AES128-GCM-SHA256", 0},
    {"digitalSignature", PKI_RSA2048, "AES128-GCM-SHA256", CERT_WRONG_PURPOSE},
    {"digitalSignature,keyEncipherment", PKI_RSA2048, "AES128-GCM-SHA256", 0},
};

Test(verify, a_key_does_what_its_certificate_allows)
{
	struct pki root = pki_root("Root");

	for (size_t i = 0; i < sizeof(usages) / sizeof(usages[0]); i++) {
		struct pki_spec spec = pki_server_spec(asked);
		SSL_SESSION *session = NULL;
		struct pki leaf;
		struct peer peer;

		spec.usage = usages[i].usage;
		spec.key = usages[i].key;
		leaf = pki_make(&spec, &root);
		peer = peer_open(&root, &leaf, NULL);
		if (usages[i].suites != NULL) {
			cr_assert_eq(SSL_CTX_set_max_proto_version(peer.server, TLS1_2_VERSION), 1);
			cr_assert_eq(SSL_CTX_set_cipher_list(peer.server, usages[i].suites), 1);
		}
		/* In full, remembered, and (TLS 1.2) resumed. */
		for (int j = 0; j < 3; j++) {
			struct server_facts facts = connect_once(&peer, asked, "192.0.2.1",
			    j == 0 || usages[i].suites == NULL ? NULL : &session);

			cr_expect_eq(facts.errors, usages[i].errors, "%zu, %d: %x", i, j,
			    facts.errors);
			cr_expect_eq(facts.verified, usages[i].errors == 0);
		}
		SSL_SESSION_free(session);
		peer_close(&peer);
		pki_free(&leaf);
	}
	pki_free(&root);
}

Test(verify, a_self_made_certificate_in_the_store_may_do_what_it_does)
{
	struct pki_spec spec = pki_server_spec(asked);
	struct pki leaf;
	struct peer peer;

	spec.usage = "keyCertSign,keyAgreement";
	spec.basic = "CA:TRUE";
	leaf = pki_make(&spec, NULL);
	peer = peer_open(&leaf, &leaf, NULL);
	cr_expect_eq(connect_once(&peer, asked, "192.0.2.1", NULL).errors, 0);
	peer_close(&peer);
	pki_free(&leaf);
}

Test(verify, a_remembered_chain_is_still_held_to_the_name)
{
	struct pki root = pki_root("Root"), leaf = pki_server(asked, &root);
	struct peer peer = peer_open(&root, &leaf, NULL);
	struct server_facts facts = connect_once(&peer, asked, "192.0.2.1", NULL);

	cr_expect(facts.verified);
	facts = connect_once(&peer, "bank.example.com", "192.0.2.1", NULL);
	cr_expect_not(facts.verified);
	cr_expect_eq(facts.errors, CERT_NAME_MISMATCH);
	facts = connect_once(&peer, "CAM.example.com.", "192.0.2.1", NULL);
	cr_expect(facts.verified, "case and a last dot do not matter");
	peer_close(&peer);
	pki_free(&leaf);
	pki_free(&root);
}

Test(verify, a_chain_is_remembered_for_its_own_store_and_bytes_alone)
{
	struct pki root = pki_root("Root"), other = pki_root("Other");
	struct pki leaf = pki_server(asked, &root), next = pki_server(asked, &other);
	struct peer peer = peer_open(&root, &leaf, NULL),
		    distrusting = peer_open(&other, &leaf, NULL);
	struct server_facts facts;

	cr_expect(connect_once(&peer, asked, "192.0.2.1", NULL).verified);
	facts = connect_once(&distrusting, asked, "192.0.2.1", NULL);
	cr_expect_not(facts.verified);
	cr_expect_eq(facts.errors, CERT_UNKNOWN_ISSUER);
	SSL_CTX_free(peer.server);
	peer.server = pki_server_ctx(&next, NULL);
	facts = connect_once(&peer, asked, "192.0.2.1", NULL);
	cr_expect_not(facts.verified, "the same names in another certificate");
	cr_expect_eq(facts.errors, CERT_UNKNOWN_ISSUER);
	peer_close(&peer);
	peer_close(&distrusting);
	pki_free(&next);
	pki_free(&leaf);
	pki_free(&other);
	pki_free(&root);
}

Test(verify, without_a_name_the_address_counts)
{
	struct pki_spec spec = pki_server_spec(asked);
	struct pki root = pki_root("Root"), leaf;
	struct peer peer;

	spec.names = "IP:192.0.2.7,IP:2001:db8::7";
	leaf = pki_make(&spec, &root);
	peer = peer_open(&root, &leaf, NULL);
	cr_expect(connect_once(&peer, "", "192.0.2.7", NULL).verified);
	cr_expect(connect_once(&peer, "", "2001:db8::7", NULL).verified);
	cr_expect(connect_once(&peer, "192.0.2.7", "198.51.100.1", NULL).verified,
	    "an address sent as a name");
	cr_expect_eq(connect_once(&peer, "192.0.2.8", "192.0.2.7", NULL).errors, CERT_NAME_MISMATCH,
	    "another address than was asked for");
	cr_expect_eq(connect_once(&peer, asked, "192.0.2.7", NULL).errors, CERT_NAME_MISMATCH,
	    "a name is not spoken for by an address");
	peer_close(&peer);
	pki_free(&leaf);
	pki_free(&root);
}

/* Nothing speaks against it, and nothing for it. */
Test(verify, without_a_name_or_the_address_it_is_neither_good_nor_bad)
{
	struct pki root = pki_root("Root"), leaf = pki_server(asked, &root);
	struct peer peer = peer_open(&root, &leaf, NULL);
	struct server_facts facts = connect_once(&peer, "", "192.0.2.8", NULL);

	cr_expect_eq(facts.errors, CERT_NAME_UNCHECKED);
	cr_expect_not(facts.verified);
	cr_expect_not(verify_is_bad(&facts));
	cr_expect_eq(verify_leaf_trust(&facts), LEAF_FAITHFUL);
	facts.errors |= CERT_EXPIRED;
	cr_expect(verify_is_bad(&facts));
	facts = (struct server_facts){0};
	cr_expect(verify_is_bad(&facts), "one that was not seen is none to speak with");
	peer_close(&peer);
	pki_free(&leaf);
	pki_free(&root);
}

Test(verify, a_resumed_session_is_held_to_its_certificate)
{
	struct pki root = pki_root("Root"), leaf = pki_server(asked, &root);
	struct peer peer = peer_open(&root, &leaf, NULL);
	SSL_SESSION *session = NULL;
	struct server_facts first, second;

	cr_assert_eq(SSL_CTX_set_max_proto_version(peer.server, TLS1_2_VERSION), 1);
	first = connect_once(&peer, asked, "192.0.2.1", &session);
	second = connect_once(&peer, asked, "192.0.2.1", &session);
	cr_expect(second.verified);
	cr_expect_str_eq(second.subject, first.subject);
	cr_expect_eq(memcmp(second.sha256, first.sha256, 32), 0);
	second = connect_once(&peer, "bank.example.com", "192.0.2.1", &session);
	cr_expect_eq(second.errors, CERT_NAME_MISMATCH);
	SSL_SESSION_free(session);
	peer_close(&peer);
	pki_free(&leaf);
	pki_free(&root);
}

/* The chain of a session, once it is no good any more: here under a store that
 * does not know its root, which is what a reload may bring. */
Test(verify, a_resumed_session_is_held_to_its_whole_chain)
{
	struct pki root = pki_root("Root"), other = pki_root("Other");
	struct pki leaf = pki_server(asked, &root);
	struct peer peer = peer_open(&root, &leaf, NULL), later = peer_open(&other, &leaf, NULL);
	SSL_SESSION *session = NULL;
	struct server_facts facts;

	SSL_CTX_free(later.server);
	later.server = peer.server;
	cr_assert_eq(SSL_CTX_up_ref(peer.server), 1);
	cr_assert_eq(SSL_CTX_set_max_proto_version(peer.server, TLS1_2_VERSION), 1);
	cr_expect(connect_once(&peer, asked, "192.0.2.1", &session).verified);
	cr_expect(connect_once(&peer, asked, "192.0.2.1", &session).verified);
	facts = connect_once(&later, asked, "192.0.2.1", &session);
	cr_expect_not(facts.verified);
	cr_expect_eq(facts.errors, CERT_UNKNOWN_ISSUER);
	cr_expect_str_eq(facts.issuer, "CN=Root");
	SSL_SESSION_free(session);
	peer_close(&peer);
	peer_close(&later);
	pki_free(&leaf);
	pki_free(&other);
	pki_free(&root);
}

Test(verify, a_session_that_began_badly_resumes_badly)
{
	struct pki root = pki_root("Root"), other = pki_root("Other");
	struct pki leaf = pki_server(asked, &other);
	struct peer peer = peer_open(&root, &leaf, NULL);
	SSL_SESSION *session = NULL;

	cr_assert_eq(SSL_CTX_set_max_proto_version(peer.server, TLS1_2_VERSION), 1);
	cr_expect_not(connect_once(&peer, asked, "192.0.2.1", &session).verified);
	cr_expect_not(connect_once(&peer, asked, "192.0.2.1", &session).verified);
	SSL_SESSION_free(session);
	peer_close(&peer);
	pki_free(&leaf);
	pki_free(&other);
	pki_free(&root);
}

Test(verify, a_server_nobody_expects_is_refused)
{
	struct pki root = pki_root("Root"), leaf = pki_server(asked, &root);
	struct peer peer = peer_open(&root, &leaf, NULL);
	SSL *connecting = SSL_new(peer.servers), *server = SSL_new(peer.server);
	struct server_facts facts = {0};

	cr_expect_not(pki_handshake(connecting, server));
	verify_result(connecting, &facts);
	cr_expect_not(facts.verified);
	SSL_free(connecting);
	SSL_free(server);
	peer_close(&peer);
	pki_free(&leaf);
	pki_free(&root);
}

/* The same issuer over and over behind the leaf. */
static struct peer
peer_with_chain(const struct pki *root, const struct pki *leaf, const struct pki *issuer, int count)
{
	struct peer peer = peer_open(root, leaf, NULL);

	for (int i = 0; i < count; i++)
		cr_assert_eq(SSL_CTX_add1_chain_cert(peer.server, issuer->cert), 1);
	return peer;
}

Test(verify, a_chain_without_end_ends_the_handshake)
{
	struct pki root = pki_root("Root"), issuer = pki_issuer("Issuer", &root);
	struct pki leaf = pki_server(asked, &issuer);
	int one = i2d_X509(issuer.cert, NULL);
	struct peer peer = peer_with_chain(&root, &leaf, &issuer, 40000 / one);
	struct peer endless = peer_with_chain(&root, &leaf, &issuer, 80000 / one);
	SSL *connecting = SSL_new(endless.servers), *server = SSL_new(endless.server);
	struct server_facts facts = {0};
	struct addr addr = some_addr("192.0.2.1");

	cr_expect(connect_once(&peer, asked, "192.0.2.1", NULL).verified, "long is no flaw");
	cr_assert_eq(verify_expect(connecting, asked, &addr, &facts, NULL), 0);
	cr_expect_not(pki_handshake(connecting, server));
	verify_result(connecting, &facts);
	cr_expect_not(facts.verified);
	SSL_free(connecting);
	SSL_free(server);
	peer_close(&endless);
	peer_close(&peer);
	pki_free(&leaf);
	pki_free(&issuer);
	pki_free(&root);
}

/* Issuers one below the other, all sent. */
static uint32_t
errors_at_depth(int issuers)
{
	struct pki chain[12] = {pki_root("Root")};
	STACK_OF(X509) *sent = sk_X509_new_null();
	X509_STORE *store = pki_store(&chain[0]);
	struct addr addr = some_addr("192.0.2.1");
	uint32_t errors;

	for (int i = 1; i <= issuers; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "Issuer %d", i);
		chain[i] = pki_issuer(name, &chain[i - 1]);
	}
	chain[issuers + 1] = pki_server(asked, &chain[issuers]);
	for (int i = issuers + 1; i > 0; i--)
		(void)sk_X509_push(sent, chain[i].cert);
	errors = verify_chain(store, sent, asked, &addr, now_s());
	sk_X509_free(sent);
	X509_STORE_free(store);
	for (int i = 0; i <= issuers + 1; i++)
		pki_free(&chain[i]);
	return errors;
}

Test(verify, a_path_has_at_most_six_issuers)
{
	cr_expect_eq(errors_at_depth(6), 0);
	cr_expect_neq(errors_at_depth(7) & (CERT_CHAIN_TOO_LONG | CERT_UNKNOWN_ISSUER), 0);
}

/* ---- the store ---- */

Test(verify, a_store_is_read_from_a_file_of_roots)
{
	static const uint8_t none[] = "no certificate\n";
	struct pki root = pki_root("Root");
	struct err err = {0};
	X509_STORE *store;
	BIO *pem = BIO_new(BIO_s_mem());
	struct bytes bytes = {0};
	char *at;

	cr_expect_null(verify_store(bytes, "roots.pem", &err), "nothing");
	cr_expect_null(verify_store((struct bytes){none, 15}, "roots.pem", &err), "none in it");
	cr_expect_not_null(strstr(err.text, "roots.pem"), "%s", err.text);
	cr_assert_eq(PEM_write_bio_X509(pem, root.cert), 1);
	bytes.left = (size_t)BIO_get_mem_data(pem, &at);
	bytes.at = (const uint8_t *)at;
	store = verify_store(bytes, "roots.pem", &err);
	cr_assert_not_null(store, "%s", err.text);
	cr_expect_eq(sk_X509_OBJECT_num(X509_STORE_get0_objects(store)), 1);
	X509_STORE_free(store);
	BIO_free(pem);
	pki_free(&root);
}

Test(verify, the_systems_roots_are_where_somebody_says)
{
	cr_assert_eq(setenv("SSL_CERT_FILE", "/some/roots.pem", 1), 0);
	cr_expect_str_eq(verify_system_roots(), "/some/roots.pem");
}

/* ---- words ---- */

Test(verify, every_error_has_words_and_an_alert)
{
	struct server_facts facts = {0};
	char text[128];

	for (unsigned bit = 0; bit < CERT_ERRORS_MAX; bit++) {
		facts.errors = 1U << bit;
		verify_text(&facts, text, sizeof(text));
		cr_expect_gt(strlen(text), 5, "bit %u", bit);
		cr_expect(verify_alert(&facts) >= 42 && verify_alert(&facts) <= 48);
	}
	facts.errors = CERT_REVOKED;
	cr_expect_eq(verify_alert(&facts), 44);
	facts.errors = CERT_EXPIRED;
	cr_expect_eq(verify_alert(&facts), 45);
	facts.errors = CERT_UNKNOWN_ISSUER | CERT_EXPIRED;
	cr_expect_eq(verify_alert(&facts), 48);
	facts.errors = CERT_NAME_MISMATCH;
	cr_expect_eq(verify_alert(&facts), 42);
	facts.errors = ~0U;
	verify_text(&facts, text, 20);
	cr_expect_eq(strlen(text), 19, "cut, and terminated");
}
