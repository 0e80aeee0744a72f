/* SPDX-License-Identifier: MIT */
#include "inspect/datagram.h"
#include "inspect/datagram_hello.h"
#include "inspect/datagram_watch.h"
#include "inspect/dns.h"
#include "inspect/quic.h"

#include <assert.h>
#include <openssl/evp.h>
#include <string.h>

enum { PACKET_MAX = 4096, HEADER = 18, NUMBER_BYTES = 4 };

/* ---- a flow's datagrams, each behind two bytes with its size ---- */

static void
check_told(const struct app_facts *app, const struct hello_facts *hello)
{
	assert(app->proto != APP_NONE && app->proto < APP_COUNT);
	assert(app->first_size <= sizeof(app->first));
	assert(app->first_size == 0 || app->proto == APP_UNKNOWN);
	assert(memchr(app->method, '\0', sizeof(app->method)) != NULL);
	assert(memchr(app->agent, '\0', sizeof(app->agent)) != NULL);
	assert(memchr(hello->sni, '\0', sizeof(hello->sni)) != NULL);
	assert(hello->kind == HELLO_NONE || app->proto == APP_QUIC || app->proto == APP_DTLS);
}

/* What comes once it is told. */
static void
watch_flow(struct bytes in, uint16_t port, enum app_proto proto, const struct hello_facts *hello)
{
	struct datagram_watch watch = {.proto = (uint8_t)proto,
	    .hello = datagram_hello_mark(hello)};
	struct payload_finding finding;
	struct bytes datagram;

	while (bytes_vec16(&in, &datagram)) {
		bool turns = datagram_watch_look(&watch, datagram, port) == DATAGRAM_TURNS;

		assert(!turns || datagram.left > DATAGRAM_KEEPALIVE_MAX);
		if (datagram_is_footage(datagram, &finding))
			assert(finding.confidence != CONFIDENCE_NONE);
		assert(watch.sealed <= DATAGRAM_WATCH_SEALED);
		watch.footage = turns;
	}
}

static void
tell_flow(struct bytes in)
{
	struct datagram_teller *teller = NULL;
	enum datagram_result result = DATAGRAM_MORE;
	struct app_facts app = {0};
	struct hello_facts hello = {0};
	struct bytes datagram;
	unsigned count = 0;
	uint16_t port;

	if (!bytes_u16(&in, &port))
		return;
	while (result == DATAGRAM_MORE && bytes_vec16(&in, &datagram)) {
		result = datagram_tell(&teller, datagram, port, &app, &hello);
		count++;
	}
	assert(count <= DATAGRAM_TELL_MAX);
	assert((teller != NULL) == (result == DATAGRAM_MORE && count > 0));
	datagram_give_up(&teller, &app, &hello);
	if (count > 0)
		check_told(&app, &hello);
	watch_flow(in, port, app.proto, &hello);
}

/* ---- a message of DNS ---- */

static void
read_dns(struct bytes in)
{
	uint8_t out[DNS_REFUSAL_MAX];
	struct dns_message message, refusal;
	size_t size;

	if (!dns_read(in, &message))
		return;
	assert(message.address_count <= DNS_ADDRESSES_MAX);
	assert(memchr(message.asked.name, '\0', sizeof(message.asked.name)) != NULL);
	assert(memchr(message.answers, '\0', sizeof(message.answers)) != NULL);
	size = dns_refuse(&message, out);
	assert(size <= sizeof(out));
	if (size == 0)
		return;
	assert(dns_read((struct bytes){out, size}, &refusal) && refusal.whole && refusal.answer);
	assert(dns_same_question(&message.asked, &refusal.asked));
}

/* ---- frames, sealed as their camera would ---- */

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte says whose. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = {data, size};
	uint8_t whose;

	if (!bytes_u8(&in, &whose))
		return 0;
	if (whose % 3 == 0)
		tell_flow(in);
	else if (whose % 3 == 1)
		read_dns(in);
	else
		read_frames(in);
	return 0;
}
