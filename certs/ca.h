/* SPDX-License-Identifier: MIT */
#ifndef CERTS_CA_H
#define CERTS_CA_H

#include <openssl/x509.h>

struct err;

/*
 * The appliance's own authorities: one with a P-256 key and, for cameras that
 * take no ECDSA, one with an RSA key.  Made on the box at its first start and
 * unique to it; the keys are read by the signer alone.
 */
struct ca {
	X509 *cert;    /* owned */
	EVP_PKEY *key; /* owned; NULL where only the certificate was read */
};

enum { CA_EC = 0, CA_RSA, CA_COUNT };

/* The files inside a CA directory. */
extern const char *const ca_cert_names[CA_COUNT]; /* "ca.pem", "ca-rsa.pem" */
extern const char *const ca_key_names[CA_COUNT];  /* "ca.key", "ca-rsa.key" */

/*
 * Make what is missing in dir (which must exist): keys with mode 0600, then
 * certificates, each written beside its place and renamed, so a kill leaves
 * none half there.  What exists is never replaced; a certificate without its
 * key, or a key that others may read, is an error.
 */
int ca_init(const char *dir, const char *site, struct err *err);

/* Check one authority's certificate and key as files: readable, PEM, a pair, a
 * CA, valid now, the key not readable by group or others. */
int ca_check(const char *cert_path, const char *key_path, struct err *err);

/* Read from open descriptors (the signer has no files); key_fd -1: the
 * certificate alone. */
int ca_read(struct ca *ca, int cert_fd, int key_fd, struct err *err);
void ca_clear(struct ca *ca);

#endif
