/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "certs/certificate.h"
#include "certs/pem.h"
#include "certs/verify.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

static int
add_list(X509_STORE *store, X509_CRL *list, const char *name, int64_t *next_s, struct err *err)
{
	int64_t next;

	if (X509_STORE_add_crl(store, list) != 1)
		return err_tls(err, "%s: a list of revoked certificates cannot be used", name);
	if (certificate_time(X509_CRL_get0_nextUpdate(list), &next) && next < *next_s)
		*next_s = next;
	return 0;
}

/* All of a PEM file; how many, or -1. */
static int
add_pem(X509_STORE *store, BIO *bio, const char *name, int64_t *next_s, struct err *err)
{
	int count = 0;

	for (;;) {
		X509_CRL *list = PEM_read_bio_X509_CRL(bio, NULL, pem_no_passphrase, NULL);
		int ret;

		if (list == NULL && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE)
			break;
		if (list == NULL)
			return err_tls(err, "%s: a list of revoked certificates is broken", name);
		ret = add_list(store, list, name, next_s, err);
		X509_CRL_free(list);
		if (ret != 0)
			return -1;
		count++;
	}
	ERR_clear_error(); /* the end of a PEM file is told as an error */
	return count;
}

static int
add_der(X509_STORE *store, struct bytes bytes, const char *name, int64_t *next_s, struct err *err)
{
	const unsigned char *at = bytes.at;
	X509_CRL *list = d2i_X509_CRL(NULL, &at, (long)bytes.left);
	int ret;

	if (list == NULL || at != bytes.at + bytes.left) {
		X509_CRL_free(list);
		ERR_clear_error();
		return err_set(err, ERR_INPUT, "%s holds no list of revoked certificates", name);
	}
	ret = add_list(store, list, name, next_s, err);
	X509_CRL_free(list);
	return ret;
}

int
verify_add_lists(X509_STORE *store, struct bytes bytes, const char *name, int64_t *next_s,
    struct err *err)
{
	BIO *bio;
	int count;

	*next_s = INT64_MAX;
	if (bytes.left == 0 || bytes.left > INT32_MAX)
		return err_set(err, ERR_INPUT, "%s holds no list of revoked certificates", name);
	bio = BIO_new_mem_buf(bytes.at, (int)bytes.left);
	if (bio == NULL)
		return err_set(err, ERR_NOMEM, "%s: no memory", name);
	count = add_pem(store, bio, name, next_s, err);
	BIO_free(bio);
	if (count < 0 || (count == 0 && add_der(store, bytes, name, next_s, err) != 0))
		return -1;
	if (X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) != 1)
		return err_tls(err, "%s", name);
	return 0;
}
