/* SPDX-License-Identifier: MIT */
#include "proxy/intake.h"

#include "base/addr.h"
#include "base/err.h"
#include "tests/proxy/netns.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PORT = 8443, WORKERS = 3, CAMERAS = 12 };

static int
connect_from(const char *camera, const char *server)
{
	struct sockaddr_storage at;
	struct addr from, to;
	int fd;

	cr_assert_eq(addr_parse(&from, camera, 0, NULL), 0);
	cr_assert_eq(addr_parse(&to, server, PORT, NULL), 0);
	fd = socket(addr_is_v4(&from) ? AF_INET : AF_INET6, SOCK_STREAM, 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&at, addr_to_sockaddr(&from, &at)), 0, "%s",
	    camera);
	cr_assert_eq(connect(fd, (struct sockaddr *)&at, addr_to_sockaddr(&to, &at)), 0, "%s",
	    server);
	return fd;
}

/* Which of the listeners a connection of camera came to. */
static int
listener_of(const int *listeners, const char *camera, const char *server)
{
	int fd = connect_from(camera, server), taken = -1, index = -1;
	struct pollfd fds[WORKERS];

	for (int i = 0; i < WORKERS; i++)
		fds[i] = (struct pollfd){listeners[i], POLLIN, 0};
	cr_assert_eq(poll(fds, WORKERS, 5000), 1, "one of them, and one alone");
	for (int i = 0; i < WORKERS; i++) {
		if (fds[i].revents != 0)
			index = i;
	}
	taken = accept(listeners[index], NULL, NULL);
	cr_assert_geq(taken, 0);
	(void)close(taken);
	(void)close(fd);
	return index;
}

static void
open_listeners(int *listeners)
{
	struct err err = {0};

	cr_assert_eq(intake_open(PORT, true, WORKERS, listeners, &err), 0, "%s", err.text);
}

static void
close_listeners(const int *listeners)
{
	for (int i = 0; i < WORKERS; i++)
		(void)close(listeners[i]);
}

/* Each camera meets one worker, and the cameras are spread over all. */
static void
expect_steering(const char *net, const char *server)
{
	int listeners[WORKERS], met[WORKERS] = {0};

	open_listeners(listeners);
	for (int camera = 1; camera <= CAMERAS; camera++) {
		char text[64];
		struct addr at;
		int first;

		(void)snprintf(text, sizeof(text), "%s%d", net, camera);
		cr_assert_eq(addr_parse(&at, text, 0, NULL), 0);
		first = listener_of(listeners, text, server);
		cr_expect_eq(first, (int)intake_worker(&at, WORKERS), "%s", text);
		met[first]++;
		for (int i = 0; i < 4; i++)
			cr_expect_eq(listener_of(listeners, text, server), first, "%s", text);
	}
	for (int i = 0; i < WORKERS; i++)
		cr_expect_eq(met[i], CAMERAS / WORKERS, "worker %d met %d", i, met[i]);
	close_listeners(listeners);
}

Test(intake, brings_a_camera_of_ipv4_to_the_same_worker, .timeout = 60)
{
	netns_make();
	expect_steering("127.0.1.", "127.0.0.1");
}

Test(intake, brings_a_camera_of_ipv6_to_the_same_worker, .timeout = 60)
{
	netns_make();
	for (int camera = 1; camera <= CAMERAS; camera++) {
		char command[128];

		(void)snprintf(command, sizeof(command), "ip addr add fd00::%d/128 dev lo nodad",
		    camera);
		cr_assert_eq(system(command), 0);
	}
	expect_steering("fd00::", "::1");
}

/* A worker that is being replaced does not listen itself; its socket does. */
Test(intake, keeps_connections_of_a_worker_that_is_not_there, .timeout = 60)
{
	int listeners[WORKERS], fd, taken;
	char byte = 0;

	netns_make();
	open_listeners(listeners);
	fd = connect_from("127.0.1.1", "127.0.0.1");
	cr_assert_eq(send(fd, "x", 1, 0), 1);
	taken = -1;
	for (int i = 0; i < WORKERS && taken < 0; i++)
		taken = accept(listeners[i], NULL, NULL);
	cr_assert_geq(taken, 0);
	cr_expect_eq(recv(taken, &byte, 1, 0), 1);
	cr_expect_eq(byte, 'x');
	(void)close(taken);
	(void)close(fd);
	close_listeners(listeners);
}

Test(intake, takes_ipv4_alone_where_there_is_no_ipv6, .timeout = 60)
{
	int listeners[WORKERS];

	netns_make();
	cr_assert_eq(system("echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6"), 0);
	open_listeners(listeners);
	cr_expect_geq(listener_of(listeners, "127.0.1.1", "127.0.0.1"), 0);
	close_listeners(listeners);
}

Test(intake, opens_nothing_where_one_cannot_be_opened, .timeout = 60)
{
	int listeners[WORKERS], other, next;
	struct sockaddr_storage at;
	struct addr any = {.ip = {0}, .port = PORT};
	struct err err = {0};

	netns_make();
	other = socket(AF_INET6, SOCK_STREAM, 0);
	next = dup(other);
	(void)close(next);
	cr_assert_eq(bind(other, (struct sockaddr *)&at, addr_to_sockaddr(&any, &at)), 0);
	cr_expect_eq(intake_open(PORT, true, WORKERS, listeners, &err), -1);
	cr_expect_eq(err.kind, ERR_SYS);
	cr_expect_eq(fcntl(next, F_GETFD), -1, "no descriptor is left");
	(void)close(other);
}

Test(intake, a_port_that_another_appliance_has_is_not_free)
{
	int first[WORKERS], second[WORKERS];
	struct err err = {0};

	netns_make();
	cr_assert_eq(intake_is_free(PORT, &err), 0, "%s", err.text);
	cr_assert_eq(intake_open(PORT, false, WORKERS, first, &err), 0, "%s", err.text);
	cr_expect_eq(intake_is_free(PORT, &err), -1);
	cr_expect_eq(err.kind, ERR_LIMIT);
	cr_expect_eq(intake_is_free(PORT + 1, &err), 0, "another port is");
	cr_assert_eq(intake_open(PORT, false, WORKERS, second, &err), 0,
	    "the kernel has nothing against it");
	for (int i = 0; i < WORKERS; i++) {
		(void)close(first[i]);
		(void)close(second[i]);
	}
	cr_expect_eq(intake_is_free(PORT, &err), 0);
}
