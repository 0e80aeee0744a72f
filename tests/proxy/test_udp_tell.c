/* SPDX-License-Identifier: MIT */
#include "inspect/datagram.h"
#include "proxy/udp_private.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct udp_relay *relay;
static struct udp_flow *flow;
static const struct udp_limits limits = {.flows = 4096, .per_camera = 4096};

static struct udp_flow *
add(uint16_t port, uint16_t dst_port)
{
	struct addr camera, dst;
	enum udp_room room;

	cr_assert_eq(addr_parse(&camera, "192.168.77.10", port, NULL), 0);
	cr_assert_eq(addr_parse(&dst, "198.51.101.7", dst_port, NULL), 0);
	return udp_table_add(relay->table, &camera, &dst, &limits, &room);
}

static void
begin(void)
{
	relay = calloc(1, sizeof(*relay));
	cr_assert_not_null(relay);
	relay->table = udp_table_new(NULL);
	cr_assert_not_null(relay->table);
	flow = add(5000, 6000);
	cr_assert_not_null(flow);
}

static void
end(void)
{
	udp_tell_forget(relay, flow);
	cr_expect_eq(relay->waiting_bytes, 0, "nothing waits for nobody");
	udp_table_free(relay->table);
	free(relay);
}

TestSuite(udp_tell, .init = begin, .fini = end);

#define ALL(array) ((struct bytes){array, sizeof(array)})

static const uint8_t binding[20] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1};
static const uint8_t ntp[48] = {0x23};
static const uint8_t junk[12] = {0x99, 'p', 'u', 'n', 'c', 'h'};
static const uint8_t lookup[] = {0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 2, 'd', 'e', 0, 0, 1,
    0, 1};

static struct bytes
rtp(uint16_t number)
{
	static uint8_t packets[16][40];
	static size_t at;
	uint8_t *packet = packets[at++ % 16];

	memset(packet, 0, sizeof(packets[0]));
	packet[0] = 0x80;
	packet[1] = 96;
	packet[2] = (uint8_t)(number >> 8);
	packet[3] = (uint8_t)number;
	packet[11] = 77;
	return (struct bytes){packet, sizeof(packets[0])};
}

Test(udp_tell, one_datagram_is_enough_for_most_and_nothing_is_kept)
{
	static const struct {
		const uint8_t *at;
		size_t size;
		uint16_t dst_port;
		enum app_proto proto;
	} rows[] = {
	    {binding, sizeof(binding), 3478, APP_STUN},
	    {ntp, sizeof(ntp), 123, APP_NTP},
	    {lookup, sizeof(lookup), 53, APP_DNS},
	    {junk, sizeof(junk), 9000, APP_UNKNOWN},
	    {junk, 0, 9000, APP_UNKNOWN},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct udp_flow *one = add(7000, rows[i].dst_port);

		cr_expect(udp_tell(relay, one, (struct bytes){rows[i].at, rows[i].size}), "%zu", i);
		cr_expect_eq(relay->facts.app.proto, rows[i].proto, "%zu", i);
		cr_expect_null(one->waiting);
		cr_expect_eq(relay->waiting_bytes, 0);
		udp_table_remove(relay->table, one);
	}
	cr_expect(udp_tell(relay, flow, ALL(junk)));
	cr_expect_eq(relay->facts.app.first_size, 8);
	cr_expect_eq(memcmp(relay->facts.app.first, junk, 8), 0);
}

Test(udp_tell, what_takes_two_waits_whole_and_in_order)
{
	const struct bytes first = rtp(1), second = rtp(2);

	cr_expect_not(udp_tell(relay, flow, first));
	cr_assert_not_null(flow->waiting);
	cr_expect_geq(relay->waiting_bytes, first.left);
	cr_expect(udp_tell(relay, flow, second));
	cr_expect_eq(relay->facts.app.proto, APP_RTP);
	cr_assert_eq(flow->waiting->count, 2);
	cr_expect_eq(memcmp(flow->waiting->datagrams[0].at, first.at, first.left), 0);
	cr_expect_eq(memcmp(flow->waiting->datagrams[1].at, second.at, second.left), 0);
}

Test(udp_tell, no_more_than_so_many_are_waited_for)
{
	size_t looks = 1;

	while (!udp_tell(relay, flow, rtp((uint16_t)(1000 * looks))))
		looks++;
	cr_expect_eq(looks, DATAGRAM_TELL_MAX);
	cr_expect_eq(relay->facts.app.proto, APP_UNKNOWN, "they do not follow each other");
	cr_expect_eq(flow->waiting->count, DATAGRAM_TELL_MAX);
}

Test(udp_tell, what_does_not_come_is_given_up)
{
	cr_expect_not(udp_tell(relay, flow, rtp(1)));
	udp_tell_give_up(relay, flow);
	cr_expect_eq(relay->facts.app.proto, APP_UNKNOWN);
	cr_expect_eq(flow->waiting->count, 1, "what waited may go yet");
	udp_tell_forget(relay, flow);
	cr_expect_null(flow->waiting);
	udp_tell_give_up(relay, flow);
	cr_expect_eq(relay->facts.app.proto, APP_NONE);
}

Test(udp_tell, where_nothing_may_wait_it_is_lost)
{
	relay->waiting_bytes = UDP_WAITING_BYTES_MAX;
	cr_expect_not(udp_tell(relay, flow, rtp(1)));
	cr_expect_null(flow->waiting);
	relay->waiting_bytes = 0;
}

/* Annex B behind a fixed header, as RTP has it: what it is of. */
Test(udp_tell, footage_has_its_class_before_it_leaves)
{
	uint8_t transport[7 * 188];

	memset(transport, 0x55, sizeof(transport));
	for (size_t i = 0; i < 7; i++) {
		uint8_t *packet = transport + i * 188;

		packet[0] = 0x47;
		packet[1] = 1;
		packet[2] = 0;
		packet[3] = (uint8_t)(0x10 | i);
	}
	cr_expect(udp_tell(relay, flow, ALL(transport)));
	cr_expect_eq(relay->facts.app.proto, APP_UNKNOWN);
	cr_expect_eq(relay->facts.payload.class, PAYLOAD_VIDEO);
}
