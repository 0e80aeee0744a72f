/* SPDX-License-Identifier: MIT */
#include "inspect/rtp_frames.h"
#include "tests/inspect/meter.h"

#include <criterion/parameterized.h>
#include <time.h>

enum { HEADER = 12, PACKET = 1000 };

/* A packet of one source, by its number. */
static size_t
write_packet(uint8_t *out, uint8_t type, uint16_t number, const uint8_t *front, size_t front_size)
{
	memset(out, 0xa7, PACKET);
	memset(out, 0, HEADER);
	out[0] = 0x80;
	out[1] = type;
	out[2] = (uint8_t)(number >> 8);
	out[3] = (uint8_t)number;
	out[8] = 0x11;
	memcpy(out + HEADER, front, front_size);
	return PACKET;
}

struct row {
	char why[48];
	char codec[20]; /* by SDP */
	uint8_t type;
	uint8_t fronts[4][3]; /* of the payload of four packets */
	unsigned step;        /* of the number, from packet to packet */
	enum payload_class class;
	enum confidence confidence;
	char format[12];
};

static struct row rows[] = {
    {"H.264 by SDP", "H264", 96, {{0x41}, {0x41}, {0x41}, {0x41}}, 1, PAYLOAD_VIDEO,
	CONFIDENCE_IDENTIFIED, "h264"},
    {"AAC by SDP, with a clock's case", "mpeg4-generic", 97, {{0}, {0}, {0}, {0}}, 1, PAYLOAD_AUDIO,
	CONFIDENCE_IDENTIFIED, "aac"},
    {"numbers that do not follow", "H264", 96, {{0x41}, {0x41}, {0x41}, {0x41}}, 999, PAYLOAD_VIDEO,
	CONFIDENCE_PROBABLE, "h264"},
    {"a few that are lost", "H264", 96, {{0x41}, {0x41}, {0x41}, {0x41}}, 3, PAYLOAD_VIDEO,
	CONFIDENCE_IDENTIFIED, "h264"},
    {"G.711 by its number", "", 0, {{0xff}, {0xff}, {0xff}, {0xff}}, 1, PAYLOAD_AUDIO,
	CONFIDENCE_IDENTIFIED, "g711u"},
    {"G.711 A by its number, with a marker", "H264", 0x88, {{0xd5}, {0xd5}, {0xd5}, {0xd5}}, 1,
	PAYLOAD_AUDIO, CONFIDENCE_IDENTIFIED, "g711a"},
    {"JPEG by its number", "", 26, {{0}, {0}, {0}, {0}}, 1, PAYLOAD_VIDEO, CONFIDENCE_IDENTIFIED,
	"mjpeg"},
    {"fragments of H.264", "", 96, {{0x7c, 0x85}, {0x7c, 0x05}, {0x7c, 0x05}, {0x7c, 0x45}}, 1,
	PAYLOAD_VIDEO, CONFIDENCE_IDENTIFIED, "h264"},
    {"fragments of H.265", "", 96,
	{{0x62, 0x01, 0x93}, {0x62, 0x01, 0x13}, {0x62, 0x01, 0x13}, {0x62, 0x01, 0x53}}, 1,
	PAYLOAD_VIDEO, CONFIDENCE_IDENTIFIED, "h265"},
    {"large packets of nobody knows what", "", 96, {{1}, {2}, {3}, {4}}, 1, PAYLOAD_VIDEO,
	CONFIDENCE_PROBABLE, "rtp"},
    {"a word of SDP that is not known", "x-new", 96, {{1}, {2}, {3}, {4}}, 1, PAYLOAD_VIDEO,
	CONFIDENCE_PROBABLE, "rtp"},
    {"ONVIF's metadata", "vnd.onvif.metadata", 107, {{'<'}, {'<'}, {'<'}, {'<'}}, 1,
	PAYLOAD_METADATA, CONFIDENCE_IDENTIFIED, "onvif"},
    {"what would be a report, but for its length", "", 200, {{0}, {0}, {0}, {0}}, 0, PAYLOAD_VIDEO,
	CONFIDENCE_PROBABLE, "rtp"},
};

ParameterizedTestParameters(payload_rtp, is_what_its_packets_show)
{
	return cr_make_param_array(struct row, rows, sizeof(rows) / sizeof(*rows));
}

ParameterizedTest(struct row *row, payload_rtp, is_what_its_packets_show)
{
	static const size_t pieces[] = {PACKET, 1, 40, 65};

	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		struct payload_hint hint = {.codec = row->codec, .framing = PAYLOAD_RTP};
		struct payload_facts facts = {0};
		struct payload_meter *meter = payload_open(7);
		uint8_t packet[PACKET];

		for (unsigned number = 0; number < 4; number++) {
			(void)write_packet(packet, row->type,
			    (uint16_t)(65534 + number * row->step), row->fronts[number],
			    sizeof(row->fronts[number]));
			payload_begin(meter, DIRECTION_UP, &hint, &facts);
			for (size_t at = 0; at < PACKET; at += pieces[i]) {
				size_t left = PACKET - at;

				payload_feed(meter, DIRECTION_UP,
				    (struct bytes){packet + at,
					left < pieces[i] ? left : pieces[i]},
				    &facts);
			}
			cr_expect_eq(facts.pending, PACKET);
			payload_end(meter, DIRECTION_UP, &facts);
			cr_expect_eq(facts.pending, 0);
		}
		cr_expect_eq(facts.class, row->class, "%s: %s", row->why,
		    payload_class_name(facts.class));
		cr_expect_eq(facts.confidence, row->confidence, "%s", row->why);
		cr_expect_str_eq(facts.format, row->format, "%s: %s", row->why, facts.format);
		cr_expect_eq(facts.up[row->class], 4 * PACKET);
		payload_free(meter);
	}
}

Test(payload_rtp, reports_are_control)
{
	static const struct {
		const char *bytes;
		size_t size;
	} reports[] = {{"\x80\xc9\0\1\0\0\0\7", 8}, /* to nobody */
	    {"\x81\xca\0\3\0\0\0\7\1\3\x63\x61\x6d\0\0\0", 16},
	    {"\x80\xc9\0\1\0\0\0\7\x80\xcb\0\1\0\0\0\7", 16}};
	static const struct payload_hint hint = {.framing = PAYLOAD_RTP};

	for (size_t i = 0; i < sizeof(reports) / sizeof(*reports); i++) {
		struct payload_facts facts =
		    meter_message(reports[i].bytes, reports[i].size, 3, &hint);

		cr_expect_eq(facts.class, PAYLOAD_CONTROL, "%zu", i);
		cr_expect_str_eq(facts.format, "rtcp");
	}
}

/* Sources run side by side, each with its own numbers. */
Test(payload_rtp, sources_are_told_apart)
{
	static const uint8_t front[3] = {0x41};
	struct payload_hint hint = {.codec = "H265", .framing = PAYLOAD_RTP};
	struct payload_facts facts = {0};
	struct payload_meter *meter = payload_open(7);
	uint8_t packet[PACKET];

	for (unsigned i = 0; i < 12; i++) {
		(void)write_packet(packet, 96, (uint16_t)(i / 4 + i % 4 * 5000), front,
		    sizeof(front));
		packet[9] = (uint8_t)(i % 4);
		payload_begin(meter, DIRECTION_UP, &hint, &facts);
		payload_feed(meter, DIRECTION_UP, (struct bytes){packet, PACKET}, &facts);
		payload_end(meter, DIRECTION_UP, &facts);
	}
	cr_expect_eq(facts.confidence, CONFIDENCE_IDENTIFIED);
	payload_free(meter);
}

Test(payload_rtp, what_is_none_is_opaque)
{
	struct payload_hint hint = {.framing = PAYLOAD_RTP};
	uint8_t packet[PACKET] = {0x80, 96, 0, 1};

	for (size_t size = 1; size < HEADER; size++) {
		struct payload_facts facts = meter_message(packet, size, SIZE_MAX, &hint);

		cr_expect_eq(facts.class, PAYLOAD_OPAQUE);
	}
	packet[0] = 0x9f; /* fifteen sources, and an extension that is not there */
	packet[HEADER + 62] = 0xff;
	cr_expect_eq(meter_message(packet, 80, SIZE_MAX, &hint).class, PAYLOAD_OPAQUE);
	packet[0] = 0x40;
	cr_expect_eq(meter_message(packet, PACKET, SIZE_MAX, &hint).class, PAYLOAD_OPAQUE);
}

/* ---- in a stream that nobody called one ---- */

static struct payload_facts
meter_stream(uint8_t type, size_t packet, bool marked, unsigned count, unsigned step)
{
	static uint8_t stream[64 * (PACKET + 4) + 16], one[PACKET];
	static const uint8_t front[] = {0x7c, 5};
	size_t used = 11;

	memcpy(stream, "HELO\xfa\xce cam7", used);
	for (unsigned i = 0; i < count; i++) {
		(void)write_packet(one, type, (uint16_t)(65530 + i * step), front, sizeof(front));
		if (marked) {
			memcpy(stream + used, "$\1", 2);
			used += 2;
		}
		stream[used++] = (uint8_t)(packet >> 8);
		stream[used++] = (uint8_t)packet;
		memcpy(stream + used, one, packet);
		used += packet;
	}
	return meter_message(stream, used, 1448, NULL);
}

Test(rtp, framed_behind_words_of_its_makers_is_told)
{
	struct payload_facts facts = meter_stream(0, 172, false, 60, 1);

	cr_expect_eq(facts.class, PAYLOAD_AUDIO);
	cr_expect_eq(facts.confidence, CONFIDENCE_IDENTIFIED);
	cr_expect_str_eq(facts.format, "g711u");
	for (int marked = 0; marked < 2; marked++) {
		facts = meter_stream(96, PACKET, marked == 1, 60, 1);
		cr_expect_eq(facts.class, PAYLOAD_VIDEO);
		cr_expect_eq(facts.confidence, CONFIDENCE_IDENTIFIED, "three fragments in a row");
		cr_expect_str_eq(facts.format, "h264");
	}
	facts = meter_stream(96, 172, true, 60, 7);
	cr_expect_eq(facts.class, PAYLOAD_OPAQUE, "their numbers do not follow");
}

/* Each packet of a row of them was the beginning of another row: a look took some
 * milliseconds. */
Test(rtp, that_is_nothing_to_see_is_looked_at_once)
{
	enum { FRAME = 2 + HEADER, LOOKS = 100, BEHIND = 2 * (2 + PACKET), ENOUGH_S = 5 };
	static uint8_t window[PAYLOAD_WINDOW + BEHIND];
	struct payload_finding finding;
	clock_t begun = clock();
	size_t used = 0;
	unsigned number = 0;

	for (; used + FRAME <= PAYLOAD_WINDOW; used += FRAME) {
		uint8_t one[PACKET];

		(void)write_packet(one, 96, (uint16_t)number++, (const uint8_t *)"", 0);
		window[used + 1] = HEADER;
		memcpy(window + used + 2, one, HEADER);
	}
	for (int i = 0; i < LOOKS; i++)
		cr_assert_eq(rtp_frames_find((struct bytes){window, used}, &finding), TOLD_NO);
	/* 20 ms with a sanitizer; a second without one when each was. */
	cr_expect_lt((clock() - begun) * ENOUGH_S, CLOCKS_PER_SEC);
	for (uint16_t i = 0; i < 2; i++, used += 2 + PACKET) {
		window[used] = PACKET >> 8;
		window[used + 1] = PACKET & 0xff;
		(void)write_packet(window + used + 2, 0, i, (const uint8_t *)"", 0);
	}
	cr_expect_eq(rtp_frames_find((struct bytes){window, used}, &finding), TOLD_MAYBE);
	cr_expect_eq(finding.class, PAYLOAD_AUDIO, "and what stands behind is seen");
}
