/* SPDX-License-Identifier: MIT */
/* Beside OpenSSL's own, which knows nothing of our table. */
#include "certs/curve25519.h"

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <stddef.h>
#include <string.h>

enum { RANDOM_KEYS = 1000 };

static void
clamp(uint8_t private[CURVE25519_BYTES])
{
	private[0] &= 248;
	private[CURVE25519_BYTES - 1] = (uint8_t)((private[CURVE25519_BYTES - 1] & 127) | 64);
}

static void
expect_as_openssl(const uint8_t bytes[CURVE25519_BYTES])
{
	uint8_t private[CURVE25519_BYTES], ours[CURVE25519_BYTES], theirs[CURVE25519_BYTES];
	size_t size = sizeof(theirs);
	EVP_PKEY *key;

	memcpy(private, bytes, sizeof(private));
	clamp(private);
	curve25519_public(private, ours);
	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private, sizeof(private));
	cr_assert_eq(EVP_PKEY_get_raw_public_key(key, theirs, &size), 1);
	cr_assert_arr_eq(ours, theirs, sizeof(ours), "private key %02x %02x .. %02x", private[0],
	    private[1], private[CURVE25519_BYTES - 1]);
	EVP_PKEY_free(key);
}

TestSuite(curve25519, .init = curve25519_open);

/* RFC 7748 section 6.1. */
Test(curve25519, comes_to_what_the_standard_has)
{
	static const struct {
		uint8_t private[CURVE25519_BYTES], public[CURVE25519_BYTES];
	} known[] = {
	    {{0x77, 0x07, 0x6d, 0x0a, 0x73, 0x18, 0xa5, 0x7d, 0x3c, 0x16, 0xc1, 0x72, 0x51, 0xb2,
		 0x66, 0x45, 0xdf, 0x4c, 0x2f, 0x87, 0xeb, 0xc0, 0x99, 0x2a, 0xb1, 0x77, 0xfb, 0xa5,
		 0x1d, 0xb9, 0x2c, 0x2a},
		{0x85, 0x20, 0xf0, 0x09, 0x89, 0x30, 0xa7, 0x54, 0x74, 0x8b, 0x7d, 0xdc, 0xb4, 0x3e,
		    0xf7, 0x5a, 0x0d, 0xbf, 0x3a, 0x0d, 0x26, 0x38, 0x1a, 0xf4, 0xeb, 0xa4, 0xa9,
		    0x8e, 0xaa, 0x9b, 0x4e, 0x6a}},
	    {{0x5d, 0xab, 0x08, 0x7e, 0x62, 0x4a, 0x8a, 0x4b, 0x79, 0xe1, 0x7f, 0x8b, 0x83, 0x80,
		 0x0e, 0xe6, 0x6f, 0x3b, 0xb1, 0x29, 0x26, 0x18, 0xb6, 0xfd, 0x1c, 0x2f, 0x8b, 0x27,
		 0xff, 0x88, 0xe0, 0xeb},
		{0xde, 0x9e, 0xdb, 0x7d, 0x7b, 0x7d, 0xc1, 0xb4, 0xd3, 0x5b, 0x61, 0xc2, 0xec, 0xe4,
		    0x35, 0x37, 0x3f, 0x83, 0x43, 0xc8, 0x5b, 0x78, 0x67, 0x4d, 0xad, 0xfc, 0x7e,
		    0x14, 0x6f, 0x88, 0x2b, 0x4f}},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		uint8_t private[CURVE25519_BYTES], public[CURVE25519_BYTES];

		memcpy(private, known[i].private, sizeof(private));
		clamp(private);
		curve25519_public(private, public);
		cr_expect_arr_eq(public, known[i].public, sizeof(public));
	}
}

/* Every digit of every row, beside none and beside all, so that each is carried
 * into and out of. */
Test(curve25519, has_every_digit_of_every_row)
{
	for (size_t i = 0; i < (size_t)2 * CURVE25519_BYTES * 16; i++) {
		size_t at = i / 32;
		uint8_t bytes[CURVE25519_BYTES];

		memset(bytes, at % 2 == 0 ? 0x00 : 0xff, sizeof(bytes));
		bytes[at] = (uint8_t)(i % 32 < 16 ? i % 16 : i % 16 << 4);
		expect_as_openssl(bytes);
	}
}

/* The same numbers each time; what is random about them is that nobody chose them. */
Test(curve25519, comes_to_what_openssl_does)
{
	uint8_t bytes[CURVE25519_BYTES] = {1};

	for (int i = 0; i < RANDOM_KEYS; i++) {
		cr_assert_eq(EVP_Digest(bytes, sizeof(bytes), bytes, NULL, EVP_sha256(), NULL), 1);
		expect_as_openssl(bytes);
	}
}
