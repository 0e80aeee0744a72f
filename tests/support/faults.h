/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_FAULTS_H
#define TESTS_SUPPORT_FAULTS_H

#include "tests/support/pki.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Servers that are bad, one flaw each, for laboratory tests: what a class is
 * expected to lead to stands with the tests.  All abort on failure.
 */
#define FAULTS_NAME "cloud.cameras.example"

/* Who signs; made once. */
struct faults_pki {
	struct pki root, issuer, stranger;
	struct pki old_issuer;    /* has expired */
	struct pki short_issuer;  /* may have no issuer below it */
	struct pki narrow_issuer; /* may speak for another domain only */
	struct pki list_issuer;   /* revokes one of its leaves by a list */
	struct pki stale_issuer;  /* its list is out of date */
	struct pki listed;        /* the leaf that list_issuer revoked */
};

/* What is done to the bytes of a server's flight.  A message is known by its
 * type where it is not encrypted, and by its place among the encrypted records
 * where it is (TLS 1.3). */
enum fault_edit { EDIT_NONE = 0, EDIT_CUT, EDIT_LAST_BYTE, EDIT_FIRST_CERT };

struct fault {
	const char *name;
	/* The context to serve with; NULL: hello is all that is said. */
	SSL_CTX *(*make)(const struct faults_pki *pki);
	enum fault_edit edit;
	uint8_t message; /* the handshake type that is edited; 0: an encrypted one */
	unsigned nth;    /* which of these */
	/* A ServerHello of our own: its cipher, compression and extensions. */
	struct fault_hello {
		uint16_t version, cipher;
		uint8_t compression;
		bool downgrade; /* the random says that TLS 1.3 was talked down */
		const uint8_t *extensions;
		size_t extensions_size;
	} hello;
};

extern const struct fault faults[];
extern const size_t faults_count;

void faults_pki_make(struct faults_pki *pki);

/* The lists of revoked certificates of that PKI, as a PEM file. */
void faults_write_lists(const struct faults_pki *pki, const char *path);

/* Serve one connection of this fault on a blocking socket; returns how many
 * bytes of the camera were received. */
size_t fault_serve(const struct fault *fault, SSL_CTX *ctx, int fd);

#endif
