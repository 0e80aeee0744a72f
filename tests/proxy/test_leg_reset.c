/* SPDX-License-Identifier: MIT */
/* A leg whose peer resets: what it said before, and what it has of ours. */
#include "proxy/leg.h"

#include "tests/proxy/leg_pair.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static struct leg_pair pair;
static struct leg *const leg = &pair.leg;
static uint8_t buffer[32 << 10];

static void
begin(void)
{
	leg_pair_open_tcp(&pair);
}

static void
end(void)
{
	leg_pair_close(&pair);
}

TestSuite(leg_reset, .init = begin, .fini = end);

static void
say_and_reset(bool fin)
{
	const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

	cr_assert_eq(send(pair.other, "before", 6, MSG_NOSIGNAL), 6);
	if (fin)
		cr_assert_eq(shutdown(pair.other, SHUT_WR), 0);
	cr_assert_eq(setsockopt(pair.other, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
	(void)close(pair.other);
	pair.other = -1;
	leg_pair_look(&pair);
}

static void
fail_to_send(int error)
{
	cr_assert_eq(leg_write(leg, (const uint8_t *)"x", 1), LEG_DONE);
	cr_expect_eq(leg_flush(leg), LEG_ENDED);
	cr_expect_eq(leg->error, error);
	cr_expect_eq(leg->end, LEG_OPEN, "there may be more");
	cr_expect(leg_is_broken(leg));
}

Test(leg_reset, comes_behind_what_was_said)
{
	size_t count;

	say_and_reset(false);
	cr_expect_eq(leg_read(leg, buffer, sizeof(buffer), &count), LEG_DONE);
	cr_expect_eq(count, 6);
	cr_expect_eq(leg_read(leg, buffer, sizeof(buffer), &count), LEG_ENDED);
	cr_expect_eq(leg->end, LEG_RESET);
}

/* The socket tells of it once, and a send that fails has heard it. */
Test(leg_reset, comes_behind_what_was_said_after_a_send_failed)
{
	size_t count;

	say_and_reset(false);
	fail_to_send(ECONNRESET);
	cr_expect_eq(leg_read(leg, buffer, sizeof(buffer), &count), LEG_DONE);
	cr_expect_eq(count, 6);
	cr_expect_eq(leg_read(leg, buffer, sizeof(buffer), &count), LEG_ENDED);
	cr_expect_eq(leg->end, LEG_RESET, "and no orderly end");
	cr_expect_eq(leg->error, ECONNRESET);
}

Test(leg_reset, leaves_an_orderly_end_before_it)
{
	size_t count;

	say_and_reset(true);
	fail_to_send(EPIPE);
	cr_expect_eq(leg_read(leg, buffer, sizeof(buffer), &count), LEG_DONE);
	cr_expect_eq(leg_read(leg, buffer, sizeof(buffer), &count), LEG_ENDED);
	cr_expect_eq(leg->end, LEG_CLOSED);
	cr_expect(leg_is_broken(leg), "nothing can be sent to it");
}

Test(leg_reset, ends_the_wait_for_what_is_not_taken)
{
	uint64_t before, acknowledged;

	cr_expect(leg_is_taken(leg, &before));
	do
		cr_assert_eq(leg_write(leg, buffer, sizeof(buffer) / 2), LEG_DONE);
	while (leg_flush(leg) == LEG_DONE);
	cr_expect_not(leg_is_taken(leg, &acknowledged), "nobody reads it");
	cr_expect_gt(acknowledged, before);
	say_and_reset(false);
	cr_expect(leg_is_taken(leg, &acknowledged), "nobody ever will");
}
