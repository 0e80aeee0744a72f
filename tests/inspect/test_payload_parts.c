/* SPDX-License-Identifier: MIT */
#include "tests/inspect/meter.h"

#include <criterion/parameterized.h>
#include <stdio.h>

#define JPEG "\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xdb\0\4\1\2\xff\xd9"

struct row {
	char why[64];
	char type[80];
	enum payload_class class;
	char format[16];
	size_t size;
	char bytes[700];
};

#define ROW(why, type, class, format, literal)                                                     \
	{                                                                                          \
		why, type, class, format, sizeof(literal) - 1, literal                             \
	}

static struct row rows[] = {
    ROW("a form with a picture", "multipart/form-data; boundary=x", PAYLOAD_IMAGE, "jpeg",
	"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n{\"b\":1}\r\n--x\r\n"
	"Content-Type: image/jpeg\r\n\r\n" JPEG "\r\n--x--\r\n"),
    ROW("boundaries that bring their hyphens", "multipart/mixed; boundary=--x", PAYLOAD_IMAGE,
	"jpeg", "--x\r\nContent-Type: image/jpeg\r\n\r\n" JPEG "\r\n--x--\r\n"),
    ROW("a quoted boundary, lines without CR", "multipart/mixed; charset=a; boundary=\"x y\"",
	PAYLOAD_IMAGE, "jpeg", "--x y\nContent-Type: image/jpeg\n\n" JPEG "\n--x y--\n"),
    ROW("pictures that replace each other", "multipart/x-mixed-replace;boundary=x", PAYLOAD_VIDEO,
	"mjpeg",
	"--x\r\nContent-Type: image/jpeg\r\nContent-Length: 28\r\n\r\n" JPEG "\r\n--x\r\n"),
    ROW("parts in parts", "multipart/mixed; boundary=x", PAYLOAD_IMAGE, "jpeg",
	"--x\r\nContent-Type: multipart/related;\r\n boundary=xy\r\n\r\n--xy\r\n"
	"Content-Type: text/plain\r\n\r\nhello there\r\n--xy\r\n\r\n" JPEG
	"\r\n--xy--\r\n--x--\r\n"),
    ROW("what follows an inner one", "multipart/mixed; boundary=x", PAYLOAD_IMAGE, "jpeg",
	"--x\r\nContent-Type: multipart/related; boundary=xy\r\n\r\n--xy\r\n\r\nhello there\r\n"
	"--xy--\r\n--x\r\n\r\n" JPEG "\r\n--x--\r\n"),
    ROW("what follows an inner one that never ends", "multipart/mixed; boundary=x", PAYLOAD_IMAGE,
	"jpeg",
	"--x\r\nContent-Type: multipart/related; boundary=y\r\n\r\n--y\r\n\r\nhello there\r\n"
	"--x\r\n\r\n" JPEG "\r\n--x--\r\n"),
    ROW("before the first boundary", "multipart/mixed; boundary=x", PAYLOAD_IMAGE, "jpeg",
	JPEG "\r\n--x\r\n\r\nhello there\r\n--x--\r\n"),
    ROW("behind the last boundary", "multipart/mixed; boundary=x", PAYLOAD_IMAGE, "jpeg",
	"--x\r\n\r\nhello there\r\n--x--\r\n" JPEG),
    ROW("without any boundary", "multipart/mixed; boundary=x", PAYLOAD_IMAGE, "jpeg", JPEG),
    ROW("without a name for it", "multipart/mixed", PAYLOAD_IMAGE, "jpeg", JPEG),
    ROW("a length that lies", "multipart/mixed; boundary=x", PAYLOAD_IMAGE, "jpeg",
	"--x\r\nContent-Length: 99999\r\n\r\nhello there\r\n--x\r\n\r\n" JPEG "\r\n--x--\r\n"),
    ROW("base64", "multipart/mixed; boundary=x", PAYLOAD_IMAGE, "jpeg",
	"--x\r\nContent-Transfer-Encoding: base64\r\n\r\n"
	"/9j/4AAQSkZJRgABAQAAAQABAAD/2wBD\r\nAAgGBgcGBQgHBwcJCQgK\r\n--x--\r\n"),
    ROW("a mail", "message/rfc822", PAYLOAD_IMAGE, "jpeg",
	"Subject: motion\r\nContent-Type: multipart/mixed;\r\n\tboundary=\"=_1\"\r\n\r\n"
	"--=_1\r\nContent-Type: text/plain\r\n\r\nMotion was seen.\r\n--=_1\r\n"
	"Content-Type: image/jpeg; name=a.jpg\r\nContent-Transfer-Encoding: base64\r\n\r\n"
	"/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgHBwcJCQgK\r\n--=_1--\r\n"),
    ROW("what its sender calls video", "multipart/mixed; boundary=x", PAYLOAD_VIDEO, "declared",
	"--x\r\nContent-Type: video/mp4\r\n\r\n\x80\x81\x82\x83\x00\x01\x02\r\n--x--\r\n"),
    ROW("only lines like boundaries", "multipart/mixed; boundary=abc", PAYLOAD_TELEMETRY, "text",
	"--abc\r\n\r\n--ab\r\n--abcd is a word\r\n-\r\n--\r\n--abc--\r\n"),
};

ParameterizedTestParameters(payload_parts, are_told_one_by_one)
{
	return cr_make_param_array(struct row, rows, sizeof(rows) / sizeof(*rows));
}

ParameterizedTest(struct row *row, payload_parts, are_told_one_by_one)
{
	struct payload_hint hint = {.type = row->type};

	for (size_t piece = 1; piece < 40; piece++) {
		struct payload_facts facts = meter_message(row->bytes, row->size, piece, &hint);

		cr_expect_eq(facts.class, row->class, "%s: %s", row->why,
		    payload_class_name(facts.class));
		cr_expect_str_eq(facts.format, row->format, "%s: '%s'", row->why, facts.format);
	}
}

ParameterizedTestParameters(payload_parts, may_be_broken)
{
	return cr_make_param_array(struct row, rows, sizeof(rows) / sizeof(*rows));
}

ParameterizedTest(struct row *row, payload_parts, may_be_broken)
{
	struct payload_hint hint = {.type = row->type};

	for (size_t i = 0; i < row->size; i++) {
		char changed[sizeof(row->bytes)];

		memcpy(changed, row->bytes, row->size);
		(void)meter_message(changed, i, 9, &hint);
		changed[i] ^= 1;
		(void)meter_message(changed, row->size, SIZE_MAX, &hint);
		changed[i] = '\n';
		(void)meter_message(changed, row->size, SIZE_MAX, &hint);
	}
}

/* Headers and boundaries count with the part that they stand before, the last
 * with the one before it. */
Test(payload_parts, each_byte_counts_as_its_part)
{
	static const char first[] = "--x\r\n\r\n{\"uptime\":12}\r\n";
	static const char second[] = "--x\r\nContent-Type: image/jpeg\r\n\r\n" JPEG "\r\n--x--\r\n";
	struct payload_hint hint = {.type = "multipart/mixed; boundary=x"};
	char whole[sizeof(first) + sizeof(second)];
	struct payload_facts facts;

	memcpy(whole, first, sizeof(first) - 1);
	memcpy(whole + sizeof(first) - 1, second, sizeof(second) - 1);
	facts = meter_message(whole, sizeof(first) + sizeof(second) - 2, 5, &hint);
	cr_expect_eq(facts.up[PAYLOAD_TELEMETRY], sizeof(first) - 1);
	cr_expect_eq(facts.up[PAYLOAD_IMAGE], sizeof(second) - 1);
	cr_expect_eq(facts.seen_up[PAYLOAD_TELEMETRY], CONFIDENCE_IDENTIFIED);
	cr_expect_eq(facts.seen_up[PAYLOAD_IMAGE], CONFIDENCE_IDENTIFIED);
}

Test(payload_parts, a_header_without_end_is_bounded)
{
	struct payload_hint hint = {.type = "multipart/mixed; boundary=x"};
	size_t size = 70000;
	char *bytes = malloc(size + 100);
	struct payload_facts facts;
	int used;

	cr_assert_not_null(bytes);
	used = snprintf(bytes, 100, "--x\r\nContent-Type: ");
	memset(bytes + used, '.', size);
	facts = meter_message(bytes, size, 1000, &hint);
	cr_expect_eq(facts.class, PAYLOAD_TELEMETRY, "its body begins where its bound is: %s",
	    payload_class_name(facts.class));
	free(bytes);
}

/* ---- a stream in short messages ---- */

/* One message for each `each` bytes. */
static struct payload_facts
meter_cut(const uint8_t *bytes, size_t size, size_t each)
{
	struct payload_facts facts = {0};
	struct payload_meter *meter = payload_open(7);

	cr_assert_not_null(meter);
	for (size_t at = 0; at < size; at += each) {
		size_t count = size - at < each ? size - at : each;

		payload_begin(meter, DIRECTION_UP, NULL, &facts);
		payload_feed(meter, DIRECTION_UP, (struct bytes){bytes + at, count}, &facts);
		payload_end(meter, DIRECTION_UP, &facts);
		cr_assert_eq(meter_sum(facts.up), at + count);
	}
	payload_free(meter);
	return facts;
}

static uint8_t *
make_noise(size_t size)
{
	uint8_t *bytes = malloc(size);
	uint64_t x = 88172645463325252ULL;

	cr_assert_not_null(bytes);
	for (size_t at = 0; at < size; at++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		bytes[at] = (uint8_t)(x >> 32);
	}
	return bytes;
}

Test(payload_parts, a_stream_cut_in_short_messages_is_told)
{
	/* SPS and PPS as x264 writes them for 64x64. */
	static const uint8_t sets[] = {0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x0a, 0xda, 0x11, 0x9a, 0x10,
	    0, 0, 3, 0, 0x10, 0, 0, 3, 3, 0xc0, 0xf1, 0x22, 0x6a, 0, 0, 0, 1, 0x68, 0xce, 0x0f,
	    0xc8};
	enum { SIZE = 188 * 100 };
	static const size_t cuts[] = {20, 100, 187, 300, 900};
	uint8_t *bytes = make_noise(SIZE);
	struct payload_facts facts = meter_cut(bytes, SIZE, 100);

	cr_expect_eq(facts.class, PAYLOAD_OPAQUE, "noise is none");
	cr_expect_eq(facts.up[PAYLOAD_OPAQUE], SIZE);
	for (size_t at = 0; at < SIZE; at += 188) {
		memcpy(bytes + at, "\x47\1\0", 3);
		bytes[at + 3] = (uint8_t)(0x10 | (at / 188 & 15));
	}
	for (size_t i = 0; i < sizeof(cuts) / sizeof(*cuts); i++) {
		facts = meter_cut(bytes, SIZE, cuts[i]);
		cr_expect_eq(facts.class, PAYLOAD_VIDEO, "in messages of %zu", cuts[i]);
		cr_expect_eq(facts.confidence, CONFIDENCE_IDENTIFIED);
		cr_expect_str_eq(facts.format, "mpegts");
		/* A piece that seems to be something by itself is missing in the row. */
		cr_expect_geq(facts.up[PAYLOAD_VIDEO], SIZE * 7 / 10, "in messages of %zu",
		    cuts[i]);
	}
	free(bytes);
	bytes = make_noise(SIZE);
	memcpy(bytes + 4005, sets, sizeof(sets));
	facts = meter_cut(bytes, SIZE, 20);
	cr_expect_eq(facts.class, PAYLOAD_VIDEO);
	cr_expect_str_eq(facts.format, "h264");
	free(bytes);
}
