/* SPDX-License-Identifier: MIT */
#ifndef CERTS_DISPATCH_H
#define CERTS_DISPATCH_H

#include <openssl/core.h>

/* The function of that id in a provider's list, which ends with id 0; NULL: it has
 * none.  What its type is the id says.  Source: provider-base(7). */
void (*dispatch_find(const OSSL_DISPATCH *functions, int id))(void);

#endif
