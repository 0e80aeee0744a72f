/* SPDX-License-Identifier: MIT */
#include "proxy/neighbours.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

enum {
	RECEIVE_BYTES = 32 << 10,
	QUEUE_BYTES = 1 << 20, /* what the kernel may keep for us, where it allows it */
	LOST_MAX = 100,
	DATAGRAMS_A_TURN = 32, /* then the connections have theirs */
	DUMP_PAUSE_MS = 1000,  /* between two readings of the whole table */
};

struct neighbours {
	struct mnl_socket *news;     /* what changes */
	struct mnl_socket *question; /* one address, asked and answered at once */
	struct event event, again;
	bool again_waits;
	uint64_t dumped_ms;
	size_t count;
	char name[16][16];
	uint32_t ifindex[16];          /* 0: there is none of that name now */
	struct neighbour_table *table; /* owned */
	neighbours_changed *changed;
	void *arg;
};

/* ---- one message ---- */

/* Its parts, none of which goes beyond it; libmnl's own readers take a length
 * that is no multiple of four for the next one that is. */
struct parts {
	struct nlmsghdr head;
	struct bytes rest;
};

static bool
take_copy(struct bytes *in, void *out, size_t size)
{
	struct bytes part;

	if (!bytes_take(in, size, &part))
		return false;
	memcpy(out, part.at, size);
	return true;
}

static bool
take_attribute(struct bytes *in, uint16_t *type, struct bytes *value)
{
	struct nlattr head;
	struct bytes padding;
	size_t size;

	if (!take_copy(in, &head, sizeof(head)) || head.nla_len < sizeof(head) ||
	    !bytes_take(in, head.nla_len - sizeof(head), value))
		return false;
	size = (4U - head.nla_len % 4U) % 4U; /* each begins at a multiple of four */
	(void)bytes_take(in, size < in->left ? size : in->left, &padding);
	*type = (uint16_t)(head.nla_type & (unsigned)NLA_TYPE_MASK);
	return true;
}

/* The value of the last attribute of a type; empty where there is none. */
static struct bytes
find_attribute(struct bytes in, uint16_t wanted)
{
	struct bytes found = {0}, value;
	uint16_t type;

	while (take_attribute(&in, &type, &value)) {
		if (type == wanted)
			found = value;
	}
	return found;
}

static bool
read_address(uint8_t family, struct bytes value, struct addr *out)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	*out = (struct addr){0};
	if (family == AF_INET && value.left == 4) {
		memcpy(out->ip, mapped, sizeof(mapped));
		memcpy(out->ip + sizeof(mapped), value.at, value.left);
		return true;
	}
	if (family != AF_INET6 || value.left != sizeof(out->ip))
		return false;
	memcpy(out->ip, value.at, value.left);
	return true;
}

static void
read_neighbour(const struct parts *parts, struct neighbour_told *out)
{
	enum { THERE = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT };
	struct bytes rest = parts->rest, mac;
	struct ndmsg head;

	if (!take_copy(&rest, &head, sizeof(head)) || head.ndm_ifindex <= 0 ||
	    !read_address(head.ndm_family, find_attribute(rest, NDA_DST), &out->addr))
		return;
	out->ifindex = (uint32_t)head.ndm_ifindex;
	if (parts->head.nlmsg_type == RTM_DELNEIGH) {
		out->what = NEIGHBOUR_GONE;
		return;
	}
	mac = find_attribute(rest, NDA_LLADDR);
	if ((head.ndm_state & THERE) == 0 || mac.left != MAC_BYTES)
		return;
	memcpy(out->mac, mac.at, MAC_BYTES);
	out->reachable = (head.ndm_state & NUD_REACHABLE) != 0;
	if (mac_is_host(out->mac))
		out->what = NEIGHBOUR_IS;
}

static void
read_link(const struct parts *parts, struct neighbour_told *out)
{
	struct bytes rest = parts->rest, name;
	struct ifinfomsg head;

	if (!take_copy(&rest, &head, sizeof(head)) || head.ifi_index <= 0 ||
	    head.ifi_family != AF_UNSPEC)
		return;
	out->ifindex = (uint32_t)head.ifi_index;
	if (parts->head.nlmsg_type == RTM_DELLINK) {
		out->what = NEIGHBOUR_LINK_GONE;
		return;
	}
	name = find_attribute(rest, IFLA_IFNAME);
	if (name.left == 0 || name.left > sizeof(out->name) || name.at[name.left - 1] != '\0')
		return;
	memcpy(out->name, name.at, name.left);
	out->what = NEIGHBOUR_LINK;
}

void
neighbours_read(const void *message, size_t size, struct neighbour_told *out)
{
	struct bytes all = {message, size};
	struct parts parts;

	*out = (struct neighbour_told){0};
	if (!take_copy(&all, &parts.head, sizeof(parts.head)) ||
	    parts.head.nlmsg_len < sizeof(parts.head) ||
	    !bytes_take(&all, parts.head.nlmsg_len - sizeof(parts.head), &parts.rest))
		return;
	switch (parts.head.nlmsg_type) {
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		read_neighbour(&parts, out);
		break;
	case RTM_NEWLINK:
	case RTM_DELLINK:
		read_link(&parts, out);
		break;
	default:
		break;
	}
}

/* ---- what it means ---- */

static size_t
link_of(const struct neighbours *neighbours, uint32_t ifindex)
{
	size_t i = 0;

	while (i < neighbours->count && neighbours->ifindex[i] != ifindex)
		i++;
	return i;
}

static void
take_neighbour(struct neighbours *neighbours, const struct neighbour_told *told)
{
	struct neighbour_news news = {.addr = told->addr, .reachable = told->reachable};
	size_t link = link_of(neighbours, told->ifindex);
	struct neighbour before, *now;

	if (link == neighbours->count)
		return;
	news.link = (unsigned)link;
	memcpy(news.mac, told->mac, MAC_BYTES);
	now = neighbour_table_put(neighbours->table, &news, clock_mono_ms(), &before);
	if (neighbours->changed != NULL)
		neighbours->changed(neighbours->arg, &before, now);
}

/* An interface that is made anew, or renamed, has another index. */
static void
take_link(struct neighbours *neighbours, const struct neighbour_told *told)
{
	for (size_t i = 0; i < neighbours->count; i++) {
		bool named =
		    told->what == NEIGHBOUR_LINK && strcmp(neighbours->name[i], told->name) == 0;

		if (named == (neighbours->ifindex[i] == told->ifindex))
			continue;
		neighbours->ifindex[i] = named ? told->ifindex : 0;
		neighbour_table_drop_link(neighbours->table, (unsigned)i);
	}
}

static int
on_message(const struct nlmsghdr *message, void *arg)
{
	struct neighbours *neighbours = arg;
	struct neighbour_told told;
	size_t link;

	neighbours_read(message, message->nlmsg_len, &told);
	switch (told.what) {
	case NEIGHBOUR_IS:
		take_neighbour(neighbours, &told);
		break;
	case NEIGHBOUR_GONE:
		link = link_of(neighbours, told.ifindex);
		if (link < neighbours->count)
			neighbour_table_leave(neighbours->table, (unsigned)link, &told.addr);
		break;
	case NEIGHBOUR_LINK:
	case NEIGHBOUR_LINK_GONE:
		take_link(neighbours, &told);
		break;
	case NEIGHBOUR_OTHER:
		break;
	}
	return MNL_CB_OK;
}

/* ---- all of them ---- */

static int
ask_for_all(struct neighbours *neighbours, struct err *err)
{
	char buffer[256] __attribute__((aligned(8))) = {0};
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ndmsg *head;

	neighbours->dumped_ms = clock_mono_ms();
	message->nlmsg_type = RTM_GETNEIGH;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	head = mnl_nlmsg_put_extra_header(message, sizeof(*head));
	head->ndm_family = AF_UNSPEC;
	if (mnl_socket_sendto(neighbours->news, message, message->nlmsg_len) < 0)
		return err_sys(err, "ask for the box's neighbours");
	return 0;
}

/* Messages were lost: all are asked for anew, but not again and again where a
 * camera makes more of them than are read. */
static void
read_again(struct neighbours *neighbours)
{
	const struct timeval pause = clock_span(DUMP_PAUSE_MS);

	if (clock_mono_ms() - neighbours->dumped_ms >= DUMP_PAUSE_MS) {
		if (ask_for_all(neighbours, NULL) == 0)
			return;
	}
	if (!neighbours->again_waits)
		(void)evtimer_add(&neighbours->again, &pause);
	neighbours->again_waits = true;
}

static void
on_again(evutil_socket_t fd, short what, void *arg)
{
	struct neighbours *neighbours = arg;

	(void)fd;
	(void)what;
	neighbours->again_waits = false;
	read_again(neighbours);
}

static void
on_news(evutil_socket_t fd, short what, void *arg)
{
	struct neighbours *neighbours = arg;
	char buffer[RECEIVE_BYTES] __attribute__((aligned(8)));

	(void)fd;
	(void)what;
	for (int i = 0; i < DATAGRAMS_A_TURN; i++) {
		ssize_t count = mnl_socket_recvfrom(neighbours->news, buffer, sizeof(buffer));

		if (count > 0)
			(void)mnl_cb_run(buffer, (size_t)count, 0, 0, on_message, neighbours);
		else if (count < 0 && errno == ENOBUFS)
			read_again(neighbours);
		else
			return;
	}
}

static int
read_all(struct neighbours *neighbours, struct err *err)
{
	char buffer[RECEIVE_BYTES] __attribute__((aligned(8)));
	int more = MNL_CB_OK, lost = 0;

	if (ask_for_all(neighbours, err) != 0)
		return -1;
	while (more > MNL_CB_STOP) {
		ssize_t count = mnl_socket_recvfrom(neighbours->news, buffer, sizeof(buffer));

		if (count < 0 && errno == ENOBUFS && lost++ < LOST_MAX)
			continue; /* news was lost beside it, which on_news reads again */
		if (count <= 0)
			return err_sys(err, "read the box's neighbours");
		more = mnl_cb_run(buffer, (size_t)count, 0, 0, on_message, neighbours);
	}
	return more < 0 ? err_sys(err, "read the box's neighbours") : 0;
}

/* ---- one of them ---- */

static void
put_question(struct nlmsghdr *message, uint32_t ifindex, const struct addr *camera)
{
	bool v4 = addr_is_v4(camera);
	struct ndmsg *head;

	message->nlmsg_type = RTM_GETNEIGH;
	message->nlmsg_flags = NLM_F_REQUEST;
	head = mnl_nlmsg_put_extra_header(message, sizeof(*head));
	head->ndm_family = v4 ? AF_INET : AF_INET6;
	head->ndm_ifindex = (int)ifindex;
	mnl_attr_put(message, NDA_DST, v4 ? 4 : sizeof(camera->ip),
	    camera->ip + (v4 ? sizeof(camera->ip) - 4 : 0));
}

/* The kernel's answer is there when sendto returns (Linux 5.0 and newer; an
 * older one knows no such question). */
static void
ask(struct neighbours *neighbours, uint32_t ifindex, const struct addr *camera)
{
	char buffer[1024] __attribute__((aligned(8))) = {0};
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	ssize_t count;

	put_question(message, ifindex, camera);
	if (mnl_socket_sendto(neighbours->question, message, message->nlmsg_len) < 0)
		return;
	count = mnl_socket_recvfrom(neighbours->question, buffer, sizeof(buffer));
	if (count > 0)
		(void)mnl_cb_run(buffer, (size_t)count, 0, 0, on_message, neighbours);
}

void
neighbours_find(struct neighbours *neighbours, const struct addr *camera, uint8_t mac[MAC_BYTES],
    const char **iface)
{
	struct neighbour *found;

	memset(mac, 0, MAC_BYTES);
	*iface = "";
	if (neighbours == NULL)
		return;
	found = neighbour_table_find(neighbours->table, camera);
	for (size_t i = 0; found == NULL && i < neighbours->count; i++) {
		if (neighbours->ifindex[i] == 0)
			continue;
		ask(neighbours, neighbours->ifindex[i], camera);
		found = neighbour_table_find(neighbours->table, camera);
	}
	if (found != NULL)
		neighbour_table_use(neighbours->table, found, clock_mono_ms());
	else
		/* A datagram comes without the camera being asked for its card anew:
		 * who had the address last must not get by the rules about it. */
		found = neighbour_table_last(neighbours->table, camera);
	if (found == NULL)
		return;
	memcpy(mac, found->mac, MAC_BYTES);
	*iface = neighbours->name[found->link];
}

/* ---- life ---- */

struct neighbour_table *
neighbours_table(struct neighbours *neighbours)
{
	return neighbours->table;
}

const char (*neighbours_link_names(const struct neighbours *neighbours))[16]
{
	return neighbours->name;
}

static int
watch(struct neighbours *neighbours, struct event_base *base, struct err *err)
{
	int fd = mnl_socket_get_fd(neighbours->news);

	if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 ||
	    event_assign(&neighbours->event, base, fd, EV_READ | EV_PERSIST, on_news, neighbours) !=
		0 ||
	    evtimer_assign(&neighbours->again, base, on_again, neighbours) != 0 ||
	    event_add(&neighbours->event, NULL) != 0)
		return err_sys(err, "watch the neighbours");
	return 0;
}

static struct mnl_socket *
open_socket(int flags, unsigned groups, struct err *err)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | flags);

	if (socket == NULL || mnl_socket_bind(socket, groups, MNL_SOCKET_AUTOPID) != 0) {
		(void)err_sys(err, "netlink");
		if (socket != NULL)
			(void)mnl_socket_close(socket);
		return NULL;
	}
	return socket;
}

static void
close_sockets(struct neighbours *neighbours)
{
	if (neighbours->news != NULL)
		(void)mnl_socket_close(neighbours->news);
	if (neighbours->question != NULL)
		(void)mnl_socket_close(neighbours->question);
	neighbour_table_free(neighbours->table);
	free(neighbours);
}

struct neighbours *
neighbours_open(struct event_base *base, const struct neighbour_links *links,
    neighbours_changed *changed, void *arg, struct err *err)
{
	const int queue = QUEUE_BYTES;
	struct neighbours *neighbours = calloc(1, sizeof(*neighbours));

	assert(links->count > 0 &&
	       links->count <= sizeof(neighbours->name) / sizeof(neighbours->name[0]));
	if (neighbours == NULL) {
		(void)err_set(err, ERR_NOMEM, "no memory");
		return NULL;
	}
	neighbours->changed = changed;
	neighbours->arg = arg;
	neighbours->count = links->count;
	for (size_t i = 0; i < links->count; i++) {
		text_copy(neighbours->name[i], sizeof(neighbours->name[i]), links->name[i]);
		neighbours->ifindex[i] = if_nametoindex(links->name[i]);
	}
	neighbours->table = neighbour_table_new(links->count);
	neighbours->question = open_socket(SOCK_NONBLOCK, 0, err);
	neighbours->news = open_socket(0, RTMGRP_NEIGH | RTMGRP_LINK, err);
	if (neighbours->table == NULL || neighbours->question == NULL || neighbours->news == NULL)
		goto fail;
	(void)setsockopt(mnl_socket_get_fd(neighbours->news), SOL_SOCKET, SO_RCVBUF, &queue,
	    sizeof(queue));
	if (read_all(neighbours, err) != 0 || watch(neighbours, base, err) != 0)
		goto fail;
	return neighbours;
fail:
	close_sockets(neighbours);
	return NULL;
}

void
neighbours_close(struct neighbours *neighbours)
{
	if (neighbours == NULL)
		return;
	(void)event_del(&neighbours->event);
	(void)evtimer_del(&neighbours->again);
	close_sockets(neighbours);
}
