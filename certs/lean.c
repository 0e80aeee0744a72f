/* SPDX-License-Identifier: MIT */
#include "certs/lean.h"

#include "base/err.h"
#include "certs/ephemeral.h"
#include "certs/ephemeral_dh.h"
#include "certs/key_schedule.h"

#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum { ALGORITHMS_MAX = 64 };

/* OpenSSL's own, in a library context where nobody looks; and ours. */
static OSSL_PROVIDER *whole, *lean;

/*
 * What is given out of each operation, by the first of its names: what TLS and
 * certificates have, lookups over QUIC, and tickets.  Of what is not here all of
 * an operation is given out.  The longer the lists, the more is gone through for
 * each certificate.
 */
static const char *const digests[] = {"SHA1", "SHA2-224", "SHA2-256", "SHA2-384", "SHA2-512",
    "SHAKE-256", "MD5", "MD5-SHA1", NULL};
static const char *const ciphers[] = {"NULL", "AES-128-GCM", "AES-256-GCM", "AES-128-CCM",
    "AES-256-CCM", "AES-128-CBC", "AES-256-CBC", "AES-128-CBC-HMAC-SHA1", "AES-256-CBC-HMAC-SHA1",
    "AES-128-CBC-HMAC-SHA256", "AES-256-CBC-HMAC-SHA256", "ChaCha20-Poly1305", "ChaCha20",
    "AES-128-ECB", "AES-256-ECB", "AES-256-CTR", NULL};
static const char *const macs[] = {"HMAC", NULL};
static const char *const derivations[] = {"HKDF", "TLS13-KDF", "TLS1-PRF", NULL};
static const char *const randoms[] = {"CTR-DRBG", "SEED-SRC", NULL};
static const char *const kinds[] = {"RSA", "RSA-PSS", "EC", "X25519", "X448", "ED25519", "ED448",
    "DH", "HMAC", NULL};
static const char *const exchanges[] = {"DH", "ECDH", "X25519", "X448", NULL};
static const char *const signatures[] = {"RSA", "ED25519", "ED448", "ECDSA", "HMAC", NULL};

static const struct {
	int operation;
	const char *const *names;
} wanted[] = {
    {OSSL_OP_DIGEST, digests},
    {OSSL_OP_CIPHER, ciphers},
    {OSSL_OP_MAC, macs},
    {OSSL_OP_KDF, derivations},
    {OSSL_OP_RAND, randoms},
    {OSSL_OP_KEYMGMT, kinds},
    {OSSL_OP_KEYEXCH, exchanges},
    {OSSL_OP_SIGNATURE, signatures},
    {OSSL_OP_DECODER, NULL}, /* by has_form */
    {OSSL_OP_ENCODER, NULL},
};

/* The kinds of keys that a server or an authority may have; private ones as files
 * and the signer have them. */
static const struct {
	const char *kind, *property;
} forms[] = {
    {"RSA", "structure=SubjectPublicKeyInfo"},
    {"EC", "structure=SubjectPublicKeyInfo"},
    {"RSA-PSS", "structure=SubjectPublicKeyInfo"},
    {"ED25519", "structure=SubjectPublicKeyInfo"},
    {"ED448", "structure=SubjectPublicKeyInfo"},
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
is_among(const OSSL_ALGORITHM *algorithm, const char *const *names)
{
	for (; *names != NULL; names++) {
		if (is_named(algorithm, *names))
			return true;
	}
	return false;
}

static bool
has_form(const OSSL_ALGORITHM *algorithm)
{
	if (strstr(algorithm->property_definition, "=text") != NULL)
		return false;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (strstr(algorithm->property_definition, forms[i].property) != NULL &&
		    is_named(algorithm, forms[i].kind))
			return true;
	}
	return false;
}

/* By operation; those of which only some are wanted are filled by lean_open. */
static OSSL_ALGORITHM kept[OSSL_OP__HIGHEST + 1][ALGORITHMS_MAX + 1];

static void
thin_out(int operation, const char *const *names)
{
	int no_cache = 0;
	const OSSL_ALGORITHM *all = OSSL_PROVIDER_query_operation(whole, operation, &no_cache);
	size_t count = 0;

	for (; all != NULL && all->algorithm_names != NULL && count < ALGORITHMS_MAX; all++) {
		if (names != NULL ? is_among(all, names) : has_form(all))
			kept[operation][count++] = *all;
	}
}

/* NULL: OpenSSL has it no more. */
static OSSL_ALGORITHM *
find(int operation, const char *name)
{
	OSSL_ALGORITHM *algorithm = kept[operation];

	for (; algorithm->algorithm_names != NULL; algorithm++) {
		if (is_named(algorithm, name))
			return algorithm;
	}
	return NULL;
}

/* What we do ourselves, under the name of what OpenSSL has. */
static int
put_ours(OSSL_LIB_CTX *context, struct err *err)
{
	OSSL_ALGORITHM *schedule = find(OSSL_OP_KDF, "TLS13-KDF");
	OSSL_ALGORITHM *keys = find(OSSL_OP_KEYMGMT, "X25519");
	const OSSL_ALGORITHM *exchange = find(OSSL_OP_KEYEXCH, "X25519");
	OSSL_ALGORITHM *fields = find(OSSL_OP_KEYMGMT, "DH");

	if (schedule == NULL || keys == NULL || exchange == NULL || fields == NULL)
		return err_set(err, ERR_TLS, "OpenSSL's default provider is not as it was");
	if (key_schedule_open(context, err) != 0 ||
	    ephemeral_open(keys, exchange, OSSL_PROVIDER_get0_provider_ctx(whole), err) != 0 ||
	    ephemeral_dh_open(fields, err) != 0)
		return -1;
	schedule->implementation = key_schedule_functions;
	keys->implementation = ephemeral_functions;
	fields->implementation = ephemeral_dh_functions;
	return 0;
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

/* Who asks for an algorithm by its name has all names gone through, of which
 * OpenSSL has some thousand of its own, unless it was told to begin without them.
 * Signatures of certificates find their digests by these alone. */
static int
name_few(struct err *err)
{
	const EVP_MD *const wanted_digests[] = {EVP_md5(), EVP_sha1(), EVP_sha224(), EVP_sha256(),
	    EVP_sha384(), EVP_sha512()};

	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_ADD_ALL_CIPHERS | OPENSSL_INIT_NO_ADD_ALL_DIGESTS,
		NULL) != 1)
		return err_tls(err, "OpenSSL cannot begin");
	for (size_t i = 0; i < sizeof(wanted_digests) / sizeof(wanted_digests[0]); i++) {
		if (EVP_add_digest(wanted_digests[i]) != 1)
			return err_tls(err, "OpenSSL takes no name of a digest");
	}
	return 0;
}

int
lean_open(struct err *err)
{
	OSSL_LIB_CTX *context;

	if (name_few(err) != 0)
		return -1;
	context = OSSL_LIB_CTX_new();

	whole = context != NULL ? OSSL_PROVIDER_load(context, "default") : NULL;
	if (whole == NULL)
		return err_tls(err, "OpenSSL has no default provider");
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		thin_out(wanted[i].operation, wanted[i].names);
	if (put_ours(context, err) != 0)
		return -1;
	if (OSSL_PROVIDER_add_builtin(NULL, "lean", start) == 1)
		lean = OSSL_PROVIDER_load(NULL, "lean");
	if (lean == NULL)
		return err_tls(err, "OpenSSL's provider cannot be set up");
	return 0;
}
