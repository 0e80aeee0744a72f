/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_DATAGRAM_WATCH_H
#define INSPECT_DATAGRAM_WATCH_H

#include "base/bytes.h"
#include "base/facts.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * A flow of datagrams that was told (inspect/datagram.h) and goes on as
 * something else: media on the ports that STUN found a way for, RTP behind its
 * RTCP or behind a datagram that only opened the way.
 *
 * Seen from STUN, NTP, RTCP and DTLS by the first datagram that is none of
 * theirs; from what nobody knows, and from P2P, by two packets of RTP that
 * follow each other, or by a datagram that begins as MPEG-TS (also behind the header of
 * SRT) or with a start code,
 * or is data of PPPP with one, or with a JPEG, near its beginning, and is footage as it
 * stands (datagram_is_footage; of those that only seem so 240 are looked at, then
 * one of 16).  RTP, TURN and QUIC are what they are to their
 * end: what goes with them (STUN that keeps the way open, RTCP) is small, or as little to be
 * read as they are.  Each lookup of DNS is judged on its own.
 *
 * From all of them by a hello of QUIC or DTLS that says other things than the flow's
 * own (inspect/datagram_hello.h).
 *
 * Source: RFC 7983 (STUN, DTLS, RTP and RTCP on one port), RFC 5761,
 * draft-sharabayko-srt-01.
 */
enum {
	DATAGRAM_WATCH_PACKETS = 4, /* so many sources may take turns */
	/* Decryptions of Initial packets that failed, since one did not.  A client has
	 * a few of them for each connection that it begins. */
	DATAGRAM_WATCH_SEALED = 10,
};

struct datagram_watch {
	uint8_t proto;  /* enum app_proto that the flow was told as */
	bool footage;   /* it was told to be: it does not become that */
	uint8_t sealed; /* DATAGRAM_WATCH_SEALED */
	uint8_t seen;   /* datagrams that may be RTP; number and source are the last ones' */
	uint8_t looks;  /* at datagrams that might have been footage */
	uint16_t number[DATAGRAM_WATCH_PACKETS];
	uint32_t source[DATAGRAM_WATCH_PACKETS];
	uint64_t hello; /* datagram_hello_mark of the flow's */
};

/* So few bytes keep an address translation open, whatever the flow is. */
enum { DATAGRAM_KEEPALIVE_MAX = 4 };

enum datagram_turn {
	DATAGRAM_STAYS = 0,
	DATAGRAM_TURNS, /* it is of something else */
	DATAGRAM_STOPS, /* too many before it could not be looked into: it is not to be sent on */
};

/* What this datagram of the camera's is; watch is the flow's, all zero but for
 * proto, footage and hello at first. */
enum datagram_turn datagram_watch_look(struct datagram_watch *watch, struct bytes datagram,
    uint16_t dst_port);

#endif
