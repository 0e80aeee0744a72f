/* SPDX-License-Identifier: MIT */
#include "proxy/own_addrs.h"

#include "base/err.h"
#include "base/log.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_GROWS_BY = 16, RECEIVE_BYTES = 32 << 10 };

/* An address can be on several interfaces, and is ours until the last one has
 * lost it. */
struct own_addr {
	struct addr addr; /* port 0 */
	uint32_t iface;   /* its index */
};

struct own_addrs {
	struct mnl_socket *socket;
	struct event event;
	struct own_addr *list; /* owned */
	size_t count, size;
};

bool
own_addrs_has(const struct own_addrs *own, const struct addr *addr)
{
	for (size_t i = 0; i < own->count; i++) {
		if (addr_same_host(&own->list[i].addr, addr))
			return true;
	}
	return false;
}

static size_t
position(const struct own_addrs *own, const struct own_addr *one)
{
	size_t i = 0;

	while (i < own->count && (own->list[i].iface != one->iface ||
				     !addr_same_host(&own->list[i].addr, &one->addr)))
		i++;
	return i;
}

static int
add(struct own_addrs *own, const struct own_addr *one)
{
	if (position(own, one) < own->count)
		return 0;
	if (own->count == own->size) {
		size_t size = own->size + LIST_GROWS_BY;
		struct own_addr *list = realloc(own->list, size * sizeof(*list));

		if (list == NULL)
			return -1;
		own->list = list;
		own->size = size;
	}
	own->list[own->count++] = *one;
	return 0;
}

static void
drop(struct own_addrs *own, const struct own_addr *one)
{
	size_t i = position(own, one);

	if (i < own->count)
		own->list[i] = own->list[--own->count];
}

static bool
read_address(uint8_t family, const struct nlattr *attr, struct addr *addr)
{
	struct sockaddr_storage name = {.ss_family = family};
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

	if (family == AF_INET && mnl_attr_get_payload_len(attr) == 4) {
		memcpy(&in.sin_addr, mnl_attr_get_payload(attr), 4);
		memcpy(&name, &in, sizeof(in));
	} else if (family == AF_INET6 && mnl_attr_get_payload_len(attr) == 16) {
		memcpy(&in6.sin6_addr, mnl_attr_get_payload(attr), 16);
		memcpy(&name, &in6, sizeof(in6));
	} else {
		return false;
	}
	return addr_from_sockaddr(addr, &name);
}

/* On a link between two, IFA_LOCAL is ours and IFA_ADDRESS the other's. */
static int
on_attribute(const struct nlattr *attr, void *arg)
{
	const struct nlattr **found = arg;
	uint16_t type = mnl_attr_get_type(attr);

	if (type == IFA_LOCAL || (type == IFA_ADDRESS && *found == NULL))
		*found = attr;
	return MNL_CB_OK;
}

static int
on_message(const struct nlmsghdr *message, void *arg)
{
	struct own_addrs *own = arg;
	const struct ifaddrmsg *head = mnl_nlmsg_get_payload(message);
	const struct nlattr *found = NULL;
	struct own_addr one;

	if (message->nlmsg_type != RTM_NEWADDR && message->nlmsg_type != RTM_DELADDR)
		return MNL_CB_OK;
	(void)mnl_attr_parse(message, sizeof(*head), on_attribute, &found);
	if (found == NULL || !read_address(head->ifa_family, found, &one.addr))
		return MNL_CB_OK;
	one.iface = head->ifa_index;
	if (message->nlmsg_type == RTM_DELADDR)
		drop(own, &one);
	else if (add(own, &one) != 0)
		return MNL_CB_ERROR;
	return MNL_CB_OK;
}

static int
ask_for_list(struct own_addrs *own, struct err *err)
{
	char buffer[256];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ifaddrmsg *head;

	message->nlmsg_type = RTM_GETADDR;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	head = mnl_nlmsg_put_extra_header(message, sizeof(*head));
	head->ifa_family = AF_UNSPEC;
	if (mnl_socket_sendto(own->socket, message, message->nlmsg_len) < 0)
		return err_sys(err, "ask for the box's addresses");
	return 0;
}

static void
on_change(evutil_socket_t fd, short what, void *arg)
{
	struct own_addrs *own = arg;
	char buffer[RECEIVE_BYTES] __attribute__((aligned(8)));
	ssize_t count;

	(void)fd;
	(void)what;
	while ((count = mnl_socket_recvfrom(own->socket, buffer, sizeof(buffer))) > 0)
		(void)mnl_cb_run(buffer, (size_t)count, 0, 0, on_message, own);
	/* Messages were lost: the list is asked for anew.  What has gone since
	 * stays in ours, which refuses too much rather than too little. */
	if (count < 0 && errno == ENOBUFS && ask_for_list(own, NULL) != 0)
		log_error("the list of the box's own addresses may be out of date");
}

static int
read_list(struct own_addrs *own, struct err *err)
{
	char buffer[RECEIVE_BYTES] __attribute__((aligned(8)));
	int more = MNL_CB_OK;

	if (ask_for_list(own, err) != 0)
		return -1;
	while (more > MNL_CB_STOP) {
		ssize_t count = mnl_socket_recvfrom(own->socket, buffer, sizeof(buffer));

		if (count <= 0)
			return err_sys(err, "read the box's addresses");
		more = mnl_cb_run(buffer, (size_t)count, 0, 0, on_message, own);
	}
	return more < 0 ? err_sys(err, "read the box's addresses") : 0;
}

struct own_addrs *
own_addrs_open(struct event_base *base, struct err *err)
{
	struct own_addrs *own = calloc(1, sizeof(*own));
	int fd;

	if (own == NULL) {
		(void)err_set(err, ERR_NOMEM, "no memory");
		return NULL;
	}
	own->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (own->socket == NULL ||
	    mnl_socket_bind(own->socket, RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
		MNL_SOCKET_AUTOPID) != 0) {
		(void)err_sys(err, "netlink");
		goto fail;
	}
	if (read_list(own, err) != 0)
		goto fail;
	fd = mnl_socket_get_fd(own->socket);
	if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 ||
	    event_assign(&own->event, base, fd, EV_READ | EV_PERSIST, on_change, own) != 0 ||
	    event_add(&own->event, NULL) != 0) {
		(void)err_sys(err, "netlink");
		goto fail;
	}
	return own;
fail:
	if (own->socket != NULL)
		(void)mnl_socket_close(own->socket);
	free(own->list);
	free(own);
	return NULL;
}

void
own_addrs_close(struct own_addrs *own)
{
	if (own == NULL)
		return;
	(void)event_del(&own->event);
	(void)mnl_socket_close(own->socket);
	free(own->list);
	free(own);
}
