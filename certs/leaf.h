/* SPDX-License-Identifier: MIT */
#ifndef CERTS_LEAF_H
#define CERTS_LEAF_H

#include "base/bytes.h"
#include "certs/ca.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct leaf_key;

/*
 * Writes and signs leaves in the one profile there is (certs/signer.h), as DER
 * by hand: OpenSSL's way through X509_set_pubkey takes three quarters of the
 * time of a leaf.  For the signer alone.
 */
struct leaf_issuer;

/* What the requester chose, and the signer's key; all borrowed, and checked by
 * the caller. */
struct leaf {
	struct bytes inputs; /* the whole request: the serial is derived from it and the key */
	const struct leaf_key *key;
	struct bytes subject;          /* DER */
	struct bytes names;            /* entries of the subjectAltName; empty: none */
	int64_t not_before, not_after; /* seconds since 1970 */
};

/* Counts up ca's certificate and key; sha256 outlives the issuer. */
struct leaf_issuer *leaf_issuer_new(const struct ca *ca, const EVP_MD *sha256, struct err *err);
void leaf_issuer_free(struct leaf_issuer *issuer);

/* Whether some of the leaf's time lies inside the issuer's. */
bool leaf_issuer_covers(const struct leaf_issuer *issuer, const struct leaf *leaf);

/* Write the signed certificate to out; returns its size, or 0 with err when the
 * dates lie outside the issuer's or it does not fit. */
size_t leaf_issue(struct leaf_issuer *issuer, const struct leaf *leaf, uint8_t *out, size_t size,
    struct err *err);

#endif
