/* SPDX-License-Identifier: MIT */
#include "inspect/datagram_watch.h"

#include "inspect/datagram.h"

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
turns_now(struct datagram_watch *watch, struct bytes datagram)
{
	return datagram_watch_look(watch, datagram, 9) == DATAGRAM_TURNS;
}

static bool
turns(enum app_proto proto, struct bytes datagram)
{
	struct datagram_watch watch = {.proto = (uint8_t)proto};

	return datagram_watch_look(&watch, datagram, 123) == DATAGRAM_TURNS;
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

/* Seven packets of MPEG-TS; first: the byte that each begins with. */
static struct bytes
transport(uint8_t first)
{
	enum { PACKET = 188, PACKETS = 7 };
	static uint8_t stream[PACKET * PACKETS];

	memset(stream, 0x55, sizeof(stream));
	for (size_t i = 0; i < PACKETS; i++) {
		stream[i * PACKET] = first;
		stream[i * PACKET + 1] = 1;
		stream[i * PACKET + 2] = 0;
		stream[i * PACKET + 3] = (uint8_t)(0x10 | i);
	}
	return (struct bytes){stream, sizeof(stream)};
}

/* SPS and PPS as x264 writes them for 64x64, and a slice's header. */
static const uint8_t annexb[] = {0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x0a, 0xda, 0x11, 0x9a, 0x10, 0, 0,
    3, 0, 0x10, 0, 0, 3, 3, 0xc0, 0xf1, 0x22, 0x6a, 0, 0, 0, 1, 0x68, 0xce, 0x0f, 0xc8, 0, 0, 1,
    0x65, 0x88, 0x84, 0x3f, 0xff};
static const uint8_t jfif[] = {0xff, 0xd8, 0xff, 0xe0, 0, 16, 'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1,
    0, 1, 0, 0};

/* Data of PPPP: a header of its maker's with so many bytes, then footage. */
static struct bytes
pppp(struct bytes footage, uint8_t header, uint8_t kind)
{
	static uint8_t datagrams[4][1400];
	static size_t at;
	uint8_t *datagram = datagrams[at++ % 4];
	size_t size = 8U + header + footage.left;

	memset(datagram, 0x55, size);
	memcpy(datagram, "\xf1\xd0\0\0\xd1\1\0\7", 8);
	datagram[1] = kind;
	datagram[2] = (uint8_t)((size - 4) >> 8);
	datagram[3] = (uint8_t)(size - 4);
	memcpy(datagram + 8 + header, footage.at, footage.left);
	return (struct bytes){datagram, size};
}

Test(datagram_watch, footage_in_data_of_pppp_is_seen)
{
	struct datagram_watch told = {.proto = APP_P2P, .footage = true},
			      watch = {.proto = APP_P2P};
	struct payload_finding finding;

	cr_expect(turns(APP_P2P, pppp(ALL(annexb), 32, 0xd0)));
	cr_expect(turns(APP_P2P, pppp(ALL(jfif), 32, 0xd0)));
	cr_expect(turns(APP_P2P, pppp(transport(0x47), 0, 0xd0)));
	cr_expect_not(turns(APP_P2P, pppp(ALL(junk), 32, 0xd0)));
	cr_expect_not(turns(APP_P2P, pppp(ALL(annexb), 32, 0xd1)), "an acknowledgement has none");
	cr_expect_not(turns_now(&told, pppp(ALL(jfif), 32, 0xd0)));
	cr_expect(datagram_is_footage(pppp(ALL(annexb), 32, 0xd0), &finding));
	cr_expect_eq(finding.class, PAYLOAD_VIDEO);
	cr_expect(datagram_is_footage(pppp(ALL(jfif), 4, 0xd0), &finding));
	cr_expect_eq(finding.class, PAYLOAD_IMAGE);
	/* Start codes without anything behind them. */
	for (int i = 0; i < 300; i++)
		cr_expect_not(turns_now(&watch, pppp((struct bytes){annexb, 5}, 8, 0xd0)));
	for (int i = 0; i < 16 && !told.looks; i++)
		told.looks = turns_now(&watch, pppp(ALL(jfif), 8, 0xd0));
	cr_expect(told.looks, "later one of 16 is looked at");
}

Test(datagram_watch, the_unknown_becomes_footage_once)
{
	static const enum app_proto protos[] = {APP_UNKNOWN, APP_P2P};

	for (size_t i = 0; i < 2; i++) {
		struct datagram_watch told = {.proto = (uint8_t)protos[i], .footage = true};

		cr_expect(turns(protos[i], transport(0x47)));
		cr_expect(turns(protos[i], ALL(annexb)));
		cr_expect_not(turns(protos[i], transport(0x46)));
		cr_expect_not(turns(protos[i], (struct bytes){transport(0x47).at, 188}), "one");
		cr_expect_not(turns_now(&told, transport(0x47)));
		for (size_t size = 0; size < 8; size++)
			cr_expect_not(turns(protos[i], (struct bytes){annexb, size}), "%zu", size);
	}
	cr_expect_not(turns(APP_RTP, transport(0x47)));
}

/* As ffmpeg sends it: seven packets behind the header of a data packet. */
static struct bytes
srt(struct bytes payload, uint8_t first)
{
	static uint8_t packet[16 + 7 * 188];

	memset(packet, 0, 16);
	packet[0] = first;
	memcpy(packet + 16, payload.at, payload.left);
	return (struct bytes){packet, 16 + payload.left};
}

Test(datagram_watch, a_transport_stream_in_srt_is_seen)
{
	struct payload_finding finding = {0};
	struct bytes data = srt(transport(0x47), 0x12);

	cr_expect(turns(APP_UNKNOWN, data));
	cr_expect(datagram_is_footage(data, &finding));
	cr_expect_eq(finding.class, PAYLOAD_VIDEO);
	cr_expect_not(turns(APP_UNKNOWN, srt(transport(0x46), 0x12)));
	cr_expect_not(turns(APP_UNKNOWN, srt(transport(0x47), 0x80)), "a control packet");
	for (size_t size = 5; size < 16 + 5 * 188; size++)
		cr_expect_not(turns(APP_UNKNOWN, (struct bytes){data.at, size}), "%zu", size);
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

/* Picture and sound on one port, as WebRTC bundles them. */
Test(datagram_watch, sources_of_rtp_that_take_turns_are_seen)
{
	struct datagram_watch watch = {.proto = APP_UNKNOWN};

	for (uint8_t source = 1; source <= DATAGRAM_WATCH_PACKETS; source++) {
		struct bytes packet = rtp(7);

		((uint8_t *)(uintptr_t)packet.at)[8] = source;
		cr_expect_not(turns_now(&watch, packet));
	}
	for (int i = 0; i < 1000; i++)
		cr_expect_not(turns_now(&watch, rtp(700)));
	cr_expect(turns_now(&watch, rtp(701)));
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

		cr_expect_not(turns_now(&watch, rtp(7)));
		cr_expect_not(turns_now(&watch, rtp(7)), "the same again");
		cr_expect_not(turns_now(&watch, rtp(700)), "far away");
		cr_expect_not(turns_now(&watch, ALL(junk)));
		cr_expect(turns_now(&watch, rtp(701)));
	}
}
