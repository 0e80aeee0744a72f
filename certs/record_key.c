/* SPDX-License-Identifier: MIT */
#include "certs/record_key.h"

#include "certs/key_schedule.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

enum {
	KEY_MAX = 32,
	VERSION = 0x0303, /* RFC 8446 section 5.2: legacy_record_version */
	SEQUENCE_BYTES = 8,
};

static struct suite {
	uint16_t number;
	const char *name;
	size_t key, secret;
	EVP_CIPHER *cipher; /* once it is needed; of the process */
} suites[] = {
    [RECORD_AES_128_GCM] = {0x1301, "AES-128-GCM", 16, 32, NULL},
    [RECORD_AES_256_GCM] = {0x1302, "AES-256-GCM", 32, 48, NULL},
    [RECORD_CHACHA20_POLY1305] = {0x1303, "ChaCha20-Poly1305", 32, 32, NULL},
};

bool
record_suite_find(uint16_t number, enum record_suite *out)
{
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		if (suites[i].number == number) {
			*out = (enum record_suite)i;
			return true;
		}
	}
	return false;
}

size_t
record_secret_size(enum record_suite suite)
{
	return suites[suite].secret;
}

/* ---- keys ---- */

static struct bytes
secret_of(const struct record_key *key)
{
	return (struct bytes){key->secret, suites[key->suite].secret};
}

static bool
wake(struct record_key *key)
{
	struct suite *suite = &suites[key->suite];
	uint8_t bytes[KEY_MAX];
	bool good;

	if (key->ctx != NULL)
		return true;
	if (suite->cipher == NULL)
		suite->cipher = EVP_CIPHER_fetch(NULL, suite->name, NULL);
	key->ctx = suite->cipher != NULL ? EVP_CIPHER_CTX_new() : NULL;
	good = key->ctx != NULL && key_schedule_expand(secret_of(key), "key", bytes, suite->key) &&
	       key_schedule_expand(secret_of(key), "iv", key->iv, sizeof(key->iv)) &&
	       EVP_CipherInit_ex(key->ctx, suite->cipher, NULL, bytes, NULL, key->seals) == 1;
	OPENSSL_cleanse(bytes, sizeof(bytes));
	if (!good)
		record_key_rest(key);
	return good;
}

void
record_key_rest(struct record_key *key)
{
	EVP_CIPHER_CTX_free(key->ctx);
	key->ctx = NULL;
	OPENSSL_cleanse(key->iv, sizeof(key->iv));
}

void
record_key_clear(struct record_key *key)
{
	record_key_rest(key);
	OPENSSL_cleanse(key, sizeof(*key));
}

bool
record_key_renew(struct record_key *key)
{
	uint8_t next[RECORD_SECRET_MAX];
	size_t size = suites[key->suite].secret;
	bool good = key_schedule_expand(secret_of(key), "traffic upd", next, size);

	record_key_rest(key);
	if (good)
		memcpy(key->secret, next, size);
	OPENSSL_cleanse(next, sizeof(next));
	/* No record of the old key is sealed again from its first nonce on. */
	key->sequence = good ? 0 : UINT64_MAX;
	return good;
}

/* RFC 8446 section 5.3. */
static bool
begin(struct record_key *key, struct bytes header)
{
	uint8_t nonce[RECORD_IV_BYTES];
	int out;

	if (key->sequence == UINT64_MAX || !wake(key))
		return false;
	memcpy(nonce, key->iv, sizeof(nonce));
	for (size_t i = 0; i < SEQUENCE_BYTES; i++)
		nonce[sizeof(nonce) - 1 - i] ^= (uint8_t)(key->sequence >> 8 * i);
	key->sequence++;
	return EVP_CipherInit_ex(key->ctx, NULL, NULL, NULL, nonce, -1) == 1 &&
	       EVP_CipherUpdate(key->ctx, NULL, &out, header.at, (int)header.left) == 1;
}

static bool
run(const struct record_key *key, const uint8_t *from, size_t count, uint8_t *to)
{
	int out = 0;

	return count == 0 || (EVP_CipherUpdate(key->ctx, to, &out, from, (int)count) == 1 &&
				 (size_t)out == count);
}

/* ---- sealing ---- */

bool
record_key_seal(struct record_key *key, enum record_type type, struct bytes payload, uint8_t *out)
{
	size_t inner = payload.left + 1, sealed = inner + RECORD_TAG_BYTES;
	const uint8_t header[RECORD_HEADER_BYTES] = {RECORD_DATA, VERSION >> 8, VERSION & 0xff,
	    (uint8_t)(sealed >> 8), (uint8_t)sealed};
	const uint8_t type_byte = (uint8_t)type;
	uint8_t *at = out + RECORD_HEADER_BYTES;
	int end = 0;

	assert(key->seals && payload.left <= RECORD_PAYLOAD_MAX);
	memcpy(out, header, sizeof(header));
	return begin(key, (struct bytes){header, sizeof(header)}) &&
	       run(key, payload.at, payload.left, at) &&
	       run(key, &type_byte, 1, at + payload.left) &&
	       EVP_CipherFinal_ex(key->ctx, at + inner, &end) == 1 && end == 0 &&
	       EVP_CIPHER_CTX_ctrl(key->ctx, EVP_CTRL_AEAD_GET_TAG, RECORD_TAG_BYTES, at + inner) ==
		   1;
}

/* ---- opening ---- */

enum record_alert
record_size(struct bytes in, size_t *size)
{
	uint16_t version, sealed;
	uint8_t type;

	*size = 0;
	if (!bytes_u8(&in, &type))
		return RECORD_GOOD;
	/* All that is sealed looks like data; anything else was not sealed. */
	if (type != RECORD_DATA)
		return RECORD_UNEXPECTED;
	if (!bytes_u16(&in, &version) || !bytes_u16(&in, &sealed))
		return RECORD_GOOD;
	if (sealed > RECORD_INNER_MAX + RECORD_TAG_BYTES)
		return RECORD_OVERFLOW;
	if (sealed <= RECORD_TAG_BYTES)
		return RECORD_BAD_MAC; /* there is no type in it, which is never left out */
	*size = (size_t)RECORD_HEADER_BYTES + sealed;
	return RECORD_GOOD;
}

/* Behind what is in it stand its type and zeros. */
static enum record_alert
find_type(const uint8_t *inner, size_t size, uint8_t last, struct opened *out)
{
	while (last == 0 && size > 0)
		last = inner[--size];
	if (last == 0)
		return RECORD_UNEXPECTED;
	if (size > RECORD_PAYLOAD_MAX)
		return RECORD_OVERFLOW;
	*out = (struct opened){.type = last, .size = size};
	return RECORD_GOOD;
}

enum record_alert
record_key_open(struct record_key *key, struct bytes record, uint8_t *to, struct opened *out)
{
	struct bytes header, inner, tag;
	uint8_t tag_copy[RECORD_TAG_BYTES], last;
	size_t size;
	int end = 0;

	assert(!key->seals);
	if (record.left <= RECORD_HEADER_BYTES + RECORD_TAG_BYTES ||
	    !bytes_take(&record, RECORD_HEADER_BYTES, &header) ||
	    !bytes_take(&record, record.left - RECORD_TAG_BYTES, &inner) ||
	    !bytes_take(&record, RECORD_TAG_BYTES, &tag))
		return RECORD_UNDECODABLE;
	/* The type apart: a full record's payload then fits where there is room for
	 * that and no more. */
	size = inner.left - 1;
	memcpy(tag_copy, tag.at, sizeof(tag_copy)); /* OpenSSL would write to it, as it says */
	if (!begin(key, header) ||
	    EVP_CIPHER_CTX_ctrl(key->ctx, EVP_CTRL_AEAD_SET_TAG, RECORD_TAG_BYTES, tag_copy) != 1 ||
	    !run(key, inner.at, size, to) || !run(key, inner.at + size, 1, &last))
		return RECORD_INTERNAL;
	if (EVP_CipherFinal_ex(key->ctx, tag_copy, &end) != 1)
		return RECORD_BAD_MAC;
	return find_type(to, size, last, out);
}
