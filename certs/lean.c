/* SPDX-License-Identifier: MIT */
#include "certs/lean.h"

#include "base/err.h"

#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/provider.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum { ALGORITHMS_MAX = 64 };

/* OpenSSL's own, in a library context where nobody looks; and ours. */
static OSSL_PROVIDER *whole, *lean;

/* The kinds of keys that a certificate or a handshake may have. */
static const char *const kinds[] = {"RSA", "RSA-PSS", "EC", "X25519", "X448", "ED25519", "ED448",
    "DH", "DSA", "HMAC"};

/* What keys are read from, and written to: all of a kind as a certificate has
 * it; private ones as files and the signer have them. */
static const struct {
	const char *kind, *property;
} forms[] = {
    {NULL, "structure=SubjectPublicKeyInfo"},
    {"RSA", "structure=PrivateKeyInfo"},
    {"EC", "structure=PrivateKeyInfo"},
    {"ED25519", "structure=PrivateKeyInfo"},
    {"RSA", "structure=type-specific"},
    {"EC", "structure=type-specific"},
    {"DER", "input=pem"},
};

static bool
is_named(const OSSL_ALGORITHM *algorithm, const char *name)
{
	size_t size = strcspn(algorithm->algorithm_names, ":");

	return strlen(name) == size && strncmp(name, algorithm->algorithm_names, size) == 0;
}

static bool
is_of_kind(const OSSL_ALGORITHM *algorithm)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (is_named(algorithm, kinds[i]))
			return true;
	}
	return false;
}

static bool
has_form(const OSSL_ALGORITHM *algorithm)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (strstr(algorithm->property_definition, forms[i].property) != NULL &&
		    (forms[i].kind != NULL ? is_named(algorithm, forms[i].kind)
					   : is_of_kind(algorithm)))
			return true;
	}
	return false;
}

static bool
is_wanted(int operation, const OSSL_ALGORITHM *algorithm)
{
	if (operation == OSSL_OP_KEYMGMT)
		return is_of_kind(algorithm);
	return strstr(algorithm->property_definition, "=text") == NULL && has_form(algorithm);
}

/* By operation; those of which only some are wanted are filled by lean_open. */
static OSSL_ALGORITHM kept[OSSL_OP__HIGHEST + 1][ALGORITHMS_MAX + 1];

static const int thinned[] = {OSSL_OP_KEYMGMT, OSSL_OP_DECODER, OSSL_OP_ENCODER};

static void
thin_out(int operation)
{
	int no_cache = 0;
	const OSSL_ALGORITHM *all = OSSL_PROVIDER_query_operation(whole, operation, &no_cache);
	size_t count = 0;

	for (; all != NULL && all->algorithm_names != NULL && count < ALGORITHMS_MAX; all++) {
		if (is_wanted(operation, all))
			kept[operation][count++] = *all;
	}
}

static const OSSL_ALGORITHM *
query(void *provctx, int operation, int *no_cache)
{
	(void)provctx;
	if (operation >= 0 && operation <= OSSL_OP__HIGHEST &&
	    kept[operation][0].algorithm_names != NULL) {
		*no_cache = 0;
		return kept[operation];
	}
	return OSSL_PROVIDER_query_operation(whole, operation, no_cache);
}

/* The groups of TLS, for libssl. */
static int
get_capabilities(void *provctx, const char *capability, OSSL_CALLBACK *each, void *arg)
{
	(void)provctx;
	return OSSL_PROVIDER_get_capabilities(whole, capability, each, arg);
}

static int
start(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,
    void **provctx)
{
	static const OSSL_DISPATCH functions[] = {
	    {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query},
	    {OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void))get_capabilities},
	    {0, NULL},
	};

	(void)handle;
	(void)in;
	*out = functions;
	*provctx = OSSL_PROVIDER_get0_provider_ctx(whole);
	return 1;
}

int
lean_open(struct err *err)
{
	OSSL_LIB_CTX *context = OSSL_LIB_CTX_new();

	whole = context != NULL ? OSSL_PROVIDER_load(context, "default") : NULL;
	if (whole == NULL)
		return err_tls(err, "OpenSSL has no default provider");
	for (size_t i = 0; i < sizeof(thinned) / sizeof(thinned[0]); i++)
		thin_out(thinned[i]);
	if (OSSL_PROVIDER_add_builtin(NULL, "lean", start) == 1)
		lean = OSSL_PROVIDER_load(NULL, "lean");
	if (lean == NULL)
		return err_tls(err, "OpenSSL's provider cannot be set up");
	return 0;
}
