/* SPDX-License-Identifier: MIT */
#ifndef CERTS_CERTIFICATE_H
#define CERTS_CERTIFICATE_H

#include "base/bytes.h"
#include "base/facts.h"

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * What a certificate says, in our own terms.
 */

/* A time of ASN.1 in seconds since 1970; false when it is none, or NULL. */
bool certificate_time(const ASN1_TIME *time, int64_t *out);

/* Its dates in seconds since 1970; false when one is no time. */
bool certificate_dates(const X509 *cert, int64_t *not_before, int64_t *not_after);

/* The value of its subjectAltName, borrowed from cert; empty when it has none.
 * False when it has more than one. */
bool certificate_names(const X509 *cert, struct bytes *names);

/*
 * Fill the part of facts that describes the certificate: subject, issuer,
 * serial, dates, both fingerprints.  sha256 is the caller's, taken already.
 * Names are as a person reads them ("CN=a.example, O=Example"), in the order
 * of the certificate, with what RFC 2253 section 2.4 and control bytes need
 * escaped; what does not fit is cut.
 */
void certificate_describe(X509 *cert, const uint8_t sha256[32], struct server_facts *facts);

/*
 * What is wrong with a server's certificate by itself, a set of enum
 * cert_error: what RFC 5280 section 4 forbids it to be and what no certificate
 * for a server is.  Its dates, key, names and issuer are not looked at here.
 */
uint32_t certificate_errors(X509 *cert);

/* What is wrong with the key of any certificate, beside its strength. */
uint32_t certificate_key_errors(X509 *cert);

#endif
