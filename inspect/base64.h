/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_BASE64_H
#define INSPECT_BASE64_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * base64 and base64url (RFC 4648 sections 4 and 5), with the line ends that MIME
 * puts in, as they are or as a string of JSON writes them ("\r\n", "\/").
 */

/* Whether there is nothing else here, and no two of its characters are apart by
 * a space: padding at the end alone. */
bool base64_is(struct bytes in);

/* Decode what fits into size bytes; stops at the padding or at what is not
 * base64.  Returns how many bytes were written. */
size_t base64_decode(struct bytes in, uint8_t *out, size_t size);

/* Where it is a data URL ("data:image/jpeg;base64,"), go behind its comma. */
void base64_skip_url(struct bytes *in);

#endif
