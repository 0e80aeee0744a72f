/* SPDX-License-Identifier: MIT */
#ifndef CERTS_MINT_H
#define CERTS_MINT_H

#include "base/bytes.h"

#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * How a worker asks the signer for a leaf: two messages, each one datagram of
 * at most IPC_MESSAGE_MAX bytes (base/ipc.h).  The request carries names and
 * dates, never a digest: the signer builds the certificate itself, so whoever
 * owns a worker can obtain leaves but nothing else signed.
 */
enum leaf_kind {
	LEAF_EC = 0, /* P-256 leaf under the P-256 CA */
	LEAF_RSA,    /* RSA-2048 leaf under the RSA CA, for cameras that take no ECDSA */
};

/*
 * Write the request for a leaf like `server` (subject, subjectAltName and
 * dates are copied) over the public half of `key`.  Returns its size, or 0
 * with err when the certificate's names do not fit or cannot be copied.
 */
size_t mint_request(uint8_t *out, size_t size, uint64_t id, enum leaf_kind kind, X509 *server,
    EVP_PKEY *key, struct err *err);

/*
 * Read the signer's answer.  On success *id names the request and *leaf is the
 * certificate, the caller's to X509_free.  A refusal is an error whose text is
 * the signer's; *id is set then too (0: the message was not understood).
 */
int mint_answer(struct bytes message, uint64_t *id, X509 **leaf, struct err *err);

#endif
