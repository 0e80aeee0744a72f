/* SPDX-License-Identifier: MIT */
#include "certs/ephemeral_dh.h"

#include "base/err.h"
#include "certs/dispatch.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	EXPONENT_BITS = 512,
	FIELD_BYTES_MAX = 1024, /* a key in a larger one is left as it is */
	FUNCTIONS_MAX = 48,
};

OSSL_DISPATCH ephemeral_dh_functions[FUNCTIONS_MAX + 1];

/* OpenSSL's own. */
static struct {
	OSSL_FUNC_keymgmt_import_fn *import;
	OSSL_FUNC_keymgmt_get_params_fn *get_params;
	OSSL_FUNC_keymgmt_validate_fn *validate;
	OSSL_FUNC_keymgmt_gen_init_fn *begin;
	OSSL_FUNC_keymgmt_gen_set_params_fn *set_params;
	OSSL_FUNC_keymgmt_gen_fn *make;
	OSSL_FUNC_keymgmt_gen_cleanup_fn *end;
} own;

/* 0: as many as OpenSSL likes. */
static bool
set_exponent(void *making, int bits)
{
	const OSSL_PARAM params[] = {OSSL_PARAM_construct_int(OSSL_PKEY_PARAM_DH_PRIV_LEN, &bits),
	    OSSL_PARAM_construct_end()};

	return own.set_params(making, params) == 1;
}

static void *
begin(void *provctx, int selection, const OSSL_PARAM params[])
{
	void *making = own.begin(provctx, selection, params);

	if (making == NULL || set_exponent(making, EXPONENT_BITS))
		return making;
	own.end(making);
	return NULL;
}

/* The private half is short, but stands in as many words as the field has, and
 * all of them are gone through with each use.  Read back, it stands in its own. */
static void
shorten(void *key)
{
	uint8_t p[FIELD_BYTES_MAX], g[FIELD_BYTES_MAX], public[FIELD_BYTES_MAX];
	uint8_t private[FIELD_BYTES_MAX];
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_FFC_P, p, sizeof(p)),
	    OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_FFC_G, g, sizeof(g)),
	    OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PUB_KEY, public, sizeof(public)),
	    OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, private, sizeof(private)),
	    OSSL_PARAM_construct_end(),
	};
	bool whole = own.get_params(key, params) == 1;

	for (size_t i = 0; whole && params[i].key != NULL; i++)
		whole = OSSL_PARAM_modified(&params[i]) == 1;
	if (whole)
		(void)own.import(key, OSSL_KEYMGMT_SELECT_ALL, params);
	OPENSSL_cleanse(private, sizeof(private));
}

/* A field with a subgroup that is smaller than our exponents has its own length. */
static void *
make(void *making, OSSL_CALLBACK *progress, void *progress_arg)
{
	void *key;

	(void)ERR_set_mark();
	key = own.make(making, progress, progress_arg);
	if (key == NULL && set_exponent(making, 0))
		key = own.make(making, progress, progress_arg);
	if (key != NULL)
		shorten(key);
	(void)(key != NULL ? ERR_pop_to_mark() : ERR_clear_last_mark());
	return key;
}

static int
validate(const void *key, int selection, int type)
{
	return own.validate(key, selection,
	    selection == OSSL_KEYMGMT_SELECT_PUBLIC_KEY ? OSSL_KEYMGMT_VALIDATE_QUICK_CHECK : type);
}

/* ---- what is taken from OpenSSL ---- */

static bool
find_own(const OSSL_DISPATCH *keys)
{
	own.import = (OSSL_FUNC_keymgmt_import_fn *)dispatch_find(keys, OSSL_FUNC_KEYMGMT_IMPORT);
	own.get_params =
	    (OSSL_FUNC_keymgmt_get_params_fn *)dispatch_find(keys, OSSL_FUNC_KEYMGMT_GET_PARAMS);
	own.validate =
	    (OSSL_FUNC_keymgmt_validate_fn *)dispatch_find(keys, OSSL_FUNC_KEYMGMT_VALIDATE);
	own.begin =
	    (OSSL_FUNC_keymgmt_gen_init_fn *)dispatch_find(keys, OSSL_FUNC_KEYMGMT_GEN_INIT);
	own.set_params = (OSSL_FUNC_keymgmt_gen_set_params_fn *)dispatch_find(keys,
	    OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS);
	own.make = (OSSL_FUNC_keymgmt_gen_fn *)dispatch_find(keys, OSSL_FUNC_KEYMGMT_GEN);
	own.end =
	    (OSSL_FUNC_keymgmt_gen_cleanup_fn *)dispatch_find(keys, OSSL_FUNC_KEYMGMT_GEN_CLEANUP);
	return own.import != NULL && own.get_params != NULL && own.validate != NULL &&
	       own.begin != NULL && own.set_params != NULL && own.make != NULL && own.end != NULL;
}

static const OSSL_DISPATCH ours[] = {
    {OSSL_FUNC_KEYMGMT_GEN_INIT, (void (*)(void))begin},
    {OSSL_FUNC_KEYMGMT_GEN, (void (*)(void))make},
    {OSSL_FUNC_KEYMGMT_VALIDATE, (void (*)(void))validate},
    {0, NULL},
};

int
ephemeral_dh_open(const OSSL_ALGORITHM *keys, struct err *err)
{
	if (!find_own(keys->implementation) ||
	    !dispatch_replace(keys->implementation, ours, ephemeral_dh_functions, FUNCTIONS_MAX))
		return err_tls(err, "OpenSSL's DH is not as it was");
	return 0;
}
