/* SPDX-License-Identifier: MIT */
#include "certs/key_block.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

enum { BLOCK_MAX = 2 * RECORD_SECRET_MAX };

static EVP_KDF *prf; /* once it is needed; of the process */

/* PRF(master, "key expansion", server_random + client_random) (section 6.3). */
static bool
expand(EVP_KDF_CTX *ctx, struct key_block *block, uint8_t *out, size_t size)
{
	static const char label[] = "key expansion";
	uint8_t seed[sizeof(label) - 1 + (size_t)2 * SSL3_RANDOM_SIZE], *at = seed;
	OSSL_PARAM params[4];

	memcpy(at, label, sizeof(label) - 1);
	at += sizeof(label) - 1;
	memcpy(at, block->server_random, SSL3_RANDOM_SIZE);
	memcpy(at + SSL3_RANDOM_SIZE, block->client_random, SSL3_RANDOM_SIZE);
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, block->digest, 0);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, block->master,
	    sizeof(block->master));
	params[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed, sizeof(seed));
	params[3] = OSSL_PARAM_construct_end();
	return EVP_KDF_derive(ctx, out, size, params) == 1;
}

/* First both keys, then both ivs, the client's before the server's. */
static void
split(const uint8_t *block, enum record_suite suite, uint8_t *client, uint8_t *server)
{
	size_t key = record_key_size(suite), iv = record_secret_size(suite) - key;

	memcpy(client, block, key);
	memcpy(server, block + key, key);
	memcpy(client + key, block + 2 * key, iv);
	memcpy(server + key, block + 2 * key + iv, iv);
}

bool
key_block_split(struct key_block *block, enum record_suite suite, uint8_t *client, uint8_t *server)
{
	uint8_t bytes[BLOCK_MAX];
	EVP_KDF_CTX *ctx;
	bool good;

	if (prf == NULL)
		prf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_TLS1_PRF, NULL);
	ctx = prf != NULL ? EVP_KDF_CTX_new(prf) : NULL;
	good = ctx != NULL && expand(ctx, block, bytes, 2 * record_secret_size(suite));
	if (good)
		split(bytes, suite, client, server);
	OPENSSL_cleanse(bytes, sizeof(bytes));
	EVP_KDF_CTX_free(ctx);
	return good;
}
