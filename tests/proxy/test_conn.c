/* SPDX-License-Identifier: MIT */
#include "proxy/conn.h"

#include <criterion/criterion.h>
#include <string.h>

#define EACH(state) (enum conn_state state = CONN_LOCATE; state < CONN_STATES; state++)

/* All that can be reached from a state, as a set of bits. */
static unsigned
reachable(enum conn_state from)
{
	unsigned set = 1U << from, before = 0;

	while (set != before) {
		before = set;
		for
			EACH(a)
			{
			for
				EACH(b)
				{
					if ((set & 1U << a) != 0 && conn_may_go(a, b))
						set |= 1U << b;
				}
			}
	}
	return set;
}

Test(conn, every_state_has_a_name_of_its_own)
{
	for
		EACH(a)
		{
		for
			EACH(b)
		cr_expect_eq(strcmp(conn_state_name(a), conn_state_name(b)) == 0, a == b);
		}
}

Test(conn, every_state_is_reached_from_the_first)
{
	cr_expect_eq(reachable(CONN_LOCATE), (1U << CONN_STATES) - 1);
}

Test(conn, every_state_may_close_and_closed_is_the_end)
{
	for
		EACH(state)
		{
			cr_expect_eq(conn_may_go(state, CONN_CLOSED), state != CONN_CLOSED, "%s",
			    conn_state_name(state));
			cr_expect_not(conn_may_go(CONN_CLOSED, state));
		}
}

/* From verify to another connection; from relay, where nobody has spoken or TLS
 * begins in the middle, to the hello. */
Test(conn, there_are_two_ways_back)
{
	for
		EACH(a)
		{
		for
			EACH(b)
			{
				if (b <= a && conn_may_go(a, b))
					cr_expect((a == CONN_VERIFY && b == CONN_CONNECT) ||
						      (a == CONN_RELAY && b == CONN_PEEK),
					    "%s -> %s", conn_state_name(a), conn_state_name(b));
			}
		}
	cr_expect(conn_may_go(CONN_VERIFY, CONN_CONNECT));
	cr_expect(conn_may_go(CONN_RELAY, CONN_PEEK));
}

/* Nothing leaves for a server before the name was judged and recorded. */
Test(conn, there_is_no_way_to_a_server_around_the_decision)
{
	for
		EACH(a)
		{
			if (a < CONN_DECIDE) {
			for
				EACH(b)
				{
					if (b > CONN_DECIDE && b != CONN_CLOSED)
						cr_expect_not(conn_may_go(a, b));
				}
			}
		}
}
