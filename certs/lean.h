/* SPDX-License-Identifier: MIT */
#ifndef CERTS_LEAN_H
#define CERTS_LEAN_H

struct err;

/*
 * Make this process's OpenSSL find what TLS and certificates have, and nothing
 * else: digests, ciphers, kinds of keys, the forms that these are read from (DER
 * and PEM).
 *
 * OpenSSL 3 asks every decoder of its default provider, some seventy, for each
 * public key that it meets, and goes through all algorithms that it ever found:
 * a third of what a full handshake with a server costs.  This puts a provider
 * before it that gives out the same algorithms, of each operation those that can
 * come up; and three that are ours, where OpenSSL's own take much longer than
 * they need: key_schedule.h, ephemeral.h, ephemeral_dh.h.
 *
 * Call it before anything else of OpenSSL and before there is a second thread,
 * once a process; it stays for the process's life.  Source: provider-base(7),
 * provider-decoder(7), OSSL_PROVIDER_add_builtin(3).
 */
int lean_open(struct err *err);

#endif
