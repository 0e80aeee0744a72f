/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_AUDIO_H
#define INSPECT_AUDIO_H

#include "base/bytes.h"
#include "inspect/finding.h"

/*
 * Audio that tells itself: AAC in ADTS and MPEG audio (three frames that chain
 * by their lengths with the same fixed header), Ogg (video where the stream is
 * Theora's), FLAC, AMR.  (WAVE: inspect/containers.h; G.711 has no structure
 * and is told by its context alone: inspect/rtp_media.h.)
 *
 * adts_find and ogg_find: wherever in the bytes frames or a page begin.
 *
 * Source: ISO/IEC 13818-7 section 6.2; ISO/IEC 11172-3 section 2.4.1; RFC 3533
 * section 6; RFC 9639 section 8; RFC 4867 section 5.
 */
enum told audio_tell(struct bytes in, struct payload_finding *out);
enum told adts_find(struct bytes in, struct payload_finding *out);
enum told ogg_find(struct bytes in, struct payload_finding *out);

#endif
