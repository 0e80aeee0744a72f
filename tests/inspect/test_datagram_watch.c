/* SPDX-License-Identifier: MIT */
#include "inspect/datagram_watch.h"

#include <criterion/criterion.h>
#include <string.h>

static const uint8_t binding[20] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1};
static const uint8_t allocate[20] = {0, 3, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1};
static const uint8_t ntp[48] = {0x23};
static const uint8_t dtls[14] = {23, 0xfe, 0xfd};
static const uint8_t rtcp[8] = {0x80, 201, 0, 1, 0, 0, 0, 77};
static const uint8_t junk[12] = {0x99, 'p', 'u', 'n', 'c', 'h'};

static struct bytes
rtp(uint16_t number)
{
	static uint8_t packets[8][40];
	static size_t at;
	uint8_t *packet = packets[at++ % 8];

	memset(packet, 0, sizeof(packets[0]));
	packet[0] = 0x80;
	packet[1] = 96;
	packet[2] = (uint8_t)(number >> 8);
	packet[3] = (uint8_t)number;
	packet[11] = 77;
	return (struct bytes){packet, sizeof(packets[0])};
}

#define ALL(array) ((struct bytes){array, sizeof(array)})

static bool
turns(enum app_proto proto, struct bytes datagram)
{
	struct datagram_watch watch = {.proto = (uint8_t)proto};

	return datagram_watch_turns(&watch, datagram, 123);
}

Test(datagram_watch, media_behind_what_found_its_way_is_something_else)
{
	cr_expect_not(turns(APP_STUN, ALL(binding)));
	cr_expect(turns(APP_STUN, rtp(1)));
	cr_expect(turns(APP_STUN, ALL(dtls)));
	cr_expect(turns(APP_STUN, ALL(allocate)), "a relay is another matter");
	cr_expect_not(turns(APP_DTLS, ALL(dtls)));
	cr_expect_not(turns(APP_DTLS, ALL(binding)), "it keeps the way open");
	cr_expect(turns(APP_DTLS, rtp(1)));
	cr_expect_not(turns(APP_RTCP, ALL(rtcp)));
	cr_expect_not(turns(APP_RTCP, ALL(binding)));
	cr_expect(turns(APP_RTCP, rtp(1)));
	cr_expect_not(turns(APP_NTP, ALL(ntp)));
	cr_expect(turns(APP_NTP, rtp(1)));
}

Test(datagram_watch, what_is_media_already_stays_that)
{
	for (int proto = APP_NONE; proto < APP_COUNT; proto++) {
		if (proto != APP_RTP && proto != APP_TURN && proto != APP_QUIC && proto != APP_DNS)
			continue;
		cr_expect_not(turns((enum app_proto)proto, ALL(binding)));
		cr_expect_not(turns((enum app_proto)proto, ALL(junk)));
		cr_expect_not(turns((enum app_proto)proto, rtp(1)));
	}
}

Test(datagram_watch, few_bytes_keep_any_way_open)
{
	for (int proto = APP_NONE; proto < APP_COUNT; proto++) {
		for (size_t size = 0; size <= DATAGRAM_KEEPALIVE_MAX; size++)
			cr_expect_not(turns((enum app_proto)proto, (struct bytes){junk, size}));
	}
}

Test(datagram_watch, of_the_unknown_two_packets_of_rtp_have_to_follow)
{
	static const enum app_proto protos[] = {APP_UNKNOWN, APP_P2P};

	for (size_t i = 0; i < 2; i++) {
		struct datagram_watch watch = {.proto = (uint8_t)protos[i]};

		cr_expect_not(datagram_watch_turns(&watch, rtp(7), 9));
		cr_expect_not(datagram_watch_turns(&watch, rtp(7), 9), "the same again");
		cr_expect_not(datagram_watch_turns(&watch, rtp(700), 9), "far away");
		cr_expect_not(datagram_watch_turns(&watch, ALL(junk), 9));
		cr_expect(datagram_watch_turns(&watch, rtp(701), 9));
	}
}
