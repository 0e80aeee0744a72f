/* SPDX-License-Identifier: MIT */
#include "inspect/rtp.h"

enum {
	VERSION_BITS = 0xc0,
	VERSION_2 = 0x80,
	HAS_PADDING = 0x20,
	HAS_EXTENSION = 0x10,
	SOURCES = 0x0f,
	WORD_BYTES = 4,
	MARKER = 0x80,
	CONTROL_FIRST = 200, /* of RTCP's packet types; with its top bit off, the payload */
	CONTROL_LAST = 207,  /* types 72 to 79, which RTP does not use */
};

static bool
skip_extension(struct bytes *in)
{
	uint16_t profile, words;
	struct bytes skipped;

	return bytes_u16(in, &profile) && bytes_u16(in, &words) &&
	       bytes_take(in, (size_t)words * WORD_BYTES, &skipped);
}

/* The last byte says how many there are, itself among them. */
static bool
cut_padding(struct bytes *payload)
{
	uint8_t count;

	if (payload->left == 0)
		return false;
	count = payload->at[payload->left - 1];
	if (count == 0 || count > payload->left)
		return false;
	payload->left -= count;
	return true;
}

bool
rtp_read(struct bytes packet, struct rtp_packet *out)
{
	uint8_t flags, type;
	uint32_t time;
	struct bytes skipped;

	if (!bytes_u8(&packet, &flags) || !bytes_u8(&packet, &type) ||
	    !bytes_u16(&packet, &out->number) || !bytes_u32(&packet, &time) ||
	    !bytes_u32(&packet, &out->source) || (flags & VERSION_BITS) != VERSION_2 ||
	    (type >= CONTROL_FIRST && type <= CONTROL_LAST) ||
	    !bytes_take(&packet, (size_t)(flags & SOURCES) * WORD_BYTES, &skipped))
		return false;
	if ((flags & HAS_EXTENSION) != 0 && !skip_extension(&packet))
		return false;
	if ((flags & HAS_PADDING) != 0 && !cut_padding(&packet))
		return false;
	out->marker = (type & MARKER) != 0;
	out->type = type & (MARKER - 1);
	out->payload = packet;
	return true;
}

bool
rtp_follows(const struct rtp_packet *first, const struct rtp_packet *second)
{
	uint16_t step = (uint16_t)(second->number - first->number);

	return first->source == second->source && step > 0 && step <= RTP_GAP_MAX + 1;
}

bool
rtp_is_control(struct bytes datagram)
{
	if (datagram.left == 0)
		return false;
	while (datagram.left > 0) {
		uint8_t flags, type;
		uint16_t words;
		struct bytes body;

		/* Its length is in words and leaves out the first one; there is at least
		 * the source behind that. */
		if (!bytes_u8(&datagram, &flags) || !bytes_u8(&datagram, &type) ||
		    !bytes_u16(&datagram, &words) || (flags & VERSION_BITS) != VERSION_2 ||
		    type < CONTROL_FIRST || type > CONTROL_LAST || words == 0 ||
		    !bytes_take(&datagram, (size_t)words * WORD_BYTES, &body))
			return false;
	}
	return true;
}
