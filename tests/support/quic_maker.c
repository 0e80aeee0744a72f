/* SPDX-License-Identifier: MIT */
#include "tests/support/quic_maker.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_BYTES = 4, TAG_BYTES = 16, SECRET_BYTES = 32, VERSION_2 = 0x6b3343cf };

static void
need(bool good, const char *what)
{
	if (!good) {
		fprintf(stderr, "quic_maker: %s\n", what);
		abort();
	}
}

/* ---- keys ---- */

static void
hkdf(int mode, const void *salt, size_t salt_size, const void *key, size_t key_size,
    const void *info, size_t info_size, uint8_t *out, size_t size)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	char digest[] = "SHA256";
	OSSL_PARAM params[6], *at = params;

	*at++ = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
	*at++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
	*at++ =
	    OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)key, key_size);
	if (salt != NULL)
		*at++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT,
		    (void *)(uintptr_t)salt, salt_size);
	if (info != NULL)
		*at++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO,
		    (void *)(uintptr_t)info, info_size);
	*at = OSSL_PARAM_construct_end();
	need(EVP_KDF_derive(ctx, out, size, params) == 1, "HKDF");
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

static void
expand_label(const uint8_t secret[SECRET_BYTES], const char *label, uint8_t *out, size_t size)
{
	uint8_t info[64];
	int used = snprintf((char *)info + 3, sizeof(info) - 3, "tls13 %s", label);

	info[0] = 0;
	info[1] = (uint8_t)size;
	info[2] = (uint8_t)used;
	info[3 + used] = 0;
	hkdf(EVP_KDF_HKDF_MODE_EXPAND_ONLY, NULL, 0, secret, SECRET_BYTES, info, (size_t)used + 4,
	    out, size);
}

struct keys {
	uint8_t key[16], iv[12], header[16];
};

static struct keys
make_keys(uint32_t version, const void *id, size_t size)
{
	static const char salts[][41] = {"38762cf7f55934b34d179ae6a4c80cadccbb7f0a",
	    "0dede3def700a6db819381be6e269dcbf9bd2ed9", "afbfec289993d24c9e9786f19c6111e04390a899"};
	bool v2 = version == VERSION_2;
	const char *salt_hex = salts[version == 1 ? 0 : v2 ? 1 : 2];
	uint8_t salt[20], initial[SECRET_BYTES], client[SECRET_BYTES];
	struct keys keys;

	for (size_t i = 0; i < sizeof(salt); i++)
		need(sscanf(salt_hex + 2 * i, "%2hhx", &salt[i]) == 1, "salt");
	hkdf(EVP_KDF_HKDF_MODE_EXTRACT_ONLY, salt, sizeof(salt), id, size, NULL, 0, initial,
	    sizeof(initial));
	expand_label(initial, "client in", client, sizeof(client));
	expand_label(client, v2 ? "quicv2 key" : "quic key", keys.key, sizeof(keys.key));
	expand_label(client, v2 ? "quicv2 iv" : "quic iv", keys.iv, sizeof(keys.iv));
	expand_label(client, v2 ? "quicv2 hp" : "quic hp", keys.header, sizeof(keys.header));
	return keys;
}

/* ---- packets ---- */

static void
add_varint(struct made *made, size_t value)
{
	const uint8_t bytes[4] = {(uint8_t)(0x80 | value >> 24), (uint8_t)(value >> 16),
	    (uint8_t)(value >> 8), (uint8_t)value};

	need(value < 1U << 30, "a number that four bytes hold");
	if (value < 64)
		made_add(made, bytes + 3, 1);
	else if (value < 16384)
		made_add(made, (const uint8_t[]){(uint8_t)(0x40 | value >> 8), bytes[3]}, 2);
	else
		made_add(made, bytes, 4);
}

void
quic_add_crypto(struct made *frames, size_t offset, const void *bytes, size_t count)
{
	made_add(frames, "\x06", 1);
	add_varint(frames, offset);
	add_varint(frames, count);
	made_add(frames, bytes, count);
}

static struct made
make_header(const struct quic_initial *initial, size_t payload)
{
	const uint32_t version = initial->version, number = initial->number;
	const uint8_t start[] = {version == VERSION_2 ? 0xd3 : 0xc3, (uint8_t)(version >> 24),
	    (uint8_t)(version >> 16), (uint8_t)(version >> 8), (uint8_t)version,
	    (uint8_t)initial->id_size};
	const uint8_t end[] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16),
	    (uint8_t)(number >> 8), (uint8_t)number};
	const size_t length = NUMBER_BYTES + payload + TAG_BYTES;
	/* Two bytes even where one would do, as the RFC's example has it. */
	const uint8_t size[] = {(uint8_t)(0x40 | length >> 8), (uint8_t)length};
	struct made header = {0};

	need(length < 16384, "a packet of less than 16 KiB");
	made_add(&header, start, sizeof(start));
	made_add(&header, initial->id, initial->id_size);
	made_add(&header, "", 1);
	add_varint(&header, initial->token_size);
	if (initial->token_size > 0)
		made_add(&header, initial->token, initial->token_size);
	made_add(&header, size, sizeof(size));
	made_add(&header, end, sizeof(end));
	return header;
}

static void
seal_payload(const struct keys *keys, const struct quic_initial *initial, const struct made *header,
    const struct made *payload, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t nonce[12];
	int made = 0;

	memcpy(nonce, keys->iv, sizeof(nonce));
	for (unsigned i = 0; i < 4; i++)
		nonce[8 + i] ^= (uint8_t)(initial->number >> (24 - 8 * i));
	need(EVP_EncryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, keys->key, nonce) == 1 &&
		 EVP_EncryptUpdate(ctx, NULL, &made, header->at, (int)header->size) == 1 &&
		 EVP_EncryptUpdate(ctx, out, &made, payload->at, (int)payload->size) == 1 &&
		 EVP_EncryptFinal_ex(ctx, out + made, &made) == 1 &&
		 EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, out + payload->size) ==
		     1,
	    "AES-128-GCM");
	EVP_CIPHER_CTX_free(ctx);
}

static void
hide_header(const struct keys *keys, uint8_t *packet, size_t header_size)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t mask[16];
	int made = 0;

	need(EVP_EncryptInit_ex(ctx, EVP_aes_128_ecb(), NULL, keys->header, NULL) == 1 &&
		 EVP_EncryptUpdate(ctx, mask, &made, packet + header_size, sizeof(mask)) == 1,
	    "AES-128-ECB");
	EVP_CIPHER_CTX_free(ctx);
	packet[0] ^= mask[0] & 0x0f;
	for (size_t i = 0; i < NUMBER_BYTES; i++)
		packet[header_size - NUMBER_BYTES + i] ^= mask[1 + i];
}

struct made
quic_seal(const struct quic_initial *initial, const struct made *frames)
{
	static const uint8_t padding[1500];
	struct keys keys =
	    make_keys(initial->version, initial->key_id != NULL ? initial->key_id : initial->id,
		initial->key_id != NULL ? initial->key_id_size : initial->id_size);
	struct made payload = {0}, packet, header = make_header(initial, 0);
	size_t fixed = header.size + TAG_BYTES;
	uint8_t *sealed;

	made_add(&payload, frames->at, frames->size);
	if (initial->size > fixed + payload.size)
		made_add(&payload, padding, initial->size - fixed - payload.size);
	made_free(&header);
	header = make_header(initial, payload.size);
	packet = make_header(initial, payload.size);
	sealed = malloc(payload.size + TAG_BYTES);
	need(sealed != NULL, "memory");
	seal_payload(&keys, initial, &header, &payload, sealed);
	made_add(&packet, sealed, payload.size + TAG_BYTES);
	hide_header(&keys, packet.at, header.size);
	free(sealed);
	made_free(&header);
	made_free(&payload);
	return packet;
}
