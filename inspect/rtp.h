/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_RTP_H
#define INSPECT_RTP_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * RTP and RTCP.  A packet of RTP has two bits that must be as they are, so one
 * alone tells nothing: two of them do, of one source and with numbers that
 * follow.  A packet of RTCP has its length, and those in one datagram chain to
 * its end.
 *
 * Source: RFC 3550 sections 5.1, 5.3.1, 6.1 and 6.4; RFC 5761 section 4 (which
 * payload types RTP leaves to RTCP); RFC 5506.
 */
struct rtp_packet {
	uint32_t source; /* SSRC */
	uint16_t number; /* sequence number */
	uint8_t type;    /* payload type */
	bool marker;
	struct bytes payload; /* without padding; inside the packet */
};

enum { RTP_GAP_MAX = 16 }; /* packets that may be missing between two that follow */

/* Read a packet that may be RTP; false where it cannot be. */
bool rtp_read(struct bytes packet, struct rtp_packet *out);

/* Whether the second one follows the first. */
bool rtp_follows(const struct rtp_packet *first, const struct rtp_packet *second);

/* Whether a datagram is RTCP. */
bool rtp_is_control(struct bytes datagram);

#endif
