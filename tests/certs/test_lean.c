/* SPDX-License-Identifier: MIT */
/* All of what certs/ does, done again behind the lean provider: the suites of
 * verify, mint, identities, lists and staples are linked in here too. */
#include "certs/lean.h"

#include "base/err.h"
#include "tests/support/pki.h"

#include <criterion/criterion.h>
#include <openssl/decoder.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static __attribute__((constructor)) void
open_first(void)
{
	struct err err = {0};

	if (lean_open(&err) == 0)
		return;
	(void)fprintf(stderr, "%s\n", err.text);
	abort();
}

Test(lean, is_what_is_asked_and_nothing_else)
{
	cr_expect_eq(OSSL_PROVIDER_available(NULL, "lean"), 1);
	cr_expect_eq(OSSL_PROVIDER_available(NULL, "default"), 0);
}

static void
count_one(OSSL_DECODER *decoder, void *count)
{
	(void)decoder;
	++*(int *)count;
}

Test(lean, has_a_few_decoders_only)
{
	int count = 0;

	OSSL_DECODER_do_all_provided(NULL, count_one, &count);
	cr_expect_geq(count, 5);
	cr_expect_leq(count, 20, "%d of some seventy", count);
}

/* A key goes out and comes back in every form that files and certificates have. */
Test(lean, reads_and_writes_the_keys_that_there_are)
{
	static const enum pki_key kinds[] = {PKI_P256, PKI_P384, PKI_ED25519, PKI_RSA2048};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		EVP_PKEY *key = pki_key(kinds[i]), *again;
		BIO *bio = BIO_new(BIO_s_mem());
		unsigned char *der = NULL;
		const unsigned char *at;
		int size = i2d_PUBKEY(key, &der);

		cr_assert_gt(size, 0);
		at = der;
		again = d2i_PUBKEY(NULL, &at, size);
		cr_assert_not_null(again);
		cr_expect_eq(EVP_PKEY_eq(key, again), 1);
		EVP_PKEY_free(again);
		OPENSSL_free(der);
		cr_assert_eq(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
		again = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
		cr_assert_not_null(again, "kind %zu", i);
		cr_expect_eq(EVP_PKEY_eq(key, again), 1);
		EVP_PKEY_free(again);
		BIO_free(bio);
		EVP_PKEY_free(key);
	}
}

/* "BEGIN EC PRIVATE KEY", as many tools still write it. */
Test(lean, reads_keys_in_their_old_form)
{
	static const enum pki_key kinds[] = {PKI_P256, PKI_RSA2048};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		EVP_PKEY *key = pki_key(kinds[i]), *again;
		BIO *bio = BIO_new(BIO_s_mem());

		cr_assert_eq(PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL,
				 NULL),
		    1);
		again = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
		cr_assert_not_null(again, "kind %zu", i);
		cr_expect_eq(EVP_PKEY_eq(key, again), 1);
		EVP_PKEY_free(again);
		BIO_free(bio);
		EVP_PKEY_free(key);
	}
}
