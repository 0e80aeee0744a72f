/* SPDX-License-Identifier: MIT */
#include "inspect/jpeg.h"

#include <string.h>

enum {
	MARKER_SOI = 0xd8,
	MARKER_SOS = 0xda,
	MARKER_SOF0 = 0xc0,
	MARKER_JPG = 0xc8, /* reserved: no file has it */
	MARKER_DQT = 0xdb,
	MARKER_DRI = 0xdd,
	MARKER_APP0 = 0xe0,
	MARKER_APP1 = 0xe1,
	MARKER_APP15 = 0xef,
	MARKER_COM = 0xfe,
	CHAIN_ENOUGH = 3, /* segments: 2 bytes each, of which a marker has 5 bits to spare */
};

static bool
is_segment(uint8_t marker)
{
	return (marker >= MARKER_SOF0 && marker <= 0xcf && marker != MARKER_JPG) ||
	       (marker >= MARKER_SOS && marker <= MARKER_DRI) ||
	       (marker >= MARKER_APP0 && marker <= MARKER_APP15) || marker == MARKER_COM;
}

/* Take one segment's marker and length; *body is what of it is there. */
static bool
take_segment(struct bytes *in, uint8_t *marker, struct bytes *body, bool *whole)
{
	uint8_t ff;
	uint16_t length;

	if (!bytes_u8(in, &ff) || ff != 0xff || !bytes_u8(in, marker) || !is_segment(*marker) ||
	    !bytes_u16(in, &length) || length < 2)
		return false;
	*whole = bytes_take(in, length - 2U, body);
	if (!*whole) {
		*body = *in;
		*in = (struct bytes){in->at + in->left, 0};
	}
	return true;
}

static bool
names_itself(uint8_t marker, struct bytes body)
{
	return (marker == MARKER_APP0 && bytes_match(&body, "JFIF", 5)) ||
	       (marker == MARKER_APP1 && bytes_match(&body, "Exif\0", 6));
}

enum told
jpeg_tell(struct bytes in, struct payload_finding *out)
{
	static const uint8_t soi[] = {0xff, MARKER_SOI, 0xff};
	struct bytes body = {0};
	uint8_t marker = 0;
	bool whole = true;

	if (in.left < sizeof(soi))
		return in.left > 0 && memcmp(in.at, soi, in.left) == 0 ? finding_open(out)
								       : TOLD_NO;
	if (memcmp(in.at, soi, sizeof(soi)) != 0)
		return TOLD_NO;
	(void)bytes_skip(&in, 2);
	for (int chained = 1; whole; chained++) {
		if (in.left < 4)
			return finding_open(out);
		if (!take_segment(&in, &marker, &body, &whole))
			return TOLD_NO;
		if (chained >= CHAIN_ENOUGH || names_itself(marker, body))
			return finding_identified(out, PAYLOAD_IMAGE, "jpeg");
	}
	/* One or two segments and no more: a start of 3 bytes and a marker. */
	finding_set(out, PAYLOAD_IMAGE, CONFIDENCE_PROBABLE, "jpeg");
	return TOLD_MAYBE;
}

enum told
jpeg_find(struct bytes in, struct payload_finding *out)
{
	static const uint8_t soi[] = {0xff, MARKER_SOI, 0xff};

	while (bytes_seek(&in, soi, sizeof(soi))) {
		if (jpeg_tell(in, out) == TOLD)
			return TOLD;
		(void)bytes_skip(&in, 1);
	}
	return TOLD_NO;
}
