/* SPDX-License-Identifier: MIT */
#ifndef CERTS_MINT_PRIVATE_H
#define CERTS_MINT_PRIVATE_H

/*
 * The messages between a worker (mint.c) and the signer (signer.c), big endian.
 *
 * request: u8 MINT_LEAF or MINT_KEY, 8 bytes id; and for MINT_LEAF u8 enum
 *          leaf_kind (below LEAF_ACCEPTED_EC, which is the worker's own), 8 bytes not_before, 8
 * bytes not_after (seconds since 1970, two's complement), then three times a u24 length and DER:
 *          the SubjectPublicKeyInfo, the subject's Name, and the entries of
 *          the subjectAltName one after the other (length 0: none)
 * answer:  u8 of the request, 8 bytes id, u8 enum mint_status, then the
 *          certificate (DER), the private key (PKCS#8 DER), or the refusal
 */
enum mint_what { MINT_LEAF = 1, MINT_KEY = 2 };
enum mint_status { MINT_DONE = 0, MINT_REFUSED = 1 };

enum {
	MINT_HEADER_BYTES = 10, /* of an answer */
	/* A subject is a few hundred bytes; the bound keeps what is copied unseen
	 * from being used to carry something else. */
	MINT_SUBJECT_MAX = 4096,
};

#endif
