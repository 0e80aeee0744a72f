/* SPDX-License-Identifier: MIT */
#include "certs/late_messages.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

struct row {
	uint8_t bytes[24];
	size_t size;
	enum late camera, server; /* who says it */
	size_t left;              /* of the bytes, behind the message */
	char why[48];
};

static struct row rows[] = {
    {{24, 0, 0, 1, 0}, 5, LATE_RENEWED, LATE_RENEWED, 0, "a key update"},
    {{24, 0, 0, 1, 1}, 5, LATE_RENEW, LATE_RENEW, 0, "one that wants ours"},
    {{24, 0, 0, 1, 2}, 5, LATE_ILLEGAL, LATE_ILLEGAL, 0, "one that wants neither"},
    {{24, 0, 0, 1, 0, 24}, 6, LATE_UNEXPECTED, LATE_UNEXPECTED, 1, "not the last of its record"},
    {{24, 0, 0, 0}, 4, LATE_UNDECODABLE, LATE_UNDECODABLE, 0, "an empty one"},
    {{24, 0, 0, 2, 0, 0}, 6, LATE_UNDECODABLE, LATE_UNDECODABLE, 2, "a long one"},
    {{4, 0, 0, 3, 1, 2, 3}, 7, LATE_UNEXPECTED, LATE_TICKET, 0, "a ticket"},
    {{4, 0, 0, 1, 1, 4}, 6, LATE_UNEXPECTED, LATE_TICKET, 1, "one with another behind it"},
    {{4, 0, 0, 0}, 4, LATE_UNEXPECTED, LATE_UNDECODABLE, 0, "an empty one"},
    {{4, 0x02, 0x01, 0x0b}, 4, LATE_UNEXPECTED, LATE_UNDECODABLE, 0, "one longer than there are"},
    {{4, 0xff, 0xff, 0xff}, 4, LATE_UNEXPECTED, LATE_UNDECODABLE, 0, "one without end"},
    {{13, 0, 0, 3, 0, 0, 0}, 7, LATE_UNEXPECTED, LATE_UNEXPECTED, 3, "asks for a certificate"},
    {{1, 0, 0, 1, 0}, 5, LATE_UNEXPECTED, LATE_UNEXPECTED, 1, "a hello"},
    {{0, 0, 0, 0}, 4, LATE_UNEXPECTED, LATE_UNEXPECTED, 0, "a request for a hello"},
    {{20, 0, 0, 1, 0}, 5, LATE_UNEXPECTED, LATE_UNEXPECTED, 1, "a second Finished"},
};

ParameterizedTestParameters(late_messages, table)
{
	return cr_make_param_array(struct row, rows, sizeof(rows) / sizeof(rows[0]));
}

ParameterizedTest(struct row *row, late_messages, table)
{
	for (int from_server = 0; from_server < 2; from_server++) {
		struct late_messages late = {.from_server = from_server == 1};
		struct bytes in = {row->bytes, row->size};
		enum late expected = from_server == 1 ? row->server : row->camera;

		cr_expect_eq(late_messages_take(&late, &in), expected, "%s", row->why);
		if (expected != LATE_UNEXPECTED || row->server >= LATE_UNEXPECTED)
			cr_expect_eq(in.left, row->left, "%s: %zu", row->why, in.left);
	}
}

/* However a message is cut, the same is told. */
Test(late_messages, are_the_same_in_pieces)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct late_messages late = {.from_server = true};
		enum late said = LATE_MORE;
		size_t at = 0;

		if (rows[i].server == LATE_UNEXPECTED && rows[i].bytes[0] == 24 &&
		    rows[i].left == 1)
			continue; /* it is the record that is wrong */
		for (; at < rows[i].size && said == LATE_MORE; at++) {
			struct bytes in = {rows[i].bytes + at, 1};

			cr_expect_eq(late_messages_wait(&late), at > 0, "%s", rows[i].why);
			said = late_messages_take(&late, &in);
		}
		cr_expect_eq(said, rows[i].server, "%s", rows[i].why);
		cr_expect_eq(rows[i].size - at, rows[i].left, "%s", rows[i].why);
		if (said < LATE_UNEXPECTED)
			cr_expect_not(late_messages_wait(&late));
	}
}

Test(late_messages, a_ticket_of_many_records_is_one)
{
	static uint8_t piece[16384];
	struct late_messages late = {.from_server = true};
	struct bytes in = {piece, 4};
	uint32_t left = LATE_TICKET_MAX;

	piece[0] = 4;
	piece[1] = (uint8_t)(left >> 16);
	piece[2] = (uint8_t)(left >> 8);
	piece[3] = (uint8_t)left;
	cr_assert_eq(late_messages_take(&late, &in), LATE_MORE);
	for (; left > sizeof(piece); left -= (uint32_t)sizeof(piece)) {
		in = (struct bytes){piece, sizeof(piece)};
		cr_assert_eq(late_messages_take(&late, &in), LATE_MORE);
		cr_assert_eq(in.left, 0);
	}
	in = (struct bytes){piece, left};
	cr_expect_eq(late_messages_take(&late, &in), LATE_TICKET);
}

/* ---- TLS 1.2 ---- */

static struct row rows_tls12[] = {
    {{0, 0, 0, 0}, 4, LATE_UNEXPECTED, LATE_HELLO, 0, "a request for a hello"},
    {{0, 0, 0, 0, 0}, 5, LATE_UNEXPECTED, LATE_HELLO, 1, "one with another behind it"},
    {{0, 0, 0, 1, 0}, 5, LATE_UNEXPECTED, LATE_UNDECODABLE, 1, "one with something in it"},
    {{1, 0, 0, 2, 3, 3}, 6, LATE_HELLO, LATE_UNEXPECTED, 0, "a hello"},
    {{1, 0, 0, 0, 1}, 5, LATE_HELLO, LATE_UNEXPECTED, 1, "one of nothing, and another"},
    {{1, 0, 0, 9, 3, 3}, 6, LATE_MORE, LATE_UNEXPECTED, 0, "one that goes on"},
    {{1, 1, 0, 0, 3, 3}, 6, LATE_MORE, LATE_UNEXPECTED, 0, "the longest"},
    {{1, 1, 0, 1, 3, 3}, 6, LATE_UNDECODABLE, LATE_UNEXPECTED, 2, "one longer than that"},
    {{4, 0, 0, 3, 1, 2, 3}, 7, LATE_UNEXPECTED, LATE_UNEXPECTED, 3, "a ticket"},
    {{24, 0, 0, 1, 0}, 5, LATE_UNEXPECTED, LATE_UNEXPECTED, 1, "a key update"},
    {{16, 0, 0, 0}, 4, LATE_UNEXPECTED, LATE_UNEXPECTED, 0, "a key exchange"},
};

Test(late_messages, of_tls_1_2_are_wishes_to_negotiate_anew)
{
	for (size_t i = 0; i < 2 * sizeof(rows_tls12) / sizeof(rows_tls12[0]); i++) {
		const struct row *row = &rows_tls12[i / 2];
		struct late_messages late = {.from_server = i % 2 == 1, .tls12 = true};
		struct bytes in = {row->bytes, row->size};
		enum late expected = i % 2 == 1 ? row->server : row->camera;

		cr_expect_eq(late_messages_take(&late, &in), expected, "%s", row->why);
		if (expected != LATE_UNEXPECTED)
			cr_expect_eq(in.left, row->left, "%s: %zu", row->why, in.left);
		cr_expect_eq(expected == LATE_HELLO && late_messages_wait(&late), false);
	}
}
