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

/* A signer with two authorities, what was asked of it last, and the keys that it
 * gave with its leaves. */
static struct pki ec_ca, rsa_ca;
static struct signer *signer;
static struct mint_key keys[2];
static uint8_t request[IPC_MESSAGE_MAX], answer[IPC_MESSAGE_MAX];

static struct ca
authority(const struct pki *pki)
{
	(void)X509_up_ref(pki->cert);
	(void)EVP_PKEY_up_ref(pki->key);
	return (struct ca){.cert = pki->cert, .key = pki->key};
}

static struct signer *
new_signer(void)
{
	struct ca cas[CA_COUNT] = {[CA_EC] = authority(&ec_ca), [CA_RSA] = authority(&rsa_ca)};
	struct err err = {0};
	struct signer *ret = signer_new(cas, &err);

	cr_assert_not_null(ret, "%s", err.text);
	cr_assert_null(cas[CA_EC].cert, "the authorities are the signer's now");
	return ret;
}

static void
open_signer(void)
{
	struct pki_spec spec = pki_root_spec("Borderlens CA test");

	spec.from_days = -30;
	ec_ca = pki_make(&spec, NULL);
	spec.common_name = "Borderlens CA test RSA";
	spec.key = PKI_RSA2048;
	rsa_ca = pki_make(&spec, NULL);
	signer = new_signer();
}

static void
close_signer(void)
{
	signer_free(signer);
	mint_key_clear(&keys[LEAF_EC]);
	mint_key_clear(&keys[LEAF_RSA]);
	pki_free(&ec_ca);
	pki_free(&rsa_ca);
}

TestSuite(mint, .init = open_signer, .fini = close_signer);

static void
do_nothing(void *arg)
{
	(void)arg;
}

static void
make_rsa_key(void)
{
	struct err err = {0};

	cr_assert_eq(signer_make_key(signer, do_nothing, NULL, &err), 0, "%s", err.text);
}

static size_t
write_request(enum leaf_kind kind, X509 *server, struct err *err)
{
	uint8_t sha256[MINT_DIGEST_BYTES];
	const struct mint_wanted wanted = {.kind = kind, .server = server, .server_sha256 = sha256};

	cr_assert_eq(X509_digest(server, EVP_sha256(), sha256, NULL), 1);

	return mint_request(&wanted, 7, request, sizeof(request), err);
}

static int
read_answer(enum leaf_kind kind, size_t size, struct minted *minted, struct err *err)
{
	struct mint_answer read;

	if (!mint_answer_open((struct bytes){.at = answer, .left = size}, &read))
		return -1;
	return mint_answer_leaf(&read, &keys[leaf_kind_key(kind)], minted, err);
}

static size_t
answer_request(size_t size)
{
	size = signer_answer(signer, (struct bytes){.at = request, .left = size}, answer);
	cr_assert(size >= 9 && size <= IPC_MESSAGE_MAX);
	return size;
}

static enum mint_status
status_of(size_t size, uint64_t expected_id)
{
	struct mint_answer read;

	cr_assert(mint_answer_open((struct bytes){.at = answer, .left = size}, &read));
	cr_expect_eq(read.id, expected_id);
	return read.status;
}

/* Ask for a leaf like server; NULL when it was refused, and err says why. */
static X509 *
mint(enum leaf_kind kind, X509 *server, struct err *err)
{
	size_t size = write_request(kind, server, err);
	struct minted minted = {0};

	if (size == 0)
		return NULL;
	size = answer_request(size);
	if (read_answer(kind, size, &minted, err) != 0) {
		cr_expect_eq(status_of(size, 7), MINT_REFUSED);
		return NULL;
	}
	cr_expect_eq(status_of(size, 7), MINT_DONE);
	cr_expect_eq(minted.key, keys[leaf_kind_key(kind)].key);
	cr_expect_eq(X509_check_private_key(minted.leaf, minted.key), 1);
	EVP_PKEY_free(minted.key);
	return minted.leaf;
}

static X509 *
must_mint(enum leaf_kind kind, X509 *server)
{
	struct err err = {0};
	X509 *leaf = mint(kind, server, &err);

	cr_assert_not_null(leaf, "%s", err.text);
	return leaf;
}

/* Ask for a leaf of this spec, and expect a refusal with these words. */
static void
expect_refusal(struct pki_spec spec, const char *words)
{
	struct pki server = pki_make(&spec, NULL);
	struct err err = {0};
	X509 *leaf = mint(LEAF_EC, server.cert, &err);

	cr_expect_null(leaf);
	cr_expect_not_null(strstr(err.text, words), "\"%s\" does not say \"%s\"", err.text, words);
	X509_free(leaf);
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
	X509 *leaf = must_mint(LEAF_EC, server.cert);

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
	cr_expect_eq(openssl_verdict(leaf, &ec_ca, "cam.example.com"), X509_V_OK);
	cr_expect_eq(openssl_verdict(leaf, &ec_ca, "other.example.com"),
	    X509_V_ERR_HOSTNAME_MISMATCH);
	X509_free(leaf);
	pki_free(&server);
}

Test(mint, an_rsa_leaf_may_encipher_keys_and_hangs_under_the_rsa_ca)
{
	struct pki server = pki_server("cam.example.com", NULL);
	X509 *leaf;

	make_rsa_key();
	leaf = must_mint(LEAF_RSA, server.cert);
	expect_profile(leaf, KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT);
	cr_expect_eq(X509_get_signature_nid(leaf), NID_sha256WithRSAEncryption);
	cr_expect_eq(openssl_verdict(leaf, &rsa_ca, "cam.example.com"), X509_V_OK);
	X509_free(leaf);
	pki_free(&server);
}

Test(mint, the_encoding_is_der)
{
	struct pki server = pki_server("*.example.com", NULL);
	X509 *leaf = must_mint(LEAF_EC, server.cert);
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
	pki_free(&server);
}

static int
compare_serials(X509 *one, X509 *other)
{
	return ASN1_INTEGER_cmp(X509_get0_serialNumber(one), X509_get0_serialNumber(other));
}

/* Two certificates of one issuer that differ have two serials (RFC 5280 section 4.1.2.2). */
Test(mint, a_serial_is_of_the_servers_certificate_and_of_the_leafs_key)
{
	struct pki one = pki_server("a.example", NULL);
	struct pki two = pki_server("a.example", NULL);
	struct signer *own = signer;
	X509 *first = must_mint(LEAF_EC, one.cert), *again = must_mint(LEAF_EC, one.cert);
	X509 *other = must_mint(LEAF_EC, two.cert), *after;

	/* The authorities are the same, and their leaves' key is another. */
	signer = new_signer();
	after = must_mint(LEAF_EC, one.cert);
	signer_free(signer);
	signer = own;
	cr_expect_eq(compare_serials(first, again), 0);
	cr_expect_neq(compare_serials(first, other), 0);
	cr_expect_neq(compare_serials(first, after), 0);
	cr_expect_eq(EVP_PKEY_eq(X509_get0_pubkey(first), X509_get0_pubkey(after)), 0);
	X509_free(first);
	X509_free(again);
	X509_free(other);
	X509_free(after);
	pki_free(&one);
	pki_free(&two);
}

Test(mint, only_names_that_a_server_can_have_are_copied)
{
	struct pki_spec spec = pki_server_spec("kept.example");
	struct pki server, wanted;
	X509 *leaf;

	spec.names = "DNS:kept.example,email:a@b.example,URI:https://x.example/,IP:192.0.2.9,"
		     "DNS:*,DNS:*.com,DNS:a b,DNS:-x.example,otherName:1.2.3.4;UTF8:x,"
		     "DNS:*.kept.example,IP:2001:db8::9";
	server = pki_make(&spec, NULL);
	spec.names = "DNS:kept.example,IP:192.0.2.9,DNS:*.kept.example,IP:2001:db8::9";
	wanted = pki_make(&spec, NULL);
	leaf = must_mint(LEAF_EC, server.cert);
	expect_same_names(leaf, wanted.cert);
	X509_free(leaf);
	pki_free(&server);
	pki_free(&wanted);
}

Test(mint, no_name_is_invented)
{
	struct pki_spec spec = pki_server_spec("cam.example.com");
	struct pki server;
	struct bytes names;
	X509 *leaf;

	spec.names = NULL;
	server = pki_make(&spec, NULL);
	leaf = must_mint(LEAF_EC, server.cert);
	cr_assert(certificate_names(leaf, &names));
	cr_expect_eq(names.left, 0);
	X509_free(leaf);
	pki_free(&server);
}

Test(mint, names_are_critical_where_the_subject_is_empty)
{
	struct pki_spec spec = pki_server_spec("cam.example.com");
	struct pki server;
	X509 *leaf;
	int at;

	spec.common_name = NULL;
	spec.organisation = NULL;
	server = pki_make(&spec, &ec_ca);
	leaf = must_mint(LEAF_EC, server.cert);
	at = X509_get_ext_by_NID(leaf, NID_subject_alt_name, -1);
	cr_assert_geq(at, 0);
	cr_expect_eq(X509_EXTENSION_get_critical(X509_get_ext(leaf, at)), 1);
	cr_expect_eq(openssl_verdict(leaf, &ec_ca, "cam.example.com"), X509_V_OK);
	X509_free(leaf);
	pki_free(&server);
}

Test(mint, dates_are_cut_to_the_cas)
{
	struct pki_spec spec = pki_server_spec("cam.example.com");
	struct pki server;
	X509 *leaf;

	spec.from_days = -1000;
	spec.to_days = 30000; /* beyond 2049: GeneralizedTime */
	server = pki_make(&spec, NULL);
	leaf = must_mint(LEAF_EC, server.cert);
	cr_expect_eq(ASN1_TIME_compare(X509_get0_notBefore(leaf), X509_get0_notBefore(ec_ca.cert)),
	    0);
	cr_expect_eq(ASN1_TIME_compare(X509_get0_notAfter(leaf), X509_get0_notAfter(ec_ca.cert)),
	    0);
	X509_free(leaf);
	pki_free(&server);
}

Test(mint, a_servers_flaws_never_become_a_ca)
{
	struct pki_spec spec = pki_server_spec("cam.example.com");
	struct pki server;
	X509 *leaf;

	spec.basic = "critical,CA:TRUE";
	spec.usage = "critical,keyCertSign,cRLSign";
	spec.purpose = "codeSigning,clientAuth";
	spec.constraints = "permitted;DNS:example.com";
	server = pki_make(&spec, NULL);
	leaf = must_mint(LEAF_EC, server.cert);
	expect_profile(leaf, KU_DIGITAL_SIGNATURE);
	cr_expect_eq(X509_check_ca(leaf), 0);
	X509_free(leaf);
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
	struct pki server;
	X509 *leaf;

	spec.from_days = -5000;
	spec.to_days = -4000;
	server = pki_make(&spec, NULL);
	leaf = must_mint(LEAF_EC, server.cert);
	expect_untrusted(leaf);
	expect_dates(leaf, server.cert);
	X509_free(leaf);
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
	struct pki server;
	X509 *leaf;

	spec.from_days = -20000; /* 1972 or before: no date is moved */
	spec.to_days = 30000;
	server = pki_make(&spec, NULL);
	leaf = must_mint(LEAF_UNTRUSTED_EC, server.cert);
	expect_untrusted(leaf);
	expect_profile(leaf, KU_DIGITAL_SIGNATURE);
	expect_same_names(leaf, server.cert);
	expect_dates(leaf, server.cert);
	cr_expect_eq(X509_NAME_cmp(X509_get_subject_name(leaf), X509_get_subject_name(server.cert)),
	    0);
	X509_free(leaf);
	pki_free(&server);
}

Test(mint, an_untrusted_rsa_leaf_has_an_authority_of_its_own)
{
	struct pki server = pki_server("cam.example.com", NULL);
	EVP_PKEY *issuer;
	X509 *leaf;

	make_rsa_key();
	leaf = must_mint(LEAF_UNTRUSTED_RSA, server.cert);
	expect_untrusted(leaf);
	expect_profile(leaf, KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT);
	cr_expect_eq(X509_get_signature_nid(leaf), NID_sha256WithRSAEncryption);
	issuer = X509_get0_pubkey(leaf);
	cr_expect_eq(X509_verify(leaf, issuer), 0, "not by its own key");
	X509_free(leaf);
	pki_free(&server);
}

Test(mint, an_accepted_leaf_holds_the_present_and_no_other_name)
{
	static const int spans[][2] = {{-90, -60}, {30, 60}, {-5, 90}};

	for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
		struct pki_spec spec = pki_server_spec("cam.example.com");
		struct pki server;
		X509 *leaf;

		spec.from_days = spans[i][0];
		spec.to_days = spans[i][1];
		server = pki_make(&spec, NULL);
		leaf = must_mint(LEAF_ACCEPTED_EC, server.cert);
		cr_expect_eq(openssl_verdict(leaf, &ec_ca, "cam.example.com"), X509_V_OK);
		expect_same_names(leaf, server.cert);
		X509_free(leaf);
		pki_free(&server);
	}
}

Test(mint, a_signer_is_never_asked_for_the_workers_own_kinds)
{
	struct pki server = pki_server("cam.example.com", NULL);
	struct err err = {0};
	size_t size = write_request(LEAF_ACCEPTED_EC, server.cert, &err);

	cr_expect_eq(request[8], LEAF_EC);
	request[8] = LEAF_ACCEPTED_EC;
	cr_expect_eq(status_of(answer_request(size), 7), MINT_REFUSED);
	pki_free(&server);
}

Test(mint, refuses_a_subject_beyond_the_bound)
{
	struct pki_spec spec = pki_server_spec("cam.example.com");
	struct pki server = pki_make(&spec, NULL);
	struct err err = {0};
	char long_text[33];

	memset(long_text, 'x', 32);
	long_text[32] = '\0';
	for (int i = 0; i < 150; i++)
		cr_assert_eq(X509_NAME_add_entry_by_txt(X509_get_subject_name(server.cert), "OU",
				 MBSTRING_UTF8, (unsigned char *)long_text, -1, -1, 0),
		    1);
	cr_expect_null(mint(LEAF_EC, server.cert, &err));
	cr_expect_not_null(strstr(err.text, "too long"), "%s", err.text);
	pki_free(&server);
}

/* A request whose bytes a taken-over worker chose: the parts of a good one
 * with one of them replaced. */
struct parts {
	uint8_t kind;
	struct bytes subject, names;
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

/* Whatever is asked, the answer is a whole message: a certificate that is no
 * CA, or a refusal. */
static bool
answered_with_leaf(size_t size)
{
	struct minted minted = {0};
	bool found = read_answer(LEAF_EC, answer_request(size), &minted, NULL) == 0;

	if (found)
		cr_expect_eq(X509_check_ca(minted.leaf), 0);
	minted_clear(&minted);
	return found;
}

static bool
is_minted(const struct parts *parts)
{
	size_t size = 8 + 1 + MINT_DIGEST_BYTES + 16;

	memset(request, 0, size);
	request[7] = 9;
	request[8] = parts->kind;
	request[8 + 1 + MINT_DIGEST_BYTES + 8] = 0x7f; /* until long after the CA */
	size += write_part(request + size, parts->subject);
	size += write_part(request + size, parts->names);
	return answered_with_leaf(size);
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

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct parts parts = {.subject = BYTES("\x30\x00"), .names = rows[i].names};

		cr_expect_eq(is_minted(&parts), rows[i].good, "row %zu", i);
	}
}

Test(mint, refuses_subjects_that_are_none)
{
	struct parts parts = {.subject = BYTES("\x30\x00")};

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
}

Test(mint, every_prefix_of_a_request_is_refused)
{
	struct pki server = pki_server("cam.example.com", NULL);
	size_t size = write_request(LEAF_EC, server.cert, NULL);

	cr_assert_gt(size, 0);
	for (size_t cut = 0; cut < size; cut++)
		cr_expect_not(answered_with_leaf(cut), "%zu bytes", cut);
	cr_expect(answered_with_leaf(size));
	request[size] = 0;
	cr_expect_not(answered_with_leaf(size + 1), "a byte too many");
	pki_free(&server);
}

Test(mint, every_changed_byte_of_a_request_is_answered)
{
	struct pki server = pki_server("cam.example.com", NULL);
	size_t size = write_request(LEAF_EC, server.cert, NULL);

	for (size_t i = 8; i < size; i++) {
		for (uint8_t bit = 1; bit != 0; bit = (uint8_t)(bit << 1)) {
			request[i] ^= bit;
			(void)answered_with_leaf(size);
			request[i] ^= bit;
		}
	}
	cr_expect(answered_with_leaf(size));
	pki_free(&server);
}

Test(mint, every_prefix_and_changed_byte_of_an_answer_is_read)
{
	struct pki server = pki_server("cam.example.com", NULL);
	size_t size = write_request(LEAF_EC, server.cert, NULL);
	struct minted minted = {0};

	size = answer_request(size);
	for (size_t cut = 0; cut < size; cut++)
		cr_expect_eq(read_answer(LEAF_EC, cut, &minted, NULL), -1, "%zu bytes", cut);
	for (size_t i = 0; i < size; i++) {
		answer[i] ^= 0x41;
		(void)read_answer(LEAF_EC, size, &minted, NULL);
		minted_clear(&minted);
		answer[i] ^= 0x41;
	}
	cr_expect_eq(read_answer(LEAF_EC, size, &minted, NULL), 0);
	minted_clear(&minted);
	pki_free(&server);
}

Test(mint, a_key_that_is_none_or_too_long_leaves_the_last_one)
{
	struct pki server = pki_server("cam.example.com", NULL);
	struct minted minted = {0};
	struct err err = {0};
	size_t size;

	X509_free(must_mint(LEAF_EC, server.cert));
	size = 9 + write_part(answer + 9, BYTES("no key"));
	cr_expect_eq(read_answer(LEAF_EC, size, &minted, &err), -1);
	cr_expect_not_null(strstr(err.text, "no key"), "%s", err.text);
	size = 9 + write_part(answer + 9, (struct bytes){request, MINT_KEY_MAX + 1});
	cr_expect_eq(read_answer(LEAF_EC, size, &minted, &err), -1);
	cr_expect_not_null(strstr(err.text, "longer"), "%s", err.text);
	X509_free(must_mint(LEAF_EC, server.cert));
	pki_free(&server);
}

Test(mint, names_that_fill_a_message_are_refused_and_not_cut)
{
	enum { NAMES_SIZE = IPC_MESSAGE_MAX - 300 };
	static uint8_t names[NAMES_SIZE];
	struct parts parts = {.subject = BYTES("\x30\x00"), .names = {.at = names}};

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
}

static void
count_turns(void *arg)
{
	++*(int *)arg;
}

Test(mint, a_leaf_of_rsa_comes_when_its_key_is_made)
{
	struct pki one = pki_server("a.example", NULL), two = pki_server("b.example", NULL);
	size_t size = write_request(LEAF_RSA, one.cert, NULL);
	struct minted minted = {0};
	struct err err = {0};
	EVP_PKEY *first;
	int turns = 0;

	size = answer_request(size);
	cr_expect_eq(status_of(size, 7), MINT_LATER);
	cr_expect_eq(read_answer(LEAF_RSA, size, &minted, &err), -1);
	cr_expect_eq(signer_minted(signer), 0);
	cr_assert_eq(signer_make_key(signer, count_turns, &turns, &err), 0, "%s", err.text);
	cr_expect_gt(turns, 0);
	X509_free(must_mint(LEAF_RSA, one.cert));
	first = keys[LEAF_RSA].key;
	cr_expect_eq(EVP_PKEY_get_bits(first), 2048);
	cr_expect_eq(EVP_PKEY_eq(first, rsa_ca.key), 0, "never the CA's");
	X509_free(must_mint(LEAF_RSA, two.cert));
	cr_expect_eq(keys[LEAF_RSA].key, first, "the same key is read once");
	pki_free(&one);
	pki_free(&two);
}

Test(mint, one_configured_ca_signs_both_kinds)
{
	struct ca cas[CA_COUNT] = {authority(&ec_ca), authority(&ec_ca)};
	struct signer *own = signer;
	struct pki server = pki_server("cam.example.com", NULL);
	X509 *leaf;

	signer = signer_new(cas, NULL);
	make_rsa_key();
	leaf = must_mint(LEAF_RSA, server.cert);
	cr_expect_eq(openssl_verdict(leaf, &ec_ca, "cam.example.com"), X509_V_OK);
	signer_free(signer);
	signer = own;
	X509_free(leaf);
	pki_free(&server);
}
