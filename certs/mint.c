/* SPDX-License-Identifier: MIT */
#include "certs/mint.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "certs/certificate.h"
#include "certs/mint_private.h"
#include "certs/names.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <string.h>

enum {
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
	put_number(out, count, MINT_LENGTH_BYTES);
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
	put_number(out, count, MINT_LENGTH_BYTES);
	for (rest = names; san_next(&rest, &san);) {
		if (is_copied(&san))
			put(out, san.whole.at, san.whole.left);
	}
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

/* A leaf that is to be taken whatever the server's own dates are.  Whole days:
 * what is asked for today is the same request, whoever asks and when. */
static void
widen(int64_t *not_before, int64_t *not_after)
{
	int64_t today_s = (int64_t)(clock_wall_us() / US_PER_S) / DAY_S * DAY_S;

	if (*not_before > today_s - DAY_S)
		*not_before = today_s - DAY_S;
	if (*not_after < today_s + ACCEPTED_S)
		*not_after = today_s + ACCEPTED_S;
}

size_t
mint_request(const struct mint_wanted *wanted, uint64_t id, uint8_t *out, size_t size,
    struct err *err)
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
	put_number(&writer, id, 8);
	put_number(&writer, (uint64_t)kind, 1);
	put(&writer, wanted->server_sha256, MINT_DIGEST_BYTES);
	put_number(&writer, (uint64_t)not_before, 8);
	put_number(&writer, (uint64_t)not_after, 8);
	put_subject(&writer, wanted->server);
	if (put_names(&writer, names, err) != 0)
		return 0;
	if (writer.full) {
		(void)err_set(err, ERR_LIMIT, "the server's names are too long to be copied");
		return 0;
	}
	return size - writer.left;
}

/* ---- answers ---- */

void
minted_clear(struct minted *minted)
{
	X509_free(minted->leaf);
	EVP_PKEY_free(minted->key);
	*minted = (struct minted){0};
}

void
mint_key_clear(struct mint_key *key)
{
	EVP_PKEY_free(key->key);
	key->key = NULL;
	OPENSSL_cleanse(key->der, key->size);
	key->size = 0;
}

bool
mint_answer_open(struct bytes message, struct mint_answer *answer)
{
	struct bytes number;
	uint64_t id = 0;
	uint8_t byte;

	if (!bytes_take(&message, 8, &number) || !bytes_u8(&message, &byte) || byte > MINT_LATER)
		return false;
	for (size_t i = 0; i < 8; i++)
		id = id << 8 | number.at[i];
	*answer = (struct mint_answer){id, (enum mint_status)byte, message};
	return true;
}

static int
read_key(struct bytes der, struct mint_key *known, struct err *err)
{
	const unsigned char *at = der.at;
	EVP_PKEY *key;

	if (known->key != NULL && known->size == der.left &&
	    memcmp(known->der, der.at, der.left) == 0)
		return 0;
	if (der.left > sizeof(known->der))
		return err_set(err, ERR_LIMIT, "the signer's key is longer than %zu bytes",
		    sizeof(known->der));
	key = d2i_AutoPrivateKey(NULL, &at, (long)der.left);
	if (key == NULL || at != der.at + der.left) {
		EVP_PKEY_free(key);
		return err_tls(err, "the signer's answer holds no key");
	}
	mint_key_clear(known);
	known->key = key;
	known->size = der.left;
	memcpy(known->der, der.at, der.left);
	return 0;
}

static X509 *
read_leaf(struct bytes der, struct err *err)
{
	const unsigned char *at = der.at;
	X509 *leaf = d2i_X509(NULL, &at, (long)der.left);

	if (leaf != NULL && at == der.at + der.left)
		return leaf;
	X509_free(leaf);
	(void)err_tls(err, "the signer's answer holds no certificate");
	return NULL;
}

int
mint_answer_leaf(const struct mint_answer *answer, struct mint_key *known, struct minted *minted,
    struct err *err)
{
	struct bytes rest = answer->rest, key;
	uint32_t size;
	char line[160];
	struct text text = text_in(line, sizeof(line));
	X509 *leaf;

	if (answer->status == MINT_REFUSED) {
		text_add_untrusted(&text, rest.at, rest.left);
		return err_set(err, ERR_INPUT, "the signer refused: %s", line);
	}
	if (answer->status == MINT_LATER)
		return err_set(err, ERR_LIMIT, "the signer has no key for it yet");
	if (!bytes_u24(&rest, &size) || !bytes_take(&rest, size, &key))
		return err_set(err, ERR_INPUT, "the signer's answer is not understood");
	if (read_key(key, known, err) != 0)
		return -1;
	leaf = read_leaf(rest, err);
	if (leaf == NULL)
		return -1;
	(void)EVP_PKEY_up_ref(known->key);
	*minted = (struct minted){.leaf = leaf, .key = known->key};
	return 0;
}
