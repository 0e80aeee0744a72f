/* SPDX-License-Identifier: MIT */
#include "proxy/routes.h"

#include "base/err.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	MESSAGE_BYTES = 512, /* a rule or a route, of which we make small ones */
	RULES_MAX = 256,     /* more of ours than that are not there to be removed */
};

static const int families[] = {AF_INET, AF_INET6};

/* Send one request and wait for the kernel's answer: 0, or an errno. */
static int
ask(struct mnl_socket *netlink, struct nlmsghdr *message)
{
	static unsigned sequence;
	uint8_t answer[8192]; /* MNL_SOCKET_BUFFER_SIZE's upper end; acks are small */
	ssize_t count;

	message->nlmsg_seq = ++sequence;
	if (mnl_socket_sendto(netlink, message, message->nlmsg_len) < 0)
		return errno;
	count = mnl_socket_recvfrom(netlink, answer, sizeof(answer));
	if (count < 0)
		return errno;
	if (mnl_cb_run(answer, (size_t)count, sequence, mnl_socket_get_portid(netlink), NULL,
		NULL) < 0)
		return errno;
	return 0;
}

static struct nlmsghdr *
begin_rule(uint8_t bytes[MESSAGE_BYTES], uint16_t type, int family, uint8_t action)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(bytes);
	struct fib_rule_hdr *rule;

	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	if (type == RTM_NEWRULE)
		message->nlmsg_flags |= NLM_F_CREATE | NLM_F_EXCL;
	rule = mnl_nlmsg_put_extra_header(message, sizeof(*rule));
	rule->family = (uint8_t)family;
	rule->action = action;
	return message;
}

/* name NULL: of any interface; to be removed. */
static int
ask_delivery(struct mnl_socket *netlink, uint16_t type, int family, const char *name)
{
	uint8_t bytes[MESSAGE_BYTES];
	struct nlmsghdr *message = begin_rule(bytes, type, family, FR_ACT_TO_TBL);

	mnl_attr_put_u32(message, FRA_TABLE, ROUTES_TABLE);
	mnl_attr_put_u32(message, FRA_PRIORITY, ROUTES_PRIORITY);
	if (name != NULL) {
		mnl_attr_put_u32(message, FRA_FWMARK, ROUTES_MARK);
		mnl_attr_put_u32(message, FRA_FWMASK, ROUTES_MARK_MASK);
		mnl_attr_put_strz(message, FRA_IIFNAME, name);
	}
	return ask(netlink, message);
}

/* The same. */
static int
ask_end(struct mnl_socket *netlink, uint16_t type, int family, const char *name)
{
	uint8_t bytes[MESSAGE_BYTES];
	struct nlmsghdr *message = begin_rule(bytes, type, family, FR_ACT_BLACKHOLE);

	mnl_attr_put_u32(message, FRA_PRIORITY, ROUTES_PRIORITY_END);
	if (name != NULL)
		mnl_attr_put_strz(message, FRA_IIFNAME, name);
	return ask(netlink, message);
}

static int
ask_route(struct mnl_socket *netlink, uint16_t type, uint16_t flags, int family)
{
	uint8_t bytes[MESSAGE_BYTES];
	struct nlmsghdr *message = mnl_nlmsg_put_header(bytes);
	struct rtmsg *route;

	message->nlmsg_type = type;
	message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	route = mnl_nlmsg_put_extra_header(message, sizeof(*route));
	route->rtm_family = (uint8_t)family;
	route->rtm_table = RT_TABLE_UNSPEC; /* beyond a byte: RTA_TABLE says it */
	route->rtm_protocol = RTPROT_STATIC;
	route->rtm_scope = RT_SCOPE_HOST;
	route->rtm_type = RTN_LOCAL;
	mnl_attr_put_u32(message, RTA_TABLE, ROUTES_TABLE);
	mnl_attr_put_u32(message, RTA_OIF, if_nametoindex("lo"));
	return ask(netlink, message);
}

/* A kernel without a family, and a host where it is turned off, have nothing
 * that could be asked of it. */
static bool
is_without_family(int error)
{
	return error == EAFNOSUPPORT || error == EOPNOTSUPP || error == EACCES;
}

static int
remove_delivery(struct mnl_socket *netlink, int family, struct err *err)
{
	int error = 0;

	for (int i = 0; i < RULES_MAX && error == 0; i++)
		error = ask_delivery(netlink, RTM_DELRULE, family, NULL);
	if (error == 0 || error == ENOENT)
		error = ask_route(netlink, RTM_DELROUTE, 0, family);
	if (error == 0 || error == ENOENT || error == ESRCH || error == ENODEV ||
	    (family == AF_INET6 && is_without_family(error)))
		return 0;
	errno = error;
	return err_sys(err, "remove the routing rules of IPv%d", family == AF_INET ? 4 : 6);
}

static int
remove_ends(struct mnl_socket *netlink, int family, struct err *err)
{
	int error = 0;

	for (int i = 0; i < RULES_MAX && error == 0; i++)
		error = ask_end(netlink, RTM_DELRULE, family, NULL);
	if (error == 0 || error == ENOENT || (family == AF_INET6 && is_without_family(error)))
		return 0;
	errno = error;
	return err_sys(err, "remove the routing rules of IPv%d", family == AF_INET ? 4 : 6);
}

static int
set_delivery(struct mnl_socket *netlink, int family, const char names[][16], size_t count,
    struct err *err)
{
	int error = ask_route(netlink, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, family);

	for (size_t i = 0; i < count && (error == 0 || error == EEXIST); i++)
		error = ask_delivery(netlink, RTM_NEWRULE, family, names[i]);
	if (error == 0 || error == EEXIST || (family == AF_INET6 && is_without_family(error)))
		return 0;
	errno = error;
	return err_sys(err, "set the routing rules of IPv%d%s", family == AF_INET ? 4 : 6,
	    error == ENETDOWN ? " (is \"lo\" up?)" : "");
}

/* Each is there again at once: while a start replaces them, nftables' rules are. */
static int
set_ends(struct mnl_socket *netlink, int family, const char names[][16], size_t count,
    struct err *err)
{
	int error = 0;

	if (remove_ends(netlink, family, err) != 0)
		return -1;
	for (size_t i = 0; i < count && (error == 0 || error == EEXIST); i++)
		error = ask_end(netlink, RTM_NEWRULE, family, names[i]);
	if (error == 0 || error == EEXIST || (family == AF_INET6 && is_without_family(error)))
		return 0;
	errno = error;
	return err_sys(err, "set the routing rules of IPv%d", family == AF_INET ? 4 : 6);
}

static struct mnl_socket *
open_netlink(struct err *err)
{
	struct mnl_socket *netlink = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

	if (netlink != NULL && mnl_socket_bind(netlink, 0, MNL_SOCKET_AUTOPID) == 0)
		return netlink;
	(void)err_sys(err, "open a netlink socket");
	if (netlink != NULL)
		(void)mnl_socket_close(netlink);
	return NULL;
}

int
routes_set(const char names[][16], size_t count, bool deliver, struct err *err)
{
	struct mnl_socket *netlink = open_netlink(err);
	int ret = netlink != NULL ? 0 : -1;

	for (size_t i = 0; i < 2 && ret == 0; i++) {
		ret = remove_delivery(netlink, families[i], err);
		if (ret == 0 && deliver)
			ret = set_delivery(netlink, families[i], names, count, err);
		if (ret == 0)
			ret = set_ends(netlink, families[i], names, count, err);
	}
	if (netlink != NULL)
		(void)mnl_socket_close(netlink);
	return ret;
}

/* ---- watching ---- */

int
routes_watch(struct err *err)
{
	struct sockaddr_nl at = {.nl_family = AF_NETLINK};
	static const int groups[] = {RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_IPV4_ROUTE,
	    RTNLGRP_IPV6_ROUTE};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return err_sys(err, "open a netlink socket");
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		at.nl_groups |= 1U << (groups[i] - 1);
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	(void)err_sys(err, "watch the routing rules");
	(void)close(fd);
	return -1;
}

/* A number among a message's attributes. */
struct wanted {
	uint16_t type;
	uint32_t value; /* 0: it is not there */
};

static int
find_number(const struct nlattr *attr, void *arg)
{
	struct wanted *wanted = arg;

	if (mnl_attr_get_type(attr) == wanted->type && mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
		wanted->value = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static bool
is_rule_of_ours(const struct nlmsghdr *message)
{
	struct wanted priority = {.type = FRA_PRIORITY};

	(void)mnl_attr_parse(message, sizeof(struct fib_rule_hdr), find_number, &priority);
	return priority.value == ROUTES_PRIORITY || priority.value == ROUTES_PRIORITY_END;
}

static bool
is_route_of_ours(const struct nlmsghdr *message)
{
	struct wanted table = {.type = RTA_TABLE};

	(void)mnl_attr_parse(message, sizeof(struct rtmsg), find_number, &table);
	return table.value == ROUTES_TABLE;
}

/* What is put into our table by somebody else may go before our route. */
static int
note_change(const struct nlmsghdr *message, void *arg)
{
	bool *lost = arg;

	switch (message->nlmsg_type) {
	case RTM_DELRULE:
		*lost = *lost || is_rule_of_ours(message);
		break;
	case RTM_DELROUTE:
	case RTM_NEWROUTE:
		*lost = *lost || is_route_of_ours(message);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

/* What the kernel had no room for may have been about ours. */
bool
routes_are_lost(int fd)
{
	_Alignas(struct nlmsghdr) uint8_t said[8192];
	bool lost = false;

	for (;;) {
		ssize_t count = recv(fd, said, sizeof(said), MSG_DONTWAIT);

		if (count < 0 && errno == ENOBUFS)
			lost = true;
		else if (count <= 0)
			return lost;
		else
			(void)mnl_cb_run(said, (size_t)count, 0, 0, note_change, &lost);
	}
}

int
routes_remove(struct err *err)
{
	struct mnl_socket *netlink = open_netlink(err);
	int ret = netlink != NULL ? 0 : -1;

	for (size_t i = 0; i < 2 && ret == 0; i++) {
		ret = remove_delivery(netlink, families[i], err);
		if (ret == 0)
			ret = remove_ends(netlink, families[i], err);
	}
	if (netlink != NULL)
		(void)mnl_socket_close(netlink);
	return ret;
}
