/* SPDX-License-Identifier: MIT */
#include "certs/signer.h"

#include "base/err.h"
#include "base/ipc.h"
#include "certs/ca_private.h"
#include "certs/digest_cache.h"
#include "certs/leaf.h"
#include "certs/leaf_key.h"
#include "certs/mint.h"
#include "certs/mint_private.h"
#include "certs/names.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

enum {
	LEAF_KEY_BITS = 2048,
	LEAVES_MAX = 4096,          /* as many as a worker keeps */
	LEAVES_BYTES_MAX = 4 << 20, /* a leaf of a few names has some 600 */
};

/* A leaf that was made. */
struct remembered {
	size_t size;
	uint8_t der[];
};

struct signer {
	struct leaf_issuer *issuer[CA_COUNT]; /* owned */
	/* Owned; of CA_RSA NULL until the leaf key is there. */
	struct leaf_issuer *untrusted[CA_COUNT];
	struct leaf_key key[CA_COUNT]; /* of CA_RSA empty until it is made */
	bool no_rsa_key;               /* it cannot be made */
	struct digest_cache *leaves;   /* owned; by the request without its id */
	uint64_t minted;
	EVP_MD *sha256;
	void (*meanwhile)(void *arg);
	void *meanwhile_arg;
};

/* A request, read and judged; all bytes are borrowed from the message. */
struct request {
	uint64_t id;
	enum leaf_kind kind;
	int ca; /* CA_EC or CA_RSA: which of the keys and authorities it is about */
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

/* Takes over pair, which may be NULL. */
static int
set_leaf_key(struct signer *signer, int ca, EVP_PKEY *pair, struct err *err)
{
	int ret = leaf_key_open(&signer->key[ca], pair, signer->sha256, err);

	EVP_PKEY_free(pair);
	return ret;
}

static int
set_up(struct signer *signer, const struct ca cas[CA_COUNT], struct err *err)
{
	signer->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (signer->sha256 == NULL)
		return err_tls(err, "signer: no SHA-256");
	signer->leaves = digest_cache_new(LEAVES_MAX, LEAVES_BYTES_MAX, free);
	if (signer->leaves == NULL)
		return err_set(err, ERR_NOMEM, "signer: no memory");
	for (int i = 0; i < CA_COUNT; i++) {
		signer->issuer[i] = leaf_issuer_new(&cas[i], signer->sha256, err);
		if (signer->issuer[i] == NULL)
			return -1;
	}
	signer->untrusted[CA_EC] = make_untrusted(EVP_EC_gen("P-256"), signer->sha256, err);
	if (signer->untrusted[CA_EC] == NULL)
		return -1;
	return set_leaf_key(signer, CA_EC, EVP_EC_gen("P-256"), err);
}

struct signer *
signer_new(struct ca cas[CA_COUNT], struct err *err)
{
	struct signer *signer = calloc(1, sizeof(*signer));
	int ret = -1;

	if (signer == NULL)
		(void)err_set(err, ERR_NOMEM, "signer: no memory");
	else
		ret = set_up(signer, cas, err);
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
		leaf_key_clear(&signer->key[i]);
	}
	digest_cache_free(signer->leaves);
	EVP_MD_free(signer->sha256);
	free(signer);
}

static size_t
write_header(uint8_t *out, uint64_t id, enum mint_status status)
{
	for (size_t i = 0; i < 8; i++)
		out[i] = (uint8_t)(id >> 8 * (7 - i));
	out[8] = (uint8_t)status;
	return MINT_HEADER_BYTES;
}

static size_t
write_refusal(uint8_t *out, uint64_t id, const struct err *err)
{
	size_t head = write_header(out, id, MINT_REFUSED);
	size_t count = strlen(err->text);

	memcpy(out + head, err->text, count);
	return head + count;
}

/* What stands before the leaf. */
static void
write_key(uint8_t *out, uint64_t id, const struct leaf_key *key)
{
	size_t head = write_header(out, id, MINT_DONE);

	for (size_t i = 0; i < MINT_LENGTH_BYTES; i++)
		out[head + i] = (uint8_t)(key->private_size >> 8 * (MINT_LENGTH_BYTES - 1 - i));
	memcpy(out + head + MINT_LENGTH_BYTES, key->private, key->private_size);
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

	if (!take_number(&in, &request->id))
		return err_set(err, ERR_INPUT, "the request is not understood");
	request->leaf.inputs = in;
	if (!bytes_u8(&in, &kind) || kind >= LEAF_ACCEPTED_EC ||
	    !bytes_skip(&in, MINT_DIGEST_BYTES) || !take_number(&in, &not_before) ||
	    !take_number(&in, &not_after) || !take_part(&in, &request->leaf.subject) ||
	    !take_part(&in, &request->leaf.names) || in.left != 0)
		return err_set(err, ERR_INPUT, "the request is not understood");
	request->kind = (enum leaf_kind)kind;
	request->ca = leaf_kind_key(request->kind) == LEAF_RSA ? CA_RSA : CA_EC;
	/* Two's complement, as the writer made it. */
	memcpy(&request->leaf.not_before, &not_before, sizeof(not_before));
	memcpy(&request->leaf.not_after, &not_after, sizeof(not_after));
	return 0;
}

/* Who signs it. */
static struct leaf_issuer *
issuer_of(const struct signer *signer, const struct request *request)
{
	struct leaf_issuer *issuer = signer->issuer[request->ca];

	/* What our CA can only sign with other dates than the server's would look
	 * better than the server does. */
	if (request->kind == LEAF_UNTRUSTED_EC || request->kind == LEAF_UNTRUSTED_RSA ||
	    !leaf_issuer_covers(issuer, &request->leaf))
		return signer->untrusted[request->ca];
	return issuer;
}

/* Out of memory remembers nothing: the leaf is made again. */
static void
remember(struct signer *signer, const struct digest_key *key, const uint8_t *der, size_t size)
{
	struct remembered *leaf = malloc(sizeof(*leaf) + size);

	if (leaf == NULL)
		return;
	leaf->size = size;
	memcpy(leaf->der, der, size);
	digest_cache_put(signer->leaves, key, leaf, sizeof(*leaf) + size);
}

/* Write the leaf that is asked for, as it was made before, or make it; returns its
 * size, or 0 with err.  What is remembered was checked when it was made: it is found
 * by every byte that was. */
static size_t
write_leaf(struct signer *signer, const struct request *request, uint8_t *out, size_t room,
    struct err *err)
{
	struct digest_key key = {.kind = (uint32_t)request->kind};
	struct bytes inputs = request->leaf.inputs;
	const struct remembered *known;
	size_t size;

	if (EVP_Digest(inputs.at, inputs.left, key.sha256, NULL, signer->sha256, NULL) != 1) {
		(void)err_tls(err, "SHA-256");
		return 0;
	}
	known = digest_cache_get(signer->leaves, &key);
	if (known != NULL && known->size <= room) {
		memcpy(out, known->der, known->size);
		return known->size;
	}
	if (check_names(request->leaf.names, err) != 0 ||
	    check_subject(request->leaf.subject, err) != 0)
		return 0;
	size = leaf_issue(issuer_of(signer, request), &request->leaf, out, room, err);
	if (size == 0)
		return 0;
	signer->minted++;
	remember(signer, &key, out, size);
	return size;
}

/* The RSA key is not there: is it still being made? */
static size_t
answer_without_key(const struct signer *signer, uint64_t id, uint8_t *out)
{
	struct err err;

	if (!signer->no_rsa_key)
		return write_header(out, id, MINT_LATER);
	(void)err_set(&err, ERR_LIMIT, "there is no RSA key for leaves");
	return write_refusal(out, id, &err);
}

size_t
signer_answer(struct signer *signer, struct bytes message, uint8_t *out)
{
	struct request request = {0};
	const struct leaf_key *key;
	struct err err = {0};
	size_t head, size;

	if (read_request(message, &request, &err) != 0)
		return write_refusal(out, request.id, &err);
	key = &signer->key[request.ca];
	request.leaf.key = key;
	if (key->private == NULL)
		return answer_without_key(signer, request.id, out);
	head = MINT_HEADER_BYTES + MINT_LENGTH_BYTES + key->private_size;
	size = write_leaf(signer, &request, out + head, IPC_MESSAGE_MAX - head, &err);
	if (size == 0)
		return write_refusal(out, request.id, &err);
	write_key(out, request.id, key);
	return head + size;
}

uint64_t
signer_minted(const struct signer *signer)
{
	return signer->minted;
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

static int
make_rsa_keys(struct signer *signer, struct err *err)
{
	/* Who is given the leaf key may ask for any leaf of it: the authority first. */
	EVP_PKEY *pair = make_rsa_key(signer, err);

	if (pair == NULL)
		return -1;
	signer->untrusted[CA_RSA] = make_untrusted(pair, signer->sha256, err);
	if (signer->untrusted[CA_RSA] == NULL)
		return -1;
	pair = make_rsa_key(signer, err);
	return pair != NULL ? set_leaf_key(signer, CA_RSA, pair, err) : -1;
}

int
signer_make_key(struct signer *signer, void (*meanwhile)(void *arg), void *arg, struct err *err)
{
	int ret;

	signer->meanwhile = meanwhile;
	signer->meanwhile_arg = arg;
	ret = make_rsa_keys(signer, err);
	signer->no_rsa_key = ret != 0;
	return ret;
}
