/* SPDX-License-Identifier: MIT */
#include "proxy/udp_outlet.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct addr camera = {{[10] = 0xff, [11] = 0xff, 192, 168, 77, 10}, 4000},
			 same_camera = {{[10] = 0xff, [11] = 0xff, 192, 168, 77, 10}, 4001};

static size_t wakes;

static void
on_ready(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	wakes++;
}

static int
open_server(struct sockaddr_storage *at, socklen_t *size)
{
	struct addr any = {.ip = {[10] = 0xff, [11] = 0xff, 127, 0, 0, 1}};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	*size = addr_to_sockaddr(&any, at);
	cr_assert_eq(bind(fd, (struct sockaddr *)at, *size), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)at, size), 0);
	return fd;
}

Test(udp_outlet, a_camera_has_one_for_each_of_its_ports)
{
	struct event_base *base = event_base_new();
	struct udp_outlets *outlets = udp_outlets_new(base, on_ready, NULL, NULL);
	struct udp_outlet *one, *again, *other;
	struct addr v6 = {.ip = {0xfd, [15] = 1}, .port = 4000};
	struct sockaddr_storage name;
	socklen_t size = sizeof(name);

	cr_assert_not_null(outlets);
	one = udp_outlet_take(outlets, &camera, 3, NULL);
	again = udp_outlet_take(outlets, &camera, 3, NULL);
	other = udp_outlet_take(outlets, &same_camera, 3, NULL);
	cr_assert_not_null(one);
	cr_assert_not_null(other);
	cr_expect_eq(one, again);
	cr_expect_neq(one, other);
	cr_expect_eq(udp_outlets_count(outlets), 2);
	udp_outlet_give(outlets, one);
	cr_expect_eq(udp_outlets_count(outlets), 2);
	udp_outlet_give(outlets, again);
	cr_expect_eq(udp_outlets_count(outlets), 1);
	one = udp_outlet_take(outlets, &v6, 3, NULL);
	cr_assert_not_null(one);
	cr_assert_eq(getsockname(one->fd, (struct sockaddr *)&name, &size), 0);
	cr_expect_eq(name.ss_family, AF_INET6);
	cr_expect_null(udp_outlet_take(outlets, &camera, 2, NULL), "two are open");
	udp_outlet_give(outlets, one);
	udp_outlet_give(outlets, other);
	udp_outlets_free(outlets);
	event_base_free(base);
}

Test(udp_outlet, says_which_has_something_to_be_read)
{
	struct event_base *base = event_base_new();
	struct udp_outlets *outlets = udp_outlets_new(base, on_ready, NULL, NULL);
	struct udp_outlet *one = udp_outlet_take(outlets, &camera, 8, NULL),
			  *other = udp_outlet_take(outlets, &same_camera, 8, NULL);
	struct udp_outlet_ready ready[UDP_OUTLETS_READY];
	struct sockaddr_storage at, peer;
	socklen_t size, peer_size = sizeof(peer);
	int server = open_server(&at, &size);
	char byte;

	cr_expect_eq(udp_outlets_wait(outlets, ready), 0);
	cr_assert_eq(sendto(other->fd, "?", 1, 0, (struct sockaddr *)&at, size), 1);
	cr_assert_eq(recvfrom(server, &byte, 1, 0, (struct sockaddr *)&peer, &peer_size), 1);
	cr_assert_eq(sendto(server, "!", 1, 0, (struct sockaddr *)&peer, peer_size), 1);
	wakes = 0;
	cr_assert_eq(event_base_loop(base, EVLOOP_ONCE), 0);
	cr_expect_eq(wakes, 1);
	cr_assert_eq(udp_outlets_wait(outlets, ready), 1);
	cr_expect_eq(ready[0].outlet, other);
	cr_expect_not(ready[0].failed);
	udp_outlet_give(outlets, one);
	udp_outlet_give(outlets, other);
	udp_outlets_free(outlets);
	event_base_free(base);
	(void)close(server);
}

Test(udp_outlet, says_whose_port_nobody_listens_at)
{
	struct event_base *base = event_base_new();
	struct udp_outlets *outlets = udp_outlets_new(base, on_ready, NULL, NULL);
	struct udp_outlet *one = udp_outlet_take(outlets, &camera, 8, NULL);
	struct sockaddr_storage at;
	struct addr dst, want;
	socklen_t size;
	bool refused = false;
	struct pollfd failed = {one->fd, 0, 0};

	(void)close(open_server(&at, &size));
	cr_assert(addr_from_sockaddr(&want, &at));
	cr_expect_not(udp_outlet_error(one, &dst, &refused));
	cr_assert_eq(sendto(one->fd, "?", 1, 0, (struct sockaddr *)&at, size), 1);
	cr_assert_eq(poll(&failed, 1, 5000), 1);
	cr_assert(udp_outlet_error(one, &dst, &refused));
	cr_expect(refused);
	cr_expect(addr_equal(&dst, &want));
	cr_expect_not(udp_outlet_error(one, &dst, &refused));
	udp_outlet_give(outlets, one);
	udp_outlets_free(outlets);
	event_base_free(base);
}
