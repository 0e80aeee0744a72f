/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_RTP_FRAMES_H
#define INSPECT_RTP_FRAMES_H

#include "base/bytes.h"
#include "inspect/finding.h"

/*
 * Packets of RTP in a stream of bytes, anywhere: each behind its length in two bytes
 * (RFC 4571), or as RTSP interleaves them (RFC 2326 section 10.12), where nobody
 * said that it is one.  Two that follow each other, of one source and type and with
 * numbers in a row, are enough; what they carry is told as inspect/rtp_media.h has it.
 * TOLD_NO where that is nothing to see or hear.
 */
enum told rtp_frames_find(struct bytes in, struct payload_finding *out);

#endif
