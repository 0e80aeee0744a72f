/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_CONTAINERS_H
#define INSPECT_CONTAINERS_H

#include "base/bytes.h"
#include "inspect/finding.h"

/*
 * Containers that tell themselves in a few bytes at a fixed place.
 *
 * FLV: its 13 bytes of header; audio where its flags say that there is nothing
 * else.  Source: Adobe Flash Video File Format Specification 10.1 annex E.
 *
 * RIFF: AVI, WAVE and WebP, with the first chunk that each must have.  Source:
 * Multimedia Programming Interface and Data Specifications 1.0; RFC 9649 section 2.
 *
 * DHAV, in which Dahua's cameras keep and send footage: frames with a type, a
 * length and a date that can be one; the bytes "dhav" and the length again end
 * each.  Source: FFmpeg, libavformat/dhav.c.
 *
 * ASF: the GUID of its header object.  Source: ASF specification 01.20.03 section 10.2.
 */
enum told flv_tell(struct bytes in, struct payload_finding *out);
enum told riff_tell(struct bytes in, struct payload_finding *out);
enum told dhav_tell(struct bytes in, struct payload_finding *out);
enum told dhav_find(struct bytes in, struct payload_finding *out);
enum told asf_tell(struct bytes in, struct payload_finding *out);

#endif
