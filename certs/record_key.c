/* SPDX-License-Identifier: MIT */
#include "certs/record_key.h"

#include "certs/key_schedule.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

enum {
	KEY_MAX = 32,
	VERSION = 0x0303, /* TLS 1.2, and legacy_record_version (RFC 8446 section 5.2) */
	SEQUENCE_BYTES = 8,
	AAD_MAX = SEQUENCE_BYTES + RECORD_HEADER_BYTES,
};

/* `bare`: type and length of what is sealed stand in the open, as in TLS 1.2;
 * otherwise the type is sealed with it. */
static struct suite {
	const char *name;
	size_t key, secret;
	size_t sent; /* of the nonce, with each record */
	bool bare;
	EVP_CIPHER *cipher; /* once it is needed; of the process */
} suites[] = {
    [RECORD_AES_128_GCM] = {"AES-128-GCM", 16, 32, 0, false, NULL},
    [RECORD_AES_256_GCM] = {"AES-256-GCM", 32, 48, 0, false, NULL},
    [RECORD_CHACHA20_POLY1305] = {"ChaCha20-Poly1305", 32, 32, 0, false, NULL},
    [RECORD_TLS12_AES_128_GCM] = {"AES-128-GCM", 16, 20, RECORD_NONCE_BYTES, true, NULL},
    [RECORD_TLS12_AES_256_GCM] = {"AES-256-GCM", 32, 36, RECORD_NONCE_BYTES, true, NULL},
    [RECORD_TLS12_CHACHA20_POLY1305] = {"ChaCha20-Poly1305", 32, 44, 0, true, NULL},
};

static const struct {
	uint16_t number;
	enum record_suite suite;
} numbers[] = {
    {0x1301, RECORD_AES_128_GCM},
    {0x1302, RECORD_AES_256_GCM},
    {0x1303, RECORD_CHACHA20_POLY1305},
    /* RSA, DHE-RSA; ECDHE-ECDSA, ECDHE-RSA. */
    {0x009c, RECORD_TLS12_AES_128_GCM},
    {0x009e, RECORD_TLS12_AES_128_GCM},
    {0xc02b, RECORD_TLS12_AES_128_GCM},
    {0xc02f, RECORD_TLS12_AES_128_GCM},
    {0x009d, RECORD_TLS12_AES_256_GCM},
    {0x009f, RECORD_TLS12_AES_256_GCM},
    {0xc02c, RECORD_TLS12_AES_256_GCM},
    {0xc030, RECORD_TLS12_AES_256_GCM},
    /* ECDHE-RSA, ECDHE-ECDSA, DHE-RSA. */
    {0xcca8, RECORD_TLS12_CHACHA20_POLY1305},
    {0xcca9, RECORD_TLS12_CHACHA20_POLY1305},
    {0xccaa, RECORD_TLS12_CHACHA20_POLY1305},
};

bool
record_suite_find(uint16_t number, enum record_suite *out)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (numbers[i].number == number) {
			*out = numbers[i].suite;
			return true;
		}
	}
	return false;
}

bool
record_suite_is_tls12(enum record_suite suite)
{
	return suites[suite].bare;
}

size_t
record_secret_size(enum record_suite suite)
{
	return suites[suite].secret;
}

size_t
record_key_size(enum record_suite suite)
{
	return suites[suite].key;
}

size_t
record_lead_bytes(enum record_suite suite)
{
	return RECORD_HEADER_BYTES + suites[suite].sent;
}

size_t
record_seal_bytes(enum record_suite suite)
{
	return record_lead_bytes(suite) + RECORD_TAG_BYTES + (suites[suite].bare ? 0 : 1);
}

/* ---- keys ---- */

static struct bytes
secret_of(const struct record_key *key)
{
	return (struct bytes){key->secret, suites[key->suite].secret};
}

static bool
derive(struct record_key *key, uint8_t *bytes)
{
	const struct suite *suite = &suites[key->suite];

	if (!suite->bare)
		return key_schedule_expand(secret_of(key), "key", bytes, suite->key) &&
		       key_schedule_expand(secret_of(key), "iv", key->iv, sizeof(key->iv));
	memcpy(bytes, key->secret, suite->key);
	memset(key->iv, 0, sizeof(key->iv));
	memcpy(key->iv, key->secret + suite->key, suite->secret - suite->key);
	return true;
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
	good = key->ctx != NULL && derive(key, bytes) &&
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
	bool good = !suites[key->suite].bare &&
		    key_schedule_expand(secret_of(key), "traffic upd", next, size);

	record_key_rest(key);
	if (good)
		memcpy(key->secret, next, size);
	OPENSSL_cleanse(next, sizeof(next));
	/* No record of the old key is sealed again from its first nonce on. */
	key->sequence = good ? 0 : UINT64_MAX;
	return good;
}

static void
put_sequence(uint64_t sequence, uint8_t *to)
{
	for (size_t i = 0; i < SEQUENCE_BYTES; i++)
		to[SEQUENCE_BYTES - 1 - i] = (uint8_t)(sequence >> 8 * i);
}

/* RFC 8446 section 5.3.  What TLS 1.2 sends along is the number too, and the iv is 0
 * there; what its peer sends is the peer's choice (RFC 5288 section 3). */
static void
make_nonce(const struct record_key *key, uint8_t *sent, uint8_t *nonce)
{
	uint8_t sequence[SEQUENCE_BYTES], *end = nonce + (RECORD_IV_BYTES - SEQUENCE_BYTES);
	bool is_sent = suites[key->suite].sent > 0;

	memcpy(nonce, key->iv, RECORD_IV_BYTES);
	put_sequence(key->sequence, sequence);
	for (size_t i = 0; i < SEQUENCE_BYTES; i++)
		end[i] ^= is_sent && !key->seals ? sent[i] : sequence[i];
	if (is_sent && key->seals)
		memcpy(sent, end, RECORD_NONCE_BYTES);
}

/* RFC 8446 section 5.2: the header; RFC 5246 section 6.2.3.3: its number, and the header
 * as it would be if nothing were sealed. */
static struct bytes
make_aad(const struct record_key *key, const uint8_t *header, size_t size, uint8_t *aad)
{
	if (!suites[key->suite].bare)
		return (struct bytes){header, RECORD_HEADER_BYTES};
	put_sequence(key->sequence, aad);
	memcpy(aad + SEQUENCE_BYTES, header, RECORD_HEADER_BYTES);
	aad[AAD_MAX - 2] = (uint8_t)(size >> 8);
	aad[AAD_MAX - 1] = (uint8_t)size;
	return (struct bytes){aad, AAD_MAX};
}

/* A record that begins with header, of which size bytes are sealed; behind the
 * header stands what is sent of its nonce. */
static bool
begin(struct record_key *key, uint8_t *header, size_t size)
{
	uint8_t nonce[RECORD_IV_BYTES], aad_bytes[AAD_MAX];
	struct bytes aad;
	int out;

	if (key->sequence == UINT64_MAX || !wake(key))
		return false;
	make_nonce(key, header + RECORD_HEADER_BYTES, nonce);
	aad = make_aad(key, header, size, aad_bytes);
	key->sequence++;
	return EVP_CipherInit_ex(key->ctx, NULL, NULL, NULL, nonce, -1) == 1 &&
	       EVP_CipherUpdate(key->ctx, NULL, &out, aad.at, (int)aad.left) == 1;
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
	const struct suite *suite = &suites[key->suite];
	size_t inner = payload.left + (suite->bare ? 0 : 1);
	size_t sealed = suite->sent + inner + RECORD_TAG_BYTES;
	const uint8_t header[RECORD_HEADER_BYTES] = {(uint8_t)(suite->bare ? type : RECORD_DATA),
	    VERSION >> 8, VERSION & 0xff, (uint8_t)(sealed >> 8), (uint8_t)sealed};
	const uint8_t type_byte = (uint8_t)type;
	uint8_t *at = out + record_lead_bytes(key->suite);
	int end = 0;

	assert(key->seals && payload.left <= RECORD_PAYLOAD_MAX);
	memcpy(out, header, sizeof(header));
	return begin(key, out, inner) && run(key, payload.at, payload.left, at) &&
	       (suite->bare || run(key, &type_byte, 1, at + payload.left)) &&
	       EVP_CipherFinal_ex(key->ctx, at + inner, &end) == 1 && end == 0 &&
	       EVP_CIPHER_CTX_ctrl(key->ctx, EVP_CTRL_AEAD_GET_TAG, RECORD_TAG_BYTES, at + inner) ==
		   1;
}

/* ---- opening ---- */

/* TLS 1.3: all that is sealed looks like data; anything else was not sealed. */
static bool
may_be(const struct suite *suite, uint8_t type)
{
	if (!suite->bare)
		return type == RECORD_DATA;
	return type >= RECORD_ALERT && type <= RECORD_DATA;
}

enum record_alert
record_size(enum record_suite number, struct bytes in, size_t *size)
{
	const struct suite *suite = &suites[number];
	size_t least = suite->sent + RECORD_TAG_BYTES + (suite->bare ? 0 : 1);
	size_t most =
	    suite->bare ? RECORD_PAYLOAD_MAX + least : RECORD_INNER_MAX + RECORD_TAG_BYTES;
	uint16_t version, sealed;
	uint8_t type;

	*size = 0;
	if (!bytes_u8(&in, &type))
		return RECORD_GOOD;
	if (!may_be(suite, type))
		return RECORD_UNEXPECTED;
	if (!bytes_u16(&in, &version))
		return RECORD_GOOD;
	/* TLS 1.3 has it ignored (RFC 8446 section 5.1). */
	if (suite->bare && version != VERSION)
		return RECORD_VERSION;
	if (!bytes_u16(&in, &sealed))
		return RECORD_GOOD;
	if (sealed > most)
		return RECORD_OVERFLOW;
	if (sealed < least)
		return RECORD_BAD_MAC; /* the type of TLS 1.3 is never left out */
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
	const struct suite *suite = &suites[key->suite];
	uint8_t lead_copy[RECORD_HEADER_BYTES + RECORD_NONCE_BYTES], tag_copy[RECORD_TAG_BYTES];
	struct bytes lead, inner, tag;
	uint8_t last = 0;
	size_t size;
	int end = 0;

	assert(!key->seals);
	if (record.left < record_seal_bytes(key->suite) ||
	    !bytes_take(&record, record_lead_bytes(key->suite), &lead) ||
	    !bytes_take(&record, record.left - RECORD_TAG_BYTES, &inner) ||
	    !bytes_take(&record, RECORD_TAG_BYTES, &tag))
		return RECORD_UNDECODABLE;
	/* The type apart: a full record's payload then fits where there is room for
	 * that and no more. */
	size = inner.left - (suite->bare ? 0 : 1);
	memcpy(lead_copy, lead.at, lead.left);
	memcpy(tag_copy, tag.at, sizeof(tag_copy)); /* OpenSSL would write to it, as it says */
	if (!begin(key, lead_copy, inner.left) ||
	    EVP_CIPHER_CTX_ctrl(key->ctx, EVP_CTRL_AEAD_SET_TAG, RECORD_TAG_BYTES, tag_copy) != 1 ||
	    !run(key, inner.at, size, to) || (!suite->bare && !run(key, inner.at + size, 1, &last)))
		return RECORD_INTERNAL;
	if (EVP_CipherFinal_ex(key->ctx, tag_copy, &end) != 1)
		return RECORD_BAD_MAC;
	if (!suite->bare)
		return find_type(to, size, last, out);
	*out = (struct opened){.type = lead_copy[0], .size = size};
	return RECORD_GOOD;
}
