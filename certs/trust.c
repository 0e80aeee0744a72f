/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "certs/ca_private.h"
#include "certs/pem.h"
#include "certs/verify.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COMMON_NAME_MAX = VERIFY_ROOT_MAX - 1 };

const char *
verify_system_roots(void)
{
	const char *named = secure_getenv(X509_get_default_cert_file_env());
	const char *const places[] = {
	    X509_get_default_cert_file(), "/etc/ssl/certs/ca-certificates.crt", /* Debian, Alpine */
	    "/etc/pki/tls/certs/ca-bundle.crt",                                 /* Red Hat */
	};

	if (named != NULL && named[0] != '\0')
		return named; /* somebody's wish: not being there is an error */
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (access(places[i], R_OK) == 0)
			return places[i];
	}
	return NULL;
}

/* Parse the extensions now: OpenSSL would at the first handshake that meets
 * the root, and while a camera waits. */
static int
warm(X509_STORE *store)
{
	const STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);
	int roots = 0;

	for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
		X509 *cert = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));

		if (cert == NULL)
			continue;
		(void)X509_check_purpose(cert, -1, 0);
		roots++;
	}
	return roots;
}

static void
common_name(X509 *cert, char out[COMMON_NAME_MAX + 1])
{
	if (X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, out,
		COMMON_NAME_MAX + 1) < 0)
		out[0] = '\0';
}

/* Roots that are in many stores and in nobody's interest: those of interception
 * software whose private keys are public, and those of appliances such as this
 * one, which would take its own leaves, or its sister's, for a server's. */
static bool
is_distrusted(X509 *cert)
{
	static const char *const public_keys[] = {"Superfish, Inc.", "eDellRoot",
	    "DSDTestProvider"}; /* US-CERT VU#529496, VU#870761, VU#925497 */
	char name[COMMON_NAME_MAX + 1];

	common_name(cert, name);
	for (size_t i = 0; i < sizeof(public_keys) / sizeof(public_keys[0]); i++) {
		if (strcmp(name, public_keys[i]) == 0)
			return true;
	}
	return ca_is_ours(X509_get_subject_name(cert));
}

static bool
add(X509_STORE *store, const X509_INFO *info)
{
	if (info->x509 != NULL && !is_distrusted(info->x509) &&
	    X509_STORE_add_cert(store, info->x509) != 1)
		return false;
	return info->crl == NULL || X509_STORE_add_crl(store, info->crl) == 1;
}

static STACK_OF(X509_INFO) * read_pem(struct bytes pem)
{
	BIO *bio = pem.left <= INT_MAX ? BIO_new_mem_buf(pem.at, (int)pem.left) : NULL;
	STACK_OF(X509_INFO) *infos =
	    bio != NULL ? PEM_X509_INFO_read_bio(bio, NULL, pem_no_passphrase, NULL) : NULL;

	BIO_free(bio);
	return infos;
}

static bool
fill(X509_STORE *store, struct bytes pem)
{
	STACK_OF(X509_INFO) *infos = read_pem(pem);
	bool good = infos != NULL;

	for (int i = 0; good && i < sk_X509_INFO_num(infos); i++)
		good = add(store, sk_X509_INFO_value(infos, i));
	sk_X509_INFO_pop_free(infos, X509_INFO_free);
	return good;
}

bool
verify_distrusts(struct bytes pem, char out[VERIFY_ROOT_MAX])
{
	STACK_OF(X509_INFO) *infos = read_pem(pem);
	bool found = false;

	for (int i = 0; !found && i < sk_X509_INFO_num(infos); i++) {
		X509 *cert = sk_X509_INFO_value(infos, i)->x509;

		found = cert != NULL && is_distrusted(cert);
		if (found)
			common_name(cert, out);
	}
	sk_X509_INFO_pop_free(infos, X509_INFO_free);
	ERR_clear_error(); /* what cannot be read is verify_store's to tell */
	return found;
}

X509_STORE *
verify_store(struct bytes pem, const char *name, struct err *err)
{
	X509_STORE *store = X509_STORE_new();

	if (store == NULL || !fill(store, pem)) {
		(void)err_tls(err, "%s: no trusted roots could be read", name);
		goto fail;
	}
	if (warm(store) == 0) {
		(void)err_set(err, ERR_INPUT, "%s holds no certificate that is to be trusted",
		    name);
		goto fail;
	}
	return store;
fail:
	X509_STORE_free(store);
	return NULL;
}
