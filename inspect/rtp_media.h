/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_RTP_MEDIA_H
#define INSPECT_RTP_MEDIA_H

#include "base/bytes.h"
#include "inspect/finding.h"
#include "inspect/rtp_audio.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * What packets of RTP carry, one at a time; all of one direction of one
 * conversation go through the same struct, which begins zeroed.
 *
 * Of a source (SSRC) whose packets follow each other by number, from the third
 * on it is identified by the codec that SDP named; by a payload type that stands
 * for one codec (0 and 8 are G.711, 26 is JPEG); or, where neither is known, by
 * fragments of H.264 or H.265 that begin, go on and end, or by what packets of AAC and
 * Opus say of themselves (inspect/rtp_audio.h).  Before, and by its
 * size alone, it is probable.  RTCP, as long as it
 * says, is control.
 *
 * Source: RFC 3550 sections 5.1 and 6.1; RFC 3551 section 6; RFC 5761 section 4;
 * RFC 6184 section 5; RFC 7798 section 4.
 */
enum { RTP_MEDIA_SOURCES = 4, RTP_MEDIA_LOOK = 64 /* bytes of a packet that are looked at */ };

struct rtp_media_source {
	uint32_t ssrc;
	uint16_t number;
	uint8_t chained;   /* packets in a row, at most 255 */
	uint8_t fragments; /* of one codec in a row */
	uint8_t codec;     /* of the fragments: 4 or 5 for H.264 and H.265 */
	bool used;
	struct rtp_audio audio;
};

struct rtp_media {
	struct rtp_media_source sources[RTP_MEDIA_SOURCES];
	unsigned next; /* the one that makes way */
};

/* packet: its first RTP_MEDIA_LOOK bytes are enough; size: of all of it.  codec:
 * as SDP's rtpmap names it, without the clock; NULL: not known.  TOLD_NO where it
 * is neither RTP nor RTCP. */
enum told rtp_media_tell(struct rtp_media *media, struct bytes packet, uint64_t size,
    const char *codec, struct payload_finding *out);

#endif
