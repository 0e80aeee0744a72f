/* SPDX-License-Identifier: MIT */
#include "inspect/images.h"

#include <string.h>

enum {
	TIFF_TAGS_MAX = 512,
	TIFF_TYPE_MAX = 13, /* TIFF 6.0 section 2: 1 to 12, and IFD */
	BMP_FILE_HEADER = 14,
	BMP_INFO_FIRST = 12, /* the oldest header behind it, and the newest */
	BMP_INFO_LAST = 124,
	IHDR_BYTES = 13,
};

static bool
is_png(struct bytes in)
{
	uint32_t length;

	return bytes_match(&in, "\x89PNG\r\n\x1a\n", 8) && bytes_u32(&in, &length) &&
	       length == IHDR_BYTES && bytes_match(&in, "IHDR", 4);
}

/* Its six letters, and a screen that is not empty. */
static bool
is_gif(struct bytes in)
{
	uint16_t width, height;

	return (bytes_match(&in, "GIF89a", 6) || bytes_match(&in, "GIF87a", 6)) &&
	       bytes_le16(&in, &width) && bytes_le16(&in, &height) && width > 0 && height > 0;
}

static bool
is_bmp(struct bytes in)
{
	uint32_t size, reserved, offset, info;
	uint16_t planes, depth;

	if (!bytes_match(&in, "BM", 2) || !bytes_le32(&in, &size) || !bytes_le32(&in, &reserved) ||
	    reserved != 0 || !bytes_le32(&in, &offset) || !bytes_le32(&in, &info) ||
	    info < BMP_INFO_FIRST || info > BMP_INFO_LAST)
		return false;
	if (offset < BMP_FILE_HEADER + info || offset > size)
		return false;
	return bytes_skip(&in, info == BMP_INFO_FIRST ? 4 : 8) && bytes_le16(&in, &planes) &&
	       planes == 1 && bytes_le16(&in, &depth) && depth <= 32;
}

static bool
tiff_number(struct bytes *in, bool little, uint16_t *out)
{
	return little ? bytes_le16(in, out) : bytes_u16(in, out);
}

/* Tags rise from one entry of a directory to the next. */
static bool
is_directory(struct bytes in, bool little)
{
	uint16_t count, before = 0;

	if (!tiff_number(&in, little, &count) || count < 3 || count > TIFF_TAGS_MAX)
		return false;
	for (int i = 0; i < 3; i++) {
		uint16_t tag, type;

		if (!tiff_number(&in, little, &tag) || tag <= before ||
		    !tiff_number(&in, little, &type) || type == 0 || type > TIFF_TYPE_MAX ||
		    !bytes_skip(&in, 8))
			return false;
		before = tag;
	}
	return true;
}

static enum told
tiff_tell(struct bytes in, struct payload_finding *out)
{
	struct bytes directory = in;
	bool little = bytes_match(&in, "II*\0", 4);
	uint32_t offset;

	if (!little && !bytes_match(&in, "MM\0*", 4))
		return TOLD_NO;
	if (little ? !bytes_le32(&in, &offset) : !bytes_u32(&in, &offset))
		return TOLD_NO;
	if (offset < 8)
		return TOLD_NO;
	if (bytes_skip(&directory, offset) && is_directory(directory, little))
		return finding_identified(out, PAYLOAD_IMAGE, "tiff");
	finding_set(out, PAYLOAD_IMAGE, CONFIDENCE_PROBABLE, "tiff");
	return TOLD_MAYBE;
}

enum told
images_tell(struct bytes in, struct payload_finding *out)
{
	static const uint8_t jp2[] = {0, 0, 0, 12, 'j', 'P', ' ', ' ', '\r', '\n', 0x87, '\n'};
	struct bytes front = in;

	if (is_png(in))
		return finding_identified(out, PAYLOAD_IMAGE, "png");
	if (is_gif(in))
		return finding_identified(out, PAYLOAD_IMAGE, "gif");
	if (is_bmp(in))
		return finding_identified(out, PAYLOAD_IMAGE, "bmp");
	if (bytes_match(&front, jp2, sizeof(jp2)))
		return finding_identified(out, PAYLOAD_IMAGE, "jpeg2000");
	return tiff_tell(in, out);
}
