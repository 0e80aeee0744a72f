/* SPDX-License-Identifier: MIT */
#ifndef CERTS_LEAF_KEY_H
#define CERTS_LEAF_KEY_H

#include "base/bytes.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * A key that leaves are made for, in the forms that these and the workers need.
 * No CA key: the signer gives it away with each leaf.
 */
enum {
	LEAF_KEY_ID_BYTES = 20, /* RFC 7093 section 2 method 1: SHA-256 cut to 160 bits */
};

struct leaf_key {
	unsigned char *private; /* PKCS#8 DER, owned; NULL: there is none */
	size_t private_size;
	unsigned char *spki; /* SubjectPublicKeyInfo DER, owned */
	size_t spki_size;
	uint8_t id[LEAF_KEY_ID_BYTES];
	bool rsa;
};

/* Of pair, which stays the caller's (NULL: fails). */
int leaf_key_open(struct leaf_key *key, EVP_PKEY *pair, const EVP_MD *sha256, struct err *err);
void leaf_key_clear(struct leaf_key *key); /* overwrites it; empty is fine */

/* The key identifier of a SubjectPublicKeyInfo; false when it is none. */
bool leaf_key_id(struct bytes spki, const EVP_MD *sha256, uint8_t out[LEAF_KEY_ID_BYTES]);

#endif
