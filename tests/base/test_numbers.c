/* SPDX-License-Identifier: MIT */
#include "base/numbers.h"

#include <criterion/criterion.h>

Test(numbers, are_found_whatever_their_order)
{
	static const uint32_t list[] = {64496, 1, UINT32_MAX, 13335, 0};
	struct numbers numbers = {0};

	cr_expect_null(numbers_find(&numbers, 1));
	for (uint32_t i = 0; i < 5; i++)
		cr_assert_eq(numbers_add(&numbers, list[i], i), 0);
	numbers_sort(&numbers);
	for (uint32_t i = 0; i < 5; i++) {
		const struct number *found = numbers_find(&numbers, list[i]);

		cr_assert_not_null(found, "%u", list[i]);
		cr_expect_eq(found->value, i);
		cr_expect_not(numbers_twin(&numbers, i));
	}
	cr_expect_null(numbers_find(&numbers, 2));
	cr_expect_null(numbers_find(&numbers, UINT32_MAX - 1));
	numbers_free(&numbers);
}

Test(numbers, tells_twins)
{
	struct numbers numbers = {0};

	for (uint32_t i = 0; i < 200; i++)
		cr_assert_eq(numbers_add(&numbers, i / 2, 200 - i), 0);
	numbers_sort(&numbers);
	for (size_t i = 0; i < 200; i++)
		cr_expect_eq(numbers_twin(&numbers, i), i % 2 == 1);
	cr_expect_eq(numbers.list[0].value, 199);
	numbers_free(&numbers);
}

Test(numbers, reads_a_network)
{
	static const char *const bad[] = {"", "0", "4294967296", "99999999999", "-1", "+1", " 1",
	    "1 ", "AS1", "0x10", "1.5"};
	uint32_t asn = 0;

	cr_expect(asn_parse("1", &asn));
	cr_expect_eq(asn, 1);
	cr_expect(asn_parse("4294967295", &asn));
	cr_expect_eq(asn, UINT32_MAX);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_not(asn_parse(bad[i], &asn), "%s", bad[i]);
}
