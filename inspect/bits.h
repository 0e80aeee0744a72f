/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_BITS_H
#define INSPECT_BITS_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Reads bits, highest first, of the payload of a NAL unit: the third byte of
 * 00 00 03 is left out, as the encoder put it in (ITU-T H.264 section 7.4.1,
 * H.265 section 7.4.2).  A read that does not fit sets `short_of` and gives 0;
 * so may be asked once, at the end.
 */
struct bits {
	struct bytes in;
	unsigned zeros;  /* bytes of 0 just before */
	uint8_t current; /* the byte that is being read */
	unsigned have;   /* bits of it that are left */
	bool short_of;
};

/* count: at most 32. */
uint32_t bits_take(struct bits *bits, unsigned count);

/* An unsigned Exp-Golomb code, ue(v) (ITU-T H.264 section 9.1); one of more than
 * 32 bits counts as not fitting. */
uint32_t bits_ue(struct bits *bits);

#endif
