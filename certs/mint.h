/* SPDX-License-Identifier: MIT */
#ifndef CERTS_MINT_H
#define CERTS_MINT_H

#include "base/bytes.h"

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * How a worker asks the signer for a leaf: two messages, each one datagram of
 * at most IPC_MESSAGE_MAX bytes (base/ipc.h).  The request carries names and
 * dates, never a digest or a key: the signer builds the certificate itself, for a
 * key of its own, so whoever owns a worker can obtain leaves but nothing else
 * signed.  All workers are answered with the same leaf and the same key.
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

enum { MINT_DIGEST_BYTES = 32 };

/* The leaf that a worker wants; all borrowed. */
struct mint_wanted {
	enum leaf_kind kind;
	X509 *server;                 /* the certificate that the leaf is to be like */
	const uint8_t *server_sha256; /* of that, MINT_DIGEST_BYTES */
};

/* A leaf, and the key that it is shown with. */
struct minted {
	X509 *leaf;    /* owned */
	EVP_PKEY *key; /* owned */
};

void minted_clear(struct minted *minted); /* empty is fine */

/*
 * Write the request with this id (the worker's own number for it, not 0) for a
 * leaf like the server's certificate:
 * its digest, its subject, its dates, and of its subjectAltName the entries that a server
 * can have (dNSName, iPAddress).  Others, and names that are no host names, are
 * left out; no name is added, so a server that speaks for no name gets a leaf
 * that speaks for none.  The dates of LEAF_ACCEPTED_* are widened to hold the
 * present (the wall clock's), to the same ones all day.  Returns the size, or 0
 * with err when the certificate's names do not fit or cannot be copied.
 */
size_t mint_request(const struct mint_wanted *wanted, uint64_t id, uint8_t *out, size_t size,
    struct err *err);

/*
 * A leaf key as it came last.  Each answer has the key of its leaf with it, so
 * that the two belong together whatever became of the signer in between; it is
 * the same one for as long as a signer lives, and read once.  All 0: none yet.
 */
enum { MINT_KEY_MAX = 2048 }; /* PKCS#8 of RSA-2048: some 1,200 bytes */

struct mint_key {
	EVP_PKEY *key; /* owned */
	size_t size;
	uint8_t der[MINT_KEY_MAX];
};

void mint_key_clear(struct mint_key *key); /* overwrites it */

/* What a message of the signer's is. */
enum mint_status {
	MINT_DONE = 0,
	MINT_REFUSED, /* its text says why */
	MINT_LATER,   /* the RSA leaf key is not made yet: ask again in a moment */
};

struct mint_answer {
	uint64_t id; /* of the request */
	enum mint_status status;
	struct bytes rest; /* in the message: the refusal, or a key and a leaf */
};

/* Look whose answer a message is.  False: not understood. */
bool mint_answer_open(struct bytes message, struct mint_answer *answer);

/*
 * The leaf that is in it.  *known is the last key of the same leaf_kind_key,
 * and becomes the one that is here.  On success *minted is the caller's to
 * minted_clear.  A refusal is an error whose text is the signer's.
 */
int mint_answer_leaf(const struct mint_answer *answer, struct mint_key *known,
    struct minted *minted, struct err *err);

#endif
