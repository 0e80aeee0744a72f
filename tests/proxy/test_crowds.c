/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "proxy/crowds.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct addr
server(unsigned number, uint16_t port)
{
	struct addr addr = {0};
	char text[40];

	(void)snprintf(text, sizeof(text), "203.0.%u.%u", number / 256 % 256, number % 256);
	cr_assert_eq(addr_parse(&addr, text, port, NULL), 0);
	return addr;
}

Test(crowds, are_of_an_address_and_a_port)
{
	struct crowds *crowds = crowds_new();
	struct addr one = server(1, 443), same = server(1, 443), port = server(1, 8883),
		    other = server(2, 443);
	struct crowd *first = crowds_join(crowds, &one);

	cr_assert_not_null(first);
	cr_expect_eq(crowds_join(crowds, &same), first);
	cr_expect_neq(crowds_join(crowds, &port), first);
	cr_expect_neq(crowds_join(crowds, &other), first);
	cr_expect_eq(first->pending, 2);
	crowd_leave(first);
	cr_expect_eq(first->pending, 1);
	crowds_free(crowds);
}

Test(crowds, begin_anew_when_all_have_left)
{
	struct crowds *crowds = crowds_new();
	struct addr one = server(1, 443);
	struct crowd *crowd = crowds_join(crowds, &one);

	cr_assert_not_null(crowd);
	crowd->unfinished = 7;
	crowd_leave(crowd);
	crowd = crowds_join(crowds, &one);
	cr_assert_not_null(crowd);
	cr_expect_eq(crowd->unfinished, 0);
	cr_expect_eq(crowd->pending, 1);
	cr_expect(TAILQ_EMPTY(&crowd->waiting));
	crowds_free(crowds);
}

/* Beyond the room nobody is counted, and whoever is there already stays. */
Test(crowds, are_bounded)
{
	enum { MANY = 10000 };
	struct crowds *crowds = crowds_new();
	struct addr one = server(1, 443);
	struct crowd *first = crowds_join(crowds, &one);
	unsigned counted = 0;

	for (unsigned i = 0; i < MANY; i++) {
		struct addr addr = server(256 + i, 443);

		counted += crowds_join(crowds, &addr) != NULL ? 1 : 0;
	}
	cr_expect_gt(counted, 1000);
	cr_expect_lt(counted, MANY);
	cr_expect_eq(crowds_join(crowds, &one), first);
	crowds_free(crowds);
}
