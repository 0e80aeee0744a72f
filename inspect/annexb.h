/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_ANNEXB_H
#define INSPECT_ANNEXB_H

#include "base/bytes.h"
#include "inspect/finding.h"

/*
 * H.264 and H.265 as a stream of bytes: NAL units behind start codes; and the
 * headers of MPEG-2 and MPEG-4 Part 2 video, which use the same start codes.
 *
 * Identified by parameter sets whose fields can be read and are within their
 * bounds: an H.264 SPS that begins the bytes, or one anywhere that its PPS
 * follows; an H.265 VPS and SPS in a row, or SPS and PPS.  Start codes with
 * headers of slices alone, three of them in bytes that are as good as random and
 * have none that an encoder would have escaped, are probable.
 *
 * Source: ITU-T H.264 sections 7.3.1, 7.3.2 and annex B; H.265 sections 7.3.1,
 * 7.3.2 and annex B; ISO/IEC 13818-2 section 6.2; ISO/IEC 14496-2 section 6.2.
 */
enum told annexb_find(struct bytes in, struct payload_finding *out);

/* Whether a NAL unit's first bytes are a header that a stream has: of H.264 one
 * byte, of H.265 two. */
bool annexb_h264_header(uint8_t first);
bool annexb_h265_header(uint8_t first, uint8_t second);

/* Whether a NAL unit is an SPS of H.264 whose fields can be read. */
bool annexb_h264_is_sps(struct bytes unit);

#endif
