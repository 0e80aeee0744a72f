/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_MKV_H
#define INSPECT_MKV_H

#include "base/bytes.h"
#include "inspect/finding.h"

/*
 * Matroska and WebM: an EBML header that names its DocType, then a Segment.
 * Audio where the whole list of tracks is there and has no other, else video.
 *
 * mkv_find: a Cluster in the middle, by its identifier, its time and the block
 * behind it.
 *
 * Source: RFC 8794 (EBML) sections 4, 5 and 11.2; RFC 9559 sections 4.5 and 5.1.
 */
enum told mkv_tell(struct bytes in, struct payload_finding *out);
enum told mkv_find(struct bytes in, struct payload_finding *out);

#endif
