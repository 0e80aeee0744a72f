/* SPDX-License-Identifier: MIT */
#include "certs/ephemeral.h"

#include "base/err.h"
#include "certs/dispatch.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { KEY_BYTES = 32, FUNCTIONS_MAX = 48 };

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
	OSSL_FUNC_keyexch_newctx_fn *new_exchange;
	OSSL_FUNC_keyexch_init_fn *set_own;
	OSSL_FUNC_keyexch_set_peer_fn *set_peer;
	OSSL_FUNC_keyexch_derive_fn *derive;
	OSSL_FUNC_keyexch_freectx_fn *free_exchange;
	void *provctx;
	void *base; /* the base point, as somebody's public key */
} own;

/* A key that is to be made. */
struct making {
	void *own; /* what OpenSSL's functions have for it */
	int selection;
};

static OSSL_PARAM
part(const char *name, uint8_t bytes[KEY_BYTES])
{
	return OSSL_PARAM_construct_octet_string(name, bytes, KEY_BYTES);
}

static bool
set_public(void *key, uint8_t bytes[KEY_BYTES])
{
	const OSSL_PARAM params[] = {part(OSSL_PKEY_PARAM_PUB_KEY, bytes),
	    OSSL_PARAM_construct_end()};

	return own.import(key, OSSL_KEYMGMT_SELECT_PUBLIC_KEY, params) == 1;
}

/* A random private half, and anything for a public one: with none at all
 * OpenSSL would compute it. */
static bool
set_private(void *key)
{
	uint8_t bytes[KEY_BYTES], nothing[KEY_BYTES] = {0};
	const OSSL_PARAM params[] = {part(OSSL_PKEY_PARAM_PRIV_KEY, bytes),
	    part(OSSL_PKEY_PARAM_PUB_KEY, nothing), OSSL_PARAM_construct_end()};
	bool good = RAND_priv_bytes(bytes, sizeof(bytes)) == 1;

	/* RFC 7748 section 5. */
	bytes[0] &= 248;
	bytes[KEY_BYTES - 1] = (uint8_t)((bytes[KEY_BYTES - 1] & 127) | 64);
	good = good && own.import(key, OSSL_KEYMGMT_SELECT_KEYPAIR, params) == 1;
	OPENSSL_cleanse(bytes, sizeof(bytes));
	return good;
}

static bool
compute_public(void *key)
{
	void *exchange = own.new_exchange(own.provctx);
	uint8_t bytes[KEY_BYTES];
	size_t size = 0;
	bool good = exchange != NULL && own.set_own(exchange, key, NULL) == 1 &&
		    own.set_peer(exchange, own.base) == 1 &&
		    own.derive(exchange, bytes, &size, sizeof(bytes)) == 1 && size == KEY_BYTES &&
		    set_public(key, bytes);

	if (exchange != NULL)
		own.free_exchange(exchange);
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
	if (key != NULL && set_private(key) && compute_public(key))
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

static bool
find_own(const OSSL_DISPATCH *keys, const OSSL_DISPATCH *exchange)
{
	own.new_key = (OSSL_FUNC_keymgmt_new_fn *)dispatch_find(keys, OSSL_FUNC_KEYMGMT_NEW);
	own.free_key = (OSSL_FUNC_keymgmt_free_fn *)dispatch_find(keys, OSSL_FUNC_KEYMGMT_FREE);
	own.import = (OSSL_FUNC_keymgmt_import_fn *)dispatch_find(keys, OSSL_FUNC_KEYMGMT_IMPORT);
	own.begin =
	    (OSSL_FUNC_keymgmt_gen_init_fn *)dispatch_find(keys, OSSL_FUNC_KEYMGMT_GEN_INIT);
	own.set_params = (OSSL_FUNC_keymgmt_gen_set_params_fn *)dispatch_find(keys,
	    OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS);
	own.make = (OSSL_FUNC_keymgmt_gen_fn *)dispatch_find(keys, OSSL_FUNC_KEYMGMT_GEN);
	own.end =
	    (OSSL_FUNC_keymgmt_gen_cleanup_fn *)dispatch_find(keys, OSSL_FUNC_KEYMGMT_GEN_CLEANUP);
	own.new_exchange =
	    (OSSL_FUNC_keyexch_newctx_fn *)dispatch_find(exchange, OSSL_FUNC_KEYEXCH_NEWCTX);
	own.set_own = (OSSL_FUNC_keyexch_init_fn *)dispatch_find(exchange, OSSL_FUNC_KEYEXCH_INIT);
	own.set_peer =
	    (OSSL_FUNC_keyexch_set_peer_fn *)dispatch_find(exchange, OSSL_FUNC_KEYEXCH_SET_PEER);
	own.derive =
	    (OSSL_FUNC_keyexch_derive_fn *)dispatch_find(exchange, OSSL_FUNC_KEYEXCH_DERIVE);
	own.free_exchange =
	    (OSSL_FUNC_keyexch_freectx_fn *)dispatch_find(exchange, OSSL_FUNC_KEYEXCH_FREECTX);
	return own.new_key != NULL && own.free_key != NULL && own.import != NULL &&
	       own.begin != NULL && own.set_params != NULL && own.make != NULL && own.end != NULL &&
	       own.new_exchange != NULL && own.set_own != NULL && own.set_peer != NULL &&
	       own.derive != NULL && own.free_exchange != NULL;
}

static bool
make_base(void)
{
	uint8_t bytes[KEY_BYTES] = {9};

	own.base = own.new_key(own.provctx);
	return own.base != NULL && set_public(own.base, bytes);
}

static const OSSL_DISPATCH ours[] = {
    {OSSL_FUNC_KEYMGMT_GEN_INIT, (void (*)(void))begin},
    {OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS, (void (*)(void))set_params},
    {OSSL_FUNC_KEYMGMT_GEN, (void (*)(void))make},
    {OSSL_FUNC_KEYMGMT_GEN_CLEANUP, (void (*)(void))end},
    {0, NULL},
};

int
ephemeral_open(const OSSL_ALGORITHM *keys, const OSSL_ALGORITHM *exchange, void *provctx,
    struct err *err)
{
	own.provctx = provctx;
	if (!find_own(keys->implementation, exchange->implementation) || !make_base() ||
	    !dispatch_replace(keys->implementation, ours, ephemeral_functions, FUNCTIONS_MAX))
		return err_tls(err, "OpenSSL's X25519 is not as it was");
	return 0;
}
