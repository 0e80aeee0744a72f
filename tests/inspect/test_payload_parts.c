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
