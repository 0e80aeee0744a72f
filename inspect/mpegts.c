/* SPDX-License-Identifier: MIT */
#include "inspect/mpegts.h"

#include <string.h>

enum {
	SYNC = 0x47,
	PACKET = 188,
	ENOUGH_AT_FRONT = 4, /* 2^-32, and three bits of each header */
	ENOUGH_ANYWHERE = 5,
	TABLE_PROGRAM_MAP = 2,
	AUDIO_FIRST = 0xc0, /* stream_id, table 2-22 */
	VIDEO_FIRST = 0xe0,
	VIDEO_LAST = 0xef,
};

static bool
is_packet(struct bytes in)
{
	uint8_t sync, flags;

	/* No transport error, not scrambled (which text by chance would be), and an
	 * adaptation field or a payload at all. */
	return bytes_u8(&in, &sync) && sync == SYNC && bytes_u8(&in, &flags) &&
	       (flags & 0x80) == 0 && bytes_skip(&in, 1) && bytes_u8(&in, &flags) &&
	       (flags & 0xc0) == 0 && (flags & 0x30) != 0;
}

/* How many packets stand in a row; the last may be cut behind its header. */
static unsigned
count_packets(struct bytes in, size_t step)
{
	unsigned count = 0;

	while (is_packet(in)) {
		count++;
		if (!bytes_skip(&in, step))
			break;
	}
	return count;
}

static bool
is_audio_type(uint8_t type)
{
	/* Table 2-34: MPEG audio, AAC and LATM; and AC-3 (ATSC A/53). */
	return type == 0x03 || type == 0x04 || type == 0x0f || type == 0x11 || type == 0x81;
}

/* The section that a packet begins, where it is a program's map. */
static bool
take_map(struct bytes packet, struct bytes *section)
{
	uint16_t pid;
	uint8_t control, skip, table;
	uint16_t length;

	if (!bytes_skip(&packet, 1) || !bytes_u16(&packet, &pid) || (pid & 0x4000) == 0 ||
	    !bytes_u8(&packet, &control) || (control & 0x10) == 0)
		return false;
	if ((control & 0x20) != 0 && (!bytes_u8(&packet, &skip) || !bytes_skip(&packet, skip)))
		return false;
	return bytes_u8(&packet, &skip) && bytes_skip(&packet, skip) && bytes_u8(&packet, &table) &&
	       table == TABLE_PROGRAM_MAP && bytes_u16(&packet, &length) &&
	       (length & 0xb000) == 0xb000 && (length & 0xfff) >= 13 &&
	       bytes_take(&packet, length & 0xfffU, section);
}

/* Whether a map lists audio and nothing that may be video. */
static bool
is_audio_alone(struct bytes section)
{
	uint16_t length;
	unsigned audio = 0;

	section.left -= 4; /* the checksum */
	if (!bytes_skip(&section, 7) || !bytes_u16(&section, &length) ||
	    !bytes_skip(&section, length & 0xfffU))
		return false;
	while (section.left > 0) {
		uint8_t type;

		if (!bytes_u8(&section, &type) || !bytes_skip(&section, 2) ||
		    !bytes_u16(&section, &length) || !bytes_skip(&section, length & 0xfffU) ||
		    !is_audio_type(type))
			return false;
		audio++;
	}
	return audio > 0;
}

/* The stream that a packet begins a part of (section 2.4.3.7), 0 where it begins
 * none. */
static uint8_t
stream_of(struct bytes packet)
{
	static const uint8_t start[] = {0, 0, 1};
	uint8_t flags, control, skip, stream;

	if (!bytes_skip(&packet, 1) || !bytes_u8(&packet, &flags) || (flags & 0x40) == 0 ||
	    !bytes_skip(&packet, 1) || !bytes_u8(&packet, &control) || (control & 0x10) == 0)
		return 0;
	if ((control & 0x20) != 0 && (!bytes_u8(&packet, &skip) || !bytes_skip(&packet, skip)))
		return 0;
	return bytes_match(&packet, start, sizeof(start)) && bytes_u8(&packet, &stream) ? stream
											: 0;
}

static enum told
judge(struct bytes in, size_t step, struct payload_finding *out)
{
	bool mapped = false, audio = false, heard = false, shown = false;

	while (in.left >= PACKET && is_packet(in)) {
		struct bytes packet = {in.at, PACKET}, section;
		uint8_t stream = stream_of(packet);

		if (take_map(packet, &section)) {
			mapped = true;
			audio = is_audio_alone(section);
		}
		heard |= stream >= AUDIO_FIRST && stream < VIDEO_FIRST;
		shown |= stream >= VIDEO_FIRST && stream <= VIDEO_LAST;
		if (!bytes_skip(&in, step))
			break;
	}
	if (!mapped)
		audio = heard && !shown;
	finding_set(out, audio ? PAYLOAD_AUDIO : PAYLOAD_VIDEO, CONFIDENCE_IDENTIFIED, "mpegts");
	return mapped || shown ? TOLD : TOLD_MAYBE;
}

enum told
mpegts_tell(struct bytes in, struct payload_finding *out)
{
	static const struct {
		size_t before, step;
	} kinds[] = {{0, 188}, {4, 192}, {0, 204}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct bytes packets = in;

		if (bytes_skip(&packets, kinds[i].before) &&
		    count_packets(packets, kinds[i].step) >= ENOUGH_AT_FRONT)
			return judge(packets, kinds[i].step, out);
	}
	return TOLD_NO;
}

enum told
mpegts_find(struct bytes in, struct payload_finding *out)
{
	const uint8_t *begin = in.at, sync = SYNC;

	while (bytes_seek(&in, &sync, 1) && in.at - begin < PACKET) {
		if (count_packets(in, PACKET) >= ENOUGH_ANYWHERE)
			return judge(in, PACKET, out);
		(void)bytes_skip(&in, 1);
	}
	return TOLD_NO;
}
