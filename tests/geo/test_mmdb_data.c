/* SPDX-License-Identifier: MIT */
#include "geo/mmdb_data.h"

#include "base/err.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>

struct row {
	uint8_t bytes[24];
	size_t size;
	char refusal[40]; /* part of the error; "" when the value is good */
	char why[48];
};

/* clang-format off */
static struct row rows[] = {
    {{0x42, 'D', 'E'}, 3, "", "a string"},
    {{0x40}, 1, "", "an empty string"},
    {{0x42, 'D'}, 2, "leaves its section", "a string cut short"},
    {{0x5d, 0}, 2, "leaves its section", "29 bytes that are not there"},
    {{0x5d}, 1, "leaves its section", "a size cut short"},
    {{0x5e, 0xff, 0xff}, 3, "leaves its section", "65820 bytes that are not there"},
    {{0x5f, 0xff, 0xff, 0xff}, 4, "leaves its section", "16 MiB that are not there"},
    {{0xc1, 7}, 2, "", "a uint32 of one byte"},
    {{0xc5, 1, 2, 3, 4, 5}, 6, "a number of type 6", "a uint32 of five bytes"},
    {{0xa2, 1, 2}, 3, "", "a uint16"},
    {{0xa3, 1, 2, 3}, 4, "a number of type 5", "a uint16 of three bytes"},
    {{0x68, 0, 0, 0, 0, 0, 0, 0, 0}, 9, "", "a double"},
    {{0x67, 0, 0, 0, 0, 0, 0, 0}, 8, "a number of type 3", "a double of seven bytes"},
    {{0x04, 0x08, 0, 0, 0, 0}, 6, "", "a float"},
    {{0x03, 0x08, 0, 0, 0}, 5, "a number of type 15", "a float of three bytes"},
    {{0x08, 0x02, 1, 2, 3, 4, 5, 6, 7, 8}, 10, "", "a uint64"},
    {{0x01, 0x07}, 2, "", "true"},
    {{0x02, 0x07}, 2, "a boolean of 2", "neither true nor false"},
    {{0x00, 0x05}, 2, "unknown type 12", "a cache container"},
    {{0x00, 0x06}, 2, "unknown type 13", "an end marker"},
    {{0x00, 0x09}, 2, "unknown type 16", "a type behind the last"},
    {{0x00, 0xff}, 2, "unknown type 262", "the largest type"},
    {{0x00}, 1, "leaves its section", "a type cut short"},
    {{0xe1, 0x41, 'a', 0x41, 'b'}, 5, "", "a map"},
    {{0xe0}, 1, "", "an empty map, last in its section"},
    {{0x00, 0x04}, 2, "", "an empty array, last in its section"},
    {{0xe1, 0x41, 'a'}, 3, "leaves its section", "a map without its value"},
    {{0xe2, 0x41, 'a', 0x41, 'b'}, 5, "leaves its section", "a map of more than there is"},
    {{0xfd, 0xff}, 2, "a container of 284", "a map of far more"},
    {{0xff, 0xff, 0xff, 0xff, 0}, 5, "a container of", "an oversized map"},
    {{0x1f, 0x04, 0xff, 0xff, 0xff}, 5, "a container of", "an oversized array"},
    {{0xe1, 0xc1, 1, 0x41, 'b'}, 5, "key is no string", "a number for a key"},
    {{0xe1, 0xe0, 0x41, 'b'}, 4, "key is no string", "a map for a key"},
    {{0xe1, 0x20, 5, 0x41, 'b', 0x41, 'a'}, 7, "", "a pointer to a key"},
    {{0xe1, 0x20, 5, 0x41, 'b', 0xc1, 1}, 7, "key is no string", "a pointer to a number for a key"},
    {{0xe1, 0x41, 'a', 0x20, 5, 0x41, 'b'}, 7, "", "a pointer to a value"},
    {{0xe1, 0x41, 'a', 0x20, 0}, 5, "a ring", "a map that holds itself"},
    {{0xe1, 0x41, 'a', 0x20, 6, 0, 0x01, 0x04, 0x20, 0}, 10, "a ring", "a ring of two"},
    {{0xe1, 0x41, 'a', 0x20, 5, 0x20, 7, 0x41, 'b'}, 9, "a pointer to a pointer", "two in a row"},
    {{0x20, 2, 0x41, 'b'}, 4, "a pointer to a pointer", "a record that is a pointer"},
    {{0xe1, 0x41, 'a', 0x20, 9}, 5, "a pointer to 9", "behind the end"},
    {{0xe1, 0x41, 'a', 0x28, 0, 0}, 6, "a pointer to 2048", "the first of the second form"},
    {{0xe1, 0x41, 'a', 0x30, 0, 0, 0}, 7, "a pointer to 526336", "the first of the third form"},
    {{0xe1, 0x41, 'a', 0x38, 0xff, 0xff, 0xff, 0xff}, 8, "a pointer to 4294967295", "the largest"},
    {{0xe1, 0x41, 'a', 0x3f, 0, 0, 0, 8, 0x41, 'b'}, 10, "", "the last form has no high bits"},
    {{0xe1, 0x41, 'a', 0x20}, 4, "leaves its section", "a pointer cut short"},
};
/* clang-format on */

ParameterizedTestParameters(mmdb_data, refuses_what_cannot_be_read)
{
	return cr_make_param_array(struct row, rows, sizeof(rows) / sizeof(rows[0]));
}

static int
check(const uint8_t *bytes, size_t size, uint32_t offset, struct err *err)
{
	/* A copy on the heap, so that a read behind it is seen. */
	uint8_t *copy = malloc(size);
	struct mmdb_data data;
	int ret;

	cr_assert_not_null(copy);
	memcpy(copy, bytes, size);
	cr_assert_eq(mmdb_data_open(&data, (struct bytes){copy, size}, err), 0);
	ret = mmdb_data_check(&data, offset, err);
	cr_expect_eq(ret == 0 ? mmdb_data_check(&data, offset, err) : 0, 0, "asked twice");
	mmdb_data_close(&data);
	free(copy);
	return ret;
}

ParameterizedTest(struct row *row, mmdb_data, refuses_what_cannot_be_read)
{
	struct err err = {0};

	if (row->refusal[0] == '\0') {
		cr_expect_eq(check(row->bytes, row->size, 0, &err), 0, "%s: %s", row->why,
		    err.text);
		return;
	}
	cr_expect_eq(check(row->bytes, row->size, 0, &err), -1, "%s", row->why);
	cr_expect_not_null(strstr(err.text, row->refusal), "%s: %s", row->why, err.text);
}

Test(mmdb_data, an_offset_behind_the_end_is_refused)
{
	static const uint8_t bytes[] = {0x40};

	cr_expect_eq(check(bytes, 1, 1, NULL), -1);
	cr_expect_eq(check(bytes, 1, UINT32_MAX, NULL), -1);
}

Test(mmdb_data, an_empty_section_is_refused)
{
	struct mmdb_data data;

	cr_expect_eq(mmdb_data_open(&data, (struct bytes){0}, NULL), -1);
}

Test(mmdb_data, nesting_has_a_bound)
{
	/* Arrays of one array each, the innermost empty. */
	uint8_t bytes[2 * 2000];

	for (size_t i = 0; i < sizeof(bytes); i += 2) {
		bytes[i] = 0x01;
		bytes[i + 1] = 0x04;
	}
	bytes[sizeof(bytes) - 2] = 0;
	cr_expect_eq(check(bytes, sizeof(bytes), sizeof(bytes) - 20, NULL), 0);
	cr_expect_eq(check(bytes, sizeof(bytes), 0, NULL), -1);
}

Test(mmdb_data, nesting_by_pointers_has_a_bound_whatever_was_read_first)
{
	/* Each array points to the next; read from the innermost outwards. */
	enum { COUNT = 60, EACH = 4 };
	uint8_t bytes[COUNT * EACH + 2] = {[COUNT * EACH + 1] = 0x04};
	struct mmdb_data data;
	int refused = 0;

	for (unsigned i = 0; i < COUNT; i++) {
		uint8_t *at = bytes + (size_t)i * EACH;
		unsigned next = (i + 1) * EACH;

		at[0] = 0x01;
		at[1] = 0x04;
		at[2] = (uint8_t)(0x20 | next >> 8);
		at[3] = (uint8_t)next;
	}
	cr_assert_eq(mmdb_data_open(&data, (struct bytes){bytes, sizeof(bytes)}, NULL), 0);
	for (unsigned i = COUNT; i-- > 0;)
		refused += mmdb_data_check(&data, i * EACH, NULL) != 0;
	mmdb_data_close(&data);
	cr_expect_gt(refused, 0);
	cr_expect_lt(refused, COUNT);
}

Test(mmdb_data, a_record_of_many_values_is_refused)
{
	/* An array of empty strings, one more than a record may have. */
	size_t count = MMDB_RECORD_VALUES_MAX, size = 4 + count;
	uint8_t *bytes = calloc(1, size);

	cr_assert_not_null(bytes);
	bytes[0] = 0x1e;
	bytes[1] = 0x04;
	bytes[2] = (uint8_t)((count - 285) >> 8);
	bytes[3] = (uint8_t)((count - 285) & 0xff);
	memset(bytes + 4, 0x40, count);
	cr_expect_eq(check(bytes, size, 0, NULL), -1);
	bytes[3]--;
	bytes[3]--;
	cr_expect_eq(check(bytes, size, 0, NULL), 0);
	free(bytes);
}

Test(mmdb_data, records_that_lie_over_each_other_cost_a_bounded_time)
{
	/* At each byte an array of up to 9,000 of the values behind it. */
	enum { SIZE = 60000 };
	uint8_t *bytes = malloc(SIZE);
	struct mmdb_data data;
	int refused = 0;

	cr_assert_not_null(bytes);
	memset(bytes, 0x40, SIZE);
	for (size_t i = 0; i + 4 < 40000; i += 4)
		memcpy(bytes + i, "\x1e\x04\x22\x00", 4);
	cr_assert_eq(mmdb_data_open(&data, (struct bytes){bytes, SIZE}, NULL), 0);
	for (uint32_t i = 36000; i < 40000 && refused == 0; i += 4)
		refused += mmdb_data_check(&data, i, NULL) != 0;
	mmdb_data_close(&data);
	free(bytes);
	cr_expect_eq(refused, 1);
}
