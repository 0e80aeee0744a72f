/* SPDX-License-Identifier: MIT */
#include "proxy/neighbour_search.h"

#include "base/err.h"

#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

enum { MESSAGE_BYTES = 256, ANSWER_BYTES = 1024 };

int
neighbour_search_open(struct err *err)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	return fd >= 0 ? fd : err_sys(err, "netlink");
}

void
neighbour_search(int fd, uint32_t ifindex, const struct addr *addr)
{
	char buffer[MESSAGE_BYTES] __attribute__((aligned(8))) = {0};
	char refusal[ANSWER_BYTES];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	size_t size = addr_is_v4(addr) ? 4 : sizeof(addr->ip);
	struct ndmsg *head;

	message->nlmsg_type = RTM_NEWNEIGH;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE;
	head = mnl_nlmsg_put_extra_header(message, sizeof(*head));
	head->ndm_family = addr_is_v4(addr) ? AF_INET : AF_INET6;
	head->ndm_ifindex = (int)ifindex;
	head->ndm_flags = NTF_USE;
	mnl_attr_put(message, NDA_DST, size, addr->ip + sizeof(addr->ip) - size);
	(void)send(fd, message, message->nlmsg_len, 0);
	/* What it says against it is there already, and would fill the queue. */
	(void)recv(fd, refusal, sizeof(refusal), 0);
}
