/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_MPEGTS_H
#define INSPECT_MPEGTS_H

#include "base/bytes.h"
#include "inspect/finding.h"

/*
 * MPEG transport streams: packets of 188 bytes (192 with a time stamp before,
 * 204 with a checksum behind), each of which begins with 47.
 *
 * Identified by four packets in a row at the front of the bytes, or by five
 * anywhere in them, whose headers use no reserved value.  It is audio where the
 * program's map lists audio alone or, where that is not there, where streams of
 * audio alone begin; else video.
 *
 * Source: ISO/IEC 13818-1 sections 2.4.3.2, 2.4.3.7, 2.4.4.3 and 2.4.4.8.
 */
enum told mpegts_tell(struct bytes in, struct payload_finding *out);
enum told mpegts_find(struct bytes in, struct payload_finding *out);

#endif
