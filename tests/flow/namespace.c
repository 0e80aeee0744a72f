/* SPDX-License-Identifier: MIT */
#include "tests/flow/namespace.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LOOPBACK_INDEX = 1 }; /* of every namespace */

static void
write_line(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, line, strlen(line)) < 0)
		perror(path);
	(void)close(fd);
}

/* As root a network namespace alone; else one of users around it. */
static bool
unshare_network(void)
{
	char map[64];

	if (unshare(CLONE_NEWNET) == 0)
		return true;
	(void)snprintf(map, sizeof(map), "0 %u 1", (unsigned)geteuid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		return false;
	write_line("/proc/self/setgroups", "deny");
	write_line("/proc/self/uid_map", map);
	return true;
}

static bool
raise_loopback(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool up = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0;

	if (fd >= 0)
		(void)close(fd);
	return up;
}

/* As "ip route add local BLOCK dev lo". */
static bool
add_local(struct mnl_socket *socket, int family, const char *block, uint8_t bits)
{
	char buffer[512];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct rtmsg *route = mnl_nlmsg_put_extra_header(message, sizeof(*route));
	uint8_t ip[16];
	ssize_t count;

	message->nlmsg_type = RTM_NEWROUTE;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK;
	route->rtm_family = (uint8_t)family;
	route->rtm_dst_len = bits;
	route->rtm_table = RT_TABLE_LOCAL;
	route->rtm_protocol = RTPROT_STATIC;
	route->rtm_scope = RT_SCOPE_HOST;
	route->rtm_type = RTN_LOCAL;
	if (inet_pton(family, block, ip) != 1)
		return false;
	mnl_attr_put(message, RTA_DST, family == AF_INET ? 4 : 16, ip);
	mnl_attr_put_u32(message, RTA_OIF, LOOPBACK_INDEX);
	if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0)
		return false;
	count = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
	return count > 0 && mnl_cb_run(buffer, (size_t)count, 0, 0, NULL, NULL) >= 0;
}

bool
namespace_enter(void)
{
	struct mnl_socket *socket;
	bool good;

	if (!unshare_network() || !raise_loopback())
		return false;
	socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (socket == NULL)
		return false;
	good = mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0 &&
	       add_local(socket, AF_INET, "203.0.114.0", 24) &&
	       add_local(socket, AF_INET, "115.236.0.0", 16) &&
	       add_local(socket, AF_INET6, "2a01:4f8::", 32);
	(void)mnl_socket_close(socket);
	return good;
}
