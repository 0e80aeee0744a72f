/* SPDX-License-Identifier: MIT */
#include "base/addr.h"
#include "base/err.h"
#include "certs/verify.h"
#include "tests/support/pki.h"

#include <criterion/criterion.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Lists of revoked certificates, added to a store. */
static struct pki root, issuer, leaf, other;
static X509_STORE *store;

static void
make_chain(void)
{
	root = pki_root("Root");
	issuer = pki_issuer("Issuer", &root);
	leaf = pki_server("cam.example.com", &issuer);
	other = pki_server("cam.example.com", &issuer);
	store = pki_store(&root);
}

static void
free_chain(void)
{
	X509_STORE_free(store);
	pki_free(&root);
	pki_free(&issuer);
	pki_free(&leaf);
	pki_free(&other);
}

TestSuite(lists, .init = make_chain, .fini = free_chain);

/* The file of these lists; freed by the caller. */
static BIO *
pem_of(X509_CRL *one, X509_CRL *two)
{
	BIO *bio = BIO_new(BIO_s_mem());

	cr_assert_eq(PEM_write_bio_X509_CRL(bio, one), 1);
	if (two != NULL)
		cr_assert_eq(PEM_write_bio_X509_CRL(bio, two), 1);
	return bio;
}

static int
add_pem(BIO *bio, int64_t *next_s)
{
	struct bytes bytes;
	struct err err = {0};
	char *at;

	bytes.left = (size_t)BIO_get_mem_data(bio, &at);
	bytes.at = (const uint8_t *)at;
	return verify_add_lists(store, bytes, "lists.pem", next_s, &err);
}

static void
add_list(X509_CRL *list)
{
	BIO *bio = pem_of(list, NULL);
	int64_t next_s;

	cr_assert_eq(add_pem(bio, &next_s), 0);
	BIO_free(bio);
	X509_CRL_free(list);
}

static uint32_t
errors_of(const struct pki *server)
{
	STACK_OF(X509) *sent = sk_X509_new_null();
	struct addr addr = {0};
	uint32_t errors;

	(void)sk_X509_push(sent, server->cert);
	(void)sk_X509_push(sent, issuer.cert);
	errors = verify_chain(store, sent, "cam.example.com", &addr, (int64_t)time(NULL));
	sk_X509_free(sent);
	return errors;
}

Test(lists, what_its_issuer_lists_is_revoked_and_nothing_else)
{
	add_list(pki_list(&issuer, leaf.cert, -1, 7));
	cr_expect_eq(errors_of(&leaf), CERT_REVOKED);
	cr_expect_eq(errors_of(&other), 0);
}

Test(lists, a_revoked_issuer_revokes_what_it_issued)
{
	add_list(pki_list(&root, issuer.cert, -1, 7));
	cr_expect_eq(errors_of(&leaf), CERT_REVOKED);
}

Test(lists, issuers_without_a_list_are_believed)
{
	struct pki stranger = pki_root("Stranger");

	add_list(pki_list(&stranger, NULL, -1, 7));
	cr_expect_eq(errors_of(&leaf), 0);
	pki_free(&stranger);
}

Test(lists, one_that_is_out_of_date_is_said_to_be)
{
	add_list(pki_list(&issuer, NULL, -30, -1));
	cr_expect_eq(errors_of(&leaf), CERT_CRL_EXPIRED);
}

Test(lists, one_that_is_out_of_date_still_revokes)
{
	add_list(pki_list(&issuer, leaf.cert, -30, -1));
	cr_expect_eq(errors_of(&leaf), CERT_CRL_EXPIRED | CERT_REVOKED);
}

Test(lists, one_that_somebody_else_signed_is_no_proof_that_all_is_well)
{
	struct pki_spec spec = pki_issuer_spec("Issuer");
	struct pki impostor = pki_make(&spec, NULL);

	add_list(pki_list(&impostor, NULL, -1, 7));
	cr_expect_eq(errors_of(&leaf), CERT_BAD_CRL);
	pki_free(&impostor);
}

/* It was told as `other`, which no manual knew. */
Test(lists, one_of_an_issuer_that_may_not_sign_lists_is_no_proof_either)
{
	struct pki_spec spec = pki_issuer_spec("Issuer");

	pki_free(&issuer);
	pki_free(&leaf);
	spec.usage = "critical,keyCertSign";
	issuer = pki_make(&spec, &root);
	leaf = pki_server("cam.example.com", &issuer);
	add_list(pki_list(&issuer, NULL, -1, 7));
	cr_expect_eq(errors_of(&leaf), CERT_BAD_CRL);
}

Test(lists, a_file_may_hold_several_and_tells_the_first_to_be_replaced)
{
	X509_CRL *one = pki_list(&issuer, leaf.cert, -1, 7), *two = pki_list(&root, NULL, -1, 3);
	BIO *bio = pem_of(one, two);
	int64_t next_s = 0, now_s = (int64_t)time(NULL);

	cr_assert_eq(add_pem(bio, &next_s), 0);
	cr_expect(next_s > now_s + 3 * 86400 - 60 && next_s <= now_s + 3 * 86400);
	cr_expect_eq(errors_of(&leaf), CERT_REVOKED);
	BIO_free(bio);
	X509_CRL_free(one);
	X509_CRL_free(two);
}

Test(lists, der_is_read_too)
{
	X509_CRL *list = pki_list(&issuer, leaf.cert, -1, 7);
	unsigned char *der = NULL;
	size_t size = (size_t)i2d_X509_CRL(list, &der);
	struct err err = {0};
	int64_t next_s;

	cr_assert_eq(verify_add_lists(store, (struct bytes){der, size}, "a.crl", &next_s, &err), 0,
	    "%s", err.text);
	cr_expect_eq(errors_of(&leaf), CERT_REVOKED);
	for (size_t cut = 0; cut < size; cut++)
		cr_expect_eq(verify_add_lists(store, (struct bytes){der, cut}, "a.crl", &next_s,
				 NULL),
		    -1);
	OPENSSL_free(der);
	X509_CRL_free(list);
}

Test(lists, what_is_no_list_is_refused_by_name)
{
	static const char *const files[] = {"", "nothing\n",
	    "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n",
	    "-----BEGIN X509 CRL-----\nMIIB"};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct bytes bytes = {(const uint8_t *)files[i], strlen(files[i])};
		struct err err = {0};
		int64_t next_s;

		cr_expect_eq(verify_add_lists(store, bytes, "bad.pem", &next_s, &err), -1);
		cr_expect_not_null(strstr(err.text, "bad.pem"), "%s", err.text);
	}
	cr_expect_eq(errors_of(&leaf), 0);
}
