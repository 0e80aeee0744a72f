/* SPDX-License-Identifier: MIT */
#include "certs/der.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* Write `size` zero bytes in a SEQUENCE into exactly `room` bytes. */
static struct bytes
wrap(uint8_t *at, size_t room, const uint8_t *body, size_t size)
{
	struct der_out out = der_out_in(at, room);
	size_t end = out.left;

	der_put(&out, body, size);
	der_wrap(&out, DER_SEQUENCE, end);
	return der_written(&out);
}

Test(der, what_is_written_is_read_at_every_length_of_length)
{
	static const size_t sizes[] = {0, 1, 127, 128, 255, 256, 65535, 65536, 70000};
	uint8_t *body = calloc(1, 70000), *room = malloc(70010);

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct bytes written = wrap(room, 70010, body, sizes[i]), content;
		uint8_t tag;

		cr_assert_geq(written.left, sizes[i] + 2);
		cr_assert(der_take(&written, &tag, &content), "%zu", sizes[i]);
		cr_expect_eq(tag, DER_SEQUENCE);
		cr_expect_eq(content.left, sizes[i]);
		cr_expect_eq(written.left, 0);
	}
	free(body);
	free(room);
}

Test(der, what_does_not_fit_is_not_written)
{
	uint8_t body[300] = {0}, room[304];

	cr_expect_eq(wrap(room, 304, body, 300).left, 304);
	cr_expect_eq(wrap(room, 303, body, 300).left, 0);
	cr_expect_eq(wrap(room, 299, body, 300).left, 0);
}

Test(der, lengths_that_der_does_not_write_are_refused)
{
	static const struct {
		uint8_t bytes[8];
		size_t size;
	} rows[] = {
	    {{0x30}, 1},
	    {{0x30, 0x01}, 2},
	    {{0x30, 0x80, 0, 0}, 4},          /* indefinite */
	    {{0x30, 0x81, 0x01, 0}, 4},       /* fits the short form */
	    {{0x30, 0x82, 0, 0x01, 0}, 5},    /* fits one byte */
	    {{0x30, 0x83, 0, 0, 0x01, 0}, 6}, /* fits two */
	    {{0x30, 0x84, 0, 0, 0, 0x01, 0}, 7},
	    {{0x30, 0xff}, 2},
	    {{0x30, 0x81, 0x80}, 3},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes in = {.at = rows[i].bytes, .left = rows[i].size}, content;
		uint8_t tag;

		cr_expect_not(der_take(&in, &tag, &content), "row %zu", i);
		cr_expect_eq(in.left, rows[i].size, "nothing is taken");
	}
}

Test(der, another_tag_is_not_taken)
{
	static const uint8_t bytes[] = {0x02, 0x01, 0x05};
	struct bytes in = {.at = bytes, .left = sizeof(bytes)}, content;

	cr_expect_not(der_expect(&in, DER_SEQUENCE, &content));
	cr_expect_eq(in.left, sizeof(bytes));
	cr_expect(der_expect(&in, DER_INTEGER, &content));
	cr_expect_eq(content.at[0], 5);
}
