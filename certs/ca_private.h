/* SPDX-License-Identifier: MIT */
#ifndef CERTS_CA_PRIVATE_H
#define CERTS_CA_PRIVATE_H

#include <openssl/evp.h>

struct err;

/* The private key behind fd, with ca_check's conditions on the file; the
 * caller's to EVP_PKEY_free.  NULL with err. */
EVP_PKEY *ca_key_read(int fd, struct err *err);

#endif
