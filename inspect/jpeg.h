/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_JPEG_H
#define INSPECT_JPEG_H

#include "base/bytes.h"
#include "inspect/finding.h"

/*
 * JPEG: the start marker, then marker segments that chain by their lengths.
 * Identified by three of these in a row, or by the JFIF or Exif identifier of
 * the first (which alone may be longer than what there is).
 *
 * Source: ITU-T T.81 annex B; JFIF 1.02; Exif 2.3 section 4.5.4.
 */
enum told jpeg_tell(struct bytes in, struct payload_finding *out);

/* The same, wherever in the bytes an image begins. */
enum told jpeg_find(struct bytes in, struct payload_finding *out);

#endif
