/* SPDX-License-Identifier: MIT */
#include "certs/key_schedule.h"

#include "tests/certs/lean_first.h"

#include <criterion/criterion.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* What is asked of it; sizes of -1: not given. */
struct question {
	const char *digest;
	int mode, key, salt, prefix, label, data;
	size_t size;
};

static uint8_t bytes[1024];

static void
add(OSSL_PARAM **to, const char *name, int size, size_t at)
{
	if (size >= 0)
		*(*to)++ = OSSL_PARAM_construct_octet_string(name, bytes + at, (size_t)size);
}

static int
ask(OSSL_LIB_CTX *context, const struct question *question, uint8_t *out)
{
	EVP_KDF *kdf = EVP_KDF_fetch(context, OSSL_KDF_NAME_TLS1_3_KDF, NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	int mode = question->mode, ret;
	char digest[16];
	OSSL_PARAM params[8], *end = params;

	cr_assert_not_null(ctx);
	(void)snprintf(digest, sizeof(digest), "%s", question->digest);
	*end++ = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
	*end++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
	add(&end, OSSL_KDF_PARAM_KEY, question->key, 1);
	add(&end, OSSL_KDF_PARAM_SALT, question->salt, 100);
	add(&end, OSSL_KDF_PARAM_PREFIX, question->prefix, 200);
	add(&end, OSSL_KDF_PARAM_LABEL, question->label, 300);
	add(&end, OSSL_KDF_PARAM_DATA, question->data, 400);
	*end = OSSL_PARAM_construct_end();
	ret = EVP_KDF_derive(ctx, out, question->size, params);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return ret;
}

enum { EXPAND = EVP_KDF_HKDF_MODE_EXPAND_ONLY, EXTRACT = EVP_KDF_HKDF_MODE_EXTRACT_ONLY };

static void
expect_equal(const struct question *question)
{
	OSSL_LIB_CTX *whole = OSSL_LIB_CTX_new();
	uint8_t ours[600], theirs[600];

	cr_assert_eq(ask(whole, question, theirs), 1);
	cr_assert_eq(ask(NULL, question, ours), 1, "%s mode %d size %zu", question->digest,
	    question->mode, question->size);
	cr_expect_arr_eq(ours, theirs, question->size, "%s mode %d key %d data %d size %zu",
	    question->digest, question->mode, question->key, question->data, question->size);
	OSSL_LIB_CTX_free(whole);
}

static void
fill(void)
{
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 167 + 13);
}

Test(key_schedule, derives_what_openssl_does)
{
	static const struct question questions[] = {
	    {"SHA2-256", EXPAND, 32, -1, 6, 12, 32, 32}, /* a traffic secret */
	    {"SHA2-256", EXPAND, 32, -1, 6, 3, -1, 16},  /* a key */
	    {"SHA2-256", EXPAND, 32, -1, 6, 2, -1, 12},  /* an iv */
	    {"SHA2-256", EXPAND, 32, -1, 6, 8, 0, 32},   /* a key of Finished */
	    {"SHA256", EXPAND, 32, -1, 6, 10, 8, 32},    /* a ticket's, by the old name */
	    {"SHA2-384", EXPAND, 48, -1, 6, 12, 48, 48},
	    {"SHA2-384", EXPAND, 48, -1, 6, 3, -1, 32},
	    {"SHA384", EXPAND, 48, -1, 6, 8, 0, 48},
	    {"SHA2-256", EXPAND, 64, -1, 6, 200, 255, 500}, /* rounds; the longest */
	    {"SHA2-384", EXPAND, 1, -1, 0, 0, 0, 1},
	    {"SHA2-256", EXTRACT, -1, -1, 6, 7, -1, 32},  /* nothing before, nothing new */
	    {"SHA2-256", EXTRACT, 32, -1, 6, 7, -1, 32},  /* a resumed one's first */
	    {"SHA2-256", EXTRACT, 32, 32, 6, 7, -1, 32},  /* X25519 */
	    {"SHA2-256", EXTRACT, 66, 32, 6, 7, -1, 32},  /* P-521 */
	    {"SHA2-256", EXTRACT, 512, 32, 6, 7, -1, 32}, /* ffdhe4096 */
	    {"SHA2-256", EXTRACT, -1, 32, 6, 7, -1, 32},  /* the last one */
	    {"SHA2-384", EXTRACT, 48, 48, 6, 7, -1, 48},
	    {"SHA2-384", EXTRACT, -1, 48, 6, 7, -1, 48},
	};

	fill();
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
		expect_equal(&questions[i]);
}

/* RFC 8448 section 3: the early secret, and the key that the handshake's comes of. */
Test(key_schedule, derives_what_the_rfc_says)
{
	static const uint8_t early[] = {0x33, 0xad, 0x0a, 0x1c, 0x60, 0x7e, 0xc0, 0x3b, 0x09, 0xe6,
	    0xcd, 0x98, 0x93, 0x68, 0x0c, 0xe2, 0x10, 0xad, 0xf3, 0x00, 0xaa, 0x1f, 0x26, 0x60,
	    0xe1, 0xb2, 0x2e, 0x10, 0xf1, 0x70, 0xf9, 0x2a};
	uint8_t out[32];

	cr_assert_eq(ask(NULL, &(struct question){"SHA2-256", EXTRACT, -1, -1, 6, 7, -1, 32}, out),
	    1);
	cr_expect_arr_eq(out, early, sizeof(early));
}

Test(key_schedule, refuses_what_tls_does_not_have)
{
	static const struct question questions[] = {
	    {"SHA1", EXPAND, 20, -1, 6, 3, -1, 16},
	    {"", EXPAND, 32, -1, 6, 3, -1, 16},
	    {"SHA2-256", EXPAND, -1, -1, 6, 3, -1, 16},           /* no key */
	    {"SHA2-256", EXPAND, 65, -1, 6, 3, -1, 16},           /* longer than a block */
	    {"SHA2-256", EXPAND, 32, -1, 6, 250, -1, 16},         /* a label too long */
	    {"SHA2-256", EXPAND, 32, -1, 6, 3, 256, 16},          /* a context too long */
	    {"SHA2-256", EXPAND, 32, -1, 6, 3, -1, 0},            /* nothing */
	    {"SHA2-256", EXPAND, 32, -1, 6, 3, -1, 255 * 32 + 1}, /* more than there is */
	    {"SHA2-256", EXTRACT, 32, 32, 6, 7, -1, 31}, /* another size than the digest's */
	    {"SHA2-256", EXTRACT, 32, 32, 6, 7, -1, 48},
	    {"SHA2-256", EVP_KDF_HKDF_MODE_EXTRACT_AND_EXPAND, 32, 32, 6, 7, -1, 32},
	};
	static uint8_t out[255 * 32 + 1];

	fill();
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
		cr_expect_neq(ask(NULL, &questions[i], out), 1, "%zu", i);
}
