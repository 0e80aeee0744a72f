/* SPDX-License-Identifier: MIT */
#include "inspect/rtp_media.h"

#include "inspect/annexb.h"

#include <string.h>
#include <strings.h>

enum {
	CHAIN_ENOUGH = 3,
	STEP_MAX = 16, /* numbers that may be missing: 12 bits are checked still */
	DYNAMIC_FIRST = 96,
	RTCP_FIRST = 192, /* RFC 5761 section 4 */
	RTCP_LAST = 223,
	H264_FU_A = 28,
	H265_FU = 49,
	VIDEO_MIN = 700, /* bytes of a packet that no codec for speech fills */
};

struct codec {
	const char *name, *format;
	enum payload_class class;
	uint8_t type; /* RFC 3551's for it; 255: none */
};

/* The most frequent ones first. */
static const struct codec codecs[] = {
    {"H264", "h264", PAYLOAD_VIDEO, 255},
    {"H265", "h265", PAYLOAD_VIDEO, 255},
    {"PCMU", "g711u", PAYLOAD_AUDIO, 0},
    {"GSM", "gsm", PAYLOAD_AUDIO, 3},
    {"G723", "g723", PAYLOAD_AUDIO, 4},
    {"PCMA", "g711a", PAYLOAD_AUDIO, 8},
    {"G722", "g722", PAYLOAD_AUDIO, 9},
    {"L16", "l16", PAYLOAD_AUDIO, 10},
    {"L16", "l16", PAYLOAD_AUDIO, 11},
    {"MPA", "mpeg-audio", PAYLOAD_AUDIO, 14},
    {"JPEG", "mjpeg", PAYLOAD_VIDEO, 26},
    {"H261", "h261", PAYLOAD_VIDEO, 31},
    {"MPV", "mpeg2", PAYLOAD_VIDEO, 32},
    {"MP2T", "mpegts", PAYLOAD_VIDEO, 33},
    {"H263", "h263", PAYLOAD_VIDEO, 34},
    {"HEVC", "h265", PAYLOAD_VIDEO, 255},
    {"H263-1998", "h263", PAYLOAD_VIDEO, 255},
    {"H263-2000", "h263", PAYLOAD_VIDEO, 255},
    {"MP4V-ES", "mpeg4", PAYLOAD_VIDEO, 255},
    {"VP8", "vp8", PAYLOAD_VIDEO, 255},
    {"VP9", "vp9", PAYLOAD_VIDEO, 255},
    {"AV1", "av1", PAYLOAD_VIDEO, 255},
    {"SMARTH", "smarth", PAYLOAD_VIDEO, 255},
    {"MPEG4-GENERIC", "aac", PAYLOAD_AUDIO, 255},
    {"MP4A-LATM", "aac", PAYLOAD_AUDIO, 255},
    {"OPUS", "opus", PAYLOAD_AUDIO, 255},
    {"AMR", "amr", PAYLOAD_AUDIO, 255},
    {"AMR-WB", "amr", PAYLOAD_AUDIO, 255},
    {"G726-16", "g726", PAYLOAD_AUDIO, 255},
    {"G726-24", "g726", PAYLOAD_AUDIO, 255},
    {"G726-32", "g726", PAYLOAD_AUDIO, 255},
    {"G726-40", "g726", PAYLOAD_AUDIO, 255},
    {"vnd.onvif.metadata", "onvif", PAYLOAD_METADATA, 255},
};

static const struct codec *
find_number(uint8_t type)
{
	for (size_t i = 0; i < sizeof(codecs) / sizeof(*codecs); i++) {
		if (codecs[i].type == type)
			return &codecs[i];
	}
	return NULL;
}

static const struct codec *
find_name(const char *name)
{
	for (size_t i = 0; i < sizeof(codecs) / sizeof(*codecs); i++) {
		/* Letters of either case differ in one bit. */
		if (((name[0] ^ codecs[i].name[0]) & ~0x20) == 0 &&
		    strcasecmp(name, codecs[i].name) == 0)
			return &codecs[i];
	}
	return NULL;
}

/* By SDP's name; where nothing was named, by the number. */
static const struct codec *
find_codec(const char *name, uint8_t type)
{
	if (name != NULL && name[0] != '\0')
		return find_name(name);
	return type < DYNAMIC_FIRST ? find_number(type) : NULL;
}

/* ---- sources ---- */

static struct rtp_media_source *
find_source(struct rtp_media *media, uint32_t ssrc)
{
	struct rtp_media_source *source;

	for (size_t i = 0; i < RTP_MEDIA_SOURCES; i++) {
		if (media->sources[i].used && media->sources[i].ssrc == ssrc)
			return &media->sources[i];
	}
	source = &media->sources[media->next];
	media->next = (media->next + 1) % RTP_MEDIA_SOURCES;
	*source = (struct rtp_media_source){.ssrc = ssrc, .used = true};
	return source;
}

static void
follow(struct rtp_media_source *source, uint16_t number)
{
	uint16_t step = (uint16_t)(number - source->number);

	/* One that comes late, or again, neither adds nor breaks. */
	if (source->chained > 0 && (step == 0 || step > UINT16_MAX - STEP_MAX))
		return;
	if (source->chained > 0 && step > STEP_MAX)
		source->chained = source->fragments = 0;
	if (source->chained < UINT8_MAX)
		source->chained++;
	source->number = number;
}

/* ---- fragments ---- */

/* Whether this is a fragment of a NAL unit, of H.264 (4) or H.265 (5), else 0.
 * Both have a header that says so, then one with the unit's type and two bits
 * for its first and its last fragment, never both. */
static uint8_t
fragment_of(struct bytes payload)
{
	uint8_t first, second, third;

	if (!bytes_u8(&payload, &first) || !bytes_u8(&payload, &second))
		return 0;
	if ((first & 0x9f) == H264_FU_A && (second & 0x20) == 0 && (second & 0xc0) != 0xc0 &&
	    ((second & 0x1f) == 1 || (second & 0x1f) == 5))
		return 4;
	if (first == H265_FU << 1 && (second & 0xf8) == 0 && (second & 7) != 0 &&
	    bytes_u8(&payload, &third) && (third & 0xc0) != 0xc0 &&
	    ((third & 0x3f) <= 9 || ((third & 0x3f) >= 16 && (third & 0x3f) <= 21)))
		return 5;
	return 0;
}

static void
note_fragment(struct rtp_media_source *source, struct bytes payload)
{
	uint8_t codec = fragment_of(payload);

	if (codec == 0 || codec != source->codec)
		source->fragments = 0;
	source->codec = codec;
	if (codec != 0 && source->fragments < UINT8_MAX)
		source->fragments++;
}

/* ---- a packet ---- */

struct header {
	uint8_t type;
	uint16_t number;
	uint32_t time, ssrc;
	bool padded;
};

/* Take the header of RTP with its list and its extension. */
static bool
take_header(struct bytes *in, struct header *header)
{
	uint8_t first;
	uint16_t words;

	if (!bytes_u8(in, &first) || first >> 6 != 2 || !bytes_u8(in, &header->type) ||
	    !bytes_u16(in, &header->number) || !bytes_u32(in, &header->time) ||
	    !bytes_u32(in, &header->ssrc) || !bytes_skip(in, (size_t)(first & 0xf) * 4))
		return false;
	header->type &= 0x7f;
	header->padded = (first & 0x20) != 0;
	return (first & 0x10) == 0 ||
	       (bytes_skip(in, 2) && bytes_u16(in, &words) && bytes_skip(in, (size_t)words * 4));
}

/* Of a padded packet its end is not seen, and so not how many bytes are payload. */
static void
note_audio(struct rtp_audio *audio, const struct header *header, struct bytes payload,
    uint64_t bytes)
{
	const struct rtp_audio_packet packet = {.number = header->number,
	    .time = header->time,
	    .type = header->type,
	    .payload = payload,
	    .bytes = (uint16_t)bytes};

	if (!header->padded && bytes > 0 && bytes <= UINT16_MAX)
		rtp_audio_add(audio, &packet);
}

static enum told
guess(const struct rtp_media_source *source, struct bytes payload, uint64_t size,
    struct payload_finding *out)
{
	bool fragments = source->fragments >= CHAIN_ENOUGH, sure;
	enum rtp_audio_kind audio = rtp_audio_tell(&source->audio, &sure);

	if (fragments || annexb_h264_is_sps(payload))
		return finding_identified(out, PAYLOAD_VIDEO, source->codec == 5 ? "h265" : "h264");
	/* Of Opus a packet or two are as those of anything. */
	if (audio != RTP_AUDIO_NONE && (sure || audio != RTP_AUDIO_OPUS || size < VIDEO_MIN)) {
		finding_set(out, PAYLOAD_AUDIO, sure ? CONFIDENCE_IDENTIFIED : CONFIDENCE_PROBABLE,
		    audio == RTP_AUDIO_OPUS ? "opus" : "aac");
		return TOLD;
	}
	finding_set(out, size >= VIDEO_MIN ? PAYLOAD_VIDEO : PAYLOAD_OPAQUE, CONFIDENCE_PROBABLE,
	    "rtp");
	return TOLD;
}

/* RFC 3550 section 6.4.1: the first of them ends within the packet, which may have
 * no more than its sender's number behind its head. */
static bool
is_rtcp(struct bytes packet, uint64_t size)
{
	uint8_t first, type;
	uint16_t words;

	return bytes_u8(&packet, &first) && first >> 6 == 2 && bytes_u8(&packet, &type) &&
	       type >= RTCP_FIRST && type <= RTCP_LAST && bytes_u16(&packet, &words) &&
	       ((uint64_t)words + 1) * 4 <= size;
}

enum told
rtp_media_tell(struct rtp_media *media, struct bytes packet, uint64_t size, const char *codec,
    struct payload_finding *out)
{
	const struct codec *known;
	struct rtp_media_source *source;
	struct bytes whole = packet;
	struct header header;
	bool sure;

	if (is_rtcp(packet, size))
		return finding_identified(out, PAYLOAD_CONTROL, "rtcp");
	if (!take_header(&packet, &header))
		return TOLD_NO;
	source = find_source(media, header.ssrc);
	follow(source, header.number);
	note_fragment(source, packet);
	note_audio(&source->audio, &header, packet, size - (whole.left - packet.left));
	/* What SDP named is for its own, dynamic type: another is what it says. */
	known = find_codec(header.type < DYNAMIC_FIRST ? NULL : codec, header.type);
	if (known == NULL)
		return guess(source, packet, size, out);
	sure = source->chained >= CHAIN_ENOUGH;
	if (!sure && rtp_audio_tell(&source->audio, &sure) != RTP_AUDIO_G711)
		sure = false;
	finding_set(out, known->class, sure ? CONFIDENCE_IDENTIFIED : CONFIDENCE_PROBABLE,
	    known->format);
	return TOLD;
}
