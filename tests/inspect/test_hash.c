/* SPDX-License-Identifier: MIT */
#include "inspect/hash.h"

#include <criterion/criterion.h>
#include <string.h>

static struct bytes
text(const char *at)
{
	return (struct bytes){(const uint8_t *)at, strlen(at)};
}

/* RFC 6234 section 8.5; one context serves all, so each twice. */
Test(hash, sha256_is_as_published_each_time)
{
	static const uint8_t abc[] =
	    "\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23"
	    "\xb0\x03\x61\xa3\x96\x17\x7a\x9c\xb4\x10\xff\x61\xf2\x00\x15\xad";
	static const uint8_t none[] =
	    "\xe3\xb0\xc4\x42\x98\xfc\x1c\x14\x9a\xfb\xf4\xc8\x99\x6f\xb9\x24"
	    "\x27\xae\x41\xe4\x64\x9b\x93\x4c\xa4\x95\x99\x1b\x78\x52\xb8\x55";
	uint8_t out[HASH_SHA256_BYTES];

	for (int i = 0; i < 2; i++) {
		cr_assert(hash_sha256(text("abc"), out));
		cr_assert_arr_eq(out, abc, sizeof(out));
		cr_assert(hash_sha256(text(""), out));
		cr_assert_arr_eq(out, none, sizeof(out));
	}
}

/* RFC 1321 section A.5. */
Test(hash, md5_is_as_published_each_time)
{
	static const uint8_t abc[] =
	    "\x90\x01\x50\x98\x3c\xd2\x4f\xb0\xd6\x96\x3f\x7d\x28\xe1\x7f\x72";
	uint8_t out[HASH_MD5_BYTES];

	for (int i = 0; i < 2; i++) {
		cr_assert(hash_md5(text("abc"), out));
		cr_assert_arr_eq(out, abc, sizeof(out));
	}
}

/* RFC 4231 sections 4.2 and 4.3. */
Test(hash, hmac_is_as_published)
{
	static const uint8_t there[] =
	    "\xb0\x34\x4c\x61\xd8\xdb\x38\x53\x5c\xa8\xaf\xce\xaf\x0b\xf1\x2b"
	    "\x88\x1d\xc2\x00\xc9\x83\x3d\xa7\x26\xe9\x37\x6c\x2e\x32\xcf\xf7";
	static const uint8_t jefe[] =
	    "\x5b\xdc\xc1\x46\xbf\x60\x75\x4e\x6a\x04\x24\x26\x08\x95\x75\xc7"
	    "\x5a\x00\x3f\x08\x9d\x27\x39\x83\x9d\xec\x58\xb9\x64\xec\x38\x43";
	uint8_t key[20], out[HASH_SHA256_BYTES];

	memset(key, 0x0b, sizeof(key));
	cr_assert(hash_hmac((struct bytes){key, sizeof(key)}, text("Hi There"), out));
	cr_expect_arr_eq(out, there, sizeof(out));
	cr_assert(hash_hmac(text("Jefe"), text("what do ya want for nothing?"), out));
	cr_expect_arr_eq(out, jefe, sizeof(out));
}

Test(hash, a_key_longer_than_a_block_is_refused)
{
	static const uint8_t key[HASH_HMAC_KEY_MAX + 1];
	uint8_t out[HASH_SHA256_BYTES];

	cr_expect(hash_hmac((struct bytes){key, HASH_HMAC_KEY_MAX}, text(""), out));
	cr_expect_not(hash_hmac((struct bytes){key, sizeof(key)}, text(""), out));
}
