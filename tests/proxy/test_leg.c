/* SPDX-License-Identifier: MIT */
#include "proxy/leg.h"

#include "tests/proxy/leg_pair.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct leg_pair pair;
static struct leg *const leg = &pair.leg;
static uint8_t buffer[32 << 10];

static void
begin(void)
{
	leg_pair_open(&pair);
}

static void
end(void)
{
	leg_pair_close(&pair);
}

TestSuite(leg, .init = begin, .fini = end);

static void
say(const void *bytes, size_t count)
{
	cr_assert_eq(send(pair.other, bytes, count, MSG_NOSIGNAL), (ssize_t)count);
	leg_pair_look(&pair);
}

Test(leg, a_new_one_can_be_written_and_has_nothing_to_read)
{
	size_t count = 7;

	cr_expect(leg->writable);
	cr_expect_not(leg->readable);
	cr_expect_eq(leg_read(leg, buffer, sizeof(buffer), &count), LEG_WAIT);
	cr_expect_eq(count, 0);
	cr_expect_eq(leg_waiting(leg), 0);
	cr_expect_null(leg->out, "an idle leg holds no buffer");
}

Test(leg, what_was_read_before_comes_first)
{
	static const uint8_t before[] = "before-";
	size_t count;

	leg->replay = (struct bytes){before, 7};
	say("after", 5);
	cr_assert_eq(leg_read(leg, buffer, 3, &count), LEG_DONE);
	cr_expect_eq(count, 3);
	cr_assert_eq(leg_read(leg, buffer + 3, sizeof(buffer) - 3, &count), LEG_DONE);
	cr_expect_eq(count, 4, "the replay and the socket are not mixed in a read");
	cr_assert_eq(leg_read(leg, buffer + 7, sizeof(buffer) - 7, &count), LEG_DONE);
	cr_expect_eq(memcmp(buffer, "before-after", 12), 0);
	cr_expect_eq(leg_read(leg, buffer, sizeof(buffer), &count), LEG_WAIT);
}

Test(leg, the_kernel_is_not_asked_again_once_it_had_nothing)
{
	size_t count;

	say("12345", 5);
	cr_assert_eq(leg_read(leg, buffer, sizeof(buffer), &count), LEG_DONE);
	cr_expect(leg->readable, "a short read says nothing of what stands behind it");
	cr_expect_eq(leg_read(leg, buffer, sizeof(buffer), &count), LEG_WAIT);
	cr_assert_eq(send(pair.other, "6", 1, 0), 1);
	cr_expect_eq(leg_read(leg, buffer, sizeof(buffer), &count), LEG_WAIT);
	leg_pair_look(&pair);
	cr_expect_eq(leg_read(leg, buffer, sizeof(buffer), &count), LEG_DONE, "a new edge");
}

Test(leg, bytes_before_the_end_are_read_before_it)
{
	size_t count;

	cr_assert_eq(send(pair.other, "last", 4, 0), 4);
	cr_assert_eq(shutdown(pair.other, SHUT_WR), 0);
	leg_pair_look(&pair);
	cr_expect(leg->fin_coming);
	cr_assert_eq(leg_read(leg, buffer, sizeof(buffer), &count), LEG_DONE);
	cr_expect_eq(count, 4);
	cr_expect_eq(leg->end, LEG_OPEN);
	cr_expect_eq(leg_read(leg, buffer, sizeof(buffer), &count), LEG_ENDED);
	cr_expect_eq(leg->end, LEG_CLOSED);
	cr_expect_eq(leg_read(leg, buffer, sizeof(buffer), &count), LEG_ENDED);
}

Test(leg, writes_go_to_the_kernel_when_it_is_told)
{
	cr_assert_eq(leg_write(leg, (const uint8_t *)"one", 3), LEG_DONE);
	cr_assert_eq(leg_write(leg, (const uint8_t *)"two", 3), LEG_DONE);
	cr_expect_eq(leg_waiting(leg), 6);
	cr_expect_eq(recv(pair.other, buffer, sizeof(buffer), 0), -1);
	cr_expect_eq(leg_flush(leg), LEG_DONE);
	cr_expect_eq(leg_waiting(leg), 0);
	cr_expect_null(leg->out, "its buffer went back");
	cr_expect_eq(recv(pair.other, buffer, sizeof(buffer), 0), 6);
	cr_expect_eq(memcmp(buffer, "onetwo", 6), 0);
}

/* Take all that stands in the other end. */
static size_t
drain(uint8_t *next)
{
	size_t total = 0;
	ssize_t count;

	while ((count = recv(pair.other, buffer, sizeof(buffer), 0)) > 0) {
		for (ssize_t i = 0; i < count; i++)
			cr_assert_eq(buffer[i], (*next)++, "the bytes are in order");
		total += (size_t)count;
	}
	return total;
}

Test(leg, a_peer_that_does_not_read_fills_it_and_no_byte_is_lost)
{
	static uint8_t chunk[16 << 10];
	size_t written = 0, got = 0;
	uint8_t next = 0;

	for (size_t i = 0; i < sizeof(chunk); i++)
		chunk[i] = (uint8_t)i;
	while (leg_write(leg, chunk, sizeof(chunk)) == LEG_DONE) {
		written += sizeof(chunk);
		(void)leg_flush(leg);
		cr_assert_lt(written, 64U << 20, "it never fills");
	}
	cr_expect_gt(leg_waiting(leg), (size_t)LEG_OUT_HIGH);
	cr_expect_eq(leg_flush(leg), LEG_WAIT);
	cr_expect_not(leg->writable);
	for (int turn = 0; turn < 1000 && got < written; turn++) {
		got += drain(&next);
		leg_pair_look(&pair);
		(void)leg_flush(leg);
	}
	cr_expect_eq(got, written);
	cr_expect_eq(leg_waiting(leg), 0);
}

Test(leg, its_end_goes_behind_what_waits)
{
	cr_assert_eq(leg_write(leg, (const uint8_t *)"bye", 3), LEG_DONE);
	leg_end_direction(leg, true);
	leg_end_direction(leg, true);
	cr_expect_not(leg->end_sent);
	cr_expect_eq(leg_flush(leg), LEG_DONE);
	cr_expect(leg->end_sent);
	cr_expect_eq(recv(pair.other, buffer, sizeof(buffer), 0), 3);
	cr_expect_eq(recv(pair.other, buffer, sizeof(buffer), 0), 0);
}

Test(leg, of_a_peer_that_is_gone_is_reset)
{
	size_t count;

	cr_assert_eq(leg_write(leg, (const uint8_t *)"x", 1), LEG_DONE);
	(void)close(pair.other);
	pair.other = -1;
	leg_pair_look(&pair);
	cr_expect_eq(leg_flush(leg), LEG_ENDED);
	cr_expect(leg_is_broken(leg));
	cr_expect_eq(leg_how_ended(leg), LEG_RESET);
	cr_expect_eq(leg->error, EPIPE);
	cr_expect_eq(leg_waiting(leg), 0);
	cr_expect_eq(leg_write(leg, (const uint8_t *)"x", 1), LEG_ENDED);
	cr_expect_eq(leg_flush(leg), LEG_ENDED);
	cr_expect_eq(leg_read(leg, buffer, sizeof(buffer), &count), LEG_ENDED);
}
