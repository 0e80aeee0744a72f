/* SPDX-License-Identifier: MIT */
#ifndef CERTS_LEAN_H
#define CERTS_LEAN_H

struct err;

/*
 * Make this process's OpenSSL look for keys among the kinds that certificates
 * and TLS have, in DER and PEM, and in no other place.
 *
 * OpenSSL 3 asks every decoder of its default provider, some seventy, for each
 * public key that it meets: a third of what a full handshake with a server
 * costs.  This puts a provider before it that gives out the same algorithms,
 * and of the decoders, encoders and kinds of keys those that can come up.
 *
 * Call it before anything else of OpenSSL and before there is a second thread,
 * once a process; it stays for the process's life.  Source: provider-base(7),
 * provider-decoder(7), OSSL_PROVIDER_add_builtin(3).
 */
int lean_open(struct err *err);

#endif
