/* SPDX-License-Identifier: MIT */
#include "proxy/splice.h"

#include "tests/proxy/loopback.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* Two legs with TCP sockets, and the far end of each. */
static struct event_base *base;
static struct pool pool;
static struct pipes pipes;
static struct leg from, to;
static int sender, receiver;
static uint8_t buffer[64 << 10];

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	leg_note(arg, what);
}

/* Let the kernel say what there is. */
static void
look(void)
{
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
}

/* One end becomes the leg's, the other is returned. */
static int
join(struct leg *leg)
{
	int taken, fd = loopback_join(&taken);

	*leg = (struct leg){.pool = &pool, .fd = -1};
	cr_assert_eq(leg_open(leg, taken, base, on_event), 0);
	return fd;
}

static void
open_legs(void)
{
	base = event_base_new();
	cr_assert_not_null(base);
	pipes = (struct pipes){0};
	sender = join(&from);
	receiver = join(&to);
	look();
}

static void
close_legs(void)
{
	leg_close(&from, false);
	leg_close(&to, false);
	(void)close(sender);
	(void)close(receiver);
	pipes_clear(&pipes);
	pool_clear(&pool);
	event_base_free(base);
}

TestSuite(splice, .init = open_legs, .fini = close_legs);

static void
say(const void *bytes, size_t count)
{
	cr_assert_eq(send(sender, bytes, count, MSG_NOSIGNAL), (ssize_t)count);
	look();
}

static struct pipe
take(void)
{
	struct pipe pipe = {0};

	cr_assert(pipes_take(&pipes, &pipe));
	return pipe;
}

Test(splice, carries_what_is_there)
{
	struct pipe pipe = take();
	size_t count = 7;

	cr_expect_eq(splice_from(&from, &pipe, &count), LEG_WAIT);
	cr_expect_eq(count, 0);
	say("12345", 5);
	cr_assert_eq(splice_from(&from, &pipe, &count), LEG_DONE);
	cr_expect_eq(count, 5);
	cr_expect_eq(pipe.held, 5);
	cr_assert_eq(splice_to(&to, &pipe, &count), LEG_DONE);
	cr_expect_eq(count, 5);
	cr_expect_eq(recv(receiver, buffer, sizeof(buffer), 0), 5);
	cr_expect_eq(memcmp(buffer, "12345", 5), 0);
	cr_expect_eq(splice_from(&from, &pipe, &count), LEG_WAIT);
	cr_expect_not(from.readable);
	pipes_give(&pipes, &pipe);
}

Test(splice, bytes_before_the_end_come_before_it)
{
	struct pipe pipe = take();
	size_t count;

	say("last", 4);
	cr_assert_eq(shutdown(sender, SHUT_WR), 0);
	look();
	cr_assert_eq(splice_from(&from, &pipe, &count), LEG_DONE);
	cr_expect_eq(from.end, LEG_OPEN);
	cr_assert_eq(splice_to(&to, &pipe, &count), LEG_DONE);
	cr_expect_eq(splice_from(&from, &pipe, &count), LEG_ENDED);
	cr_expect_eq(from.end, LEG_CLOSED);
	cr_expect_eq(splice_from(&from, &pipe, &count), LEG_ENDED);
	pipes_give(&pipes, &pipe);
}

static void
reset(int *fd)
{
	const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

	(void)setsockopt(*fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	(void)close(*fd);
	*fd = -1;
	look();
}

Test(splice, a_reset_of_the_sender_is_told)
{
	struct pipe pipe = take();
	size_t count;

	reset(&sender);
	cr_expect_eq(splice_from(&from, &pipe, &count), LEG_ENDED);
	cr_expect_eq(from.end, LEG_RESET);
	cr_expect_eq(from.error, ECONNRESET);
	pipes_give(&pipes, &pipe);
}

Test(splice, a_reset_of_the_receiver_is_told)
{
	struct pipe pipe = take();
	size_t count;

	say("12345", 5);
	cr_assert_eq(splice_from(&from, &pipe, &count), LEG_DONE);
	reset(&receiver);
	cr_expect_eq(splice_to(&to, &pipe, &count), LEG_ENDED);
	cr_expect_eq(count, 0);
	cr_expect(leg_is_broken(&to));
	cr_expect_eq(to.error, ECONNRESET);
	cr_expect_eq(splice_to(&to, &pipe, &count), LEG_ENDED);
	pipes_give(&pipes, &pipe);
	cr_expect_eq(pipes.made, 0, "one that holds bytes is nobody else's");
}

/* Its socket tells of the reset once, and a send that fails has heard it. */
Test(splice, of_a_sender_that_failed_all_is_taken_and_then_the_reset)
{
	struct pipe pipe = take();
	size_t count;

	say("12345", 5);
	reset(&sender);
	cr_assert_eq(leg_write(&from, (const uint8_t *)"x", 1), LEG_DONE);
	cr_expect_eq(leg_flush(&from), LEG_ENDED);
	cr_expect_eq(splice_from(&from, &pipe, &count), LEG_DONE);
	cr_expect_eq(count, 5);
	cr_expect_eq(splice_to(&to, &pipe, &count), LEG_DONE);
	cr_expect_eq(splice_from(&from, &pipe, &count), LEG_ENDED);
	cr_expect_eq(from.end, LEG_RESET, "and no orderly end");
	pipes_give(&pipes, &pipe);
}

/* Until neither the kernel's buffers nor the pipe take any more; then all of it
 * arrives, in order. */
Test(splice, a_slow_receiver_loses_nothing)
{
	struct pipe pipe = take();
	size_t count, sent = 0, left = 0, got = 0;
	enum leg_io io = LEG_DONE;

	while (io == LEG_DONE) {
		for (size_t i = 0; i < sizeof(buffer); i++)
			buffer[i] = (uint8_t)((sent + i) % 251);
		say(buffer, sizeof(buffer));
		sent += sizeof(buffer);
		while (pipe.held == 0 && splice_from(&from, &pipe, &count) == LEG_DONE &&
		       io == LEG_DONE) {
			io = splice_to(&to, &pipe, &count);
			left += count;
		}
	}
	cr_expect_eq(io, LEG_WAIT);
	cr_expect_not(to.writable);
	cr_expect_gt(pipe.held, 0);
	cr_assert_eq(shutdown(sender, SHUT_WR), 0);
	while (got < sent) {
		ssize_t taken = recv(receiver, buffer, sizeof(buffer), 0);

		cr_assert_gt(taken, 0);
		for (ssize_t i = 0; i < taken; i++)
			cr_assert_eq(buffer[i], (uint8_t)(got++ % 251));
		look();
		if (splice_to(&to, &pipe, &count) == LEG_DONE && got + pipe.held < sent)
			(void)splice_from(&from, &pipe, &left);
	}
	pipes_give(&pipes, &pipe);
}

Test(splice, pipes_are_used_again)
{
	struct pipe pipe = take();
	int first = pipe.read_end;

	pipes_give(&pipes, &pipe);
	pipes_give(&pipes, &pipe);
	cr_expect_not(pipe.open);
	pipe = take();
	cr_expect_eq(pipe.read_end, first);
	cr_expect_eq(pipes.made, 1);
	pipes_give(&pipes, &pipe);
}

Test(splice, pipes_are_bounded)
{
	struct pipe taken[PIPES_MAX] = {0}, more = {0};

	for (size_t i = 0; i < PIPES_MAX; i++)
		cr_assert(pipes_take(&pipes, &taken[i]));
	cr_expect_not(pipes_take(&pipes, &more));
	pipes_give(&pipes, &taken[0]);
	cr_expect(pipes_take(&pipes, &more));
	pipes_give(&pipes, &more);
	for (size_t i = 1; i < PIPES_MAX; i++)
		pipes_give(&pipes, &taken[i]);
}

Test(splice, there_is_none_without_descriptors)
{
	struct rlimit few = {.rlim_cur = 3, .rlim_max = 3}, before;
	struct pipe pipe = {0};

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	few.rlim_max = before.rlim_max;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	cr_expect_not(pipes_take(&pipes, &pipe));
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	cr_expect_eq(pipes.made, 0);
	cr_expect(pipes_take(&pipes, &pipe));
	pipes_give(&pipes, &pipe);
}

/* All of what the leg has, by splicing and where that does not go on by reading;
 * how much. */
static size_t
drain(uint8_t *out)
{
	struct pipe pipe = take();
	enum leg_io io;
	size_t used = 0, count;

	while ((io = splice_from(&from, &pipe, &count)) == LEG_DONE) {
		if (count == 0)
			cr_assert_eq(leg_read(&from, out + used, 1, &count), LEG_DONE);
		else
			cr_assert_eq(read(pipe.read_end, out + used, count), (ssize_t)count);
		pipe.held = 0;
		used += count;
	}
	cr_expect_eq(io, LEG_ENDED);
	cr_expect_eq(from.end, LEG_CLOSED);
	pipes_give(&pipes, &pipe);
	return used;
}

/* An urgent byte is neither the end nor left out. */
Test(splice, goes_past_an_urgent_byte)
{
	say("12345", 5);
	cr_assert_eq(send(sender, "!", 1, MSG_OOB | MSG_NOSIGNAL), 1);
	say("67890", 5);
	cr_assert_eq(shutdown(sender, SHUT_WR), 0);
	look();
	cr_expect_eq(drain(buffer), 11);
	cr_expect_arr_eq(buffer, "12345!67890", 11);
}
