/* SPDX-License-Identifier: MIT */
#include "inspect/containers.h"

#include <string.h>

enum {
	FLV_HEADER = 9,
	FLV_AUDIO = 4,
	FLV_VIDEO = 1,
	FLV_TAG_AUDIO = 8,
	DHAV_HEADER = 24, /* bytes; a frame has at least these */
	DHAV_AUDIO = 0xf0,
	DHAV_INFO = 0xf1,
	DHAV_FRAME = 0xfc,
	DHAV_KEY_FRAME = 0xfd,
	FRAME_MAX = 16 << 20, /* bytes of one frame: more than any picture of a camera */
};

/* ---- FLV ---- */

enum told
flv_tell(struct bytes in, struct payload_finding *out)
{
	uint8_t flags, tag = 0;
	uint32_t header, before;
	bool audio;

	if (!bytes_match(&in, "FLV\x01", 4) || !bytes_u8(&in, &flags) ||
	    (flags & ~(FLV_AUDIO | FLV_VIDEO)) != 0 || !bytes_u32(&in, &header) ||
	    header != FLV_HEADER)
		return TOLD_NO;
	if (bytes_u32(&in, &before) && before != 0)
		return TOLD_NO;
	(void)bytes_u8(&in, &tag);
	/* Some leave the flags empty; then the first tag is asked. */
	audio = flags == FLV_AUDIO || (flags == 0 && tag == FLV_TAG_AUDIO);
	return finding_identified(out, audio ? PAYLOAD_AUDIO : PAYLOAD_VIDEO, "flv");
}

/* ---- RIFF ---- */

static const struct {
	const char *form, *chunk, *format;
	size_t chunk_bytes;
	enum payload_class class;
} riff_forms[] = {
    {"AVI ", "LIST", "avi", 4, PAYLOAD_VIDEO},
    {"WAVE", "fmt ", "wav", 4, PAYLOAD_AUDIO},
    {"WAVE", "JUNK", "wav", 4, PAYLOAD_AUDIO},
    {"WAVE", "bext", "wav", 4, PAYLOAD_AUDIO},
    {"WEBP", "VP8", "webp", 3, PAYLOAD_IMAGE},
};

enum told
riff_tell(struct bytes in, struct payload_finding *out)
{
	if (!bytes_match(&in, "RIFF", 4) || !bytes_skip(&in, 4))
		return TOLD_NO;
	for (size_t i = 0; i < sizeof(riff_forms) / sizeof(*riff_forms); i++) {
		struct bytes rest = in;

		if (bytes_match(&rest, riff_forms[i].form, 4) &&
		    bytes_match(&rest, riff_forms[i].chunk, riff_forms[i].chunk_bytes))
			return finding_identified(out, riff_forms[i].class, riff_forms[i].format);
	}
	return TOLD_NO;
}

/* ---- DHAV ---- */

static bool
is_date(uint32_t date)
{
	uint32_t second = date & 0x3f, minute = date >> 6 & 0x3f, hour = date >> 12 & 0x1f;
	uint32_t day = date >> 17 & 0x1f, month = date >> 22 & 0xf;

	return second < 60 && minute < 60 && hour < 24 && day >= 1 && month >= 1 && month <= 12;
}

/* Read a frame's header; class: PAYLOAD_UNKNOWN where it is neither. */
static bool
read_frame(struct bytes in, enum payload_class *class)
{
	uint8_t type;
	uint32_t length, date;

	if (!bytes_match(&in, "DHAV", 4) || !bytes_u8(&in, &type) || !bytes_skip(&in, 7) ||
	    !bytes_le32(&in, &length) || !bytes_le32(&in, &date))
		return false;
	if (type != DHAV_AUDIO && type != DHAV_INFO && type != DHAV_FRAME && type != DHAV_KEY_FRAME)
		return false;
	*class = PAYLOAD_UNKNOWN;
	if (type == DHAV_FRAME || type == DHAV_KEY_FRAME)
		*class = PAYLOAD_VIDEO;
	if (type == DHAV_AUDIO)
		*class = PAYLOAD_AUDIO;
	return length >= DHAV_HEADER && length <= FRAME_MAX && is_date(date);
}

enum told
dhav_tell(struct bytes in, struct payload_finding *out)
{
	enum payload_class class;

	if (!read_frame(in, &class))
		return TOLD_NO;
	if (class == PAYLOAD_AUDIO) {
		/* Audio comes between frames of pictures, too. */
		finding_set(out, PAYLOAD_AUDIO, CONFIDENCE_IDENTIFIED, "dhav");
		return dhav_find((struct bytes){in.at + 4, in.left - 4}, out) == TOLD ? TOLD
										      : TOLD_MAYBE;
	}
	return finding_identified(out, PAYLOAD_VIDEO, "dhav");
}

enum told
dhav_find(struct bytes in, struct payload_finding *out)
{
	while (bytes_seek(&in, "DHAV", 4)) {
		enum payload_class class;

		if (read_frame(in, &class) && class == PAYLOAD_VIDEO)
			return finding_identified(out, PAYLOAD_VIDEO, "dhav");
		(void)bytes_skip(&in, 4);
	}
	return TOLD_NO;
}

/* ---- ASF ---- */

enum told
asf_tell(struct bytes in, struct payload_finding *out)
{
	static const uint8_t guid[] = {0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11, 0xa6, 0xd9,
	    0x00, 0xaa, 0x00, 0x62, 0xce, 0x6c};

	if (!bytes_match(&in, guid, sizeof(guid)))
		return TOLD_NO;
	return finding_identified(out, PAYLOAD_VIDEO, "asf");
}
