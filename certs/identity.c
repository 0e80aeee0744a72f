/* SPDX-License-Identifier: MIT */
#include "certs/identity.h"

#include "base/err.h"
#include "certs/pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>

enum { CHAIN_MAX = 8 };

static BIO *
open_bytes(struct bytes bytes, const char *name, struct err *err)
{
	BIO *bio = bytes.left > 0 && bytes.left <= INT32_MAX
		       ? BIO_new_mem_buf(bytes.at, (int)bytes.left)
		       : NULL;

	if (bio == NULL)
		(void)err_set(err, ERR_INPUT, "%s is empty", name);
	return bio;
}

static int
read_certs(struct identity *identity, struct bytes bytes, const char *name, struct err *err)
{
	BIO *bio = open_bytes(bytes, name, err);
	int ret = -1;
	X509 *next;

	if (bio == NULL)
		return -1;
	identity->cert = PEM_read_bio_X509(bio, NULL, pem_no_passphrase, NULL);
	identity->chain = sk_X509_new_null();
	if (identity->cert == NULL || identity->chain == NULL) {
		(void)err_tls(err, "%s holds no certificate in PEM", name);
		goto out;
	}
	while ((next = PEM_read_bio_X509(bio, NULL, pem_no_passphrase, NULL)) != NULL) {
		if (sk_X509_num(identity->chain) == CHAIN_MAX ||
		    sk_X509_push(identity->chain, next) <= 0) {
			X509_free(next);
			(void)err_set(err, ERR_LIMIT, "%s holds more than %d issuers", name,
			    CHAIN_MAX);
			goto out;
		}
	}
	ret = 0;
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		ret = err_tls(err, "%s: a certificate is broken", name);
	ERR_clear_error(); /* the end of a PEM file is told as an error */
out:
	BIO_free(bio);
	return ret;
}

static int
read_key(struct identity *identity, struct bytes bytes, const char *name, struct err *err)
{
	BIO *bio = open_bytes(bytes, name, err);

	if (bio == NULL)
		return -1;
	identity->key = PEM_read_bio_PrivateKey(bio, NULL, pem_no_passphrase, NULL);
	BIO_free(bio);
	if (identity->key == NULL)
		return err_tls(err, "%s holds no private key in PEM without a passphrase", name);
	return 0;
}

static int
check(struct identity *identity, const char *cert_name, const char *key_name, struct err *err)
{
	if (X509_check_private_key(identity->cert, identity->key) != 1) {
		ERR_clear_error();
		return err_set(err, ERR_INPUT, "%s is not the key of %s", key_name, cert_name);
	}
	if (!pem_key_is_strong(identity->key))
		return err_set(err, ERR_INPUT, "%s is weaker than RSA-2048", key_name);
	if (X509_digest(identity->cert, EVP_sha256(), identity->sha256, NULL) != 1)
		return err_tls(err, "%s", cert_name);
	return 0;
}

int
identity_read(struct identity *identity, struct bytes cert, const char *cert_name, struct bytes key,
    const char *key_name, struct err *err)
{
	*identity = (struct identity){0};
	if (read_certs(identity, cert, cert_name, err) == 0 &&
	    read_key(identity, key, key_name, err) == 0 &&
	    check(identity, cert_name, key_name, err) == 0)
		return 0;
	identity_clear(identity);
	return -1;
}

void
identity_clear(struct identity *identity)
{
	if (identity == NULL)
		return;
	X509_free(identity->cert);
	EVP_PKEY_free(identity->key);
	sk_X509_pop_free(identity->chain, X509_free);
	*identity = (struct identity){0};
}
