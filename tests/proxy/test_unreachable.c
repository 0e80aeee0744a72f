/* SPDX-License-Identifier: MIT */
#include "proxy/unreachable.h"

#include "base/err.h"

#include <criterion/criterion.h>
#include <string.h>

static struct addr
addr_of(const char *text)
{
	struct addr addr;

	cr_assert_eq(addr_parse(&addr, text, 0, NULL), 0, "%s", text);
	return addr;
}

static uint16_t
word_at(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* 0xffff where the checksum in these bytes is right (RFC 1071). */
static uint32_t
sum_of(uint32_t sum, const uint8_t *at, size_t size)
{
	for (size_t i = 0; i < size; i++)
		sum += i % 2 == 0 ? (uint32_t)at[i] << 8 : at[i];
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

Test(unreachable, comes_from_where_the_camera_sent)
{
	const struct addr camera = addr_of("192.168.7.10:4000"), dst = addr_of("203.0.113.7:443");
	const struct unreachable what = {&camera, &dst, 1200, {(const uint8_t *)"quic", 4}};
	uint8_t out[UNREACHABLE_MAX];
	size_t size = unreachable_packet(&what, out);

	cr_assert_eq(size, 20 + 8 + 20 + 8 + 4);
	cr_expect_eq(out[0], 0x45);
	cr_expect_eq(word_at(out + 2), size);
	cr_expect_eq(out[9], 1, "ICMP");
	cr_expect_arr_eq(out + 12, dst.ip + 12, 4);
	cr_expect_arr_eq(out + 16, camera.ip + 12, 4);
	cr_expect_eq(out[20], 3, "destination unreachable");
	cr_expect_eq(out[21], 3, "port");
	cr_expect_eq(sum_of(0, out + 20, size - 20), 0xffff);
	cr_expect_eq(word_at(out + 30), 20 + 8 + 1200, "as long as what was sent");
	cr_expect_eq(out[37], 17, "UDP");
	cr_expect_eq(sum_of(0, out + 28, 20), 0xffff);
	cr_expect_arr_eq(out + 40, camera.ip + 12, 4);
	cr_expect_arr_eq(out + 44, dst.ip + 12, 4);
	cr_expect_eq(word_at(out + 48), 4000);
	cr_expect_eq(word_at(out + 50), 443);
	cr_expect_eq(word_at(out + 52), 8 + 1200);
	cr_expect_arr_eq(out + 56, "quic", 4);
}

Test(unreachable, is_that_of_icmpv6_for_ipv6)
{
	const struct addr camera = addr_of("[fd77::10]:4000"), dst = addr_of("[2001:db8::7]:443");
	const struct unreachable what = {&camera, &dst, 5, {(const uint8_t *)"odd", 3}};
	uint8_t out[UNREACHABLE_MAX];
	size_t size = unreachable_packet(&what, out);
	uint32_t sum;

	cr_assert_eq(size, 40 + 8 + 40 + 8 + 3);
	cr_expect_eq(out[0] >> 4, 6);
	cr_expect_eq(word_at(out + 4), size - 40);
	cr_expect_eq(out[6], 58, "ICMPv6");
	cr_expect_arr_eq(out + 8, dst.ip, 16);
	cr_expect_arr_eq(out + 24, camera.ip, 16);
	cr_expect_eq(out[40], 1, "destination unreachable");
	cr_expect_eq(out[41], 4, "port");
	sum = sum_of((uint32_t)(size - 40) + 58, out + 8, 32);
	cr_expect_eq(sum_of(sum, out + 40, size - 40), 0xffff);
	cr_expect_eq(word_at(out + 52), 8 + 5);
	cr_expect_eq(out[54], 17, "UDP");
	cr_expect_arr_eq(out + 56, camera.ip, 16);
	cr_expect_arr_eq(out + 72, dst.ip, 16);
	cr_expect_eq(word_at(out + 88), 4000);
	cr_expect_eq(word_at(out + 90), 443);
	cr_expect_eq(word_at(out + 92), 8 + 5);
}

Test(unreachable, has_room_for_the_longest)
{
	const struct addr camera = addr_of("[fd77::10]:1"), dst = addr_of("[2001:db8::7]:2");
	const struct addr camera4 = addr_of("192.0.2.1:1"), dst4 = addr_of("192.0.2.2:2");
	uint8_t head[UNREACHABLE_HEAD_MAX] = {0xff}, out[UNREACHABLE_MAX];
	const struct unreachable six = {&camera, &dst, 65000, {head, sizeof(head)}};
	const struct unreachable four = {&camera4, &dst4, 65507, {head, sizeof(head)}};
	const struct unreachable empty = {&camera4, &dst4, 0, {NULL, 0}};

	cr_expect_eq(unreachable_packet(&six, out), UNREACHABLE_MAX);
	cr_expect_eq(unreachable_packet(&four, out), 56 + UNREACHABLE_HEAD_MAX);
	cr_expect_eq(word_at(out + 30), 65535);
	cr_expect_eq(unreachable_packet(&empty, out), 56);
}
