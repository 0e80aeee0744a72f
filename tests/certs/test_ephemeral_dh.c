/* SPDX-License-Identifier: MIT */
/* Beside OpenSSL's own, in a library context that the lean provider is not in. */
#include "tests/certs/lean_first.h"

#include <criterion/criterion.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

enum { SECRET_MAX = 512, BITS_MAX = 512 };

/* The field and somebody's half, as libssl reads them from a server. */
static EVP_PKEY *
read_half(OSSL_LIB_CTX *context, const BIGNUM *p, const BIGNUM *g, const BIGNUM *half)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(context, "DH", NULL);
	EVP_PKEY *key = NULL;
	OSSL_PARAM *params;

	cr_assert(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_FFC_P, p) == 1 &&
		  OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_FFC_G, g) == 1 &&
		  OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PUB_KEY, half) == 1);
	params = OSSL_PARAM_BLD_to_param(build);
	cr_assert_eq(EVP_PKEY_fromdata_init(ctx), 1);
	cr_assert_eq(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params), 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* A key of one's own in the same field. */
static EVP_PKEY *
make_key(OSSL_LIB_CTX *context, EVP_PKEY *field)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(context, field, NULL);
	EVP_PKEY *key = NULL;

	cr_assert_eq(EVP_PKEY_keygen_init(ctx), 1);
	cr_assert_eq(EVP_PKEY_keygen(ctx, &key), 1);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static BIGNUM *
number(EVP_PKEY *key, const char *name)
{
	BIGNUM *number = NULL;

	cr_assert_eq(EVP_PKEY_get_bn_param(key, name, &number), 1);
	return number;
}

static size_t
derive(OSSL_LIB_CTX *context, EVP_PKEY *key, EVP_PKEY *other, uint8_t out[SECRET_MAX])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(context, key, NULL);
	size_t size = SECRET_MAX;

	cr_assert_eq(EVP_PKEY_derive_init(ctx), 1);
	cr_assert_eq(EVP_PKEY_derive_set_peer(ctx, other), 1);
	cr_assert_eq(EVP_PKEY_derive(ctx, out, &size), 1);
	EVP_PKEY_CTX_free(ctx);
	return size;
}

/* The server's key is OpenSSL's, the other is ours; both come to the same. */
static void
expect_agreement(const BIGNUM *p, const BIGNUM *g, int bits_max)
{
	OSSL_LIB_CTX *whole = OSSL_LIB_CTX_new();
	EVP_PKEY *field = read_half(whole, p, g, g), *theirs = make_key(whole, field);
	BIGNUM *half = number(theirs, OSSL_PKEY_PARAM_PUB_KEY);
	EVP_PKEY *server = read_half(NULL, p, g, half), *ours = make_key(NULL, server);
	BIGNUM *our_half = number(ours, OSSL_PKEY_PARAM_PUB_KEY);
	BIGNUM *exponent = number(ours, OSSL_PKEY_PARAM_PRIV_KEY);
	EVP_PKEY *shown = read_half(whole, p, g, our_half);
	uint8_t here[SECRET_MAX], there[SECRET_MAX];
	size_t size = derive(NULL, ours, server, here);

	cr_expect_eq(size, (size_t)BN_num_bytes(p));
	cr_assert_eq(derive(whole, theirs, shown, there), size);
	cr_expect_arr_eq(here, there, size);
	cr_expect_leq(BN_num_bits(exponent), bits_max);
	cr_expect_gt(BN_num_bits(exponent), bits_max / 2);
	EVP_PKEY_free(field);
	EVP_PKEY_free(theirs);
	EVP_PKEY_free(server);
	EVP_PKEY_free(ours);
	EVP_PKEY_free(shown);
	BN_free(half);
	BN_free(our_half);
	BN_clear_free(exponent);
	OSSL_LIB_CTX_free(whole);
}

/* With 2 the field is one that OpenSSL knows by name, with 4 it is nobody's. */
Test(ephemeral_dh, exponents_are_short_and_good)
{
	BIGNUM *small = BN_get_rfc3526_prime_2048(NULL), *large = BN_get_rfc3526_prime_4096(NULL);
	BIGNUM *two = BN_new(), *four = BN_new();

	(void)BN_set_word(two, 2);
	(void)BN_set_word(four, 4);
	expect_agreement(small, two, BITS_MAX);
	expect_agreement(small, four, BITS_MAX);
	expect_agreement(large, two, BITS_MAX);
	expect_agreement(large, four, BITS_MAX);
	BN_free(small);
	BN_free(large);
	BN_free(two);
	BN_free(four);
}

/* RFC 5114 section 2.3: its subgroup has 256 bits, fewer than our exponents. */
Test(ephemeral_dh, a_small_subgroup_has_its_own_length)
{
	OSSL_LIB_CTX *whole = OSSL_LIB_CTX_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(whole, "DHX", NULL);
	EVP_PKEY *field = NULL;
	BIGNUM *p, *g;

	cr_assert_eq(EVP_PKEY_paramgen_init(ctx), 1);
	cr_assert_eq(EVP_PKEY_CTX_set_group_name(ctx, "dh_2048_256"), 1);
	cr_assert_eq(EVP_PKEY_paramgen(ctx, &field), 1);
	p = number(field, OSSL_PKEY_PARAM_FFC_P);
	g = number(field, OSSL_PKEY_PARAM_FFC_G);
	expect_agreement(p, g, 256);
	BN_free(p);
	BN_free(g);
	EVP_PKEY_free(field);
	EVP_PKEY_CTX_free(ctx);
	OSSL_LIB_CTX_free(whole);
}

/* The halves of which every secret is known beforehand: RFC 7919 section 5.1. */
Test(ephemeral_dh, halves_that_give_the_secret_away_are_refused)
{
	for (BN_ULONG base = 2; base <= 4; base += 2) {
		BIGNUM *p = BN_get_rfc3526_prime_2048(NULL), *g = BN_new(), *half = BN_new();

		(void)BN_set_word(g, base);
		for (int i = 0; i < 5; i++) {
			EVP_PKEY *key;
			EVP_PKEY_CTX *ctx;

			/* 0, 1, 2; p - 1, p */
			(void)(i < 3 ? BN_set_word(half, (BN_ULONG)i) == 1
				     : BN_copy(half, p) != NULL && BN_sub_word(half, i == 3) == 1);
			key = read_half(NULL, p, g, half);
			ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
			cr_expect_eq(EVP_PKEY_public_check(ctx) == 1, i == 2, "%d", i);
			EVP_PKEY_CTX_free(ctx);
			EVP_PKEY_free(key);
		}
		BN_free(p);
		BN_free(g);
		BN_free(half);
	}
}
