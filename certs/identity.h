/* SPDX-License-Identifier: MIT */
#ifndef CERTS_IDENTITY_H
#define CERTS_IDENTITY_H

#include "base/bytes.h"

#include <openssl/x509.h>
#include <stdint.h>

struct err;

/*
 * A certificate to show to servers in a camera's stead, with its key.
 */
struct identity {
	X509 *cert;             /* owned */
	EVP_PKEY *key;          /* owned */
	STACK_OF(X509) * chain; /* owned; its issuers, may be empty */
	uint8_t sha256[32];     /* of cert */
};

/*
 * Read one from the bytes of two PEM files: the certificate, behind it its
 * issuers as they are to be sent, and the private key, without a passphrase;
 * both may stand in one file.  The names are the files' for errors.  Refused
 * are a key that is not the certificate's, and one that is weaker than servers
 * take (112 bits).  identity is the caller's to identity_clear; it is empty on
 * failure.
 */
int identity_read(struct identity *identity, struct bytes cert, const char *cert_name,
    struct bytes key, const char *key_name, struct err *err);

void identity_clear(struct identity *identity); /* NULL and empty are fine */

#endif
