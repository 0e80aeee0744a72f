/* SPDX-License-Identifier: MIT */
#ifndef CERTS_CURVE25519_H
#define CERTS_CURVE25519_H

#include <stdint.h>

enum { CURVE25519_BYTES = 32 };

/*
 * The public half of an X25519 key: the base point, private times.  It is the
 * same as the exchange of the private half with 9 (RFC 7748 section 6.1), by a
 * table of the base point's multiples on the curve's other form, edwards25519,
 * where they only need to be added up: a third of the exchange's time.
 *
 * private is one as RFC 7748 section 5 wants it: bits 0, 1, 2 and 255 clear, 254
 * set.  What is done, and which memory is read, does not depend on it.
 */
void curve25519_public(const uint8_t private[CURVE25519_BYTES], uint8_t public[CURVE25519_BYTES]);

/* Make the table, some milliseconds.  Once, before anything is computed. */
void curve25519_open(void);

#endif
