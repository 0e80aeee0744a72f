/* SPDX-License-Identifier: MIT */
#ifndef CERTS_PEM_H
#define CERTS_PEM_H

#include <openssl/types.h>
#include <stdbool.h>

/*
 * For who reads PEM that an administrator gave.
 */

/* OpenSSL's callback for what is locked: there is no passphrase, and it cannot be
 * read.  Without one OpenSSL asks on the terminal, and all stands until somebody
 * answers.  Source: pem_password_cb(3). */
int pem_no_passphrase(char *buffer, int size, int writing, void *arg);

/* Whether a key is as strong as RSA-2048 or P-224 (NIST SP 800-57 part 1). */
bool pem_key_is_strong(const EVP_PKEY *key);

#endif
