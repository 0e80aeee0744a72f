/* SPDX-License-Identifier: MIT */
#ifndef CERTS_PATH_H
#define CERTS_PATH_H

#include <openssl/x509_vfy.h>
#include <stdint.h>

/*
 * The path from a server's certificate to a trusted root: OpenSSL builds and
 * checks it, what it says is told here in our own terms.
 */

/* Set what a path is checked against (certs/verify.h says what that is). */
void path_params(X509_VERIFY_PARAM *param);

/*
 * Check ctx, which was set up with path_params, and return a set of enum
 * cert_error: the path's and what is wrong with the leaf by itself, not its
 * names.  Where an issuer was sent more than once (cross-signed), the path is the
 * best of the first few; it is ctx's.  All certificates of the path are valid from *from to *to
 * (seconds since 1970, both included).
 */
uint32_t path_errors(X509_STORE_CTX *ctx, int64_t at_s, int64_t *from, int64_t *to);

/*
 * What the leaf's key may be used for (KU_* of OpenSSL), after path_errors found
 * these errors in ctx: all where its certificate says nothing of it.  A leaf that
 * is itself in the store was trusted as it is, by somebody who knew it, and is
 * held to no purpose.
 */
uint32_t path_key_usage(X509_STORE_CTX *ctx, uint32_t errors);

/* CERT_EXPIRED or CERT_NOT_YET_VALID, or 0; both ends are valid (RFC 5280
 * section 4.1.2.5). */
uint32_t path_date_errors(int64_t not_before, int64_t not_after, int64_t at_s);

#endif
