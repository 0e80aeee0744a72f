/* SPDX-License-Identifier: MIT */
#ifndef CERTS_DISPATCH_H
#define CERTS_DISPATCH_H

#include <openssl/core.h>
#include <stdbool.h>
#include <stddef.h>

/* The function of that id in a provider's list, which ends with id 0; NULL: it has
 * none.  What its type is the id says.  Source: provider-base(7). */
void (*dispatch_find(const OSSL_DISPATCH *functions, int id))(void);

/* Write the list `theirs` to out, which has room for so many and the id 0, with those
 * of `ours`, a list too, in place of theirs of the same id.  False: there is no room. */
bool dispatch_replace(const OSSL_DISPATCH *theirs, const OSSL_DISPATCH *ours, OSSL_DISPATCH *out,
    size_t room);

#endif
