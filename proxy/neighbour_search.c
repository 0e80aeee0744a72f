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

static struct ndmsg *
put_question(struct nlmsghdr *message, uint32_t ifindex, const struct addr *addr)
{
	struct ndmsg *head = mnl_nlmsg_put_extra_header(message, sizeof(*head));
	size_t size = addr_is_v4(addr) ? 4 : sizeof(addr->ip);

	head->ndm_family = addr_is_v4(addr) ? AF_INET : AF_INET6;
	head->ndm_ifindex = (int)ifindex;
	mnl_attr_put(message, NDA_DST, size, addr->ip + sizeof(addr->ip) - size);
	return head;
}

/* Whether the entry is an administrator's, who gave it no end: to use it would
 * take that from it (the kernel's __neigh_update). */
static bool
is_permanent(int fd, uint32_t ifindex, const struct addr *addr)
{
	char buffer[MESSAGE_BYTES] __attribute__((aligned(8))) = {0};
	char answer[ANSWER_BYTES] __attribute__((aligned(8)));
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	const struct nlmsghdr *told = (const struct nlmsghdr *)(const void *)answer;
	const struct ndmsg *head;
	ssize_t count;

	message->nlmsg_type = RTM_GETNEIGH;
	message->nlmsg_flags = NLM_F_REQUEST;
	(void)put_question(message, ifindex, addr);
	(void)send(fd, message, message->nlmsg_len, 0);
	count = recv(fd, answer, sizeof(answer), 0);
	if (count < 0 || !mnl_nlmsg_ok(told, (int)count) || told->nlmsg_type != RTM_NEWNEIGH)
		return false;
	head = mnl_nlmsg_get_payload(told);
	return (head->ndm_state & NUD_PERMANENT) != 0;
}

void
neighbour_search(int fd, uint32_t ifindex, const struct addr *addr)
{
	char buffer[MESSAGE_BYTES] __attribute__((aligned(8))) = {0};
	char refusal[ANSWER_BYTES];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

	if (is_permanent(fd, ifindex, addr))
		return;
	message->nlmsg_type = RTM_NEWNEIGH;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE;
	put_question(message, ifindex, addr)->ndm_flags = NTF_USE;
	(void)send(fd, message, message->nlmsg_len, 0);
	/* What it says against it is there already, and would fill the queue. */
	(void)recv(fd, refusal, sizeof(refusal), 0);
}
