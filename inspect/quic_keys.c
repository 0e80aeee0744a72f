/* SPDX-License-Identifier: MIT */
#include "inspect/quic_keys.h"

#include "inspect/hash.h"

#include <openssl/evp.h>
#include <string.h>

enum {
	SALT_BYTES = 20,
	SECRET_BYTES = HASH_SHA256_BYTES,
	LABEL_INFO_MAX = 64,
	MASK_BYTES = 5,
};

static const uint8_t salt_v1[SALT_BYTES] = {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d,
    0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a};
static const uint8_t salt_v2[SALT_BYTES] = {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81,
    0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9};
static const uint8_t salt_draft[SALT_BYTES] = {0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e,
    0x97, 0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99};

bool
quic_version_known(uint32_t version)
{
	return version == QUIC_V1 || version == QUIC_V2 ||
	       (version >= QUIC_DRAFT_29 && version <= QUIC_DRAFT_32);
}

/* Asked of OpenSSL once a process, as it takes longer than to open a packet. */
struct cipher {
	const char *name;
	EVP_CIPHER *cipher;
	EVP_CIPHER_CTX *ctx;
};

static struct cipher ecb = {.name = "AES-128-ECB"}, gcm = {.name = "AES-128-GCM"};

/* NULL when OpenSSL refuses. */
static EVP_CIPHER_CTX *
context_of(struct cipher *cipher)
{
	if (cipher->ctx == NULL)
		cipher->ctx = EVP_CIPHER_CTX_new();
	if (cipher->cipher == NULL)
		cipher->cipher = EVP_CIPHER_fetch(NULL, cipher->name, NULL);
	return cipher->cipher != NULL ? cipher->ctx : NULL;
}

/* HKDF-Expand-Label (RFC 8446 section 7.1) of at most one hash's bytes. */
static bool
expand(const uint8_t secret[SECRET_BYTES], const char *label, uint8_t *out, uint8_t size)
{
	uint8_t info[LABEL_INFO_MAX], block[SECRET_BYTES];
	size_t length = strlen(label), used = 0;

	info[used++] = 0;
	info[used++] = size;
	info[used++] = (uint8_t)(6 + length);
	memcpy(info + used, "tls13 ", 6);
	used += 6;
	memcpy(info + used, label, length);
	used += length;
	info[used++] = 0; /* no context */
	info[used++] = 1; /* the first block, and the only one */
	if (!hash_hmac((struct bytes){secret, SECRET_BYTES}, (struct bytes){info, used}, block))
		return false;
	memcpy(out, block, size);
	return true;
}

bool
quic_keys_make(uint32_t version, struct bytes id, struct quic_keys *out)
{
	bool v2 = version == QUIC_V2;
	const uint8_t *salt = v2 ? salt_v2 : version == QUIC_V1 ? salt_v1 : salt_draft;
	uint8_t initial[SECRET_BYTES], client[SECRET_BYTES];

	return hash_hmac((struct bytes){salt, SALT_BYTES}, id, initial) &&
	       expand(initial, "client in", client, SECRET_BYTES) &&
	       expand(client, v2 ? "quicv2 key" : "quic key", out->key, sizeof(out->key)) &&
	       expand(client, v2 ? "quicv2 iv" : "quic iv", out->iv, sizeof(out->iv)) &&
	       expand(client, v2 ? "quicv2 hp" : "quic hp", out->header, sizeof(out->header));
}

bool
quic_keys_mask(const struct quic_keys *keys, struct bytes sample, uint8_t mask[MASK_BYTES])
{
	EVP_CIPHER_CTX *ctx = context_of(&ecb);
	uint8_t block[QUIC_SAMPLE_BYTES];
	int made = 0;

	if (sample.left != QUIC_SAMPLE_BYTES || ctx == NULL ||
	    EVP_EncryptInit_ex2(ctx, ecb.cipher, keys->header, NULL, NULL) != 1 ||
	    EVP_EncryptUpdate(ctx, block, &made, sample.at, QUIC_SAMPLE_BYTES) != 1 ||
	    made != QUIC_SAMPLE_BYTES)
		return false;
	memcpy(mask, block, MASK_BYTES);
	return true;
}

/* Header as additional data in three parts: what was masked stands apart. */
static bool
open_with(EVP_CIPHER_CTX *ctx, const struct quic_keys *keys, const struct quic_sealed *sealed,
    uint8_t *out, int *made)
{
	uint8_t nonce[QUIC_IV_BYTES], tag[QUIC_TAG_BYTES];
	int size = (int)(sealed->payload.left - QUIC_TAG_BYTES), end = 0;

	memcpy(nonce, keys->iv, sizeof(nonce));
	for (unsigned i = 0; i < sealed->number_bytes; i++)
		nonce[QUIC_IV_BYTES - sealed->number_bytes + i] ^= sealed->number[i];
	memcpy(tag, sealed->payload.at + size, sizeof(tag));
	return EVP_DecryptInit_ex2(ctx, gcm.cipher, keys->key, nonce, NULL) == 1 &&
	       EVP_DecryptUpdate(ctx, NULL, made, &sealed->flags, 1) == 1 &&
	       EVP_DecryptUpdate(ctx, NULL, made, sealed->middle.at, (int)sealed->middle.left) ==
		   1 &&
	       EVP_DecryptUpdate(ctx, NULL, made, sealed->number, sealed->number_bytes) == 1 &&
	       EVP_DecryptUpdate(ctx, out, made, sealed->payload.at, size) == 1 &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, QUIC_TAG_BYTES, tag) == 1 &&
	       EVP_DecryptFinal_ex(ctx, out + *made, &end) == 1;
}

bool
quic_keys_open(const struct quic_keys *keys, const struct quic_sealed *sealed, uint8_t *out,
    struct bytes *opened)
{
	EVP_CIPHER_CTX *ctx = context_of(&gcm);
	int made = 0;
	bool good = ctx != NULL && sealed->payload.left >= QUIC_TAG_BYTES &&
		    open_with(ctx, keys, sealed, out, &made);

	*opened = (struct bytes){out, good ? (size_t)made : 0};
	return good;
}
