/* SPDX-License-Identifier: MIT */
#ifndef CERTS_EPHEMERAL_H
#define CERTS_EPHEMERAL_H

#include <openssl/core.h>
#include <openssl/core_dispatch.h>

struct err;

/*
 * X25519 keys of a handshake, as a provider makes them (provider-keymgmt(7)).
 *
 * OpenSSL computes the public half by a table of its own in C, which takes a
 * third longer than its key exchange, which is in assembler.  Both are the same
 * function: the public key is the exchange of the private one with the base
 * point, 9 (RFC 7748 section 6.1).  So this makes the key by OpenSSL's exchange;
 * all else of these keys is OpenSSL's as it is.
 */
extern OSSL_DISPATCH ephemeral_functions[];

/* Take the rest from OpenSSL's own, keys and exchange of X25519, for which
 * provctx is the provider's context.  Once, before the functions are used. */
int ephemeral_open(const OSSL_ALGORITHM *keys, const OSSL_ALGORITHM *exchange, void *provctx,
    struct err *err);

#endif
