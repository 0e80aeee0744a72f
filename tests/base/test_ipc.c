/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "base/ipc.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int ends[2];
static uint8_t message[IPC_MESSAGE_MAX + 1], received[IPC_MESSAGE_MAX + 1];

static void
open_pair(void)
{
	struct err err = {0};

	cr_assert_eq(ipc_pair(ends, &err), 0, "%s", err.text);
	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)(i * 7);
}

static void
close_pair(void)
{
	(void)close(ends[0]);
	(void)close(ends[1]);
}

TestSuite(ipc, .init = open_pair, .fini = close_pair);

static size_t
open_fds(void)
{
	size_t count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

Test(ipc, ends_are_closed_on_exec_and_never_block)
{
	for (int i = 0; i < 2; i++) {
		cr_expect_eq(fcntl(ends[i], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
		cr_expect_eq(fcntl(ends[i], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	}
}

Test(ipc, messages_keep_their_borders_and_order)
{
	static const size_t sizes[] = {1, 3, 4096, 2, IPC_MESSAGE_MAX};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		cr_assert_eq(ipc_send(ends[0], message, sizes[i], NULL), 1);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		memset(received, 0, sizeof(received));
		cr_assert_eq(ipc_receive(ends[1], received, sizeof(received), NULL),
		    (ssize_t)sizes[i]);
		cr_expect_eq(memcmp(received, message, sizes[i]), 0);
	}
	cr_expect_eq(ipc_receive(ends[1], received, sizeof(received), NULL), 0);
}

Test(ipc, both_ends_speak)
{
	cr_assert_eq(ipc_send(ends[1], "back", 4, NULL), 1);
	cr_expect_eq(ipc_receive(ends[0], received, sizeof(received), NULL), 4);
}

Test(ipc, a_full_queue_is_no_error_and_holds_the_largest_message)
{
	size_t sent = 0, got = 0;
	struct err err = {0};
	int ret;

	while ((ret = ipc_send(ends[0], message, IPC_MESSAGE_MAX, &err)) == 1 && sent < 10000)
		sent++;
	cr_expect_eq(ret, 0, "%s", err.text);
	cr_expect_geq(sent, 1);
	while (ipc_receive(ends[1], received, sizeof(received), NULL) > 0)
		got++;
	cr_expect_eq(got, sent, "what was not sent did not come");
	cr_expect_eq(ipc_send(ends[0], message, 1, NULL), 1, "there is room again");
}

Test(ipc, a_message_that_does_not_fit_is_dropped_whole)
{
	struct err err = {0};

	cr_assert_eq(ipc_send(ends[0], message, 101, NULL), 1);
	cr_assert_eq(ipc_send(ends[0], "next", 4, NULL), 1);
	cr_expect_eq(ipc_receive(ends[1], received, 100, &err), -1);
	cr_expect_eq(err.kind, ERR_LIMIT);
	cr_expect_eq(ipc_receive(ends[1], received, 100, &err), 4);
	cr_expect_eq(memcmp(received, "next", 4), 0);
}

Test(ipc, an_end_that_is_gone_reads_as_nothing_and_cannot_be_sent_to)
{
	struct err err = {0};

	cr_assert_eq(ipc_send(ends[1], "last", 4, NULL), 1);
	(void)close(ends[1]);
	cr_expect_eq(ipc_send(ends[0], message, 1, &err), -1);
	cr_expect_eq(err.kind, ERR_SYS);
	cr_expect_eq(err.sys, EPIPE);
	cr_expect_eq(ipc_receive(ends[0], received, sizeof(received), NULL), 4,
	    "what it said before is there");
	cr_expect_eq(ipc_receive(ends[0], received, sizeof(received), NULL), 0);
	ends[1] = -1;
}

/* The other end of a pipe that came as a descriptor. */
static void
expect_pipe(int fd, const char *word)
{
	char got[16] = "";

	cr_expect_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	cr_expect_eq(read(fd, got, sizeof(got) - 1), (ssize_t)strlen(word));
	cr_expect_str_eq(got, word);
}

Test(ipc, descriptors_come_with_their_message)
{
	int pipes[2], fds[IPC_FDS_MAX];
	size_t fd_count = IPC_FDS_MAX, before;

	cr_assert_eq(pipe(pipes), 0);
	cr_assert_eq(write(pipes[1], "through", 7), 7);
	before = open_fds();
	cr_assert_eq(ipc_send_fds(ends[0], "fd", 2, pipes, 1, NULL), 1);
	cr_assert_eq(ipc_send(ends[0], "none", 4, NULL), 1);
	cr_assert_eq(ipc_receive_fds(ends[1], received, sizeof(received), fds, &fd_count, NULL), 2);
	cr_assert_eq(fd_count, 1);
	expect_pipe(fds[0], "through");
	(void)close(fds[0]);
	fd_count = IPC_FDS_MAX;
	cr_assert_eq(ipc_receive_fds(ends[1], received, sizeof(received), fds, &fd_count, NULL), 4);
	cr_expect_eq(fd_count, 0);
	cr_expect_eq(open_fds(), before);
	(void)close(pipes[0]);
	(void)close(pipes[1]);
}

Test(ipc, as_many_descriptors_as_allowed_come_and_no_more_are_sent)
{
	int out[IPC_FDS_MAX + 1], in[IPC_FDS_MAX];
	size_t fd_count = IPC_FDS_MAX;
	struct err err = {0};

	for (size_t i = 0; i < IPC_FDS_MAX + 1; i++)
		out[i] = ends[0];
	cr_expect_eq(ipc_send_fds(ends[0], "m", 1, out, IPC_FDS_MAX + 1, &err), -1);
	cr_expect_eq(err.kind, ERR_LIMIT);
	cr_assert_eq(ipc_send_fds(ends[0], "m", 1, out, IPC_FDS_MAX, NULL), 1);
	cr_assert_eq(ipc_receive_fds(ends[1], received, sizeof(received), in, &fd_count, NULL), 1);
	cr_expect_eq(fd_count, IPC_FDS_MAX);
	for (size_t i = 0; i < fd_count; i++)
		(void)close(in[i]);
}

Test(ipc, descriptors_that_nobody_takes_are_closed)
{
	size_t before = open_fds(), fd_count = 1;
	int out[3] = {ends[0], ends[0], ends[0]}, in[1];

	/* Nobody wants any, only one is wanted, the message does not fit. */
	cr_assert_eq(ipc_send_fds(ends[0], "a", 1, out, 3, NULL), 1);
	cr_expect_eq(ipc_receive(ends[1], received, sizeof(received), NULL), 1);
	cr_expect_eq(open_fds(), before);
	cr_assert_eq(ipc_send_fds(ends[0], "b", 1, out, 3, NULL), 1);
	cr_expect_eq(ipc_receive_fds(ends[1], received, sizeof(received), in, &fd_count, NULL), 1);
	cr_expect_eq(fd_count, 1);
	(void)close(in[0]);
	cr_expect_eq(open_fds(), before);
	cr_assert_eq(ipc_send_fds(ends[0], "long", 4, out, 3, NULL), 1);
	cr_expect_eq(ipc_receive_fds(ends[1], received, 2, in, &fd_count, NULL), -1);
	cr_expect_eq(fd_count, 0);
	cr_expect_eq(open_fds(), before);
}

Test(ipc, a_failed_receive_hands_over_no_descriptors)
{
	size_t fd_count = IPC_FDS_MAX;
	int in[IPC_FDS_MAX];

	cr_expect_eq(ipc_receive_fds(-1, received, 2, in, &fd_count, NULL), -1);
	cr_expect_eq(fd_count, 0);
}
