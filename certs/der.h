/* SPDX-License-Identifier: MIT */
#ifndef CERTS_DER_H
#define CERTS_DER_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The little of DER (ITU-T X.690 section 10) that a certificate's extensions
 * and our own leaves need.  Tags are one byte, as they stand in the encoding.
 */
enum der_tag {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_CONTEXT_3 = 0xa3, /* [3], constructed */
};

/*
 * Take one element from the front of in: its tag and its content.  False, with
 * nothing taken, for what is cut short and for every length that DER does not
 * write (indefinite, or longer than needed) or that takes more than 3 bytes.
 */
bool der_take(struct bytes *in, uint8_t *tag, struct bytes *content);

/* As der_take for an element that must have this tag. */
bool der_expect(struct bytes *in, uint8_t tag, struct bytes *content);

/*
 * A writer that fills its bytes from the back, so that a length is known when
 * it is written.  What does not fit is left out and `full` says so.  To write
 * SEQUENCE { a, b }:
 *
 *	size_t end = out.left;
 *	der_put(&out, b...); der_put(&out, a...);
 *	der_wrap(&out, DER_SEQUENCE, end);
 */
struct der_out {
	uint8_t *at; /* borrowed; the front of the whole room */
	size_t left; /* bytes still free; what was written starts at at + left */
	size_t size; /* of the whole room */
	bool full;
};

struct der_out der_out_in(uint8_t *at, size_t size);
void der_put(struct der_out *out, const void *bytes, size_t count);
/* Make one element of all that was written since `left` was end. */
void der_wrap(struct der_out *out, uint8_t tag, size_t end);
/* What was written so far; empty when it did not fit. */
struct bytes der_written(const struct der_out *out);

#endif
