/* SPDX-License-Identifier: MIT */
#include "certs/key_schedule.h"

#include "base/bytes.h"
#include "base/err.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdbool.h>
#include <string.h>

enum {
	BLOCK_MAX = 128, /* SHA-384's */
	/* RFC 8446 section 7.1: HkdfLabel. */
	LABEL_MAX = 255,
	CONTEXT_MAX = 255,
	INFO_MAX = 2 + 1 + LABEL_MAX + 1 + CONTEXT_MAX,
	ROUNDS_MAX = 255, /* RFC 5869 section 2.3 */
	PARTS_MAX = 3,
	INNER_PAD = 0x36, /* RFC 2104 section 2 */
	OUTER_PAD = 0x5c,
};

static struct hash {
	const char *name, *old_name; /* as libssl says them */
	size_t block, size;          /* in bytes */
	EVP_MD *md;
} hashes[] = {
    {"SHA2-256", "SHA256", 64, 32, NULL},
    {"SHA2-384", "SHA384", BLOCK_MAX, 48, NULL},
};

/* What a call brings. */
struct inputs {
	const struct hash *hash;
	int mode;
	struct bytes key, salt, prefix, label, data;
	bool has_key, has_salt;
};

/* ---- HMAC, RFC 2104 ---- */

static bool
digest_padded(EVP_MD_CTX *ctx, const struct hash *hash, struct bytes key, uint8_t pad)
{
	uint8_t block[BLOCK_MAX];
	bool good;

	memset(block, pad, hash->block);
	for (size_t i = 0; i < key.left; i++)
		block[i] ^= key.at[i];
	good = EVP_DigestInit_ex(ctx, hash->md, NULL) == 1 &&
	       EVP_DigestUpdate(ctx, block, hash->block) == 1;
	OPENSSL_cleanse(block, sizeof(block));
	return good;
}

/* Of the parts one behind the other; out has hash->size bytes. */
static bool
authenticate(const struct hash *hash, struct bytes key, const struct bytes parts[PARTS_MAX],
    uint8_t *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good =
	    ctx != NULL && key.left <= hash->block && digest_padded(ctx, hash, key, INNER_PAD);

	for (size_t i = 0; good && i < PARTS_MAX; i++)
		good = parts[i].left == 0 || EVP_DigestUpdate(ctx, parts[i].at, parts[i].left) == 1;
	good = good && EVP_DigestFinal_ex(ctx, out, NULL) == 1 &&
	       digest_padded(ctx, hash, key, OUTER_PAD) &&
	       EVP_DigestUpdate(ctx, out, hash->size) == 1 &&
	       EVP_DigestFinal_ex(ctx, out, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	return good;
}

/* ---- HKDF, RFC 5869, with the labels of RFC 8446 section 7.1 ---- */

static bool
put_label(const struct inputs *in, struct bytes context, size_t out_size, uint8_t info[INFO_MAX],
    size_t *size)
{
	size_t label = in->prefix.left + in->label.left;
	uint8_t *at = info;

	if (label > LABEL_MAX || context.left > CONTEXT_MAX || out_size > UINT16_MAX)
		return false;
	*at++ = (uint8_t)(out_size >> 8);
	*at++ = (uint8_t)out_size;
	*at++ = (uint8_t)label;
	if (in->prefix.left > 0)
		memcpy(at, in->prefix.at, in->prefix.left);
	if (in->label.left > 0)
		memcpy(at + in->prefix.left, in->label.at, in->label.left);
	at += label;
	*at++ = (uint8_t)context.left;
	if (context.left > 0)
		memcpy(at, context.at, context.left);
	*size = (size_t)(at - info) + context.left;
	return true;
}

static bool
expand(const struct inputs *in, struct bytes key, struct bytes context, uint8_t *out, size_t size)
{
	uint8_t info[INFO_MAX], round[EVP_MAX_MD_SIZE], number;
	size_t info_size, done = 0, before = 0;
	bool good = size > 0 && size <= ROUNDS_MAX * in->hash->size &&
		    put_label(in, context, size, info, &info_size);

	for (number = 1; good && done < size; number++) {
		const struct bytes parts[PARTS_MAX] = {{round, before}, {info, info_size},
		    {&number, 1}};
		size_t count = size - done < in->hash->size ? size - done : in->hash->size;

		good = authenticate(in->hash, key, parts, round);
		memcpy(out + done, round, good ? count : 0);
		before = in->hash->size;
		done += count;
	}
	OPENSSL_cleanse(round, sizeof(round));
	return good;
}

/* The next stage's secret, of the one before (salt) and what is new (key). */
static bool
extract(const struct inputs *in, uint8_t *out, size_t size)
{
	static const uint8_t zeros[EVP_MAX_MD_SIZE] = {0};
	const struct hash *hash = in->hash;
	uint8_t derived[EVP_MAX_MD_SIZE];
	struct bytes salt = {derived, 0};
	struct bytes parts[PARTS_MAX] = {in->has_key ? in->key : (struct bytes){zeros, hash->size}};
	bool good = size == hash->size;

	if (good && in->has_salt) {
		uint8_t empty[EVP_MAX_MD_SIZE];

		salt.left = hash->size;
		good = EVP_Digest("", 0, empty, NULL, hash->md, NULL) == 1 &&
		       expand(in, in->salt, (struct bytes){empty, hash->size}, derived, hash->size);
	}
	good = good && authenticate(hash, salt, parts, out);
	OPENSSL_cleanse(derived, sizeof(derived));
	return good;
}

/* ---- the call ---- */

static const struct hash *
find_hash(const char *name)
{
	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
		if (strcmp(name, hashes[i].name) == 0 || strcmp(name, hashes[i].old_name) == 0)
			return &hashes[i];
	}
	return NULL;
}

static bool
take(const OSSL_PARAM *param, struct bytes *out)
{
	if (param->data_type != OSSL_PARAM_OCTET_STRING)
		return false;
	*out = (struct bytes){param->data, param->data_size};
	return true;
}

static bool
read_param(const OSSL_PARAM *param, struct inputs *in)
{
	const char *key = param->key;

	if (strcmp(key, OSSL_KDF_PARAM_KEY) == 0)
		return in->has_key = take(param, &in->key);
	if (strcmp(key, OSSL_KDF_PARAM_PREFIX) == 0)
		return take(param, &in->prefix);
	if (strcmp(key, OSSL_KDF_PARAM_LABEL) == 0)
		return take(param, &in->label);
	if (strcmp(key, OSSL_KDF_PARAM_DATA) == 0)
		return take(param, &in->data);
	if (strcmp(key, OSSL_KDF_PARAM_SALT) == 0)
		return in->has_salt = take(param, &in->salt);
	if (strcmp(key, OSSL_KDF_PARAM_MODE) == 0)
		return OSSL_PARAM_get_int(param, &in->mode) == 1;
	if (strcmp(key, OSSL_KDF_PARAM_DIGEST) == 0 && param->data_type == OSSL_PARAM_UTF8_STRING)
		in->hash = find_hash(param->data);
	return true;
}

static _Thread_local const struct key_watch *watching;

static bool
is_label(const struct inputs *in, const char *label)
{
	return in->label.left == strlen(label) && memcmp(in->label.at, label, in->label.left) == 0;
}

static void
tell(const struct inputs *in, const uint8_t *out, size_t size)
{
	bool of_server = is_label(in, "s ap traffic");

	if (watching != NULL && (of_server || is_label(in, "c ap traffic")))
		watching->on_secret(watching->arg, of_server, (struct bytes){out, size});
}

void
key_schedule_watch(const struct key_watch *watch)
{
	watching = watch;
}

bool
key_schedule_expand(struct bytes secret, const char *label, uint8_t *out, size_t size)
{
	static const uint8_t prefix[] = {'t', 'l', 's', '1', '3', ' '};
	struct inputs in = {.prefix = {prefix, sizeof(prefix)},
	    .label = {(const uint8_t *)label, strlen(label)}};

	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
		if (hashes[i].size == secret.left && hashes[i].md != NULL)
			in.hash = &hashes[i];
	}
	return in.hash != NULL && expand(&in, secret, (struct bytes){NULL, 0}, out, size);
}

static int
derive(void *unused, unsigned char *out, size_t size, const OSSL_PARAM params[])
{
	struct inputs in = {.mode = -1};

	(void)unused;
	for (; params != NULL && params->key != NULL; params++) {
		if (!read_param(params, &in))
			return 0;
	}
	if (in.hash == NULL)
		return 0;
	if (in.mode == EVP_KDF_HKDF_MODE_EXTRACT_ONLY)
		return extract(&in, out, size);
	if (in.mode != EVP_KDF_HKDF_MODE_EXPAND_ONLY || !in.has_key ||
	    !expand(&in, in.key, in.data, out, size))
		return 0;
	tell(&in, out, size);
	return 1;
}

/* There is nothing to keep between calls; something that is not NULL is asked for. */
static void *
new_context(void *provctx)
{
	(void)provctx;
	return hashes;
}

static void
forget(void *unused)
{
	(void)unused;
}

const OSSL_DISPATCH key_schedule_functions[] = {
    {OSSL_FUNC_KDF_NEWCTX, (void (*)(void))new_context},
    {OSSL_FUNC_KDF_FREECTX, (void (*)(void))forget},
    {OSSL_FUNC_KDF_RESET, (void (*)(void))forget},
    {OSSL_FUNC_KDF_DERIVE, (void (*)(void))derive},
    {0, NULL},
};

int
key_schedule_open(OSSL_LIB_CTX *context, struct err *err)
{
	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
		hashes[i].md = EVP_MD_fetch(context, hashes[i].name, NULL);
		if (hashes[i].md == NULL)
			return err_tls(err, "OpenSSL has no %s", hashes[i].name);
	}
	return 0;
}
