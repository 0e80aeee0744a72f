/* SPDX-License-Identifier: MIT */
#include "certs/ephemeral.h"

#include "base/err.h"
#include "certs/curve25519.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { FUNCTIONS_MAX = 48 };

OSSL_DISPATCH ephemeral_functions[FUNCTIONS_MAX + 1];

/* OpenSSL's own. */
static struct {
	OSSL_FUNC_keymgmt_new_fn *new_key;
	OSSL_FUNC_keymgmt_free_fn *free_key;
	OSSL_FUNC_keymgmt_import_fn *import;
	OSSL_FUNC_keymgmt_gen_init_fn *begin;
	OSSL_FUNC_keymgmt_gen_set_params_fn *set_params;
	OSSL_FUNC_keymgmt_gen_fn *make;
	OSSL_FUNC_keymgmt_gen_cleanup_fn *end;
	OSSL_FUNC_keymgmt_match_fn *match;
	void *provctx;
} own;

/* A key that is to be made. */
struct making {
	void *own; /* what OpenSSL's functions have for it */
	int selection;
};

static OSSL_PARAM
part(const char *name, uint8_t bytes[CURVE25519_BYTES])
{
	return OSSL_PARAM_construct_octet_string(name, bytes, CURVE25519_BYTES);
}

/* A random private half, and the public one that belongs to it. */
static bool
fill(void *key)
{
	uint8_t private[CURVE25519_BYTES], public[CURVE25519_BYTES];
	const OSSL_PARAM params[] = {part(OSSL_PKEY_PARAM_PRIV_KEY, private),
	    part(OSSL_PKEY_PARAM_PUB_KEY, public), OSSL_PARAM_construct_end()};
	bool good = RAND_priv_bytes(private, sizeof(private)) == 1;

	/* RFC 7748 section 5. */
	private[0] &= 248;
	private[CURVE25519_BYTES - 1] = (uint8_t)((private[CURVE25519_BYTES - 1] & 127) | 64);
	if (good) {
		curve25519_public(private, public);
		good = own.import(key, OSSL_KEYMGMT_SELECT_KEYPAIR, params) == 1;
	}
	OPENSSL_cleanse(private, sizeof(private));
	return good;
}

static void *
make(void *arg, OSSL_CALLBACK *progress, void *progress_arg)
{
	const struct making *making = arg;
	void *key;

	/* Without a key it is about parameters, of which there are none. */
	if ((making->selection & OSSL_KEYMGMT_SELECT_KEYPAIR) == 0) {
		key = own.make(making->own, progress, progress_arg);
		return key;
	}
	key = own.new_key(own.provctx);
	if (key != NULL && fill(key))
		return key;
	own.free_key(key);
	return NULL;
}

static void
end(void *arg)
{
	struct making *making = arg;

	if (making == NULL)
		return;
	own.end(making->own);
	OPENSSL_free(making);
}

static void *
begin(void *provctx, int selection, const OSSL_PARAM params[])
{
	struct making *making = OPENSSL_zalloc(sizeof(*making));

	if (making == NULL)
		return NULL;
	making->selection = selection;
	making->own = own.begin(provctx, selection, params);
	if (making->own != NULL)
		return making;
	OPENSSL_free(making);
	return NULL;
}

static int
set_params(void *arg, const OSSL_PARAM params[])
{
	const struct making *making = arg;

	return own.set_params(making->own, params);
}

/* ---- what is taken from OpenSSL ---- */

static void (*find(const OSSL_DISPATCH *functions, int id))(void)
{
	for (; functions->function_id != 0; functions++) {
		if (functions->function_id == id)
			return functions->function;
	}
	return NULL;
}

static bool
find_own(const OSSL_DISPATCH *keys)
{
	own.new_key = (OSSL_FUNC_keymgmt_new_fn *)find(keys, OSSL_FUNC_KEYMGMT_NEW);
	own.free_key = (OSSL_FUNC_keymgmt_free_fn *)find(keys, OSSL_FUNC_KEYMGMT_FREE);
	own.import = (OSSL_FUNC_keymgmt_import_fn *)find(keys, OSSL_FUNC_KEYMGMT_IMPORT);
	own.begin = (OSSL_FUNC_keymgmt_gen_init_fn *)find(keys, OSSL_FUNC_KEYMGMT_GEN_INIT);
	own.set_params =
	    (OSSL_FUNC_keymgmt_gen_set_params_fn *)find(keys, OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS);
	own.make = (OSSL_FUNC_keymgmt_gen_fn *)find(keys, OSSL_FUNC_KEYMGMT_GEN);
	own.end = (OSSL_FUNC_keymgmt_gen_cleanup_fn *)find(keys, OSSL_FUNC_KEYMGMT_GEN_CLEANUP);
	own.match = (OSSL_FUNC_keymgmt_match_fn *)find(keys, OSSL_FUNC_KEYMGMT_MATCH);
	return own.new_key != NULL && own.free_key != NULL && own.import != NULL &&
	       own.begin != NULL && own.set_params != NULL && own.make != NULL && own.end != NULL &&
	       own.match != NULL;
}

/* OpenSSL computes the public half of a private one that comes alone. */
static bool
agrees(void)
{
	uint8_t private[CURVE25519_BYTES] = {8, 1, 2, 3, [CURVE25519_BYTES - 1] = 64};
	uint8_t public[CURVE25519_BYTES];
	const OSSL_PARAM half[] = {part(OSSL_PKEY_PARAM_PRIV_KEY, private),
	    OSSL_PARAM_construct_end()};
	const OSSL_PARAM both[] = {half[0], part(OSSL_PKEY_PARAM_PUB_KEY, public),
	    OSSL_PARAM_construct_end()};
	void *theirs = own.new_key(own.provctx), *ours = own.new_key(own.provctx);
	bool good;

	curve25519_public(private, public);
	good = theirs != NULL && ours != NULL &&
	       own.import(theirs, OSSL_KEYMGMT_SELECT_KEYPAIR, half) == 1 &&
	       own.import(ours, OSSL_KEYMGMT_SELECT_KEYPAIR, both) == 1 &&
	       own.match(theirs, ours, OSSL_KEYMGMT_SELECT_PUBLIC_KEY) == 1;
	own.free_key(theirs);
	own.free_key(ours);
	return good;
}

/* OpenSSL's, with ours in place of those that make a key. */
static bool
put_functions(const OSSL_DISPATCH *keys)
{
	size_t count = 0;

	for (; keys->function_id != 0 && count < FUNCTIONS_MAX; keys++, count++) {
		ephemeral_functions[count] = *keys;
		if (keys->function_id == OSSL_FUNC_KEYMGMT_GEN_INIT)
			ephemeral_functions[count].function = (void (*)(void))begin;
		else if (keys->function_id == OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS)
			ephemeral_functions[count].function = (void (*)(void))set_params;
		else if (keys->function_id == OSSL_FUNC_KEYMGMT_GEN)
			ephemeral_functions[count].function = (void (*)(void))make;
		else if (keys->function_id == OSSL_FUNC_KEYMGMT_GEN_CLEANUP)
			ephemeral_functions[count].function = (void (*)(void))end;
	}
	return keys->function_id == 0;
}

int
ephemeral_open(const OSSL_ALGORITHM *keys, void *provctx, struct err *err)
{
	own.provctx = provctx;
	curve25519_open();
	if (!find_own(keys->implementation) || !agrees() || !put_functions(keys->implementation))
		return err_tls(err, "OpenSSL's X25519 is not as it was");
	return 0;
}
