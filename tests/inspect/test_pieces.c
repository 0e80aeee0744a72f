/* SPDX-License-Identifier: MIT */
#include "inspect/pieces.h"

#include <criterion/criterion.h>
#include <string.h>

enum { MAX = 1000 };

static enum pieces_result
add(struct pieces *pieces, const char *text, size_t from, size_t to)
{
	return pieces_add(pieces, from, (struct bytes){(const uint8_t *)text + from, to - from},
	    MAX);
}

/* Every order of five pieces is the same text in the end, and not before. */
Test(pieces, any_order_is_the_same)
{
	static const char text[] = "a text that is cut into five of them";
	static const size_t cuts[] = {0, 7, 8, 20, 30, sizeof(text) - 1};

	for (unsigned order = 0; order < 3125; order++) {
		struct pieces pieces = {0};
		unsigned seen = 0, left = order;

		for (unsigned i = 0; i < 5; i++, left /= 5) {
			cr_assert_eq(add(&pieces, text, cuts[left % 5], cuts[left % 5 + 1]),
			    PIECES_TAKEN);
			seen |= 1U << left % 5;
		}
		if (seen == 31) {
			struct bytes front = pieces_front(&pieces);

			cr_expect_eq(front.left, sizeof(text) - 1);
			cr_expect_eq(memcmp(front.at, text, front.left), 0);
			cr_expect_eq(pieces.count, 1);
		} else {
			cr_expect_lt(pieces_front(&pieces).left, sizeof(text) - 1);
		}
		pieces_clear(&pieces);
	}
}

Test(pieces, that_overlap_must_agree)
{
	static const char one[] = "0123456789", other[] = "01234x6789";
	struct pieces pieces = {0};

	cr_expect_eq(add(&pieces, one, 2, 8), PIECES_TAKEN);
	cr_expect_eq(add(&pieces, other, 0, 5), PIECES_TAKEN);
	cr_expect_eq(add(&pieces, one, 3, 7), PIECES_TAKEN);
	cr_expect_eq(add(&pieces, other, 4, 6), PIECES_BROKEN);
	cr_expect_eq(pieces_front(&pieces).left, 8);
	pieces_clear(&pieces);
}

Test(pieces, beyond_the_end_are_refused)
{
	static const char text[MAX + 2];
	struct pieces pieces = {0};

	cr_expect_eq(add(&pieces, text, MAX - 1, MAX), PIECES_TAKEN);
	cr_expect_eq(add(&pieces, text, MAX, MAX), PIECES_TAKEN); /* none at all */
	cr_expect_eq(add(&pieces, text, MAX, MAX + 1), PIECES_BROKEN);
	cr_expect_eq(pieces_add(&pieces, UINT64_MAX, (struct bytes){(const uint8_t *)text, 2}, MAX),
	    PIECES_BROKEN);
	pieces_clear(&pieces);
}

Test(pieces, have_as_many_gaps_as_there_is_room_for)
{
	static const char text[MAX];
	struct pieces pieces = {0};

	for (size_t i = 0; i < PIECES_RANGES_MAX; i++)
		cr_assert_eq(add(&pieces, text, 2 * i, 2 * i + 1), PIECES_TAKEN);
	cr_expect_eq(add(&pieces, text, MAX - 1, MAX), PIECES_BROKEN);
	cr_expect_eq(add(&pieces, text, 1, 2), PIECES_TAKEN);
	cr_expect_eq(add(&pieces, text, MAX - 1, MAX), PIECES_TAKEN);
	cr_expect_eq(pieces_front(&pieces).left, 3);
	pieces_clear(&pieces);
}
