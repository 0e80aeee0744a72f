/* SPDX-License-Identifier: MIT */
#ifndef CERTS_EPHEMERAL_H
#define CERTS_EPHEMERAL_H

#include <openssl/core.h>
#include <openssl/core_dispatch.h>

struct err;

/*
 * X25519 keys of a handshake, as a provider makes them (provider-keymgmt(7)).
 *
 * OpenSSL computes the public half by a table in C that is made for 32 bits, which
 * takes a third longer than its exchange, which is in assembler.  Here it is
 * taken from certs/curve25519.h; all else of these keys is OpenSSL's as it is.
 */
extern OSSL_DISPATCH ephemeral_functions[];

/* Take the rest from OpenSSL's own keys of X25519, for which provctx is the
 * provider's context, and see that both come to the same public half.  Once,
 * before the functions are used. */
int ephemeral_open(const OSSL_ALGORITHM *keys, void *provctx, struct err *err);

#endif
