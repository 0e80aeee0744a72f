/* SPDX-License-Identifier: MIT */
#ifndef CERTS_STAPLE_H
#define CERTS_STAPLE_H

#include "base/bytes.h"
#include "base/facts.h"

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * What a server staples about its certificate: an OCSP response (RFC 6960) that
 * was made beforehand, asked for in the hello (RFC 6066 section 8).  Nobody is
 * asked over the network.
 */

/*
 * What response, as it came from the server, says of leaf, which issuer signed,
 * at now_s (seconds since 1970; five minutes are forgiven).  Signed it must be
 * by the issuer itself, or by whom that has made a responder of.
 *
 * *until: up to when that stays so, both included; now_s for all but
 * STAPLE_GOOD.  STAPLE_NONE is never returned.  A revocation is told whatever
 * the response's dates are.
 */
enum staple staple_read(struct bytes response, X509 *leaf, X509 *issuer, int64_t now_s,
    int64_t *until);

/* Whether leaf says that it is to be believed only with a staple: the feature
 * status_request of RFC 7633. */
bool staple_is_required(const X509 *leaf);

/* What the staple means for the certificate, of enum cert_error or 0. */
uint32_t staple_errors(enum staple staple, bool required);

#endif
