/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* Exactly count bytes of a heap block, so that one more is an over-read. */
static uint8_t *
exactly(size_t count)
{
	uint8_t *at = malloc(count > 0 ? count : 1);

	cr_assert_not_null(at);
	for (size_t i = 0; i < count; i++)
		at[i] = (uint8_t)(0xf1 + i);
	return at;
}

Test(bytes, numbers_are_big_endian_and_taken_from_the_front)
{
	static const uint8_t at[] = {0xff, 0x01, 0x02, 0x80, 0x00, 0x03, 0x09};
	struct bytes in = {at, sizeof(at)};
	uint8_t one;
	uint16_t two;
	uint32_t three;

	cr_assert(bytes_u8(&in, &one));
	cr_expect_eq(one, 0xff);
	cr_assert(bytes_u16(&in, &two));
	cr_expect_eq(two, 0x0102);
	cr_assert(bytes_u24(&in, &three));
	cr_expect_eq(three, 0x800003);
	cr_expect_eq(in.left, 1);
	cr_expect_eq(in.at, at + 6);
}

Test(bytes, what_is_too_short_is_left_alone)
{
	for (size_t count = 0; count < 3; count++) {
		uint8_t *at = exactly(count);
		struct bytes in = {at, count}, out = {at, 77};
		uint8_t one = 9;
		uint16_t two = 9;
		uint32_t three = 9;

		cr_expect_eq(bytes_u8(&(struct bytes){at, count}, &one), count >= 1);
		cr_expect_eq(one, count >= 1 ? 0xf1 : 9);
		cr_expect_eq(bytes_u16(&(struct bytes){at, count}, &two), count >= 2);
		cr_expect_eq(two, count >= 2 ? 0xf1f2 : 9);
		cr_expect_not(bytes_u24(&in, &three));
		cr_expect_eq(three, 9);
		cr_expect_not(bytes_take(&in, count + 1, &out));
		cr_expect_not(bytes_take(&in, SIZE_MAX, &out));
		cr_expect_eq(in.left, count);
		cr_expect_eq(in.at, at);
		cr_expect_eq(out.left, 77);
		free(at);
	}
}

Test(bytes, all_and_nothing_can_be_taken)
{
	uint8_t *at = exactly(5);
	struct bytes in = {at, 5}, out;

	cr_assert(bytes_take(&in, 0, &out));
	cr_expect_eq(out.left, 0);
	cr_expect_eq(in.left, 5);
	cr_assert(bytes_take(&in, 5, &out));
	cr_expect_eq(out.left, 5);
	cr_expect_eq(out.at, at);
	cr_expect_eq(in.left, 0);
	cr_assert(bytes_take(&in, 0, &out), "nothing can be taken of nothing");
	free(at);
}

Test(bytes, a_part_may_be_its_own_rest)
{
	static const uint8_t at[] = {1, 2, 3};
	struct bytes in = {at, sizeof(at)};

	cr_assert(bytes_take(&in, 2, &in));
	cr_expect_eq(in.left, 0, "the reader moved last");
}

Test(bytes, a_vector_is_taken_whole_or_not_at_all)
{
	static const uint8_t wire[] = {2, 'a', 'b', 0, 3, 'c', 'd', 'e', 1};
	struct bytes in = {wire, sizeof(wire)}, out = {0};

	cr_assert(bytes_vec8(&in, &out));
	cr_expect_eq(out.left, 2);
	cr_expect_eq(out.at[0], 'a');
	cr_assert(bytes_vec16(&in, &out));
	cr_expect_eq(out.left, 3);
	cr_expect_eq(out.at[2], 'e');
	cr_expect_not(bytes_vec8(&in, &out), "its one byte is not there");
	cr_expect_not(bytes_vec16(&in, &out), "nor a whole length");
	cr_expect_eq(in.left, 1);
	cr_expect_eq(out.left, 3);
}

Test(bytes, numbers_of_either_end)
{
	static const uint8_t wire[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
	struct bytes in = {wire, sizeof(wire)};
	uint32_t four = 0;
	uint16_t two = 0;

	cr_assert(bytes_u32(&in, &four));
	cr_expect_eq(four, 0x01020304);
	cr_assert(bytes_le32(&in, &four));
	cr_expect_eq(four, 0x08070605);
	cr_assert(bytes_le16(&in, &two));
	cr_expect_eq(two, 0x0a09);
	cr_expect_not(bytes_u32(&in, &four));
	cr_expect_not(bytes_le32(&in, &four));
	cr_expect_not(bytes_le16(&in, &two));
	cr_expect_eq(four, 0x08070605, "what did not fit wrote nothing");
}

Test(bytes, what_matches_is_taken)
{
	static const uint8_t wire[] = {'a', 'b', 'c'};
	struct bytes in = {wire, sizeof(wire)};

	cr_expect_not(bytes_match(&in, "ac", 2));
	cr_expect_not(bytes_match(&in, "abcd", 4), "longer than what there is");
	cr_expect_eq(in.left, 3);
	cr_assert(bytes_match(&in, "ab", 2));
	cr_assert(bytes_skip(&in, 1));
	cr_expect_not(bytes_skip(&in, 1));
}

Test(bytes, what_is_sought_is_found_where_it_stands_first)
{
	static const uint8_t wire[] = {'a', 'a', 'b', 'a', 'b', 'c'};
	struct bytes in = {wire, sizeof(wire)};

	cr_expect_not(bytes_seek(&in, "abd", 3));
	cr_expect_not(bytes_seek(&in, "bca", 3), "it would go on behind the end");
	cr_expect_eq(in.left, sizeof(wire));
	cr_assert(bytes_seek(&in, "ab", 2));
	cr_expect_eq(in.at, wire + 1);
	cr_assert(bytes_seek(&in, "abc", 3));
	cr_expect_eq(in.at, wire + 3);
	cr_assert(bytes_seek(&in, "c", 1));
	cr_expect_eq(in.left, 1);
	cr_assert(bytes_skip(&in, 1));
	cr_expect_not(bytes_seek(&in, "c", 1), "nothing is left");
}

/* At every place of bytes of every size, with as much of it before as may mislead. */
Test(bytes, what_is_sought_is_found_wherever_it_stands)
{
	static const uint8_t wanted[] = {0, 0, 1, 7};

	for (size_t size = 0; size < 230; size += size < 80 ? 1 : 5) {
		for (size_t count = 1; count <= sizeof(wanted) && count <= size; count++) {
			for (size_t place = 0; place + count <= size; place++) {
				uint8_t *at = exactly(size);
				struct bytes in = {at, size};

				memset(at, 9, size);
				memcpy(at + place, wanted, count);
				cr_assert(bytes_seek(&in, wanted, count));
				cr_assert_eq(in.at, at + place);
				memset(at, count > 2 ? 0 : 9, size);
				in = (struct bytes){at, size};
				cr_assert_not(bytes_seek(&in, wanted, count));
				free(at);
			}
		}
	}
}
