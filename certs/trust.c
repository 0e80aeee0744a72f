/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "certs/verify.h"

#include <openssl/x509v3.h>
#include <stdlib.h>
#include <unistd.h>

/* The first bundle that is there, or NULL. */
static const char *
system_bundle(void)
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

X509_STORE *
verify_store(const char *path, struct err *err)
{
	X509_STORE *store = NULL;

	if (path[0] == '\0')
		path = system_bundle();
	if (path == NULL) {
		(void)err_set(err, ERR_INPUT,
		    "the system has no bundle of trusted roots (package ca-certificates)");
		return NULL;
	}
	store = X509_STORE_new();
	if (store == NULL || X509_STORE_load_file(store, path) != 1) {
		(void)err_tls(err, "%s: no trusted roots could be read", path);
		goto fail;
	}
	if (warm(store) == 0) {
		(void)err_set(err, ERR_INPUT, "%s holds no certificate", path);
		goto fail;
	}
	return store;
fail:
	X509_STORE_free(store);
	return NULL;
}
