/* SPDX-License-Identifier: MIT */
#include "inspect/annexb.h"

#include "inspect/bits.h"
#include "inspect/entropy.h"

#include <string.h>

enum {
	H264_SLICE = 1,
	H264_IDR = 5,
	H264_SPS = 7,
	H264_PPS = 8,
	H264_LAST = 21, /* 22 to 31 are not of a stream of bytes, or not specified */
	H265_VPS = 32,
	H265_SPS = 33,
	H265_PPS = 34,
	H265_SEI_LAST = 40,
	MPEG_SEQUENCE = 0xb3, /* ISO/IEC 13818-2 table 6-1 */
	MPEG_EXTENSION = 0xb5,
	MPEG_GROUP = 0xb8,
	MPEG4_SEQUENCE = 0xb0, /* ISO/IEC 14496-2 table 6-3 */
	SLICES_ENOUGH = 3,
	SIDE_MACROBLOCKS_MAX = 1024, /* 16,384 points: more than any camera has */
};

/* What was seen of a stream so far. */
struct seen {
	unsigned codes; /* start codes whose header is one of H.264 */
	unsigned slices, slices_265;
	uint8_t before; /* the byte behind the start code before this one */
	bool h264_sps;  /* the NAL unit before this one is a good SPS */
	bool h265_vps, h265_sps;
	uint32_t sps_id;
};

bool
annexb_h264_header(uint8_t first)
{
	unsigned type = first & 0x1fU, importance = first >> 5;

	if (importance > 3 || type == 0 || type > H264_LAST)
		return false;
	/* Parameter sets and IDR pictures are always referred to, SEI, delimiters
	 * and ends never are (ITU-T H.264 section 7.4.1). */
	if (type == H264_IDR || type == H264_SPS || type == H264_PPS)
		return importance != 0;
	return type < 6 || type > 12 || importance == 0;
}

bool
annexb_h265_header(uint8_t first, uint8_t second)
{
	unsigned type = first >> 1, layer = (first & 1U) << 5 | second >> 3;

	return first < 0x80 && type <= H265_SEI_LAST && (type <= 9 || type >= 16) &&
	       (type <= 21 || type >= H265_VPS) && layer == 0 && (second & 7) != 0;
}

/* ---- parameter sets ---- */

static bool
h264_has_chroma(uint32_t profile)
{
	static const uint8_t with[] = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134,
	    135};

	return memchr(with, (int)profile, sizeof(with)) != NULL;
}

static bool
h264_known(uint32_t profile, uint32_t constraints, uint32_t level)
{
	static const uint8_t levels[] = {9, 10, 11, 12, 13, 20, 21, 22, 30, 31, 32, 40, 41, 42, 50,
	    51, 52, 60, 61, 62};

	return (profile == 66 || profile == 77 || profile == 88 || h264_has_chroma(profile)) &&
	       (constraints & 3) == 0 && memchr(levels, (int)level, sizeof(levels)) != NULL;
}

static void
h264_skip_scaling(struct bits *bits, unsigned lists)
{
	for (unsigned list = 0; list < lists && !bits->short_of; list++) {
		unsigned size = list < 6 ? 16 : 64;
		int next = 8;

		if (bits_take(bits, 1) == 0)
			continue;
		for (unsigned i = 0; i < size && next != 0 && !bits->short_of; i++) {
			uint32_t code = bits_ue(bits);
			int delta = (int)((code + 1) / 2 & 0xff);

			next = (next + (code % 2 == 1 ? delta : -delta) + 256) % 256;
		}
	}
}

static bool
h264_read_chroma(struct bits *bits)
{
	uint32_t format = bits_ue(bits), luma, chroma;

	if (format > 3)
		return false;
	if (format == 3)
		(void)bits_take(bits, 1);
	luma = bits_ue(bits);
	chroma = bits_ue(bits);
	(void)bits_take(bits, 1);
	if (luma > 6 || chroma > 6)
		return false;
	if (bits_take(bits, 1) == 1)
		h264_skip_scaling(bits, format == 3 ? 12 : 8);
	return !bits->short_of;
}

static bool
h264_read_order(struct bits *bits)
{
	uint32_t type = bits_ue(bits), cycle;

	if (type == 0)
		return bits_ue(bits) <= 12;
	if (type != 1)
		return type == 2;
	(void)bits_take(bits, 1);
	(void)bits_ue(bits);
	(void)bits_ue(bits);
	cycle = bits_ue(bits);
	if (cycle > 255)
		return false;
	for (; cycle > 0 && !bits->short_of; cycle--)
		(void)bits_ue(bits);
	return !bits->short_of;
}

/* Read a sequence parameter set behind its header byte. */
static bool
h264_read_sps(struct bytes nal, uint32_t *id)
{
	struct bits bits = {.in = nal};
	uint32_t profile = bits_take(&bits, 8), constraints = bits_take(&bits, 8);
	uint32_t level = bits_take(&bits, 8), width, height;

	if (!h264_known(profile, constraints, level))
		return false;
	*id = bits_ue(&bits);
	if (*id > 31 || (h264_has_chroma(profile) && !h264_read_chroma(&bits)))
		return false;
	if (bits_ue(&bits) > 12 || !h264_read_order(&bits) || bits_ue(&bits) > 16)
		return false;
	(void)bits_take(&bits, 1);
	width = bits_ue(&bits);
	height = bits_ue(&bits);
	return width < SIDE_MACROBLOCKS_MAX && height < SIDE_MACROBLOCKS_MAX && !bits.short_of;
}

bool
annexb_h264_is_sps(struct bytes unit)
{
	uint8_t header;
	uint32_t id;

	return bytes_u8(&unit, &header) && annexb_h264_header(header) &&
	       (header & 0x1f) == H264_SPS && h264_read_sps(unit, &id);
}

/* Whether a picture parameter set refers to that sequence. */
static bool
h264_read_pps(struct bytes nal, uint32_t sps_id)
{
	struct bits bits = {.in = nal};

	return bits_ue(&bits) <= 255 && bits_ue(&bits) == sps_id && !bits.short_of;
}

/* Behind the two bytes of its header (ITU-T H.265 section 7.3.2.1). */
static bool
h265_read_vps(struct bytes nal)
{
	struct bits bits = {.in = nal};

	(void)bits_take(&bits, 12);
	if (bits_take(&bits, 3) > 6)
		return false;
	(void)bits_take(&bits, 1);
	return bits_take(&bits, 16) == 0xffff && !bits.short_of;
}

static bool
h265_read_sps(struct bytes nal)
{
	struct bits bits = {.in = nal};
	uint32_t layers, profile, compatible;

	(void)bits_take(&bits, 4);
	layers = bits_take(&bits, 3);
	(void)bits_take(&bits, 1);
	if (layers > 6 || bits_take(&bits, 2) != 0)
		return false;
	(void)bits_take(&bits, 1);
	profile = bits_take(&bits, 5);
	compatible = bits_take(&bits, 32);
	/* A profile is compatible with itself (section A.3). */
	return profile >= 1 && profile <= 11 && (compatible >> (31 - profile) & 1) == 1 &&
	       !bits.short_of;
}

static bool
h265_read_pps(struct bytes nal)
{
	struct bits bits = {.in = nal};
	uint32_t id = bits_ue(&bits), sps_id = bits_ue(&bits);

	return id <= 63 && sps_id <= 15 && !bits.short_of;
}

/* ---- walking ---- */

/* The next start code; in becomes what is behind it, and *skipped says whether
 * bytes were passed that stand in no NAL unit as they are. */
static bool
next_code(struct bytes *in, bool *unescaped)
{
	static const uint8_t zeros[] = {0, 0};

	for (;;) {
		uint8_t third;

		if (!bytes_seek(in, zeros, sizeof(zeros)) || !bytes_skip(in, sizeof(zeros)) ||
		    in->left == 0)
			return false;
		third = in->at[0];
		if (third == 1)
			return bytes_skip(in, 1);
		if (third == 2)
			*unescaped = true;
		/* Of 00 00 00 the last two may begin the next. */
		if (third == 0)
			*in = (struct bytes){in->at - 1, in->left + 1};
	}
}

/* The NAL unit that in begins with: up to the next start code, or the end. */
static struct bytes
whole_unit(struct bytes in)
{
	static const uint8_t end[] = {0, 0, 1};
	struct bytes behind = in;

	if (bytes_seek(&behind, end, sizeof(end)))
		in.left -= behind.left;
	return in;
}

static bool
proves_h264(struct bytes unit, bool first, struct seen *seen)
{
	uint8_t header = unit.at[0];
	unsigned type = header & 0x1fU;
	bool sps_before = seen->h264_sps;

	seen->h264_sps = false;
	if (!annexb_h264_header(header))
		return false;
	seen->codes++;
	seen->slices += type == H264_SLICE || type == H264_IDR;
	(void)bytes_skip(&unit, 1);
	if (type == H264_PPS && sps_before)
		return h264_read_pps(unit, seen->sps_id);
	if (type == H264_SPS)
		seen->h264_sps = h264_read_sps(unit, &seen->sps_id);
	return first && seen->h264_sps;
}

static bool
proves_h265(struct bytes unit, struct seen *seen)
{
	unsigned type = unit.at[0] >> 1U;
	bool vps_before = seen->h265_vps, sps_before = seen->h265_sps;

	seen->h265_vps = seen->h265_sps = false;
	if (unit.left < 2 || !annexb_h265_header(unit.at[0], unit.at[1]))
		return false;
	seen->slices_265 += type < H265_VPS;
	(void)bytes_skip(&unit, 2);
	if (type == H265_VPS)
		seen->h265_vps = h265_read_vps(unit);
	if (type == H265_SPS)
		seen->h265_sps = h265_read_sps(unit);
	if (type == H265_PPS && sps_before)
		return h265_read_pps(unit);
	return vps_before && seen->h265_sps;
}

/* The older codecs: a sequence's header, and what may follow it. */
static const char *
proves_older(struct bytes unit, uint8_t before)
{
	uint8_t code = unit.at[0];

	if (before == MPEG_SEQUENCE && (code == MPEG_EXTENSION || code == MPEG_GROUP))
		return "mpeg2";
	if (before == MPEG4_SEQUENCE && code == MPEG_EXTENSION)
		return "mpeg4";
	return NULL;
}

/* The headers of MPEG-1, 2 and 4 are of a known size: the next start code is
 * that near, or has nothing to do with them. */
static bool
is_near(uint8_t before, size_t distance)
{
	/* From code to code: 8 bytes and up to two matrices of 64, or 1 byte. */
	return before == MPEG_SEQUENCE ? distance == 12 || distance == 76 || distance == 140
				       : distance == 5;
}

enum told
annexb_find(struct bytes in, struct payload_finding *out)
{
	const uint8_t *begin = in.at, *code_at = in.at;
	struct bytes all = in;
	struct seen seen = {0};
	bool unescaped = false;

	while (next_code(&in, &unescaped) && in.left > 0) {
		bool first = (size_t)(in.at - begin) <= 4 && seen.codes == 0;
		struct bytes unit = whole_unit(in);
		const char *older = proves_older(in, seen.before);

		if (unit.left > 0 && proves_h264(unit, first, &seen))
			return finding_identified(out, PAYLOAD_VIDEO, "h264");
		if (unit.left > 0 && proves_h265(unit, &seen))
			return finding_identified(out, PAYLOAD_VIDEO, "h265");
		if (older != NULL && is_near(seen.before, (size_t)(in.at - code_at)))
			return finding_identified(out, PAYLOAD_VIDEO, older);
		seen.before = in.at[0];
		code_at = in.at;
	}
	/* Tables of small numbers have start codes too. */
	if (unescaped || (seen.slices < SLICES_ENOUGH && seen.slices_265 < SLICES_ENOUGH) ||
	    !entropy_is_high(all))
		return TOLD_NO;
	finding_set(out, PAYLOAD_VIDEO, CONFIDENCE_PROBABLE,
	    seen.slices_265 > seen.slices ? "h265" : "h264");
	return TOLD_MAYBE;
}
