/* SPDX-License-Identifier: MIT */
#include "inspect/mpegps.h"

#include <string.h>

enum {
	PACK_END = 0xb9,
	PACK = 0xba,
	STREAM_FIRST = 0xbb, /* a system header, a map, or packets of a stream */
	STUFFING_MASK = 7,
};

static bool
begins_code(struct bytes in)
{
	static const uint8_t start[] = {0, 0, 1};
	uint8_t code;

	return bytes_match(&in, start, sizeof(start)) && bytes_u8(&in, &code) &&
	       (code == PACK_END || code == PACK || code >= STREAM_FIRST);
}

/* Take a pack's header behind its start code: MPEG-2's, where the clock's parts
 * have a marker bit behind each, or MPEG-1's. */
static bool
take_pack(struct bytes *in)
{
	struct bytes clock;
	uint8_t rate, stuffing;

	if (!bytes_take(in, 5, &clock))
		return false;
	if ((clock.at[0] & 0xf1) == 0x21)
		return (clock.at[2] & 1) == 1 && (clock.at[4] & 1) == 1 && bytes_skip(in, 3);
	if ((clock.at[0] & 0xc4) != 0x44 || (clock.at[2] & 4) == 0 || (clock.at[4] & 4) == 0)
		return false;
	return bytes_skip(in, 3) && bytes_u8(in, &rate) && (rate & 3) == 3 &&
	       bytes_u8(in, &stuffing) && bytes_skip(in, stuffing & STUFFING_MASK);
}

enum told
mpegps_find(struct bytes in, struct payload_finding *out)
{
	static const uint8_t start[] = {0, 0, 1, PACK};

	while (bytes_seek(&in, start, sizeof(start))) {
		struct bytes pack;

		(void)bytes_skip(&in, sizeof(start));
		pack = in;
		if (take_pack(&pack) && begins_code(pack))
			return finding_identified(out, PAYLOAD_VIDEO, "mpegps");
	}
	return TOLD_NO;
}
