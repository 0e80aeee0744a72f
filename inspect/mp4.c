/* SPDX-License-Identifier: MIT */
#include "inspect/mp4.h"

#include "inspect/annexb.h"

#include <string.h>

enum {
	TYPE_BYTES = 4,
	FTYP_MAX = 512,         /* bytes; files have 20 to 60 */
	MVHD_NEXT_TRACK_0 = 92, /* offset of next_track_ID behind version and flags, version 0 */
	MVHD_NEXT_TRACK_1 = 104,
	MFHD_SIZE = 16,
	NAL_MAX = 4 << 20, /* bytes of one NAL unit */
	BOXES_MAX = 64,    /* that are looked at in one window */
};

struct box {
	char type[TYPE_BYTES];
	struct bytes body; /* what of it is there */
	bool whole;
};

/* What was seen of a file. */
struct seen {
	bool video, audio; /* a track of it */
	bool moov_whole;
	uint32_t next_track;            /* of mvhd: one more than there are tracks; 0: not seen */
	bool nal_units;                 /* in mdat */
	enum payload_class brand_class; /* PAYLOAD_UNKNOWN: the brands leave it open */
	bool brand_video;               /* a brand names a video codec */
};

static bool
is_type(const struct box *box, const char *type)
{
	return memcmp(box->type, type, TYPE_BYTES) == 0;
}

static bool
is_printable(const uint8_t *at, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (at[i] < 0x20 || at[i] > 0x7e)
			return false;
	}
	return true;
}

/* Take the next box, or as much of it as there is. */
static bool
take_box(struct bytes *in, struct box *box)
{
	struct bytes rest = *in, type;
	uint32_t size, high = 0, low = 0;
	size_t header = 8;

	if (!bytes_u32(&rest, &size) || !bytes_take(&rest, TYPE_BYTES, &type))
		return false;
	if (size == 1) {
		if (!bytes_u32(&rest, &high) || !bytes_u32(&rest, &low))
			return false;
		header = 16;
	}
	if (size > 1 && size < header)
		return false;
	memcpy(box->type, type.at, TYPE_BYTES);
	/* 0: to the end of the file. */
	box->whole = size > 1 && size - header <= rest.left;
	if (size == 1 && high == 0 && low >= header)
		box->whole = low - header <= rest.left;
	if (!box->whole) {
		box->body = rest;
		*in = (struct bytes){rest.at + rest.left, 0};
		return true;
	}
	(void)bytes_take(&rest, (size == 1 ? low : size) - header, &box->body);
	*in = rest;
	return true;
}

/* ---- brands ---- */

static void
read_brand(struct bytes brand, struct seen *seen)
{
	static const char *const images[] = {"heic", "heix", "heim", "heis", "mif1", "mif2",
	    "avif"};
	static const char *const audios[] = {"M4A ", "M4B ", "M4P ", "F4A "};
	static const char *const videos[] = {"avc1", "hvc1", "hev1", "M4V ", "M4VH", "F4V "};

	for (size_t i = 0; i < sizeof(images) / sizeof(*images); i++) {
		if (memcmp(brand.at, images[i], TYPE_BYTES) == 0)
			seen->brand_class = PAYLOAD_IMAGE;
	}
	for (size_t i = 0; i < sizeof(audios) / sizeof(*audios); i++) {
		if (memcmp(brand.at, audios[i], TYPE_BYTES) == 0)
			seen->brand_class = PAYLOAD_AUDIO;
	}
	for (size_t i = 0; i < sizeof(videos) / sizeof(*videos); i++)
		seen->brand_video |= memcmp(brand.at, videos[i], TYPE_BYTES) == 0;
}

/* The major brand decides what the file is; of the others only those that name
 * a video codec say anything, as every file lists the plain ones. */
static void
read_brands(struct bytes body, struct seen *seen)
{
	struct seen others = {0};
	struct bytes brand;

	if (!bytes_take(&body, TYPE_BYTES, &brand))
		return;
	read_brand(brand, seen);
	(void)bytes_skip(&body, TYPE_BYTES);
	while (bytes_take(&body, TYPE_BYTES, &brand))
		read_brand(brand, &others);
	seen->brand_video |= others.brand_video;
}

/* ---- tracks ---- */

static void
read_mvhd(struct bytes body, struct seen *seen)
{
	uint8_t version;

	if (bytes_u8(&body, &version) && bytes_skip(&body, 3) &&
	    bytes_skip(&body, version == 0 ? MVHD_NEXT_TRACK_0 : MVHD_NEXT_TRACK_1))
		(void)bytes_u32(&body, &seen->next_track);
}

/* hdlr: version and flags, four bytes of 0 (QuickTime: a component's type), and
 * what the track is (ISO/IEC 14496-12 section 8.4.3). */
static void
read_hdlr(struct bytes body, struct seen *seen)
{
	struct bytes handler;

	if (!bytes_skip(&body, 8) || !bytes_take(&body, TYPE_BYTES, &handler))
		return;
	seen->video |= memcmp(handler.at, "vide", TYPE_BYTES) == 0;
	seen->audio |= memcmp(handler.at, "soun", TYPE_BYTES) == 0;
}

/* Boxes inside of boxes, without going down by calls: what holds others is
 * opened where it stands, so that its content comes next. */
static void
read_moov(struct bytes in, struct seen *seen)
{
	static const char *const holders[] = {"trak", "mdia"};
	struct box box;

	for (int boxes = 0; boxes < BOXES_MAX; boxes++) {
		const uint8_t *end = in.at + in.left;
		bool holds = false;

		if (!take_box(&in, &box))
			return;
		for (size_t i = 0; i < sizeof(holders) / sizeof(*holders); i++)
			holds |= is_type(&box, holders[i]);
		if (is_type(&box, "mvhd"))
			read_mvhd(box.body, seen);
		if (is_type(&box, "hdlr"))
			read_hdlr(box.body, seen);
		if (holds)
			in = (struct bytes){box.body.at, (size_t)(end - box.body.at)};
	}
}

/* ---- samples ---- */

/* Whether these are NAL units behind lengths of four bytes: two headers that a
 * stream has, chained; or one, of a unit that goes on behind what there is. */
static bool
holds_nal_units(struct bytes in)
{
	unsigned h264 = 0, h265 = 0, units = 0;

	while (units < 2) {
		uint32_t length;

		if (!bytes_u32(&in, &length) || length < 2 || length > NAL_MAX || in.left < 2)
			return false;
		units++;
		h264 += annexb_h264_header(in.at[0]);
		h265 += annexb_h265_header(in.at[0], in.at[1]);
		if (!bytes_skip(&in, length))
			break;
	}
	return h264 == units || h265 == units;
}

/* ---- the whole ---- */

static bool
may_begin(const struct box *box)
{
	static const char *const firsts[] = {"ftyp", "styp", "moof", "sidx", "moov", "emsg"};

	for (size_t i = 0; i < sizeof(firsts) / sizeof(*firsts); i++) {
		if (is_type(box, firsts[i]))
			return true;
	}
	return false;
}

static bool
may_follow(const struct box *box)
{
	static const char *const others[] = {"mdat", "free", "skip", "wide", "uuid", "prft", "meta",
	    "pdin", "mfra", "udta"};

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		if (is_type(box, others[i]))
			return true;
	}
	return may_begin(box);
}

/* A first box has what no chance gives: its type, and a size or a content that
 * goes with it. */
static bool
is_sound(const struct box *box)
{
	struct bytes body = box->body;
	uint32_t word;

	if (is_type(box, "ftyp") || is_type(box, "styp"))
		return box->whole && body.left >= 8 && body.left <= FTYP_MAX &&
		       body.left % 4 == 0 && is_printable(body.at, TYPE_BYTES);
	if (is_type(box, "moof"))
		return bytes_u32(&body, &word) && word == MFHD_SIZE &&
		       bytes_match(&body, "mfhd", TYPE_BYTES);
	if (is_type(box, "moov"))
		return bytes_u32(&body, &word) && (word == 108 || word == 120) &&
		       bytes_match(&body, "mvhd", TYPE_BYTES);
	/* sidx, emsg: full boxes of version 0 or 1 without flags. */
	return bytes_u32(&body, &word) && (word == 0 || word == 1U << 24) && box->whole;
}

static enum told
judge(const struct seen *seen, struct payload_finding *out)
{
	if (seen->brand_class != PAYLOAD_UNKNOWN)
		return finding_identified(out, seen->brand_class,
		    seen->brand_class == PAYLOAD_IMAGE ? "heif" : "mp4");
	if (seen->video || seen->nal_units)
		return finding_identified(out, PAYLOAD_VIDEO, "mp4");
	if (seen->audio && (seen->moov_whole || seen->next_track == 2))
		return finding_identified(out, PAYLOAD_AUDIO, "mp4");
	if (seen->brand_video && !seen->audio)
		return finding_identified(out, PAYLOAD_VIDEO, "mp4");
	finding_set(out, PAYLOAD_VIDEO, CONFIDENCE_PROBABLE, "mp4");
	return TOLD_MAYBE;
}

enum told
mp4_tell(struct bytes in, struct payload_finding *out)
{
	struct seen seen = {0};
	struct box box;

	if (in.left < 12)
		return TOLD_NO;
	if (!take_box(&in, &box) || !may_begin(&box) || !is_sound(&box))
		return TOLD_NO;
	do {
		if (is_type(&box, "ftyp") || is_type(&box, "styp"))
			read_brands(box.body, &seen);
		if (is_type(&box, "moov")) {
			seen.moov_whole = box.whole;
			read_moov(box.body, &seen);
		}
		if (is_type(&box, "mdat"))
			seen.nal_units |= holds_nal_units(box.body);
	} while (take_box(&in, &box) && may_follow(&box));
	return judge(&seen, out);
}

enum told
mp4_find(struct bytes in, struct payload_finding *out)
{
	while (in.left > 8) {
		struct bytes type = {in.at + 4, in.left - 4};
		enum told told;

		if (!bytes_seek(&type, "moof", TYPE_BYTES))
			return TOLD_NO;
		/* Its size stands before it. */
		(void)bytes_skip(&in, in.left - type.left - 4);
		told = mp4_tell(in, out);
		if (told != TOLD_NO)
			return told;
		(void)bytes_skip(&in, TYPE_BYTES);
	}
	return TOLD_NO;
}
