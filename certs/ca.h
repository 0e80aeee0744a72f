/* SPDX-License-Identifier: MIT */
#ifndef CERTS_CA_H
#define CERTS_CA_H

#include <openssl/x509.h>

struct err;

/*
 * The appliance's own authorities: one with a P-256 key and, for cameras that
 * take no ECDSA, one with an RSA-2048 key.  Made on the box at its first start
 * and unique to it; the keys are read by the signer alone.
 *
 * Each is CN "Borderlens CA <site> <id>", O "Borderlens", where id is of its
 * key; it may issue leaves only (pathlen:0).
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
 * key, or a key that others may read, is an error, and so is a clock that has
 * plainly never been set (the certificate would carry its date).
 */
int ca_init(const char *dir, const char *site, struct err *err);

/* Check one authority's certificate and key as files: readable, PEM, a pair, a
 * CA, valid now, EC or RSA, the key not readable by group or others.  A key
 * behind a passphrase is refused: nobody is there to type it. */
int ca_check(const char *cert_path, const char *key_path, struct err *err);

/*
 * Read from open descriptors (the signer has no files), from offset 0 and
 * without moving it; all that ca_check checks holds here too.  key_fd -1: the
 * certificate alone.  The descriptors stay the caller's; ca is the caller's to
 * ca_clear.
 */
int ca_read(struct ca *ca, int cert_fd, int key_fd, struct err *err);

/* The certificate of a file, for showing it; the caller's to X509_free. */
X509 *ca_cert_load(const char *path, struct err *err);

void ca_clear(struct ca *ca); /* NULL and empty are fine */

#endif
