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
	/* The same under authorities that no camera can trust: what a camera is
	 * shown of a server that is not to be trusted. */
	LEAF_UNTRUSTED_EC,
	LEAF_UNTRUSTED_RSA,
	/* The first two with dates widened to hold the present: for a server that
	 * is not good and that a rule accepts all the same. */
	LEAF_ACCEPTED_EC,
	LEAF_ACCEPTED_RSA,
	LEAF_KINDS
};

/* LEAF_EC or LEAF_RSA: which of the two leaf keys a leaf of this kind has. */
enum leaf_kind leaf_kind_key(enum leaf_kind kind);

/* Whose a leaf is, beside its key. */
enum leaf_trust { LEAF_FAITHFUL = 0, LEAF_UNTRUSTED, LEAF_ACCEPTED };
enum leaf_kind leaf_kind_of(enum leaf_kind key, enum leaf_trust trust);

/* The leaf that a worker wants; all borrowed. */
struct mint_wanted {
	uint64_t id; /* the worker's own number for it, not 0 */
	enum leaf_kind kind;
	X509 *server;  /* the certificate that the leaf is to be like */
	EVP_PKEY *key; /* the leaf's key, of which the public half is sent */
};

/*
 * Write the request for a leaf like the server's certificate:
 * its subject, its dates, and of its subjectAltName the entries that a server
 * can have (dNSName, iPAddress).  Others, and names that are no host names, are
 * left out; no name is added, so a server that speaks for no name gets a leaf
 * that speaks for none.  The dates of LEAF_ACCEPTED_* are widened to hold the
 * present (the wall clock's).  Returns the size, or 0 with err when the
 * certificate's names do not fit or cannot be copied.
 */
size_t mint_request(const struct mint_wanted *wanted, uint8_t *out, size_t size, struct err *err);

/*
 * Read the signer's answer.  On success *id names the request and *leaf is the
 * certificate, the caller's to X509_free.  A refusal is an error whose text is
 * the signer's; *id is set then too (0: the message was not understood).
 */
int mint_answer(struct bytes message, uint64_t *id, X509 **leaf, struct err *err);

/*
 * The RSA key for all LEAF_RSA leaves of this appliance's run: the signer makes
 * it once, since making one takes a worker's loop a third of a second.  It is
 * no CA key; P-256 keys each worker makes itself.
 *
 * mint_key_request returns the size written, 0 when size is too small.  The
 * answer may take seconds right after the signer's start.  *key is the
 * caller's to EVP_PKEY_free; a refusal is as in mint_answer.
 */
size_t mint_key_request(uint8_t *out, size_t size, uint64_t id);
int mint_key_answer(struct bytes message, uint64_t *id, EVP_PKEY **key, struct err *err);

/* Whose answer a message is: the id of its request, to tell which of the two
 * reads it.  0: not understood. */
uint64_t mint_answer_id(struct bytes message);

#endif
