/* SPDX-License-Identifier: MIT */
#include "proxy/neighbours.h"

#include "base/err.h"
#include "tests/proxy/netns.h"

#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

/* ---- messages ---- */

static const uint8_t some_mac[MAC_BYTES] = {0x44, 0x19, 0xb6, 0x12, 0x34, 0x56};

struct message {
	char bytes[256] __attribute__((aligned(8)));
	size_t size;
};

static struct message
neighbour_message(uint16_t type, uint16_t state, int family, const uint8_t *mac, size_t mac_size)
{
	static const uint8_t ip[16] = {0x0a, 0, 0, 7, [15] = 9};
	struct message message = {0};
	struct nlmsghdr *head = mnl_nlmsg_put_header(message.bytes);
	struct ndmsg *body;

	head->nlmsg_type = type;
	body = mnl_nlmsg_put_extra_header(head, sizeof(*body));
	body->ndm_family = (uint8_t)family;
	body->ndm_ifindex = 3;
	body->ndm_state = state;
	mnl_attr_put(head, NDA_DST, family == AF_INET6 ? 16 : 4, ip);
	if (mac_size > 0)
		mnl_attr_put(head, NDA_LLADDR, mac_size, mac);
	message.size = head->nlmsg_len;
	return message;
}

static struct message
link_message(uint16_t type, const char *name)
{
	struct message message = {0};
	struct nlmsghdr *head = mnl_nlmsg_put_header(message.bytes);
	struct ifinfomsg *body;

	head->nlmsg_type = type;
	body = mnl_nlmsg_put_extra_header(head, sizeof(*body));
	body->ifi_index = 3;
	mnl_attr_put_strz(head, IFLA_IFNAME, name);
	message.size = head->nlmsg_len;
	return message;
}

Test(neighbours, a_message_says_who_is_where)
{
	static const uint8_t group[MAC_BYTES] = {0x01, 0, 0x5e, 0, 0, 1}, none[MAC_BYTES];
	static const struct {
		uint16_t type, state;
		int family;
		const uint8_t *mac;
		size_t mac_size;
		enum neighbour_message what;
		bool reachable;
	} rows[] = {
	    {RTM_NEWNEIGH, NUD_REACHABLE, AF_INET, some_mac, 6, NEIGHBOUR_IS, true},
	    {RTM_NEWNEIGH, NUD_STALE, AF_INET6, some_mac, 6, NEIGHBOUR_IS, false},
	    {RTM_NEWNEIGH, NUD_DELAY, AF_INET, some_mac, 6, NEIGHBOUR_IS, false},
	    {RTM_NEWNEIGH, NUD_PERMANENT, AF_INET, some_mac, 6, NEIGHBOUR_IS, false},
	    {RTM_NEWNEIGH, NUD_FAILED, AF_INET, some_mac, 6, NEIGHBOUR_OTHER, false},
	    {RTM_NEWNEIGH, NUD_INCOMPLETE, AF_INET, NULL, 0, NEIGHBOUR_OTHER, false},
	    {RTM_NEWNEIGH, NUD_NOARP, AF_INET, some_mac, 6, NEIGHBOUR_OTHER, false},
	    {RTM_NEWNEIGH, NUD_REACHABLE, AF_INET, NULL, 0, NEIGHBOUR_OTHER, false},
	    {RTM_NEWNEIGH, NUD_REACHABLE, AF_INET, some_mac, 5, NEIGHBOUR_OTHER, true},
	    {RTM_NEWNEIGH, NUD_REACHABLE, AF_INET, group, 6, NEIGHBOUR_OTHER, true},
	    {RTM_NEWNEIGH, NUD_REACHABLE, AF_INET, none, 6, NEIGHBOUR_OTHER, true},
	    {RTM_NEWNEIGH, NUD_REACHABLE, AF_BRIDGE, some_mac, 6, NEIGHBOUR_OTHER, false},
	    {RTM_DELNEIGH, NUD_STALE, AF_INET, some_mac, 6, NEIGHBOUR_GONE, false},
	    {RTM_DELNEIGH, NUD_FAILED, AF_INET, NULL, 0, NEIGHBOUR_GONE, false},
	    {RTM_NEWADDR, NUD_REACHABLE, AF_INET, some_mac, 6, NEIGHBOUR_OTHER, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct message message = neighbour_message(rows[i].type, rows[i].state,
		    rows[i].family, rows[i].mac, rows[i].mac_size);
		struct neighbour_told told;

		neighbours_read(message.bytes, message.size, &told);
		cr_expect_eq(told.what, rows[i].what, "row %zu: %d", i, told.what);
		if (told.what == NEIGHBOUR_OTHER)
			continue;
		cr_expect_eq(told.ifindex, 3);
		cr_expect_eq(told.addr.ip[15], rows[i].family == AF_INET ? 7 : 9);
		cr_expect_eq(addr_is_v4(&told.addr), rows[i].family == AF_INET);
		if (told.what != NEIGHBOUR_IS)
			continue;
		cr_expect_eq(memcmp(told.mac, some_mac, MAC_BYTES), 0);
		cr_expect_eq(told.reachable, rows[i].reachable, "row %zu", i);
	}
}

Test(neighbours, a_message_says_which_interface_a_name_is)
{
	static const struct {
		uint16_t type;
		const char *name;
		enum neighbour_message what;
	} rows[] = {
	    {RTM_NEWLINK, "eth1", NEIGHBOUR_LINK},
	    {RTM_NEWLINK, "fifteen-letters", NEIGHBOUR_LINK},
	    {RTM_NEWLINK, "sixteen--letters", NEIGHBOUR_OTHER},
	    {RTM_DELLINK, "eth1", NEIGHBOUR_LINK_GONE},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct message message = link_message(rows[i].type, rows[i].name);
		struct neighbour_told told;

		neighbours_read(message.bytes, message.size, &told);
		cr_expect_eq(told.what, rows[i].what, "%zu", i);
		if (told.what == NEIGHBOUR_LINK)
			cr_expect_str_eq(told.name, rows[i].name);
	}
}

static void
read_damaged(const struct message *message)
{
	struct neighbour_told told;

	for (size_t cut = 0; cut < message->size; cut++) {
		char *part = malloc(cut + 1); /* so that a reader that leaves it is seen */

		memcpy(part, message->bytes, cut);
		neighbours_read(part, cut, &told);
		cr_expect_eq(told.what, NEIGHBOUR_OTHER, "%zu", cut);
		free(part);
	}
	for (size_t at = 0; at < message->size; at++) {
		struct message other = *message;

		for (unsigned value = 0; value < 256; value++) {
			other.bytes[at] = (char)value;
			neighbours_read(other.bytes, other.size, &told);
			cr_expect_leq(told.what, NEIGHBOUR_LINK_GONE);
			cr_expect_not_null(memchr(told.name, '\0', sizeof(told.name)));
		}
	}
}

Test(neighbours, damaged_messages_are_passed_over)
{
	struct message neighbour =
	    neighbour_message(RTM_NEWNEIGH, NUD_REACHABLE, AF_INET6, some_mac, 6);
	struct message link = link_message(RTM_NEWLINK, "eth1");
	struct neighbour_told told;

	read_damaged(&neighbour);
	read_damaged(&link);
	memcpy(link.bytes, &(uint32_t){0xf2000001}, 4); /* a length that is negative as an int */
	neighbours_read(link.bytes, link.size, &told);
	cr_expect_eq(told.what, NEIGHBOUR_OTHER);
}

/* ---- the kernel's ---- */

static const char links[2][16] = {"cams0", "cams1"};

struct seen {
	unsigned count;
	struct neighbour before, now;
};

static void
on_changed(void *arg, const struct neighbour *before, struct neighbour *now)
{
	struct seen *seen = arg;

	seen->count++;
	seen->before = *before;
	seen->now = *now;
}

static void
sh(const char *command)
{
	cr_assert_eq(system(command), 0, "%s", command);
}

static void
expect(struct neighbours *neighbours, const char *ip, const char *mac_as_text, const char *on)
{
	uint8_t mac[MAC_BYTES];
	char text[MAC_TEXT_MAX] = "";
	const char *iface;
	struct addr camera;

	cr_assert_eq(addr_parse(&camera, ip, 0, NULL), 0);
	neighbours_find(neighbours, &camera, mac, &iface);
	if (mac_is_set(mac))
		(void)mac_text(mac, text);
	cr_expect_str_eq(text, mac_as_text, "%s is %s", ip, text);
	cr_expect_str_eq(iface, on, "%s on %s", ip, iface);
}

static void
make_links(void)
{
	netns_make();
	if (system("ip link add cams0 type veth peer name far0 2>/dev/null") != 0)
		cr_skip_test("this kernel has no veth interfaces");
	sh("ip link add cams1 type veth peer name far1 && ip link add other type veth peer name far2 &&"
	   " for i in cams0 cams1 other far0 far1 far2; do ip link set $i up; done &&"
	   " ip addr add 10.0.0.1/24 dev cams0 && ip addr add 10.0.1.1/24 dev cams1 &&"
	   " ip addr add 10.0.2.1/24 dev other && ip -6 addr add fd00::1/64 dev cams0 nodad");
}

Test(neighbours, are_those_of_the_kernel)
{
	struct neighbour_links names = {links, 2};
	struct event_base *base;
	struct neighbours *neighbours;
	struct seen seen = {0};
	struct err err = {0};

	make_links();
	sh("ip neigh add 10.0.0.7 lladdr 44:19:b6:00:00:07 dev cams0 nud reachable &&"
	   " ip neigh add 10.0.2.9 lladdr 44:19:b6:00:00:09 dev other nud reachable");
	base = event_base_new();
	neighbours = neighbours_open(base, &names, on_changed, &seen, &err);
	cr_assert_not_null(neighbours, "%s", err.text);
	expect(neighbours, "10.0.0.7", "44:19:b6:00:00:07", "cams0");
	expect(neighbours, "10.0.2.9", "", ""); /* no camera's interface */
	expect(neighbours, "10.0.0.8", "", "");
	cr_expect_eq(seen.count, 1);
	/* Asked of the kernel: the news of it was not read yet. */
	sh("ip neigh add 10.0.1.8 lladdr 44:19:b6:00:00:08 dev cams1 nud reachable");
	expect(neighbours, "10.0.1.8", "44:19:b6:00:00:08", "cams1");
	sh("ip neigh add fd00::9 lladdr 44:19:b6:00:00:0a dev cams0 nud stale");
	expect(neighbours, "fd00::9", "44:19:b6:00:00:0a", "cams0");
	/* Told by the kernel. */
	sh("ip neigh replace 10.0.0.7 lladdr 02:00:00:00:00:66 dev cams0 nud reachable");
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
	expect(neighbours, "10.0.0.7", "02:00:00:00:00:66", "cams0");
	cr_expect_eq(seen.before.mac[0], 0x44);
	cr_expect_eq(seen.now.mac[0], 0x02);
	sh("ip neigh del 10.0.0.7 dev cams0");
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
	expect(neighbours, "10.0.0.7", "02:00:00:00:00:66", "cams0"); /* who was there last */
	sh("ip neigh add 10.0.0.7 lladdr 44:19:b6:00:00:0b dev cams0 nud stale");
	expect(neighbours, "10.0.0.7", "44:19:b6:00:00:0b",
	    "cams0"); /* nobody's past goes before it */
	neighbours_close(neighbours);
	event_base_free(base);
}

Test(neighbours, an_interface_that_is_made_anew_is_the_same)
{
	struct neighbour_links names = {links, 2};
	struct event_base *base;
	struct neighbours *neighbours;

	make_links();
	sh("ip neigh add 10.0.0.7 lladdr 44:19:b6:00:00:07 dev cams0 nud reachable");
	base = event_base_new();
	neighbours = neighbours_open(base, &names, NULL, NULL, NULL);
	cr_assert_not_null(neighbours);
	sh("ip link del cams0");
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
	expect(neighbours, "10.0.0.7", "", "");
	sh("ip link add cams0 type veth peer name far3 && ip link set far3 up && ip link set cams0 up &&"
	   " ip addr add 10.0.0.1/24 dev cams0 &&"
	   " ip neigh add 10.0.0.7 lladdr 44:19:b6:00:00:77 dev cams0 nud reachable");
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
	expect(neighbours, "10.0.0.7", "44:19:b6:00:00:77", "cams0");
	sh("ip link set cams0 down && ip link set cams0 name away && ip link set cams1 down &&"
	   " ip link set cams1 name cams0");
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
	expect(neighbours, "10.0.0.7", "", "");
	neighbours_close(neighbours);
	event_base_free(base);
}

static bool
is_last(struct neighbours *neighbours)
{
	struct neighbour_table *table = neighbours_table(neighbours);
	bool last = neighbour_table_count(table) > 0;

	for (size_t i = 0; i < NEIGHBOURS_MAX; i++) {
		struct neighbour *entry = neighbour_table_at(table, i);

		last = last && (entry == NULL || entry->mac[4] == 9);
	}
	return last;
}

/* More news than the socket holds: the whole is read again. */
Test(neighbours, lost_news_is_read_again)
{
	const struct timeval soon = {.tv_usec = 20000};
	struct neighbour_links names = {links, 2};
	struct event_base *base;
	struct neighbours *neighbours;

	make_links();
	base = event_base_new();
	neighbours = neighbours_open(base, &names, NULL, NULL, NULL);
	cr_assert_not_null(neighbours);
	sh("for i in 2 3 4 5 6 7 8 9; do for j in $(seq 2 250); do"
	   " echo \"neigh replace 10.0.0.$j lladdr 44:19:b6:00:0$i:$(printf %02x $j)"
	   " dev cams0 nud permanent\"; done; done | ip -batch -");
	for (int i = 0; i < 200 && !is_last(neighbours); i++) {
		(void)event_base_loopexit(base, &soon);
		(void)event_base_dispatch(base);
	}
	cr_expect(is_last(neighbours));
	cr_expect_eq(neighbour_table_count(neighbours_table(neighbours)), 249);
	neighbours_close(neighbours);
	event_base_free(base);
	neighbours_close(NULL);
}
