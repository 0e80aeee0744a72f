/* SPDX-License-Identifier: MIT */
#include "tests/support/record_writer.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <string.h>

enum { KEYS_BYTES = 2 * 16 + 2 * 4, RANDOM_BYTES = 32, RANDOMS_BYTES = 64, MASTER_MAX = 48 };

static int
derive(const uint8_t *master, size_t master_size, const uint8_t *seed, size_t seed_size,
    uint8_t out[KEYS_BYTES])
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	char digest[] = "SHA256";
	uint8_t secret[MASTER_MAX], label[128];
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
	    OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, secret, master_size),
	    OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, label, seed_size),
	    OSSL_PARAM_construct_end(),
	};
	int ret;

	memcpy(secret, master, master_size);
	memcpy(label, seed, seed_size);
	ret = EVP_KDF_derive(ctx, out, KEYS_BYTES, params);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return ret == 1;
}

int
record_writer_open(struct record_writer *writer, SSL *ssl, uint64_t sent)
{
	static const char label[] = "key expansion";
	uint8_t master[MASTER_MAX], keys[KEYS_BYTES];
	uint8_t seed[sizeof(label) - 1 + RANDOMS_BYTES];
	size_t size, side;

	if (SSL_version(ssl) != TLS1_2_VERSION ||
	    strcmp(SSL_get_cipher_name(ssl), RECORD_WRITER_CIPHER) != 0)
		return 0;
	size = SSL_SESSION_get_master_key(SSL_get_session(ssl), master, sizeof(master));
	memcpy(seed, label, sizeof(label) - 1);
	(void)SSL_get_server_random(ssl, seed + sizeof(label) - 1, RANDOM_BYTES);
	(void)SSL_get_client_random(ssl, seed + sizeof(label) - 1 + RANDOM_BYTES, RANDOM_BYTES);
	if (!derive(master, size, seed, sizeof(seed), keys))
		return 0;
	side = SSL_is_server(ssl) == 1 ? 1 : 0;
	memcpy(writer->key, keys + side * sizeof(writer->key), sizeof(writer->key));
	memcpy(writer->salt, keys + 2 * sizeof(writer->key) + side * sizeof(writer->salt),
	    sizeof(writer->salt));
	writer->number = 1 + sent; /* its Finished was the first */
	return 1;
}

static void
put_number(uint8_t *to, uint64_t value)
{
	for (int i = 7; i >= 0; i--) {
		to[i] = (uint8_t)value;
		value >>= 8;
	}
}

size_t
record_writer_make(struct record_writer *writer, uint8_t type, const void *bytes, size_t count,
    uint8_t out[RECORD_WRITER_MAX])
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t nonce[12], about[13], *body = out + 5 + 8;
	size_t length = 8 + count + 16;
	int done = 0;

	assert(count <= RECORD_WRITER_ROOM);
	put_number(out + 5, writer->number);
	memcpy(nonce, writer->salt, sizeof(writer->salt));
	memcpy(nonce + 4, out + 5, 8);
	put_number(about, writer->number++);
	memcpy(out, (const uint8_t[]){type, 3, 3, (uint8_t)(length >> 8), (uint8_t)length}, 5);
	memcpy(about + 8, out, 3);
	about[11] = (uint8_t)(count >> 8);
	about[12] = (uint8_t)count;
	(void)EVP_EncryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, writer->key, nonce);
	(void)EVP_EncryptUpdate(ctx, NULL, &done, about, sizeof(about));
	if (count > 0)
		(void)EVP_EncryptUpdate(ctx, body, &done, bytes, (int)count);
	(void)EVP_EncryptFinal_ex(ctx, body + count, &done);
	(void)EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, body + count);
	EVP_CIPHER_CTX_free(ctx);
	return 5 + length;
}
