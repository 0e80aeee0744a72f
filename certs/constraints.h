/* SPDX-License-Identifier: MIT */
#ifndef CERTS_CONSTRAINTS_H
#define CERTS_CONSTRAINTS_H

#include <openssl/x509.h>
#include <stdint.h>

/*
 * What OpenSSL's check of name constraints (RFC 5280 section 4.2.1.10) leaves
 * open, for a path from the leaf (first) to its root:
 *
 *	a wildcard of the leaf's that covers a name which an issuer excludes
 *	("*.a.example" where b.a.example is excluded; CVE-2025-61727);
 *	a dNSName that is no host name under an issuer that constrains those;
 *	constraints that constrain nothing.
 *
 * Returns CERT_BAD_CONSTRAINTS, CERT_MALFORMED, both or 0.
 */
uint32_t constraint_errors(const STACK_OF(X509) * path);

#endif
