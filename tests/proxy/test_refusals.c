/* SPDX-License-Identifier: MIT */
#include "proxy/refusals.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct refusals *refusals;
static struct addr camera, dst;

static void
open_refusals(void)
{
	refusals = refusals_new();
	cr_assert_not_null(refusals);
	cr_assert_eq(addr_parse(&camera, "10.0.0.4", 0, NULL), 0);
	cr_assert_eq(addr_parse(&dst, "203.0.114.10:443", 0, NULL), 0);
}

static void
close_refusals(void)
{
	refusals_free(refusals);
}

TestSuite(refusals, .init = open_refusals, .fini = close_refusals);

Test(refusals, that_was_said_counts_at_once)
{
	cr_expect_not(refusals_is(refusals, &camera, &dst, "a.example", 0));
	refusals_add(refusals, &camera, &dst, "a.example", REFUSAL_CERTAIN, 1000);
	cr_expect(refusals_is(refusals, &camera, &dst, "a.example", 1000));
}

Test(refusals, that_only_looks_like_one_counts_when_seen_twice)
{
	refusals_add(refusals, &camera, &dst, "a.example", REFUSAL_PROBABLE, 1000);
	cr_expect_not(refusals_is(refusals, &camera, &dst, "a.example", 1000));
	refusals_add(refusals, &camera, &dst, "a.example", REFUSAL_PROBABLE, 2000);
	cr_expect(refusals_is(refusals, &camera, &dst, "a.example", 2000));
}

Test(refusals, of_none_is_none)
{
	for (int i = 0; i < 3; i++)
		refusals_add(refusals, &camera, &dst, "a.example", REFUSAL_NONE, 1000);
	cr_expect_not(refusals_is(refusals, &camera, &dst, "a.example", 1000));
}

Test(refusals, is_of_one_camera_at_one_place)
{
	struct addr other_camera = camera, same_camera = camera, other_dst = dst, other_port = dst;

	other_camera.ip[15]++;
	same_camera.port = 4711;
	other_dst.ip[15]++;
	other_port.port++;
	refusals_add(refusals, &camera, &dst, "a.example", REFUSAL_CERTAIN, 0);
	cr_expect(refusals_is(refusals, &same_camera, &dst, "a.example", 0),
	    "its own port is another each time");
	cr_expect_not(refusals_is(refusals, &other_camera, &dst, "a.example", 0));
	cr_expect_not(refusals_is(refusals, &camera, &other_dst, "a.example", 0));
	cr_expect_not(refusals_is(refusals, &camera, &other_port, "a.example", 0));
	cr_expect_not(refusals_is(refusals, &camera, &dst, "b.example", 0));
	cr_expect_not(refusals_is(refusals, &camera, &dst, "", 0));
}

Test(refusals, is_forgotten_when_old)
{
	refusals_add(refusals, &camera, &dst, "a.example", REFUSAL_CERTAIN, 1000);
	cr_expect(refusals_is(refusals, &camera, &dst, "a.example", 999 + REFUSALS_AGE_MS));
	cr_expect_not(refusals_is(refusals, &camera, &dst, "a.example", 1000 + REFUSALS_AGE_MS));
}

/* Two that were a week apart counted as two. */
Test(refusals, that_is_forgotten_does_not_count_towards_the_next)
{
	refusals_add(refusals, &camera, &dst, "a.example", REFUSAL_PROBABLE, 1000);
	refusals_add(refusals, &camera, &dst, "a.example", REFUSAL_PROBABLE,
	    1000 + REFUSALS_AGE_MS);
	cr_expect_not(refusals_is(refusals, &camera, &dst, "a.example", 1000 + REFUSALS_AGE_MS));
}

Test(refusals, that_was_only_probable_is_cleared_by_trust)
{
	refusals_add(refusals, &camera, &dst, "a.example", REFUSAL_PROBABLE, 0);
	refusals_clear(refusals, &camera, &dst, "a.example");
	refusals_add(refusals, &camera, &dst, "a.example", REFUSAL_PROBABLE, 0);
	cr_expect_not(refusals_is(refusals, &camera, &dst, "a.example", 0));
	refusals_clear(refusals, &camera, &dst, "never.example");
}

/* Two programs of a camera at one place, of which one pins: it was refused
 * anew whenever the other had been served. */
Test(refusals, that_was_said_is_not_cleared_by_another_programs_trust)
{
	refusals_add(refusals, &camera, &dst, "a.example", REFUSAL_CERTAIN, 0);
	refusals_clear(refusals, &camera, &dst, "a.example");
	cr_expect(refusals_is(refusals, &camera, &dst, "a.example", 0));
}

Test(refusals, a_full_table_keeps_the_newest)
{
	char name[32];

	for (unsigned i = 0; i < 20000; i++) {
		(void)snprintf(name, sizeof(name), "n%u.example", i);
		refusals_add(refusals, &camera, &dst, name, REFUSAL_CERTAIN, i);
		cr_assert(refusals_is(refusals, &camera, &dst, name, i), "%s", name);
	}
	cr_expect_not(refusals_is(refusals, &camera, &dst, "n0.example", 20000));
}
