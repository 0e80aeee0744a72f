/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "base/ipc.h"
#include "certs/certificate.h"
#include "certs/mint.h"
#include "certs/signer.h"
#include "tests/support/pki.h"

#include <criterion/criterion.h>
#include <openssl/x509v3.h>
#include <string.h>

/* A signer with two authorities, and what was asked of it last. */
static struct pki ec_ca, rsa_ca;
static struct signer *signer;
static uint8_t request[IPC_MESSAGE_MAX], answer[IPC_MESSAGE_MAX];

static struct ca
authority(const struct pki *pki)
{
	(void)X509_up_ref(pki->cert);
	(void)EVP_PKEY_up_ref(pki->key);
	return (struct ca){.cert = pki->cert, .key = pki->key};
}

static void
open_signer(void)
{
	struct pki_spec spec = pki_root_spec("Borderlens CA test");
	struct ca cas[CA_COUNT];
	struct err err = {0};

	spec.from_days = -30;
	ec_ca = pki_make(&spec, NULL);
	spec.common_name = "Borderlens CA test RSA";
	spec.key = PKI_RSA2048;
	rsa_ca = pki_make(&spec, NULL);
	cas[CA_EC] = authority(&ec_ca);
	cas[CA_RSA] = authority(&rsa_ca);
	signer = signer_new(cas, &err);
	cr_assert_not_null(signer, "%s", err.text);
	cr_assert_null(cas[CA_EC].cert, "the authorities are the signer's now");
}

static void
close_signer(void)
{
	signer_free(signer);
	pki_free(&ec_ca);
	pki_free(&rsa_ca);
}

TestSuite(mint, .init = open_signer, .fini = close_signer);

static size_t
write_request(enum leaf_kind kind, X509 *server, EVP_PKEY *key, struct err *err)
{
	const struct mint_wanted wanted = {.id = 7, .kind = kind, .server = server, .key = key};

	return mint_request(&wanted, request, sizeof(request), err);
}

/* Ask for a leaf like server; NULL when it was refused, and err says why. */
static X509 *
mint(enum leaf_kind kind, X509 *server, EVP_PKEY *key, struct err *err)
{
	size_t size = write_request(kind, server, key, err);
	X509 *leaf = NULL;
	uint64_t id = 0;

	if (size == 0)
		return NULL;
	size = signer_answer(signer, (struct bytes){.at = request, .left = size}, answer);
	cr_assert_gt(size, 0);
	if (mint_answer((struct bytes){.at = answer, .left = size}, &id, &leaf, err) != 0)
		leaf = NULL;
	cr_assert_eq(id, 7);
	return leaf;
}

static X509 *
must_mint(enum leaf_kind kind, X509 *server, EVP_PKEY *key)
{
	struct err err = {0};
	X509 *leaf = mint(kind, server, key, &err);

	cr_assert_not_null(leaf, "%s", err.text);
	return leaf;
}

/* Ask for a leaf of this spec, and expect a refusal with these words. */
static void
expect_refusal(struct pki_spec spec, const char *words)
{
	struct pki server = pki_make(&spec, NULL);
	EVP_PKEY *key = pki_key(PKI_P256);
	struct err err = {0};
	X509 *leaf = mint(LEAF_EC, server.cert, key, &err);

	cr_expect_null(leaf);
	cr_expect_not_null(strstr(err.text, words), "\"%s\" does not say \"%s\"", err.text, words);
	X509_free(leaf);
	EVP_PKEY_free(key);
	pki_free(&server);
}

/* OpenSSL's own check of a leaf under its CA, as a camera would make it. */
static int
openssl_verdict(X509 *leaf, const struct pki *ca, const char *name)
{
	X509_STORE *store = pki_store(ca);
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	int ret;

	cr_assert_eq(X509_STORE_CTX_init(ctx, store, leaf, NULL), 1);
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_auth_level(param, 2);
	(void)X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
	(void)X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
	if (name != NULL)
		cr_assert_eq(X509_VERIFY_PARAM_set1_host(param, name, 0), 1);
	(void)X509_verify_cert(ctx);
	ret = X509_STORE_CTX_get_error(ctx);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return ret;
}

static void
expect_same_names(X509 *leaf, X509 *server)
{
	struct bytes ours, theirs;

	cr_assert(certificate_names(leaf, &ours));
	cr_assert(certificate_names(server, &theirs));
	cr_expect_eq(ours.left, theirs.left);
	cr_expect_eq(memcmp(ours.at, theirs.at, ours.left), 0);
}

static void
expect_profile(X509 *leaf, uint32_t usage)
{
	int critical = -1;
	BASIC_CONSTRAINTS *basic = X509_get_ext_d2i(leaf, NID_basic_constraints, &critical, NULL);
	EXTENDED_KEY_USAGE *purposes = X509_get_ext_d2i(leaf, NID_ext_key_usage, NULL, NULL);
	const ASN1_INTEGER *serial = X509_get0_serialNumber(leaf);

	cr_expect_eq(X509_get_version(leaf), X509_VERSION_3);
	cr_expect_eq(ASN1_STRING_length(serial), 16);
	cr_expect_eq(ASN1_STRING_type(serial), V_ASN1_INTEGER);
	cr_assert_not_null(basic);
	cr_expect_eq(basic->ca, 0);
	cr_expect_null(basic->pathlen);
	cr_expect_eq(critical, 1);
	cr_expect_eq(X509_get_key_usage(leaf), usage);
	cr_assert_not_null(purposes);
	cr_expect_eq(sk_ASN1_OBJECT_num(purposes), 1);
	cr_expect_eq(OBJ_obj2nid(sk_ASN1_OBJECT_value(purposes, 0)), NID_server_auth);
	cr_expect_not_null(X509_get0_subject_key_id(leaf));
	cr_expect_not_null(X509_get0_authority_key_id(leaf));
	cr_expect_eq(X509_get_ext_count(leaf), 6, "and nothing else");
	BASIC_CONSTRAINTS_free(basic);
	EXTENDED_KEY_USAGE_free(purposes);
}

Test(mint, an_ec_leaf_has_the_profile_field_by_field)
{
	struct pki server = pki_server("cam.example.com", NULL);
	EVP_PKEY *key = pki_key(PKI_P256);
	X509 *leaf = must_mint(LEAF_EC, server.cert, key);

	expect_profile(leaf, KU_DIGITAL_SIGNATURE);
	expect_same_names(leaf, server.cert);
	cr_expect_eq(X509_NAME_cmp(X509_get_subject_name(leaf), X509_get_subject_name(server.cert)),
	    0);
	cr_expect_eq(X509_NAME_cmp(X509_get_issuer_name(leaf), X509_get_subject_name(ec_ca.cert)),
	    0);
	cr_expect_eq(ASN1_TIME_compare(X509_get0_notBefore(leaf), X509_get0_notBefore(server.cert)),
	    0);
	cr_expect_eq(ASN1_TIME_compare(X509_get0_notAfter(leaf), X509_get0_notAfter(server.cert)),
	    0);
	cr_expect_eq(X509_get_signature_nid(leaf), NID_ecdsa_with_SHA256);
	cr_expect_eq(EVP_PKEY_eq(X509_get0_pubkey(leaf), key), 1);
	cr_expect_eq(openssl_verdict(leaf, &ec_ca, "cam.example.com"), X509_V_OK);
	cr_expect_eq(openssl_verdict(leaf, &ec_ca, "other.example.com"),
	    X509_V_ERR_HOSTNAME_MISMATCH);
	X509_free(leaf);
	EVP_PKEY_free(key);
	pki_free(&server);
}

Test(mint, an_rsa_leaf_may_encipher_keys_and_hangs_under_the_rsa_ca)
{
	struct pki server = pki_server("cam.example.com", NULL);
	EVP_PKEY *key = pki_key(PKI_RSA2048);
	X509 *leaf = must_mint(LEAF_RSA, server.cert, key);

	expect_profile(leaf, KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT);
	cr_expect_eq(X509_get_signature_nid(leaf), NID_sha256WithRSAEncryption);
	cr_expect_eq(openssl_verdict(leaf, &rsa_ca, "cam.example.com"), X509_V_OK);
	X509_free(leaf);
	EVP_PKEY_free(key);
	pki_free(&server);
}

Test(mint, the_encoding_is_der)
{
	struct pki server = pki_server("*.example.com", NULL);
	EVP_PKEY *key = pki_key(PKI_P256);
	X509 *leaf = must_mint(LEAF_EC, server.cert, key);
	X509 *copy = X509_dup(leaf);
	unsigned char *der = NULL, *again = NULL;
	int size = i2d_X509(leaf, &der);

	/* Written anew by OpenSSL from the parsed fields, it is the same. */
	cr_expect_eq(i2d_re_X509_tbs(copy, NULL), i2d_re_X509_tbs(leaf, NULL));
	cr_expect_eq(i2d_X509(copy, &again), size);
	cr_expect_eq(memcmp(der, again, (size_t)size), 0);
	OPENSSL_free(der);
	OPENSSL_free(again);
	X509_free(copy);
	X509_free(leaf);
	EVP_PKEY_free(key);
	pki_free(&server);
}

Test(mint, the_same_request_gives_the_same_serial_and_another_one_another)
{
	struct pki one = pki_server("a.example", NULL);
	struct pki two = pki_server("b.example", NULL);
	EVP_PKEY *key = pki_key(PKI_P256);
	X509 *first = must_mint(LEAF_EC, one.cert, key), *again = must_mint(LEAF_EC, one.cert, key);
	X509 *other = must_mint(LEAF_EC, two.cert, key);

	cr_expect_eq(ASN1_INTEGER_cmp(X509_get0_serialNumber(first), X509_get0_serialNumber(again)),
	    0);
	cr_expect_neq(ASN1_INTEGER_cmp(X509_get0_serialNumber(first),
			  X509_get0_serialNumber(other)),
	    0);
	X509_free(first);
	X509_free(again);
	X509_free(other);
	EVP_PKEY_free(key);
	pki_free(&one);
	pki_free(&two);
}

Test(mint, only_names_that_a_server_can_have_are_copied)
{
	struct pki_spec spec = pki_server_spec("kept.example");
	struct pki server, wanted;
	EVP_PKEY *key = pki_key(PKI_P256);
	X509 *leaf;

	spec.names = "DNS:kept.example,email:a@b.example,URI:https://x.example/,IP:192.0.2.9,"
		     "DNS:*,DNS:*.com,DNS:a b,DNS:-x.example,otherName:1.2.3.4;UTF8:x,"
		     "DNS:*.kept.example,IP:2001:db8::9";
	server = pki_make(&spec, NULL);
	spec.names = "DNS:kept.example,IP:192.0.2.9,DNS:*.kept.example,IP:2001:db8::9";
	wanted = pki_make(&spec, NULL);
	leaf = must_mint(LEAF_EC, server.cert, key);
	expect_same_names(leaf, wanted.cert);
	X509_free(leaf);
	EVP_PKEY_free(key);
	pki_free(&server);
	pki_free(&wanted);
}

Test(mint, no_name_is_invented)
{
	struct pki_spec spec = pki_server_spec("cam.example.com");
	struct pki server;
	struct bytes names;
	EVP_PKEY *key = pki_key(PKI_P256);
	X509 *leaf;

	spec.names = NULL;
	server = pki_make(&spec, NULL);
	leaf = must_mint(LEAF_EC, server.cert, key);
	cr_assert(certificate_names(leaf, &names));
	cr_expect_eq(names.left, 0);
	X509_free(leaf);
	EVP_PKEY_free(key);
	pki_free(&server);
}

Test(mint, names_are_critical_where_the_subject_is_empty)
{
	struct pki_spec spec = pki_server_spec("cam.example.com");
	struct pki server;
	EVP_PKEY *key = pki_key(PKI_P256);
	X509 *leaf;
	int at;

	spec.common_name = NULL;
	spec.organisation = NULL;
	server = pki_make(&spec, &ec_ca);
	leaf = must_mint(LEAF_EC, server.cert, key);
	at = X509_get_ext_by_NID(leaf, NID_subject_alt_name, -1);
	cr_assert_geq(at, 0);
	cr_expect_eq(X509_EXTENSION_get_critical(X509_get_ext(leaf, at)), 1);
	cr_expect_eq(openssl_verdict(leaf, &ec_ca, "cam.example.com"), X509_V_OK);
	X509_free(leaf);
	EVP_PKEY_free(key);
	pki_free(&server);
}

Test(mint, dates_are_cut_to_the_cas)
{
	struct pki_spec spec = pki_server_spec("cam.example.com");
	struct pki server;
	EVP_PKEY *key = pki_key(PKI_P256);
	X509 *leaf;

	spec.from_days = -1000;
	spec.to_days = 30000; /* beyond 2049: GeneralizedTime */
	server = pki_make(&spec, NULL);
	leaf = must_mint(LEAF_EC, server.cert, key);
	cr_expect_eq(ASN1_TIME_compare(X509_get0_notBefore(leaf), X509_get0_notBefore(ec_ca.cert)),
	    0);
	cr_expect_eq(ASN1_TIME_compare(X509_get0_notAfter(leaf), X509_get0_notAfter(ec_ca.cert)),
	    0);
	X509_free(leaf);
	EVP_PKEY_free(key);
	pki_free(&server);
}

Test(mint, a_servers_flaws_never_become_a_ca)
{
	struct pki_spec spec = pki_server_spec("cam.example.com");
	struct pki server;
	EVP_PKEY *key = pki_key(PKI_P256);
	X509 *leaf;

	spec.basic = "critical,CA:TRUE";
	spec.usage = "critical,keyCertSign,cRLSign";
	spec.purpose = "codeSigning,clientAuth";
	spec.constraints = "permitted;DNS:example.com";
	server = pki_make(&spec, NULL);
	leaf = must_mint(LEAF_EC, server.cert, key);
	expect_profile(leaf, KU_DIGITAL_SIGNATURE);
	cr_expect_eq(X509_check_ca(leaf), 0);
	X509_free(leaf);
	EVP_PKEY_free(key);
	pki_free(&server);
}

/* ---- servers that are not to be trusted ---- */

/* A camera that trusts both of our CAs does not trust what signed this. */
static void
expect_untrusted(X509 *leaf)
{
	cr_expect_eq(openssl_verdict(leaf, &ec_ca, NULL),
	    X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
	cr_expect_eq(openssl_verdict(leaf, &rsa_ca, NULL),
	    X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
	cr_expect_neq(X509_verify(leaf, ec_ca.key), 1);
	cr_expect_neq(X509_verify(leaf, rsa_ca.key), 1);
}

static void
expect_dates(X509 *leaf, X509 *server)
{
	cr_expect_eq(ASN1_TIME_compare(X509_get0_notBefore(leaf), X509_get0_notBefore(server)), 0);
	cr_expect_eq(ASN1_TIME_compare(X509_get0_notAfter(leaf), X509_get0_notAfter(server)), 0);
}

Test(mint, dates_that_our_ca_does_not_hold_are_signed_by_one_that_nobody_trusts)
{
	struct pki_spec spec = pki_server_spec("cam.example.com");
	EVP_PKEY *key = pki_key(PKI_P256);
	struct pki server;
	X509 *leaf;

	spec.from_days = -5000;
	spec.to_days = -4000;
	server = pki_make(&spec, NULL);
	leaf = must_mint(LEAF_EC, server.cert, key);
	expect_untrusted(leaf);
	expect_dates(leaf, server.cert);
	X509_free(leaf);
	EVP_PKEY_free(key);
	pki_free(&server);
}

Test(mint, refuses_dates_that_end_before_they_begin)
{
	struct pki_spec spec = pki_server_spec("cam.example.com");

	spec.from_days = 2;
	spec.to_days = -2;
	expect_refusal(spec, "dates");
}

Test(mint, an_untrusted_leaf_is_like_the_server_and_signed_by_nobodys_ca)
{
	struct pki_spec spec = pki_server_spec("cam.example.com");
	EVP_PKEY *key = pki_key(PKI_P256);
	struct pki server;
	X509 *leaf;

	spec.from_days = -20000; /* 1972 or before: no date is moved */
	spec.to_days = 30000;
	server = pki_make(&spec, NULL);
	leaf = must_mint(LEAF_UNTRUSTED_EC, server.cert, key);
	expect_untrusted(leaf);
	expect_profile(leaf, KU_DIGITAL_SIGNATURE);
	expect_same_names(leaf, server.cert);
	expect_dates(leaf, server.cert);
	cr_expect_eq(X509_NAME_cmp(X509_get_subject_name(leaf), X509_get_subject_name(server.cert)),
	    0);
	X509_free(leaf);
	EVP_PKEY_free(key);
	pki_free(&server);
}

static void
do_nothing(void *arg)
{
	(void)arg;
}

Test(mint, an_untrusted_rsa_leaf_has_an_authority_of_its_own)
{
	struct pki server = pki_server("cam.example.com", NULL);
	EVP_PKEY *key = pki_key(PKI_RSA2048), *issuer;
	struct err err = {0};
	X509 *leaf;

	cr_expect_null(mint(LEAF_UNTRUSTED_RSA, server.cert, key, &err), "not made yet");
	cr_assert_eq(signer_make_key(signer, do_nothing, NULL, &err), 0, "%s", err.text);
	leaf = must_mint(LEAF_UNTRUSTED_RSA, server.cert, key);
	expect_untrusted(leaf);
	expect_profile(leaf, KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT);
	cr_expect_eq(X509_get_signature_nid(leaf), NID_sha256WithRSAEncryption);
	issuer = X509_get0_pubkey(leaf);
	cr_expect_eq(X509_verify(leaf, issuer), 0, "not by its own key");
	X509_free(leaf);
	EVP_PKEY_free(key);
	pki_free(&server);
}

Test(mint, an_accepted_leaf_holds_the_present_and_no_other_name)
{
	static const int spans[][2] = {{-90, -60}, {30, 60}, {-5, 90}};
	EVP_PKEY *key = pki_key(PKI_P256);

	for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
		struct pki_spec spec = pki_server_spec("cam.example.com");
		struct pki server;
		X509 *leaf;

		spec.from_days = spans[i][0];
		spec.to_days = spans[i][1];
		server = pki_make(&spec, NULL);
		leaf = must_mint(LEAF_ACCEPTED_EC, server.cert, key);
		cr_expect_eq(openssl_verdict(leaf, &ec_ca, "cam.example.com"), X509_V_OK);
		expect_same_names(leaf, server.cert);
		X509_free(leaf);
		pki_free(&server);
	}
	EVP_PKEY_free(key);
}

Test(mint, a_signer_is_never_asked_for_the_workers_own_kinds)
{
	struct pki server = pki_server("cam.example.com", NULL);
	EVP_PKEY *key = pki_key(PKI_P256);
	struct err err = {0};
	size_t size = write_request(LEAF_ACCEPTED_EC, server.cert, key, &err);

	cr_expect_eq(request[9], LEAF_EC);
	request[9] = LEAF_ACCEPTED_EC;
	(void)signer_answer(signer, (struct bytes){.at = request, .left = size}, answer);
	cr_expect_eq(answer[9], 1, "refused");
	EVP_PKEY_free(key);
	pki_free(&server);
}

Test(mint, refuses_a_subject_beyond_the_bound)
{
	struct pki_spec spec = pki_server_spec("cam.example.com");
	struct pki server = pki_make(&spec, NULL);
	EVP_PKEY *key = pki_key(PKI_P256);
	struct err err = {0};
	char long_text[33];

	memset(long_text, 'x', 32);
	long_text[32] = '\0';
	for (int i = 0; i < 150; i++)
		cr_assert_eq(X509_NAME_add_entry_by_txt(X509_get_subject_name(server.cert), "OU",
				 MBSTRING_UTF8, (unsigned char *)long_text, -1, -1, 0),
		    1);
	cr_expect_null(mint(LEAF_EC, server.cert, key, &err));
	cr_expect_not_null(strstr(err.text, "too long"), "%s", err.text);
	EVP_PKEY_free(key);
	pki_free(&server);
}

static void
expect_key_refused(enum leaf_kind kind, enum pki_key key_kind)
{
	struct pki server = pki_server("cam.example.com", NULL);
	EVP_PKEY *key = pki_key(key_kind);
	struct err err = {0};

	cr_expect_null(mint(kind, server.cert, key, &err), "kind %d, key %d", kind, key_kind);
	cr_expect_not_null(strstr(err.text, "leaf key"), "%s", err.text);
	EVP_PKEY_free(key);
	pki_free(&server);
}

Test(mint, refuses_keys_that_are_none_of_ours)
{
	expect_key_refused(LEAF_EC, PKI_P384);
	expect_key_refused(LEAF_EC, PKI_RSA2048);
	expect_key_refused(LEAF_EC, PKI_ED25519);
	expect_key_refused(LEAF_RSA, PKI_P256);
	expect_key_refused(LEAF_RSA, PKI_RSA1024);
}

/* A request whose bytes a taken-over worker chose: the parts of a good one
 * with one of them replaced. */
struct parts {
	uint8_t kind;
	struct bytes spki, subject, names;
};

static size_t
write_part(uint8_t *at, struct bytes part)
{
	at[0] = (uint8_t)(part.left >> 16);
	at[1] = (uint8_t)(part.left >> 8);
	at[2] = (uint8_t)part.left;
	if (part.left > 0)
		memcpy(at + 3, part.at, part.left);
	return 3 + part.left;
}

static bool
is_minted(const struct parts *parts)
{
	size_t size = 9 + 17;
	X509 *leaf = NULL;
	struct err err = {0};
	uint64_t id;

	memset(request, 0, size);
	request[0] = 1;
	request[8] = 9;
	request[9] = parts->kind;
	request[18] = 0x7f; /* until long after the CA */
	size += write_part(request + size, parts->spki);
	size += write_part(request + size, parts->subject);
	size += write_part(request + size, parts->names);
	size = signer_answer(signer, (struct bytes){.at = request, .left = size}, answer);
	if (mint_answer((struct bytes){.at = answer, .left = size}, &id, &leaf, &err) != 0)
		return false;
	cr_expect_eq(X509_check_ca(leaf), 0);
	X509_free(leaf);
	return true;
}

#define BYTES(literal)                                                                             \
	((struct bytes){.at = (const uint8_t *)(literal), .left = sizeof(literal) - 1})

Test(mint, refuses_names_that_no_server_has)
{
	const struct {
		struct bytes names;
		bool good;
	} rows[] = {
	    {BYTES(""), true},
	    {BYTES("\x82\x09"
		   "a.example"),
		true},
	    {BYTES("\x87\x04\xc0\x00\x02\x01"), true},
	    {BYTES("\x82\x01*"), false},
	    {BYTES("\x82\x05*.com"), false},
	    {BYTES("\x82\x0a"
		   "a..example"),
		false},
	    {BYTES("\x82\x0a"
		   "a\0.example"),
		false},
	    {BYTES("\x82\x0b"
		   "*a.b.exampl"),
		false},
	    {BYTES("\x82\x09"
		   "192.0.2.1"),
		false},
	    {BYTES("\x82\x00"), false},
	    {BYTES("\x87\x05\xc0\x00\x02\x01\x01"), false},
	    {BYTES("\x81\x0b"
		   "a@b.example"),
		false},
	    {BYTES("\x86\x0b"
		   "http://a.b/"),
		false},
	    {BYTES("\xa4\x02\x30\x00"), false},
	    {BYTES("\x82\x0a"
		   "a.example"),
		false}, /* longer than there is */
	    {BYTES("\x82\x81\x09"
		   "a.example"),
		false}, /* a length that DER does not write */
	    {BYTES("\x82\x09"
		   "a.example\x82"),
		false},
	};
	EVP_PKEY *key = pki_key(PKI_P256);
	unsigned char *spki = NULL;
	int size = i2d_PUBKEY(key, &spki);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct parts parts = {.spki = {.at = spki, .left = (size_t)size},
		    .subject = BYTES("\x30\x00"),
		    .names = rows[i].names};

		cr_expect_eq(is_minted(&parts), rows[i].good, "row %zu", i);
	}
	OPENSSL_free(spki);
	EVP_PKEY_free(key);
}

Test(mint, refuses_subjects_and_keys_that_are_none)
{
	EVP_PKEY *key = pki_key(PKI_P256);
	unsigned char *spki = NULL;
	struct bytes good = {.left = (size_t)i2d_PUBKEY(key, &spki)};
	struct parts parts = {.subject = BYTES("\x30\x00")};

	good.at = spki;
	parts.spki = good;
	cr_expect(is_minted(&parts));
	parts.kind = LEAF_KINDS;
	cr_expect_not(is_minted(&parts), "a kind there is none of");
	parts.kind = LEAF_EC;
	parts.subject = BYTES("\x30\x02\x05\x00");
	cr_expect_not(is_minted(&parts), "a subject that is no name");
	parts.subject = BYTES("");
	cr_expect_not(is_minted(&parts), "no subject");
	parts.subject = BYTES("\x30\x00\x30\x00");
	cr_expect_not(is_minted(&parts), "two subjects");
	parts.subject = BYTES("\x30\x00");
	parts.spki.left--;
	cr_expect_not(is_minted(&parts), "a key cut short");
	parts.spki = BYTES("");
	cr_expect_not(is_minted(&parts), "no key");
	spki[good.left - 1] ^= 1;
	parts.spki = good;
	cr_expect_not(is_minted(&parts), "a point that is not on the curve");
	OPENSSL_free(spki);
	EVP_PKEY_free(key);
}

/* Whatever is asked, the answer is a whole message: a certificate that is no
 * CA, or a refusal. */
static bool
answered_with_leaf(size_t size)
{
	X509 *leaf = NULL;
	uint64_t id;
	bool minted;

	size = signer_answer(signer, (struct bytes){.at = request, .left = size}, answer);
	cr_assert(size >= 10 && size <= IPC_MESSAGE_MAX);
	minted = mint_answer((struct bytes){.at = answer, .left = size}, &id, &leaf, NULL) == 0;
	if (minted)
		cr_expect_eq(X509_check_ca(leaf), 0);
	X509_free(leaf);
	return minted;
}

Test(mint, every_prefix_of_a_request_is_refused)
{
	struct pki server = pki_server("cam.example.com", NULL);
	EVP_PKEY *key = pki_key(PKI_P256);
	size_t size = write_request(LEAF_EC, server.cert, key, NULL);

	cr_assert_gt(size, 0);
	for (size_t cut = 0; cut < size; cut++)
		cr_expect_not(answered_with_leaf(cut), "%zu bytes", cut);
	cr_expect(answered_with_leaf(size));
	request[size] = 0;
	cr_expect_not(answered_with_leaf(size + 1), "a byte too many");
	EVP_PKEY_free(key);
	pki_free(&server);
}

Test(mint, every_changed_byte_of_a_request_is_answered)
{
	struct pki server = pki_server("cam.example.com", NULL);
	EVP_PKEY *key = pki_key(PKI_P256);
	size_t size = write_request(LEAF_EC, server.cert, key, NULL);

	for (size_t i = 9; i < size; i++) {
		for (uint8_t bit = 1; bit != 0; bit = (uint8_t)(bit << 1)) {
			request[i] ^= bit;
			(void)answered_with_leaf(size);
			request[i] ^= bit;
		}
	}
	cr_expect(answered_with_leaf(size));
	EVP_PKEY_free(key);
	pki_free(&server);
}

Test(mint, every_prefix_and_changed_byte_of_an_answer_is_read)
{
	struct pki server = pki_server("cam.example.com", NULL);
	EVP_PKEY *key = pki_key(PKI_P256);
	size_t size = write_request(LEAF_EC, server.cert, key, NULL);
	uint64_t id;
	X509 *leaf = NULL;

	size = signer_answer(signer, (struct bytes){.at = request, .left = size}, answer);
	for (size_t cut = 0; cut < size; cut++)
		cr_expect_eq(mint_answer((struct bytes){.at = answer, .left = cut}, &id, &leaf,
				 NULL),
		    -1, "%zu bytes", cut);
	for (size_t i = 0; i < size; i++) {
		answer[i] ^= 0x41;
		if (mint_answer((struct bytes){.at = answer, .left = size}, &id, &leaf, NULL) == 0)
			X509_free(leaf);
		answer[i] ^= 0x41;
	}
	EVP_PKEY_free(key);
	pki_free(&server);
}

Test(mint, names_that_fill_a_message_are_refused_and_not_cut)
{
	enum { NAMES_SIZE = IPC_MESSAGE_MAX - 300 };
	static uint8_t names[NAMES_SIZE];
	EVP_PKEY *key = pki_key(PKI_P256);
	unsigned char *spki = NULL;
	int size = i2d_PUBKEY(key, &spki);
	struct parts parts = {.spki = {.at = spki, .left = (size_t)size},
	    .subject = BYTES("\x30\x00"),
	    .names = {.at = names}};

	while (parts.names.left + 11 <= NAMES_SIZE) {
		memcpy(names + parts.names.left,
		    "\x82\x09"
		    "a.example",
		    11);
		parts.names.left += 11;
	}
	cr_expect_not(is_minted(&parts));
	parts.names.left = 11 * 5000;
	cr_expect(is_minted(&parts));
	OPENSSL_free(spki);
	EVP_PKEY_free(key);
}

static void
count_turns(void *arg)
{
	++*(int *)arg;
}

Test(mint, the_rsa_leaf_key_is_made_once_and_given_to_who_asks)
{
	size_t size = mint_key_request(request, sizeof(request), 5);
	struct bytes asked = {.at = request, .left = size};
	EVP_PKEY *one = NULL, *two = NULL;
	struct err err = {0};
	uint64_t id = 0;
	int turns = 0;

	cr_expect_eq(mint_key_request(request, size - 1, 5), 0, "no room");
	cr_expect_eq(mint_key_request(request, sizeof(request), 5), size);
	cr_expect_eq(signer_answer(signer, asked, answer), 0, "not made yet");
	cr_assert_eq(signer_make_key(signer, count_turns, &turns, &err), 0, "%s", err.text);
	cr_expect_gt(turns, 0);
	size = signer_answer(signer, asked, answer);
	cr_expect_eq(mint_answer_id((struct bytes){.at = answer, .left = size}), 5);
	cr_assert_eq(mint_key_answer((struct bytes){.at = answer, .left = size}, &id, &one, &err),
	    0, "%s", err.text);
	cr_expect_eq(id, 5);
	cr_expect_eq(EVP_PKEY_get_bits(one), 2048);
	size = signer_answer(signer, asked, answer);
	cr_assert_eq(mint_key_answer((struct bytes){.at = answer, .left = size}, &id, &two, NULL),
	    0);
	cr_expect_eq(EVP_PKEY_eq(one, two), 1);
	cr_expect_eq(EVP_PKEY_eq(one, rsa_ca.key), 0, "never the CA's");
	for (size_t cut = 0; cut < size; cut++)
		cr_expect_eq(mint_key_answer((struct bytes){.at = answer, .left = cut}, &id, &two,
				 NULL),
		    -1);
	EVP_PKEY_free(one);
	EVP_PKEY_free(two);
}

Test(mint, one_configured_ca_signs_both_kinds)
{
	struct ca cas[CA_COUNT] = {authority(&ec_ca), authority(&ec_ca)};
	struct signer *own = signer;
	struct pki server = pki_server("cam.example.com", NULL);
	EVP_PKEY *key = pki_key(PKI_RSA2048);
	X509 *leaf;

	signer = signer_new(cas, NULL);
	leaf = must_mint(LEAF_RSA, server.cert, key);
	cr_expect_eq(openssl_verdict(leaf, &ec_ca, "cam.example.com"), X509_V_OK);
	signer_free(signer);
	signer = own;
	X509_free(leaf);
	EVP_PKEY_free(key);
	pki_free(&server);
}
