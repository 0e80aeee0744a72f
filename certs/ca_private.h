/* SPDX-License-Identifier: MIT */
#ifndef CERTS_CA_PRIVATE_H
#define CERTS_CA_PRIVATE_H

#include <openssl/x509.h>
#include <stdbool.h>

struct err;

/* The private key behind fd, with ca_check's conditions on the file; the
 * caller's to EVP_PKEY_free.  NULL with err. */
EVP_PKEY *ca_key_read(int fd, struct err *err);

/* Whether a certificate is an authority's that an appliance such as this one
 * made, by its names. */
bool ca_is_ours(const X509_NAME *subject);

/*
 * The certificate of an authority that nobody is to trust, with this key (NULL:
 * fails): CN "Borderlens untrusted servers <id>", valid from 1950 to 9999, so
 * that the dates of no server need to be changed.  The caller's to X509_free;
 * NULL with err.
 */
X509 *ca_make_untrusted(EVP_PKEY *key, struct err *err);

#endif
