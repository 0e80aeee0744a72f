/* SPDX-License-Identifier: MIT */
#include "inspect/base64.h"

#include <string.h>

enum {
	PADDING = 64,
	SPACING = 65, /* a line end, or the backslash of one that JSON wrote */
	NOTHING = 66,
	URL_MAX = 64, /* bytes of a data URL before its comma */
};

static unsigned
value_of(uint8_t byte)
{
	if (byte >= 'A' && byte <= 'Z')
		return byte - (unsigned)'A';
	if (byte >= 'a' && byte <= 'z')
		return byte - (unsigned)'a' + 26;
	if (byte >= '0' && byte <= '9')
		return byte - (unsigned)'0' + 52;
	if (byte == '+' || byte == '-')
		return 62;
	if (byte == '/' || byte == '_')
		return 63;
	if (byte == '=')
		return PADDING;
	return byte == '\r' || byte == '\n' ? SPACING : NOTHING;
}

/* The next character's value.  Of JSON's escapes "\/" is the stroke, and "\r",
 * "\n" are line ends. */
static unsigned
take_value(struct bytes *in)
{
	uint8_t byte = 0;

	(void)bytes_u8(in, &byte);
	if (byte != '\\')
		return value_of(byte);
	if (!bytes_u8(in, &byte))
		return SPACING;
	if (byte == '/')
		return value_of(byte);
	return byte == 'r' || byte == 'n' ? SPACING : NOTHING;
}

bool
base64_is(struct bytes in)
{
	bool padded = false;

	while (in.left > 0) {
		unsigned value = take_value(&in);

		if (value == NOTHING || (padded && value < PADDING))
			return false;
		padded |= value == PADDING;
	}
	return true;
}

size_t
base64_decode(struct bytes in, uint8_t *out, size_t size)
{
	uint32_t group = 0;
	unsigned have = 0;
	size_t used = 0;

	while (in.left > 0 && used < size) {
		unsigned value = take_value(&in);

		if (value == SPACING)
			continue;
		if (value >= PADDING)
			break;
		group = group << 6 | value;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		out[used++] = (uint8_t)(group >> have);
	}
	return used;
}

void
base64_skip_url(struct bytes *in)
{
	struct bytes rest = *in;
	const uint8_t *comma;

	if (!bytes_match(&rest, "data:", 5))
		return;
	comma = memchr(rest.at, ',', rest.left < URL_MAX ? rest.left : URL_MAX);
	if (comma != NULL && bytes_skip(&rest, (size_t)(comma - rest.at) + 1))
		*in = rest;
}
