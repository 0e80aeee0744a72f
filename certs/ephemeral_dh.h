/* SPDX-License-Identifier: MIT */
#ifndef CERTS_EPHEMERAL_DH_H
#define CERTS_EPHEMERAL_DH_H

#include <openssl/core.h>
#include <openssl/core_dispatch.h>

struct err;

/*
 * Keys of a handshake in finite fields, as a provider makes them
 * (provider-keymgmt(7)): in TLS 1.2 a server brings the field, and may bring one of
 * 4096 bits.  OpenSSL then computes with exponents of 4096 bits too, three times
 * 15 ms in which nobody else is served.  Here
 *
 * - exponents have 512 bits, twice the strength of any field that is taken, and
 *   no more words than that (RFC 7919 section 5.2);
 * - the other side's half is looked at as SP 800-56A revision 3 has it for keys of
 *   one exchange in the fields that are known by name (section 5.6.2.3.2: from 2
 *   to p - 2), as OpenSSL does in those that are not.
 *
 * All else of these keys is OpenSSL's as it is.
 */
extern OSSL_DISPATCH ephemeral_dh_functions[];

/* Take the rest from OpenSSL's own keys of DH.  Once, before the functions are
 * used. */
int ephemeral_dh_open(const OSSL_ALGORITHM *keys, struct err *err);

#endif
