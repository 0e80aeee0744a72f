/* SPDX-License-Identifier: MIT */
#include "proxy/udp_table.h"

#include <criterion/criterion.h>

static const struct udp_limits wide = {1000000, 1000000};

static struct addr
address(uint32_t ip, uint16_t port)
{
	struct addr addr = {.ip = {[10] = 0xff, [11] = 0xff}, .port = port};

	for (size_t i = 0; i < 4; i++)
		addr.ip[12 + i] = (uint8_t)(ip >> (24 - 8 * i));
	return addr;
}

static struct udp_table *
open_table(void)
{
	struct udp_table *table = udp_table_new(NULL);

	cr_assert_not_null(table);
	return table;
}

static struct udp_flow *
add(struct udp_table *table, uint32_t camera, uint16_t port, const struct udp_limits *limits)
{
	struct addr from = address(camera, port), to = address(7, 53);
	enum udp_room room;

	return udp_table_add(table, &from, &to, limits, &room);
}

Test(udp_table, finds_a_flow_by_all_four)
{
	struct udp_table *table = open_table();
	struct addr one = address(1, 1000), other = address(1, 1001);
	struct addr dst = address(7, 53), dst_port = address(7, 54), dst_host = address(8, 53);
	enum udp_room room;
	struct udp_flow *flow = udp_table_add(table, &one, &dst, &wide, &room);

	cr_assert_not_null(flow);
	cr_expect_eq(room, UDP_ROOM);
	cr_expect_eq(flow->state, UDP_TELLING);
	cr_expect_eq(udp_table_find(table, &one, &dst), flow);
	cr_expect_null(udp_table_find(table, &other, &dst));
	cr_expect_null(udp_table_find(table, &one, &dst_port));
	cr_expect_null(udp_table_find(table, &one, &dst_host));
	cr_expect_null(udp_table_find(table, &dst, &one));
	udp_table_remove(table, flow);
	cr_expect_null(udp_table_find(table, &one, &dst));
	cr_expect_eq(udp_table_count(table), 0);
	udp_table_free(table);
}

Test(udp_table, holds_each_camera_and_all_of_them_to_their_limits)
{
	struct udp_table *table = open_table();
	const struct udp_limits limits = {5, 3};
	struct addr from = address(1, 9), to = address(7, 53);
	struct udp_flow *first = add(table, 1, 1, &limits);
	enum udp_room room;

	cr_assert_not_null(first);
	cr_assert_not_null(add(table, 1, 2, &limits));
	cr_assert_not_null(add(table, 1, 3, &limits));
	cr_expect_null(udp_table_add(table, &from, &to, &limits, &room));
	cr_expect_eq(room, UDP_CAMERA_FULL);
	cr_assert_not_null(add(table, 2, 1, &limits), "another camera has its own");
	cr_assert_not_null(add(table, 2, 2, &limits));
	from = address(3, 1);
	cr_expect_null(udp_table_add(table, &from, &to, &limits, &room));
	cr_expect_eq(room, UDP_TABLE_FULL);
	udp_table_remove(table, first);
	cr_expect_not_null(add(table, 1, 4, &limits));
	udp_table_free(table);
}

Test(udp_table, one_that_ended_is_not_found_and_leaves_its_cameras_room)
{
	struct udp_table *table = open_table();
	const struct udp_limits limits = {2, 1};
	struct udp_flow *flow = add(table, 1, 1, &limits), *next;
	struct addr from = address(1, 1), to = address(7, 53);

	cr_assert_not_null(flow);
	udp_table_file(table, flow, UDP_ENDED, 5);
	cr_expect_null(udp_table_find(table, &from, &to));
	next = add(table, 1, 1, &limits);
	cr_expect_not_null(next);
	cr_expect_eq(udp_table_find(table, &from, &to), next);
	cr_expect_eq(udp_table_count_of(table, UDP_ENDED), 1);
	udp_table_remove(table, flow);
	cr_expect_eq(udp_table_count_of(table, UDP_ENDED), 0);
	cr_expect_eq(udp_table_find(table, &from, &to), next);
	udp_table_free(table);
}

/* Else a flood fills the memory while the record takes nothing. */
Test(udp_table, what_waits_to_be_recorded_takes_room_of_all)
{
	struct udp_table *table = open_table();
	const struct udp_limits limits = {3, 3};
	struct addr from = address(2, 9), to = address(7, 53);
	struct udp_flow *ended[3];
	enum udp_room room;

	for (uint16_t i = 0; i < 3; i++) {
		ended[i] = add(table, 1, i + 1, &limits);
		cr_assert_not_null(ended[i]);
		udp_table_file(table, ended[i], UDP_ENDED, 0);
	}
	cr_expect_eq(udp_table_count(table), 0);
	cr_expect_null(udp_table_add(table, &from, &to, &limits, &room));
	cr_expect_eq(room, UDP_TABLE_FULL);
	udp_table_remove(table, ended[0]);
	cr_expect_not_null(udp_table_add(table, &from, &to, &limits, &room));
	udp_table_free(table);
}

Test(udp_table, the_longest_unused_stands_first)
{
	struct udp_table *table = open_table();
	struct udp_flow *flows[3];

	for (uint16_t i = 0; i < 3; i++) {
		flows[i] = add(table, 1, (uint16_t)(i + 1), &wide);
		cr_assert_not_null(flows[i]);
		udp_table_file(table, flows[i], UDP_ONE_WAY, 1000 + i);
	}
	cr_expect_eq(udp_table_oldest(table, UDP_ONE_WAY), flows[0]);
	udp_table_use(table, flows[0], 1100);
	cr_expect_eq(udp_table_oldest(table, UDP_ONE_WAY), flows[0], "not at each datagram");
	cr_expect_eq(flows[0]->used_ms, 1100);
	udp_table_use(table, flows[0], 1000 + UDP_TABLE_FILE_MS);
	cr_expect_eq(udp_table_oldest(table, UDP_ONE_WAY), flows[1]);
	udp_table_file(table, flows[1], UDP_TWO_WAY, 2000);
	cr_expect_eq(udp_table_oldest(table, UDP_ONE_WAY), flows[2]);
	cr_expect_eq(udp_table_oldest(table, UDP_TWO_WAY), flows[1]);
	cr_expect_eq(udp_table_count_of(table, UDP_ONE_WAY), 2);
	udp_table_free(table);
}

enum { MANY = 100000 };

static void
visit(void *arg, struct udp_flow *flow)
{
	size_t *seen = arg;

	seen[flow->camera.port | (flow->camera.ip[15] & 1U) << 16]++;
}

Test(udp_table, a_walk_visits_each_once)
{
	static size_t seen[1 << 17];
	struct udp_table *table = open_table();
	size_t at = 0, steps = 0;

	for (uint32_t i = 0; i < MANY; i++)
		cr_assert_not_null(add(table, i >> 16, (uint16_t)i, &wide));
	cr_expect_eq(udp_table_count(table), MANY);
	while (udp_table_walk(table, &at, visit, seen))
		steps++;
	cr_expect_gt(steps, 100, "not all at once");
	for (size_t i = 0; i < MANY; i++)
		cr_assert_eq(seen[i], 1, "flow %zu", i);
	udp_table_free(table);
}

static void
end_odd(void *arg, struct udp_flow *flow)
{
	struct udp_table *table = arg;

	if (flow->camera.port % 2 == 1)
		udp_table_remove(table, flow);
	else
		udp_table_file(table, flow, UDP_ENDED, 0);
}

Test(udp_table, a_visit_may_end_what_it_visits)
{
	struct udp_table *table = open_table();
	size_t at = 0;

	for (uint32_t i = 0; i < 1000; i++)
		cr_assert_not_null(add(table, 1, (uint16_t)i, &wide));
	while (udp_table_walk(table, &at, end_odd, table))
		;
	cr_expect_eq(udp_table_count(table), 0);
	cr_expect_eq(udp_table_count_of(table, UDP_ENDED), 500);
	udp_table_free(table);
}

static unsigned
looks(struct udp_table *table, uint32_t ip, uint32_t per_s, uint64_t now_ms)
{
	const struct addr camera = address(ip, 5);
	unsigned count = 0;

	while (count < 10000 && udp_table_may_look(table, &camera, per_s, now_ms))
		count++;
	return count;
}

/* A second's worth at once, and then as it comes. */
Test(udp_table, looks_are_a_share_each_second_of_a_camera)
{
	struct udp_table *table = open_table();

	(void)add(table, 1, 5, &wide);
	(void)add(table, 2, 5, &wide);
	cr_expect_eq(looks(table, 1, 100, 5000), 100);
	cr_expect_eq(looks(table, 1, 100, 5000), 0);
	cr_expect_eq(looks(table, 2, 100, 5000), 100, "another camera's is its own");
	cr_expect_eq(looks(table, 1, 100, 5100), 10);
	cr_expect_eq(looks(table, 1, 100, 60000), 100, "no more is saved up");
	cr_expect_eq(looks(table, 1, 1, 120000), 1);
	cr_expect_eq(looks(table, 1, 1, 120999), 0);
	cr_expect_eq(looks(table, 1, 1, 121000), 1);
	udp_table_free(table);
}

/* Source addresses are a camera's to invent. */
Test(udp_table, looks_of_all_cameras_are_bounded_together)
{
	struct udp_table *table = open_table();
	unsigned count = 0;

	for (uint32_t ip = 1; ip <= 2 * UDP_HELLO_CAMERAS; ip++) {
		(void)add(table, ip, 5, &wide);
		count += looks(table, ip, 100, 5000);
	}
	cr_expect_eq(count, UDP_HELLO_CAMERAS * 100);
	cr_expect_eq(looks(table, 2 * UDP_HELLO_CAMERAS, 100, 5100), 100,
	    "what was refused cost nothing");
	udp_table_free(table);
}

static struct udp_excess
excess(uint32_t camera)
{
	return (struct udp_excess){.camera = address(camera, 5),
	    .dst = address(7, 53),
	    .packets = 1,
	    .bytes = 100};
}

Test(udp_table, excess_is_told_soon_and_then_from_time_to_time)
{
	struct udp_table *table = open_table();
	struct udp_excess one = excess(1), other = excess(2), told;

	cr_expect_not(udp_table_take_excess(table, 1000, 60000, &told));
	udp_table_drop(table, &one, 1000);
	cr_expect_not(udp_table_take_excess(table, 1999, 60000, &told));
	one.hellos = 1;
	udp_table_drop(table, &one, 1999);
	one.hellos = 0;
	cr_expect(udp_table_take_excess(table, 2000, 60000, &told));
	cr_expect_eq(told.packets, 2);
	cr_expect_eq(told.hellos, 1);
	for (int i = 0; i < 20000; i++)
		udp_table_drop(table, &one, 2001);
	cr_expect_not(udp_table_take_excess(table, 61999, 60000, &told));
	udp_table_drop(table, &other, 60999);
	cr_expect(udp_table_take_excess(table, 61999, 60000, &told), "another camera's");
	cr_expect(addr_equal(&told.camera, &other.camera));
	cr_expect(udp_table_take_excess(table, 62000, 60000, &told));
	cr_expect_eq(told.packets, 20000);
	cr_expect_eq(told.bytes, 2000000);
	cr_expect_not(udp_table_take_excess(table, 200000, 60000, &told));
	udp_table_free(table);
}

/* Source addresses are a camera's to invent: what is kept of them is bounded, and
 * nothing is lost of the count. */
Test(udp_table, excess_of_invented_cameras_is_counted_together)
{
	enum { CAMERAS = 50000 };
	struct udp_table *table = open_table();
	struct udp_excess told;
	uint64_t packets = 0, events = 0;

	for (uint32_t i = 0; i < CAMERAS; i++) {
		struct udp_excess one = excess(i);

		udp_table_drop(table, &one, 0);
	}
	while (udp_table_take_excess(table, 1000, 60000, &told)) {
		packets += told.packets;
		events++;
	}
	cr_expect_eq(packets, CAMERAS);
	cr_expect_leq(events, 1025);
	udp_table_free(table);
}
