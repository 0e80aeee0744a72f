/* SPDX-License-Identifier: MIT */
#ifndef CERTS_VERIFY_H
#define CERTS_VERIFY_H

#include "base/addr.h"
#include "base/facts.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

struct err;

/*
 * A trust store with every root parsed, from the system's bundle (path "") or
 * a PEM file.  Read once a worker, before it gives up opening files.  The
 * caller's to X509_STORE_free; NULL with err when no root could be read.
 */
X509_STORE *verify_store(const char *path, struct err *err);

/*
 * Set the SSL_CTX of the servers' side to verify as we do: purpose, auth level,
 * depth and host flags (RFC 5280, RFC 9525: subjectAltName only), the chain
 * checked by every handshake, and no handshake ended by it: all that is wrong
 * is collected for verify_result, so a policy can decide.
 */
int verify_setup(SSL_CTX *ctx, X509_STORE *store, struct err *err);

/*
 * Say before a handshake whom the server must be: name, or, where the camera
 * sent none (""), the address itself.  facts must outlive ssl's handshake; the
 * errors of the chain are collected in facts->errors.
 */
int verify_expect(SSL *ssl, const char *name, const struct addr *addr, struct server_facts *facts,
    struct err *err);

/*
 * After the handshake: fill facts with the certificate (names, dates,
 * fingerprints), what else is wrong with the leaf itself, and `verified`.
 */
void verify_result(SSL *ssl, struct server_facts *facts);

/* A sentence for a person: "expired 2026-05-01; issued by an unknown CA". */
void verify_text(const struct server_facts *facts, char *out, size_t size);

/* The TLS alert (RFC 8446 section 6.2) that says the same to a camera. */
uint8_t verify_alert(const struct server_facts *facts);

#endif
