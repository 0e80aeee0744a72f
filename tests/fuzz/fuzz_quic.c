/* SPDX-License-Identifier: MIT */
#include "inspect/quic.h"

#include <assert.h>
#include <openssl/evp.h>
#include <string.h>

enum { PACKET_MAX = 4096, HEADER = 18, NUMBER_BYTES = 4 };

static bool
encrypt(EVP_CIPHER_CTX *ctx, const struct quic_keys *keys, struct bytes frames, uint8_t *packet)
{
	int made = 0;

	return EVP_EncryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, keys->key, keys->iv) == 1 &&
	       EVP_EncryptUpdate(ctx, NULL, &made, packet, HEADER + NUMBER_BYTES) == 1 &&
	       EVP_EncryptUpdate(ctx, packet + HEADER + NUMBER_BYTES, &made, frames.at,
		   (int)frames.left) == 1 &&
	       EVP_EncryptFinal_ex(ctx, packet, &made) == 1 &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, QUIC_TAG_BYTES,
		   packet + HEADER + NUMBER_BYTES + frames.left) == 1;
}

/* Of version 1, its id 8 bytes of 7, its number 0 in four bytes. */
static struct bytes
seal(struct bytes frames, uint8_t packet[PACKET_MAX])
{
	static const uint8_t id[8] = {7, 7, 7, 7, 7, 7, 7, 7};
	size_t length = NUMBER_BYTES + frames.left + QUIC_TAG_BYTES;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	struct quic_keys keys;
	uint8_t mask[5];

	memset(packet, 0, HEADER + NUMBER_BYTES);
	packet[0] = 0xc3;
	packet[4] = 1;
	packet[5] = sizeof(id);
	memcpy(packet + 6, id, sizeof(id));
	packet[HEADER - 2] = (uint8_t)(0x40 | length >> 8);
	packet[HEADER - 1] = (uint8_t)length;
	assert(quic_keys_make(QUIC_V1, (struct bytes){id, sizeof(id)}, &keys));
	assert(ctx != NULL && encrypt(ctx, &keys, frames, packet));
	EVP_CIPHER_CTX_free(ctx);
	assert(quic_keys_mask(&keys,
	    (struct bytes){packet + HEADER + NUMBER_BYTES, QUIC_SAMPLE_BYTES}, mask));
	packet[0] ^= mask[0] & 0x0f;
	for (size_t i = 0; i < NUMBER_BYTES; i++)
		packet[HEADER + i] ^= mask[1 + i];
	return (struct bytes){packet, HEADER + length};
}

static void
read_frames(struct bytes frames)
{
	uint8_t packet[PACKET_MAX];
	struct quic_reader reader = {0};
	enum quic_result result;
	struct bytes hello = {0};

	if (frames.left > PACKET_MAX - HEADER - NUMBER_BYTES - QUIC_TAG_BYTES)
		return;
	result = quic_add(&reader, seal(frames, packet), &hello);
	assert(result == QUIC_MORE || result == QUIC_HELLO || result == QUIC_BROKEN);
	assert(reader.has_keys && reader.tries == 1);
	assert(reader.crypto.room <= QUIC_HELLO_MAX);
	assert(result != QUIC_HELLO || hello.left <= QUIC_HELLO_MAX);
	quic_clear(&reader);
}

static void
read_datagrams(struct bytes in)
{
	struct quic_reader reader = {0};
	enum quic_result result = QUIC_MORE;
	struct bytes datagram, hello;

	while (result == QUIC_MORE && bytes_vec16(&in, &datagram))
		result = quic_add(&reader, datagram, &hello);
	assert(reader.tries <= QUIC_TRIES_MAX && reader.crypto.room <= QUIC_HELLO_MAX);
	quic_clear(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte says whether the rest is frames, sealed here as their camera
 * would, or datagrams as they came, each behind two bytes with its size. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = {data, size};
	uint8_t sealed;

	if (!bytes_u8(&in, &sealed))
		return 0;
	if ((sealed & 1) != 0)
		read_frames(in);
	else
		read_datagrams(in);
	return 0;
}
