/* SPDX-License-Identifier: MIT */
#include "certs/dispatch.h"

#include <criterion/criterion.h>

static void
one(void)
{
}

static void
two(void)
{
}

static void
our_two(void)
{
}

static void
our_three(void)
{
}

static const OSSL_DISPATCH theirs[] = {{11, one}, {22, two}, {0, NULL}};

Test(dispatch, finds_a_function_by_its_id)
{
	cr_expect_eq(dispatch_find(theirs, 11), one);
	cr_expect_eq(dispatch_find(theirs, 22), two);
	cr_expect_null(dispatch_find(theirs, 33));
}

Test(dispatch, puts_ours_in_place_of_theirs_and_adds_none)
{
	static const OSSL_DISPATCH ours[] = {{33, our_three}, {22, our_two}, {0, NULL}};
	OSSL_DISPATCH out[3] = {{44, our_three}, {44, our_three}, {44, our_three}};

	cr_assert(dispatch_replace(theirs, ours, out, 2));
	cr_expect_eq(out[0].function_id, 11);
	cr_expect_eq(out[0].function, one);
	cr_expect_eq(out[1].function_id, 22);
	cr_expect_eq(out[1].function, our_two);
	cr_expect_eq(out[2].function_id, 0, "it ends there");
}

Test(dispatch, says_where_there_is_no_room)
{
	static const OSSL_DISPATCH none[] = {{0, NULL}};
	OSSL_DISPATCH out[2];

	cr_expect_not(dispatch_replace(theirs, none, out, 1));
	cr_expect_eq(out[1].function_id, 0);
}
