/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_RTP_AUDIO_H
#define INSPECT_RTP_AUDIO_H

#include "base/bytes.h"
#include "inspect/rtp.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Sound in packets of RTP whose payload type stands for nothing by itself, by what
 * its packets say of themselves; and G.711, of which the clock says that it is that.
 * Each check is of packets of one source in a row:
 *
 *   aac    RFC 3640, AAC-hbr: the headers of its access units count themselves, their
 *          indices are 0, and their sizes are the rest of the packet: 2^-27 a packet
 *   aac    LATM without its configuration (RFC 6416 section 6): the length in front is
 *          the rest of the packet, and the clock goes on by 1,024 or 960 a packet
 *   opus   RFC 7587: the clock, at 48 kHz, goes on by what the packet's first byte says
 *          that it lasts (RFC 6716 section 3), and that byte stays: 32 bits in all where it
 *          is anything's, as of a payload that is encrypted, 8 or 4 a packet
 *   g711   RFC 3551: type 0 or 8, and the clock goes on by a packet's bytes
 *
 * Begins zeroed; one struct a source.
 */
struct rtp_audio {
	uint32_t time;
	uint16_t number;
	uint16_t bytes; /* of the last payload */
	uint8_t first;  /* of its bytes */
	uint8_t type;
	/* Packets in a row that are as it would have them, at most 255; of opus bits. */
	uint8_t aac, latm, opus, g711;
};

enum rtp_audio_kind {
	RTP_AUDIO_NONE = 0,
	RTP_AUDIO_AAC,
	RTP_AUDIO_OPUS,
	RTP_AUDIO_G711,
};

/* A packet of this source. */
struct rtp_audio_packet {
	uint16_t number;
	uint32_t time;
	uint8_t type;
	struct bytes payload; /* without padding; its first 50 bytes are enough */
	uint16_t bytes;       /* of all of the payload */
};

void rtp_audio_add(struct rtp_audio *audio, const struct rtp_audio_packet *packet);

/* What it is by now.  *sure: identified; else one or two are as it would have them. */
enum rtp_audio_kind rtp_audio_tell(const struct rtp_audio *audio, bool *sure);

#endif
