/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_MP4_H
#define INSPECT_MP4_H

#include "base/bytes.h"
#include "inspect/finding.h"

/*
 * MP4 and its kin (fragmented MP4, QuickTime, HEIF): boxes that chain by their
 * sizes, the first of them one that a file or a segment begins with.
 *
 * What is inside is told by the first of: a brand that is an image's or
 * audio's alone; the handlers of the tracks in moov; NAL units that chain by
 * their lengths in mdat; a brand that names a video codec.  A file that shows
 * none of them is probably video: that is what cameras keep in it.
 *
 * Source: ISO/IEC 14496-12 sections 4.2, 4.3, 8.2 to 8.4 and 8.16;
 * ISO/IEC 14496-15 section 5.3 (NAL units in samples); ISO/IEC 23008-12 (HEIF).
 */
enum told mp4_tell(struct bytes in, struct payload_finding *out);

/* A fragment (moof with its mfhd), wherever in the bytes it begins. */
enum told mp4_find(struct bytes in, struct payload_finding *out);

#endif
