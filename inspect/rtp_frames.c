/* SPDX-License-Identifier: MIT */
#include "inspect/rtp_frames.h"

#include "inspect/rtp.h"
#include "inspect/rtp_media.h"

enum {
	LENGTH_BYTES = 2,
	PACKET_MIN = 12,
	FRAMES_ENOUGH = 2,
};

/* in begins with a packet's length; the packet may go on behind what is there. */
static bool
take_frame(struct bytes *in, struct bytes *packet, uint16_t *length)
{
	if (!bytes_u16(in, length) || *length < PACKET_MIN || in->left < PACKET_MIN)
		return false;
	*packet = *in;
	if (packet->left > *length)
		packet->left = *length;
	return bytes_skip(in, packet->left);
}

static void
skip_mark(struct bytes *in)
{
	struct bytes rest = *in;
	uint8_t channel;

	if (bytes_match(&rest, "$", 1) && bytes_u8(&rest, &channel))
		*in = rest;
}

static bool
take_numbers(struct bytes packet, uint16_t *number, uint32_t *source)
{
	return bytes_skip(&packet, 2) && bytes_u16(&packet, number) && bytes_skip(&packet, 4) &&
	       bytes_u32(&packet, source);
}

/* Before anything else, for nearly all bytes end here: whether where this one ends
 * another of its source begins. */
static bool
is_followed(struct bytes in)
{
	struct bytes packet;
	uint16_t length, first, second;
	uint32_t source, other;

	if (!bytes_u16(&in, &length) || length < PACKET_MIN ||
	    in.left < (size_t)length + LENGTH_BYTES + PACKET_MIN ||
	    !take_numbers(in, &first, &source) || !bytes_skip(&in, length))
		return false;
	skip_mark(&in);
	return take_frame(&in, &packet, &length) && take_numbers(packet, &second, &other) &&
	       second == (uint16_t)(first + 1) && other == source;
}

/* Take frames of one source in a row, and tell what they carry. */
static unsigned
take_frames(struct bytes *in, struct payload_finding *out)
{
	struct rtp_media media = {0};
	struct rtp_packet before = {0}, packet;
	struct bytes rest = *in, bytes;
	uint16_t length;
	unsigned count = 0;

	for (; take_frame(&rest, &bytes, &length); count++) {
		/* Of the last one its end is missing, and with it how much is padding. */
		if (!rtp_read(bytes, &packet) ||
		    (count > 0 && (packet.type != before.type || packet.source != before.source ||
				      packet.number != (uint16_t)(before.number + 1))))
			break;
		before = packet;
		if (bytes.left > RTP_MEDIA_LOOK)
			bytes.left = RTP_MEDIA_LOOK;
		if (rtp_media_tell(&media, bytes, length, NULL, out) == TOLD_NO)
			break;
		*in = rest;
		skip_mark(&rest);
	}
	return count;
}

/* What is nothing to see or hear is that from each of its packets on: those are not
 * looked at again, or each would be as often as there are others before it. */
static enum told
find_first_byte(struct bytes in, uint8_t first, struct payload_finding *out)
{
	struct bytes rest = in;

	if (!bytes_skip(&rest, LENGTH_BYTES))
		return TOLD_NO;
	while (bytes_seek(&rest, &first, 1)) {
		struct bytes frame = {rest.at - LENGTH_BYTES, rest.left + LENGTH_BYTES};

		(void)bytes_skip(&rest, 1);
		if (!is_followed(frame) || take_frames(&frame, out) < FRAMES_ENOUGH)
			continue;
		if (out->class != PAYLOAD_OPAQUE && out->class != PAYLOAD_CONTROL)
			return TOLD_MAYBE;
		rest = frame;
		(void)bytes_skip(&rest, LENGTH_BYTES);
	}
	return TOLD_NO;
}

/* Version 2 without padding and other sources, without an extension or with one. */
enum told
rtp_frames_find(struct bytes in, struct payload_finding *out)
{
	enum told told = find_first_byte(in, 0x80, out);

	return told != TOLD_NO ? told : find_first_byte(in, 0x90, out);
}
