/* SPDX-License-Identifier: MIT */
#ifndef CERTS_MINT_PRIVATE_H
#define CERTS_MINT_PRIVATE_H

/*
 * The messages between a worker (mint.c) and the signer (signer.c), big endian.
 *
 * request: 8 bytes id, u8 enum leaf_kind (below LEAF_ACCEPTED_EC, which is the worker's own),
 *          32 bytes SHA-256 of the server's certificate (it makes another leaf of another
 *          certificate, by its serial, and is used for nothing else), 8 bytes not_before, 8
 *          bytes not_after (seconds since 1970, two's complement), then twice a u24 length and
 *          DER: the subject's Name, and the entries of the subjectAltName one after the other
 *          (length 0: none)
 * answer:  8 bytes id, u8 enum mint_status, then the refusal; or a u24 length and the leaf's
 *          private key (PKCS#8 DER), and the certificate (DER)
 */
enum {
	MINT_HEADER_BYTES = 9, /* of an answer */
	MINT_LENGTH_BYTES = 3,
	/* A subject is a few hundred bytes; the bound keeps what is copied unseen
	 * from being used to carry something else. */
	MINT_SUBJECT_MAX = 4096,
};

#endif
