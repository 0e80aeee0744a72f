/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_IMAGES_H
#define INSPECT_IMAGES_H

#include "base/bytes.h"
#include "inspect/finding.h"

/*
 * Images that tell themselves in their first bytes: PNG, GIF, BMP, TIFF and
 * JPEG 2000.  (JPEG: inspect/jpeg.h; HEIF: inspect/mp4.h; WebP:
 * inspect/containers.h.)
 *
 * Source: RFC 2083 section 3; GIF89a section 17; the BITMAPFILEHEADER and
 * BITMAPINFOHEADER of Windows; TIFF 6.0 section 2; ISO/IEC 15444-1 annex I.5.
 */
enum told images_tell(struct bytes in, struct payload_finding *out);

#endif
