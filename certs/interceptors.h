/* SPDX-License-Identifier: MIT */
#ifndef CERTS_INTERCEPTORS_H
#define CERTS_INTERCEPTORS_H

#include <openssl/x509.h>
#include <stdbool.h>

/*
 * Whether a certificate of this path (leaf first) was issued by what opens TLS
 * on its way: another appliance such as this one, or a product that gives its
 * authority a name of its own.  By that name alone, which nobody has to bear:
 * true is worth knowing, false proves nothing.  A leaf that signed itself was
 * issued by nobody.
 *
 * Source: names as the products' manuals and installations have them; the sort
 * of list is that of Huang et al., Analyzing Forged SSL Certificates in the
 * Wild, IEEE S&P 2014.
 */
bool interceptors_issued(STACK_OF(X509) * path);

#endif
