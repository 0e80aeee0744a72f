/* SPDX-License-Identifier: MIT */
#include "certs/signer.h"

#include "base/err.h"
#include "base/ipc.h"
#include "certs/ca_private.h"
#include "certs/certificate.h"
#include "certs/der.h"
#include "certs/leaf.h"
#include "certs/mint.h"
#include "certs/mint_private.h"
#include "certs/names.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* A worker has two leaf keys; those of 64 workers all stay known. */
	KEY_SLOTS = 256,
	LEAF_KEY_BITS = 2048,
	RSA_BITS_MIN = 2048,
	RSA_BITS_MAX = 4096,
};

/* A public key that was examined: its digest, and what it is good for. */
struct known_key {
	bool used;
	enum leaf_kind kind;
	uint8_t sha256[LEAF_DIGEST_BYTES];
};

struct signer {
	struct leaf_issuer *issuer[CA_COUNT]; /* owned */
	/* Owned; of CA_RSA NULL until the leaf key is there. */
	struct leaf_issuer *untrusted[CA_COUNT];
	EVP_MD *sha256;
	struct known_key keys[KEY_SLOTS];
	unsigned char *leaf_key; /* PKCS#8 DER, owned; NULL while there is none */
	int leaf_key_size;
	void (*meanwhile)(void *arg);
	void *meanwhile_arg;
};

/* A request, read and judged; all bytes are borrowed from the message. */
struct request {
	enum leaf_kind kind;
	struct leaf leaf;
};

/* Takes over key, which may be NULL. */
static struct leaf_issuer *
make_untrusted(EVP_PKEY *key, const EVP_MD *sha256, struct err *err)
{
	struct ca ca = {.cert = ca_make_untrusted(key, err), .key = key};
	struct leaf_issuer *issuer = NULL;

	if (ca.cert != NULL)
		issuer = leaf_issuer_new(&ca, sha256, err);
	ca_clear(&ca);
	return issuer;
}

struct signer *
signer_new(struct ca cas[CA_COUNT], struct err *err)
{
	struct signer *signer = calloc(1, sizeof(*signer));
	int ret = -1;

	if (signer == NULL) {
		(void)err_set(err, ERR_NOMEM, "signer: no memory");
		goto out;
	}
	signer->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (signer->sha256 == NULL) {
		(void)err_tls(err, "signer: no SHA-256");
		goto out;
	}
	for (int i = 0; i < CA_COUNT; i++) {
		signer->issuer[i] = leaf_issuer_new(&cas[i], signer->sha256, err);
		if (signer->issuer[i] == NULL)
			goto out;
	}
	signer->untrusted[CA_EC] = make_untrusted(EVP_EC_gen("P-256"), signer->sha256, err);
	if (signer->untrusted[CA_EC] == NULL)
		goto out;
	ret = 0;
out:
	for (int i = 0; i < CA_COUNT; i++)
		ca_clear(&cas[i]);
	if (ret == 0)
		return signer;
	signer_free(signer);
	return NULL;
}

void
signer_free(struct signer *signer)
{
	if (signer == NULL)
		return;
	for (int i = 0; i < CA_COUNT; i++) {
		leaf_issuer_free(signer->issuer[i]);
		leaf_issuer_free(signer->untrusted[i]);
	}
	EVP_MD_free(signer->sha256);
	if (signer->leaf_key != NULL)
		OPENSSL_clear_free(signer->leaf_key, (size_t)signer->leaf_key_size);
	free(signer);
}

static size_t
write_header(uint8_t *out, enum mint_what what, uint64_t id, enum mint_status status)
{
	out[0] = (uint8_t)what;
	for (size_t i = 0; i < 8; i++)
		out[1 + i] = (uint8_t)(id >> 8 * (7 - i));
	out[9] = (uint8_t)status;
	return MINT_HEADER_BYTES;
}

static size_t
write_refusal(uint8_t *out, enum mint_what what, uint64_t id, const struct err *err)
{
	size_t head = write_header(out, what, id, MINT_REFUSED);
	size_t count = strlen(err->text);

	memcpy(out + head, err->text, count);
	return head + count;
}

/* Examine a key for the first time: parsing it costs more than all the rest. */
static int
examine_key(struct bytes spki, enum leaf_kind kind, struct err *err)
{
	const unsigned char *at = spki.at;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)spki.left);
	char group[32] = "";
	int ret = -1;

	if (key == NULL || at != spki.at + spki.left) {
		(void)err_tls(err, "the leaf key is no public key");
		goto out;
	}
	if (leaf_kind_key(kind) == LEAF_EC &&
	    (!EVP_PKEY_is_a(key, "EC") ||
		EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1 ||
		strcmp(group, "prime256v1") != 0)) {
		(void)err_set(err, ERR_INPUT, "the leaf key is not P-256");
		goto out;
	}
	if (leaf_kind_key(kind) == LEAF_RSA &&
	    (!EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_get_bits(key) < RSA_BITS_MIN ||
		EVP_PKEY_get_bits(key) > RSA_BITS_MAX)) {
		(void)err_set(err, ERR_INPUT, "the leaf key is not RSA of 2048 to 4096 bits");
		goto out;
	}
	ret = 0;
out:
	EVP_PKEY_free(key);
	return ret;
}

static int
check_key(struct signer *signer, struct request *request, struct err *err)
{
	struct bytes spki = request->leaf.spki;
	struct known_key *slot;
	uint8_t digest[LEAF_DIGEST_BYTES];

	if (EVP_Digest(spki.at, spki.left, digest, NULL, signer->sha256, NULL) != 1)
		return err_tls(err, "SHA-256");
	slot = &signer->keys[digest[0] % KEY_SLOTS];
	if (slot->used && slot->kind == request->kind &&
	    memcmp(slot->sha256, digest, sizeof(digest)) == 0)
		return 0;
	if (examine_key(spki, request->kind, err) != 0)
		return -1;
	slot->used = true;
	slot->kind = request->kind;
	memcpy(slot->sha256, digest, sizeof(digest));
	return 0;
}

static int
check_subject(struct bytes subject, struct err *err)
{
	const unsigned char *at = subject.at;
	X509_NAME *name;
	bool good;

	if (subject.left > MINT_SUBJECT_MAX)
		return err_set(err, ERR_LIMIT, "the subject is longer than %d bytes",
		    MINT_SUBJECT_MAX);
	name = d2i_X509_NAME(NULL, &at, (long)subject.left);
	good = name != NULL && at == subject.at + subject.left;
	X509_NAME_free(name);
	return good ? 0 : err_tls(err, "the subject is no distinguished name");
}

static int
check_names(struct bytes names, struct err *err)
{
	struct san san;

	while (san_next(&names, &san)) {
		if (san.kind == SAN_OTHER || (san.kind == SAN_DNS && !name_is_dns(san.value)))
			return err_set(err, ERR_INPUT, "a name is no host name and no address");
	}
	return names.left == 0 ? 0 : err_set(err, ERR_INPUT, "the names are no DER");
}

static bool
take_number(struct bytes *in, uint64_t *out)
{
	struct bytes number;
	uint64_t value = 0;

	if (!bytes_take(in, 8, &number))
		return false;
	for (size_t i = 0; i < 8; i++)
		value = value << 8 | number.at[i];
	*out = value;
	return true;
}

static bool
take_part(struct bytes *in, struct bytes *part)
{
	struct bytes rest = *in;
	uint32_t length;

	if (!bytes_u24(&rest, &length) || !bytes_take(&rest, length, part))
		return false;
	*in = rest;
	return true;
}

static int
read_request(struct bytes in, struct request *request, struct err *err)
{
	uint64_t not_before, not_after;
	uint8_t kind;

	request->leaf.inputs = in;
	if (!bytes_u8(&in, &kind) || kind >= LEAF_ACCEPTED_EC || !take_number(&in, &not_before) ||
	    !take_number(&in, &not_after) || !take_part(&in, &request->leaf.spki) ||
	    !take_part(&in, &request->leaf.subject) || !take_part(&in, &request->leaf.names) ||
	    in.left != 0)
		return err_set(err, ERR_INPUT, "the request is not understood");
	request->kind = (enum leaf_kind)kind;
	request->leaf.rsa_key = leaf_kind_key(request->kind) == LEAF_RSA;
	/* Two's complement, as the writer made it. */
	memcpy(&request->leaf.not_before, &not_before, sizeof(not_before));
	memcpy(&request->leaf.not_after, &not_after, sizeof(not_after));
	return 0;
}

static int
check_request(struct signer *signer, struct request *request, struct err *err)
{
	if (check_names(request->leaf.names, err) != 0 ||
	    check_subject(request->leaf.subject, err) != 0)
		return -1;
	return check_key(signer, request, err);
}

/* Who signs it; NULL with err. */
static struct leaf_issuer *
issuer_of(const struct signer *signer, const struct request *request, struct err *err)
{
	int kind = leaf_kind_key(request->kind) == LEAF_RSA ? CA_RSA : CA_EC;
	struct leaf_issuer *issuer = signer->issuer[kind];

	/* What our CA can only sign with other dates than the server's would look
	 * better than the server does. */
	if (request->kind == LEAF_UNTRUSTED_EC || request->kind == LEAF_UNTRUSTED_RSA ||
	    !leaf_issuer_covers(issuer, &request->leaf))
		issuer = signer->untrusted[kind];
	if (issuer == NULL)
		(void)err_set(err, ERR_LIMIT, "the authority for it is not made yet");
	return issuer;
}

static size_t
answer_leaf(struct signer *signer, uint64_t id, struct bytes body, uint8_t *out)
{
	struct leaf_issuer *issuer = NULL;
	struct request request = {0};
	struct err err = {0};
	size_t size = 0;

	if (read_request(body, &request, &err) == 0 && check_request(signer, &request, &err) == 0)
		issuer = issuer_of(signer, &request, &err);
	if (issuer != NULL)
		size = leaf_issue(issuer, &request.leaf, out + MINT_HEADER_BYTES,
		    IPC_MESSAGE_MAX - MINT_HEADER_BYTES, &err);
	if (size == 0)
		return write_refusal(out, MINT_LEAF, id, &err);
	return write_header(out, MINT_LEAF, id, MINT_DONE) + size;
}

static size_t
answer_key(const struct signer *signer, uint64_t id, struct bytes body, uint8_t *out)
{
	size_t head;

	if (body.left != 0) {
		struct err err;

		(void)err_set(&err, ERR_INPUT, "the request is not understood");
		return write_refusal(out, MINT_KEY, id, &err);
	}
	if (signer->leaf_key == NULL)
		return 0;
	head = write_header(out, MINT_KEY, id, MINT_DONE);
	memcpy(out + head, signer->leaf_key, (size_t)signer->leaf_key_size);
	return head + (size_t)signer->leaf_key_size;
}

size_t
signer_answer(struct signer *signer, struct bytes request, uint8_t *out)
{
	uint64_t id = 0;
	uint8_t what = 0;
	struct err err;

	if (bytes_u8(&request, &what) && take_number(&request, &id)) {
		if (what == MINT_LEAF)
			return answer_leaf(signer, id, request, out);
		if (what == MINT_KEY)
			return answer_key(signer, id, request, out);
	}
	(void)err_set(&err, ERR_INPUT, "the request is not understood");
	return write_refusal(out, MINT_LEAF, id, &err);
}

/* OpenSSL calls this for each candidate that it tries. */
static int
on_key_progress(EVP_PKEY_CTX *ctx)
{
	struct signer *signer = EVP_PKEY_CTX_get_app_data(ctx);

	signer->meanwhile(signer->meanwhile_arg);
	return 1;
}

/* A key of RSA, with the others answered meanwhile; NULL with err. */
static EVP_PKEY *
make_rsa_key(struct signer *signer, struct err *err)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *key = NULL;

	if (ctx == NULL || EVP_PKEY_keygen_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, LEAF_KEY_BITS) != 1) {
		(void)err_tls(err, "an RSA key");
		goto out;
	}
	EVP_PKEY_CTX_set_app_data(ctx, signer);
	EVP_PKEY_CTX_set_cb(ctx, on_key_progress);
	if (EVP_PKEY_generate(ctx, &key) != 1)
		(void)err_tls(err, "an RSA key");
out:
	EVP_PKEY_CTX_free(ctx);
	return key;
}

int
signer_make_key(struct signer *signer, void (*meanwhile)(void *arg), void *arg, struct err *err)
{
	PKCS8_PRIV_KEY_INFO *info = NULL;
	EVP_PKEY *key;
	int ret = -1;

	signer->meanwhile = meanwhile;
	signer->meanwhile_arg = arg;
	/* Who has the leaf key may ask for any leaf of it: the authority first. */
	key = make_rsa_key(signer, err);
	if (key == NULL)
		return -1;
	signer->untrusted[CA_RSA] = make_untrusted(key, signer->sha256, err);
	if (signer->untrusted[CA_RSA] == NULL)
		return -1;
	key = make_rsa_key(signer, err);
	if (key == NULL)
		return -1;
	info = EVP_PKEY2PKCS8(key);
	signer->leaf_key_size =
	    info == NULL ? -1 : i2d_PKCS8_PRIV_KEY_INFO(info, &signer->leaf_key);
	if (signer->leaf_key_size > 0) {
		ret = 0;
	} else {
		signer->leaf_key = NULL;
		(void)err_tls(err, "the RSA leaf key");
	}
	PKCS8_PRIV_KEY_INFO_free(info);
	EVP_PKEY_free(key);
	return ret;
}

bool
signer_has_key(const struct signer *signer)
{
	return signer->leaf_key != NULL;
}
