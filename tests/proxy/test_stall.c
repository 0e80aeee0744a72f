/* SPDX-License-Identifier: MIT */
#include "proxy/stall.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* A camera's connection: ends[0] is the camera's, ends[1] the appliance's. */
static void
connect_pair(int ends[2])
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_eq(bind(listener, (const struct sockaddr *)&at, sizeof(at)), 0);
	cr_assert_eq(listen(listener, 1), 0);
	cr_assert_eq(getsockname(listener, (struct sockaddr *)&at, &size), 0);
	ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(connect(ends[0], (const struct sockaddr *)&at, sizeof(at)), 0);
	ends[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	cr_assert_geq(ends[1], 0);
	(void)close(listener);
}

static void
turn(struct event_base *base)
{
	cr_assert_geq(event_base_loop(base, EVLOOP_NONBLOCK), 0);
}

Test(stall, a_camera_is_kept_until_it_goes)
{
	struct event_base *base = event_base_new();
	struct stalls stalls = {0};
	int ends[2];
	char byte;

	connect_pair(ends);
	stalls_add(&stalls, base, ends[1]);
	cr_expect_eq(stalls.count, 1);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(send(ends[0], "hello", 5, MSG_NOSIGNAL), 5);
		turn(base);
		cr_expect_eq(stalls.count, 1);
		cr_expect_eq(recv(ends[0], &byte, 1, MSG_DONTWAIT), -1);
		cr_expect_eq(errno, EAGAIN);
	}
	(void)close(ends[0]);
	turn(base);
	cr_expect_eq(stalls.count, 0);
	event_base_free(base);
}

Test(stall, a_camera_that_resets_is_let_go)
{
	const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
	struct event_base *base = event_base_new();
	struct stalls stalls = {0};
	int ends[2];

	connect_pair(ends);
	stalls_add(&stalls, base, ends[1]);
	(void)setsockopt(ends[0], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	(void)close(ends[0]);
	turn(base);
	turn(base);
	cr_expect_eq(stalls.count, 0);
	event_base_free(base);
}

Test(stall, one_too_many_resets_the_oldest)
{
	struct event_base *base = event_base_new();
	struct stalls stalls = {0};
	int cameras[STALLS_MAX + 1];
	char byte;

	for (int i = 0; i <= STALLS_MAX; i++) {
		int ends[2];

		connect_pair(ends);
		cameras[i] = ends[0];
		stalls_add(&stalls, base, ends[1]);
	}
	cr_expect_eq(stalls.count, STALLS_MAX);
	cr_expect_eq(recv(cameras[0], &byte, 1, 0), -1);
	cr_expect_eq(errno, ECONNRESET);
	cr_expect_eq(recv(cameras[1], &byte, 1, MSG_DONTWAIT), -1);
	cr_expect_eq(errno, EAGAIN);
	stalls_clear(&stalls);
	cr_expect_eq(stalls.count, 0);
	cr_expect_eq(recv(cameras[1], &byte, 1, 0), -1);
	cr_expect_eq(errno, ECONNRESET);
	for (int i = 0; i <= STALLS_MAX; i++)
		(void)close(cameras[i]);
	event_base_free(base);
}
