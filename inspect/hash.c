/* SPDX-License-Identifier: MIT */
#include "inspect/hash.h"

#include <openssl/evp.h>
#include <string.h>

enum {
	INNER = 0x36, /* RFC 2104 section 2 */
	OUTER = 0x5c,
};

/* Kept for the process's life: what it is made of does not change. */
struct algorithm {
	const char *name;
	EVP_MD *md;
	EVP_MD_CTX *ctx;
};

static struct algorithm sha256 = {.name = "SHA256"}, md5 = {.name = "MD5"};

static bool
is_there(struct algorithm *algorithm)
{
	if (algorithm->ctx == NULL)
		algorithm->ctx = EVP_MD_CTX_new();
	if (algorithm->md == NULL)
		algorithm->md = EVP_MD_fetch(NULL, algorithm->name, NULL);
	return algorithm->ctx != NULL && algorithm->md != NULL;
}

/* Of one behind the other. */
static bool
digest(struct algorithm *algorithm, struct bytes first, struct bytes second, uint8_t *out)
{
	return is_there(algorithm) &&
	       EVP_DigestInit_ex2(algorithm->ctx, algorithm->md, NULL) == 1 &&
	       EVP_DigestUpdate(algorithm->ctx, first.at, first.left) == 1 &&
	       EVP_DigestUpdate(algorithm->ctx, second.at, second.left) == 1 &&
	       EVP_DigestFinal_ex(algorithm->ctx, out, NULL) == 1;
}

bool
hash_sha256(struct bytes in, uint8_t out[HASH_SHA256_BYTES])
{
	return digest(&sha256, in, (struct bytes){in.at, 0}, out);
}

bool
hash_md5(struct bytes in, uint8_t out[HASH_MD5_BYTES])
{
	return digest(&md5, in, (struct bytes){in.at, 0}, out);
}

static struct bytes
pad(struct bytes key, uint8_t with, uint8_t out[HASH_HMAC_KEY_MAX])
{
	memset(out, with, HASH_HMAC_KEY_MAX);
	for (size_t i = 0; i < key.left; i++)
		out[i] ^= key.at[i];
	return (struct bytes){out, HASH_HMAC_KEY_MAX};
}

bool
hash_hmac(struct bytes key, struct bytes in, uint8_t out[HASH_SHA256_BYTES])
{
	uint8_t block[HASH_HMAC_KEY_MAX], inner[HASH_SHA256_BYTES];

	return key.left <= HASH_HMAC_KEY_MAX &&
	       digest(&sha256, pad(key, INNER, block), in, inner) &&
	       digest(&sha256, pad(key, OUTER, block), (struct bytes){inner, sizeof(inner)}, out);
}
