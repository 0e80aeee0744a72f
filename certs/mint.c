/* SPDX-License-Identifier: MIT */
#include "certs/mint.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "certs/certificate.h"
#include "certs/mint_private.h"
#include "certs/names.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

enum {
	P256_POINT_BYTES = 65, /* SEC 1 section 2.3.3: 04 and two coordinates */
	P256_UNCOMPRESSED = 0x04,
	US_PER_S = 1000000,
	DAY_S = 86400,
	ACCEPTED_S = 7 * DAY_S, /* a leaf is kept for a day */
};

/* The request, written from the front. */
struct writer {
	uint8_t *at;
	size_t left;
	bool full;
};

static void
put(struct writer *out, const void *bytes, size_t count)
{
	if (count > out->left) {
		out->full = true;
		return;
	}
	if (count > 0)
		memcpy(out->at, bytes, count);
	out->at += count;
	out->left -= count;
}

static void
put_number(struct writer *out, uint64_t number, size_t count)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < count; i++)
		bytes[i] = (uint8_t)(number >> 8 * (count - 1 - i));
	put(out, bytes, count);
}

static void
put_subject(struct writer *out, X509 *server)
{
	const unsigned char *der = NULL;
	size_t count = 0;

	if (X509_NAME_get0_der(X509_get_subject_name(server), &der, &count) != 1 ||
	    count > MINT_SUBJECT_MAX) {
		out->full = true;
		return;
	}
	put_number(out, count, 3);
	put(out, der, count);
}

static bool
is_copied(const struct san *san)
{
	return san->kind == SAN_IP || (san->kind == SAN_DNS && name_is_dns(san->value));
}

/* GeneralNames of what is copied; its length is known when it is written, so
 * the entries are gone through twice. */
static int
put_names(struct writer *out, struct bytes extension, struct err *err)
{
	struct bytes names = {0}, rest;
	struct san san;
	size_t count = 0;

	if (extension.left > 0 && !san_open(extension, &names))
		return err_set(err, ERR_INPUT, "the server's subjectAltName is no DER");
	for (rest = names; san_next(&rest, &san);)
		count += is_copied(&san) ? san.whole.left : 0;
	if (rest.left != 0)
		return err_set(err, ERR_INPUT, "the server's subjectAltName is no DER");
	put_number(out, count, 3);
	for (rest = names; san_next(&rest, &san);) {
		if (is_copied(&san))
			put(out, san.whole.at, san.whole.left);
	}
	return 0;
}

/* A P-256 SubjectPublicKeyInfo up to the point (RFC 5480 section 2). */
static const uint8_t p256_head[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};

/* OpenSSL's encoder takes 60 microseconds for what is a constant and a point. */
static bool
put_p256_key(struct writer *out, EVP_PKEY *key)
{
	uint8_t point[P256_POINT_BYTES];
	size_t count = 0;
	char group[32];

	if (EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1 ||
	    strcmp(group, "prime256v1") != 0 ||
	    EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point),
		&count) != 1 ||
	    count != sizeof(point) || point[0] != P256_UNCOMPRESSED)
		return false;
	put_number(out, sizeof(p256_head) + sizeof(point), 3);
	put(out, p256_head, sizeof(p256_head));
	put(out, point, sizeof(point));
	return true;
}

static int
put_key(struct writer *out, EVP_PKEY *key, struct err *err)
{
	unsigned char *der = NULL;
	int count;

	if (put_p256_key(out, key))
		return 0;
	ERR_clear_error(); /* of asking another kind of key for its point */
	count = i2d_PUBKEY(key, &der);
	if (count <= 0)
		return err_tls(err, "the leaf key cannot be written");
	put_number(out, (uint64_t)count, 3);
	put(out, der, (size_t)count);
	OPENSSL_free(der);
	return 0;
}

enum leaf_kind
leaf_kind_key(enum leaf_kind kind)
{
	return (unsigned)kind % 2 == 0 ? LEAF_EC : LEAF_RSA;
}

enum leaf_kind
leaf_kind_of(enum leaf_kind key, enum leaf_trust trust)
{
	return (enum leaf_kind)((unsigned)key + 2 * (unsigned)trust);
}

/* A leaf that is to be taken whatever the server's own dates are. */
static void
widen(int64_t *not_before, int64_t *not_after)
{
	int64_t now_s = (int64_t)(clock_wall_us() / US_PER_S);

	if (*not_before > now_s - DAY_S)
		*not_before = now_s - DAY_S;
	if (*not_after < now_s + ACCEPTED_S)
		*not_after = now_s + ACCEPTED_S;
}

size_t
mint_request(const struct mint_wanted *wanted, uint8_t *out, size_t size, struct err *err)
{
	struct writer writer = {.at = out, .left = size};
	enum leaf_kind kind = wanted->kind;
	struct bytes names;
	int64_t not_before, not_after;

	if (!certificate_dates(wanted->server, &not_before, &not_after)) {
		(void)err_set(err, ERR_INPUT, "the server's certificate has dates that are none");
		return 0;
	}
	if (!certificate_names(wanted->server, &names)) {
		(void)err_set(err, ERR_INPUT, "the server's certificate has two subjectAltNames");
		return 0;
	}
	if (kind >= LEAF_ACCEPTED_EC) {
		widen(&not_before, &not_after);
		kind = leaf_kind_key(kind);
	}
	put_number(&writer, MINT_LEAF, 1);
	put_number(&writer, wanted->id, 8);
	put_number(&writer, (uint64_t)kind, 1);
	put_number(&writer, (uint64_t)not_before, 8);
	put_number(&writer, (uint64_t)not_after, 8);
	if (put_key(&writer, wanted->key, err) != 0)
		return 0;
	put_subject(&writer, wanted->server);
	if (put_names(&writer, names, err) != 0)
		return 0;
	if (writer.full) {
		(void)err_set(err, ERR_LIMIT, "the server's names are too long to be copied");
		return 0;
	}
	return size - writer.left;
}

size_t
mint_key_request(uint8_t *out, size_t size, uint64_t id)
{
	struct writer writer = {.at = out, .left = size};

	put_number(&writer, MINT_KEY, 1);
	put_number(&writer, id, 8);
	return writer.full ? 0 : size - writer.left;
}

static bool
read_header(struct bytes *message, uint8_t *what, uint64_t *id, uint8_t *status)
{
	struct bytes number;
	uint64_t found = 0;

	if (!bytes_u8(message, what) || !bytes_take(message, 8, &number) ||
	    !bytes_u8(message, status))
		return false;
	for (size_t i = 0; i < 8; i++)
		found = found << 8 | number.at[i];
	*id = found;
	return true;
}

uint64_t
mint_answer_id(struct bytes message)
{
	uint64_t id = 0;
	uint8_t what, status;

	(void)read_header(&message, &what, &id, &status);
	return id;
}

/* The body of an answer to `wanted`, or -1 with the signer's words. */
static int
open_answer(struct bytes *message, enum mint_what wanted, uint64_t *id, struct err *err)
{
	uint8_t what, status;
	char line[160];
	struct text text = text_in(line, sizeof(line));

	*id = 0;
	if (!read_header(message, &what, id, &status) || status > MINT_REFUSED)
		return err_set(err, ERR_INPUT, "the signer's answer is not understood");
	if (status == MINT_REFUSED) {
		text_add_untrusted(&text, message->at, message->left);
		return err_set(err, ERR_INPUT, "the signer refused: %s", line);
	}
	if (what != wanted)
		return err_set(err, ERR_INPUT, "the signer answered another question");
	return 0;
}

int
mint_answer(struct bytes message, uint64_t *id, X509 **leaf, struct err *err)
{
	const unsigned char *at;
	X509 *found;

	if (open_answer(&message, MINT_LEAF, id, err) != 0)
		return -1;
	at = message.at;
	found = d2i_X509(NULL, &at, (long)message.left);
	if (found == NULL || at != message.at + message.left) {
		X509_free(found);
		return err_tls(err, "the signer's answer holds no certificate");
	}
	*leaf = found;
	return 0;
}

int
mint_key_answer(struct bytes message, uint64_t *id, EVP_PKEY **key, struct err *err)
{
	const unsigned char *at;
	EVP_PKEY *found;

	if (open_answer(&message, MINT_KEY, id, err) != 0)
		return -1;
	at = message.at;
	found = d2i_AutoPrivateKey(NULL, &at, (long)message.left);
	if (found == NULL || at != message.at + message.left) {
		EVP_PKEY_free(found);
		return err_tls(err, "the signer's answer holds no key");
	}
	*key = found;
	return 0;
}
