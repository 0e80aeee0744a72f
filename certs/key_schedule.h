/* SPDX-License-Identifier: MIT */
#ifndef CERTS_KEY_SCHEDULE_H
#define CERTS_KEY_SCHEDULE_H

#include <openssl/core_dispatch.h>
#include <openssl/types.h>

struct err;

/*
 * The key schedule of TLS 1.3 as a provider gives it out ("TLS13-KDF",
 * EVP_KDF-TLS13_KDF(7)): libssl asks for some forty secrets a connection that is
 * opened on both sides.  OpenSSL's own looks the digest up by its name and
 * copies each parameter for each of them, which takes four times as long as the
 * hashing.
 *
 * What it derives from is taken with the call that derives, as libssl does;
 * nothing is set beforehand.  The digests are the two that TLS 1.3 has, SHA-256
 * and SHA-384 (RFC 8446 section B.4); keys are no longer than their blocks.
 */
extern const OSSL_DISPATCH key_schedule_functions[];

/* Find the digests in context, which has to outlive the schedule's use.  Once,
 * before it. */
int key_schedule_open(OSSL_LIB_CTX *context, struct err *err);

#endif
