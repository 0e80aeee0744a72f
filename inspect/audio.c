/* SPDX-License-Identifier: MIT */
#include "inspect/audio.h"

#include <string.h>

enum {
	FRAMES_ENOUGH = 3,
	ADTS_HEADER = 7,
	ADTS_RATES = 13,
	FLAC_STREAMINFO = 34, /* bytes; it is always the first block */
	OGG_FLAGS_MAX = 7,
	OGG_FIRST_PAGE = 2,
};

/* ---- ADTS ---- */

/* A frame's fixed header (28 bits, without the two that may change) and length. */
static bool
read_adts(struct bytes in, uint32_t *fixed, size_t *length)
{
	uint32_t high, low;

	if (!bytes_u32(&in, &high) || !bytes_u24(&in, &low))
		return false;
	*fixed = high & 0xfffffdc0;
	*length = (high & 3) << 11 | low >> 13;
	/* The sync word and layer 0; a rate that exists; at least its own header. */
	return (high & 0xfff60000) == 0xfff00000 &&
	       (high >> 10 & 0xf)<ADTS_RATES && * length> ADTS_HEADER;
}

static bool
chains_adts(struct bytes in)
{
	uint32_t first = 0, fixed;
	size_t length;

	for (int frames = 0; frames < FRAMES_ENOUGH; frames++) {
		if (!read_adts(in, &fixed, &length) || (frames > 0 && fixed != first))
			return false;
		first = fixed;
		if (!bytes_skip(&in, length))
			return frames + 1 == FRAMES_ENOUGH;
	}
	return true;
}

enum told
adts_find(struct bytes in, struct payload_finding *out)
{
	while (bytes_seek(&in, "\xff", 1)) {
		if (chains_adts(in))
			return finding_identified(out, PAYLOAD_AUDIO, "aac");
		(void)bytes_skip(&in, 1);
	}
	return TOLD_NO;
}

/* ---- MPEG audio ---- */

/* Layers 1 to 3 of MPEG-1 and 2: what a frame's length follows from. */
static size_t
mpeg_frame_length(uint32_t header)
{
	static const uint16_t kbits[2][3][16] = {
	    /* MPEG-1: layers 3, 2, 1 */
	    {{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0},
		{0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 0},
		{0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448, 0}},
	    /* MPEG-2 and 2.5 */
	    {{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0},
		{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0},
		{0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256, 0}},
	};
	static const uint16_t hertz[4][3] = {{11025, 12000, 8000}, {0, 0, 0}, {22050, 24000, 16000},
	    {44100, 48000, 32000}};
	unsigned version = header >> 19 & 3, layer = header >> 17 & 3, rate = header >> 10 & 3;
	unsigned bits, padding = header >> 9 & 1;

	if (header >> 21 != 0x7ff || version == 1 || layer == 0 || rate == 3 || (header & 3) == 2)
		return 0;
	bits = kbits[version != 3][layer - 1][header >> 12 & 0xf] * 1000U;
	if (bits == 0)
		return 0;
	if (layer == 3)
		return (size_t)(12U * bits / hertz[version][rate] + padding) * 4;
	return (layer == 1 && version != 3 ? 72U : 144U) * bits / hertz[version][rate] + padding;
}

static bool
chains_mpeg(struct bytes in)
{
	/* Version, layer, protection and sampling rate stay as they are. */
	const uint32_t same = 0xfffe0c00;
	uint32_t first = 0;

	for (int frames = 0; frames < FRAMES_ENOUGH; frames++) {
		struct bytes front = in;
		uint32_t header;
		size_t length;

		if (!bytes_u32(&front, &header))
			return false;
		length = mpeg_frame_length(header);
		if (length == 0 || (frames > 0 && (header & same) != first))
			return false;
		first = header & same;
		if (!bytes_skip(&in, length))
			return frames + 1 == FRAMES_ENOUGH;
	}
	return true;
}

/* ID3v2: its version, and a size in bytes of seven bits (id3.org, ID3v2.4 section 3.1). */
static bool
is_id3(struct bytes in)
{
	uint8_t version, revision;
	uint32_t size;

	return bytes_match(&in, "ID3", 3) && bytes_u8(&in, &version) && version >= 2 &&
	       version <= 4 && bytes_u8(&in, &revision) && revision != 0xff && bytes_skip(&in, 1) &&
	       bytes_u32(&in, &size) && (size & 0x80808080) == 0;
}

/* ---- Ogg ---- */

/* A page's header (27 bytes and its table of segments); in becomes its packets. */
static bool
take_page(struct bytes *in, uint8_t *flags)
{
	uint8_t version, segments;

	return bytes_match(in, "OggS", 4) && bytes_u8(in, &version) && version == 0 &&
	       bytes_u8(in, flags) && *flags <= OGG_FLAGS_MAX && bytes_skip(in, 20) &&
	       bytes_u8(in, &segments) && bytes_skip(in, segments);
}

static enum told
ogg_tell(struct bytes in, struct payload_finding *out)
{
	uint8_t flags;

	if (!take_page(&in, &flags))
		return TOLD_NO;
	if (flags == OGG_FIRST_PAGE && bytes_match(&in, "\x80theora", 7))
		return finding_identified(out, PAYLOAD_VIDEO, "ogg");
	return finding_identified(out, PAYLOAD_AUDIO, "ogg");
}

enum told
ogg_find(struct bytes in, struct payload_finding *out)
{
	while (bytes_seek(&in, "OggS", 4)) {
		if (ogg_tell(in, out) == TOLD)
			return TOLD;
		(void)bytes_skip(&in, 4);
	}
	return TOLD_NO;
}

/* ---- the whole ---- */

static bool
is_flac(struct bytes in)
{
	uint32_t block;

	return bytes_match(&in, "fLaC", 4) && bytes_u32(&in, &block) &&
	       (block & 0x7fffffff) == FLAC_STREAMINFO;
}

enum told
audio_tell(struct bytes in, struct payload_finding *out)
{
	struct bytes front = in;

	if (bytes_match(&front, "#!AMR\n", 6) || bytes_match(&front, "#!AMR-WB\n", 9))
		return finding_identified(out, PAYLOAD_AUDIO, "amr");
	if (is_flac(in))
		return finding_identified(out, PAYLOAD_AUDIO, "flac");
	if (is_id3(in) || chains_mpeg(in))
		return finding_identified(out, PAYLOAD_AUDIO, "mpeg-audio");
	if (chains_adts(in))
		return finding_identified(out, PAYLOAD_AUDIO, "aac");
	return ogg_tell(in, out);
}
