/* SPDX-License-Identifier: MIT */
/* All of what certs/ does, done again behind the lean provider: the suites of
 * verify, mint, identities, lists and staples are linked in here too. */
#include "certs/lean.h"

#include "tests/certs/lean_first.h"
#include "tests/support/pki.h"

#include <criterion/criterion.h>
#include <openssl/decoder.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>
#include <string.h>

Test(lean, is_what_is_asked_and_nothing_else)
{
	cr_expect_eq(OSSL_PROVIDER_available(NULL, "lean"), 1);
	cr_expect_eq(OSSL_PROVIDER_available(NULL, "default"), 0);
}

static void
count_name(const OBJ_NAME *name, void *count)
{
	(void)name;
	++*(int *)count;
}

/* A certificate's signature finds its digest by these; whoever else asks for an
 * algorithm has them all gone through. */
Test(lean, has_few_names_that_openssl_had_before)
{
	static const int there[] = {NID_md5, NID_sha1, NID_sha224, NID_sha256, NID_sha384,
	    NID_sha512};
	int digests = 0, ciphers = 0;

	for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++)
		cr_expect_not_null(EVP_get_digestbynid(there[i]), "%s", OBJ_nid2sn(there[i]));
	OBJ_NAME_do_all(OBJ_NAME_TYPE_MD_METH, count_name, &digests);
	OBJ_NAME_do_all(OBJ_NAME_TYPE_CIPHER_METH, count_name, &ciphers);
	cr_expect_leq(digests, 40, "%d", digests);
	cr_expect_eq(ciphers, 0, "%d", ciphers);
}

static void
count_one(OSSL_DECODER *decoder, void *count)
{
	(void)decoder;
	++*(int *)count;
}

/* What TLS and certificates have is there, and what neither has is not. */
Test(lean, has_what_is_used)
{
	static const char *const there[] = {"SHA1", "SHA256", "SHA384", "SHA512", "MD5-SHA1",
	    "SHAKE256"};
	static const char *const not_there[] = {"BLAKE2s-256", "SM3", "RIPEMD160"};

	for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++) {
		EVP_MD *md = EVP_MD_fetch(NULL, there[i], NULL);

		cr_expect_not_null(md, "%s", there[i]);
		EVP_MD_free(md);
	}
	for (size_t i = 0; i < sizeof(not_there) / sizeof(not_there[0]); i++)
		cr_expect_null(EVP_MD_fetch(NULL, not_there[i], NULL), "%s", not_there[i]);
}

/* Whoever makes a key, its halves belong together: OpenSSL's own computes the
 * public one anew, and both sides of an exchange come to the same. */
Test(lean, makes_keys_of_handshakes)
{
	EVP_PKEY *first = NULL;

	for (int i = 0; i < 50; i++) {
		EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "X25519"), *again;
		uint8_t private[32], public[32], computed[32];
		size_t size = 32;

		cr_assert_not_null(key);
		cr_assert_eq(EVP_PKEY_get_raw_private_key(key, private, &size), 1);
		cr_assert_eq(EVP_PKEY_get_raw_public_key(key, public, &size), 1);
		again = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private, 32);
		cr_assert_eq(EVP_PKEY_get_raw_public_key(again, computed, &size), 1);
		cr_expect_arr_eq(public, computed, 32);
		cr_expect_eq(private[0] & 7, 0);
		cr_expect_eq(private[31] & 0xc0, 0x40);
		cr_expect(first == NULL || EVP_PKEY_eq(first, key) == 0, "another one each time");
		EVP_PKEY_free(again);
		EVP_PKEY_free(first);
		first = key;
	}
	EVP_PKEY_free(first);
}

/* As libssl does for the other side's share, which it then fills in. */
Test(lean, makes_parameters_without_a_key)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "X25519", NULL);
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "X25519"), *blank = NULL;
	uint8_t public[32];
	size_t size = sizeof(public);

	cr_assert_eq(EVP_PKEY_paramgen_init(ctx), 1);
	cr_assert_eq(EVP_PKEY_CTX_set_group_name(ctx, "x25519"), 1);
	cr_assert_eq(EVP_PKEY_paramgen(ctx, &blank), 1);
	cr_assert_eq(EVP_PKEY_get_raw_public_key(key, public, &size), 1);
	cr_assert_eq(EVP_PKEY_set1_encoded_public_key(blank, public, size), 1);
	cr_expect_eq(EVP_PKEY_eq(blank, key), 1);
	cr_assert_eq(EVP_PKEY_keygen_init(ctx), 1);
	cr_expect_leq(EVP_PKEY_CTX_set_group_name(ctx, "x448"), 0);
	EVP_PKEY_free(blank);
	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(ctx);
}

/* All suites that OpenSSL has by default, whoever provides what they are made of. */
Test(lean, has_all_suites)
{
	OSSL_LIB_CTX *whole = OSSL_LIB_CTX_new();
	SSL_CTX *ours = SSL_CTX_new(TLS_method());
	SSL_CTX *theirs = SSL_CTX_new_ex(whole, NULL, TLS_method());
	STACK_OF(SSL_CIPHER) * have, *want;

	cr_assert(ours != NULL && theirs != NULL);
	have = SSL_CTX_get_ciphers(ours);
	want = SSL_CTX_get_ciphers(theirs);
	cr_assert_gt(sk_SSL_CIPHER_num(want), 20);
	cr_assert_eq(sk_SSL_CIPHER_num(have), sk_SSL_CIPHER_num(want));
	for (int i = 0; i < sk_SSL_CIPHER_num(want); i++)
		cr_expect_str_eq(SSL_CIPHER_get_name(sk_SSL_CIPHER_value(have, i)),
		    SSL_CIPHER_get_name(sk_SSL_CIPHER_value(want, i)));
	SSL_CTX_free(ours);
	SSL_CTX_free(theirs);
	OSSL_LIB_CTX_free(whole);
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
