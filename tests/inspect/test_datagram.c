/* SPDX-License-Identifier: MIT */
#include "inspect/datagram.h"
#include "inspect/encrypted_dns.h"
#include "tests/support/quic_maker.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct told {
	enum datagram_result result;
	struct app_facts app;
	struct hello_facts hello;
};

static struct told
tell(struct datagram_teller **teller, const void *bytes, size_t size, uint16_t port)
{
	uint8_t *exact = malloc(size == 0 ? 1 : size);
	struct told told = {0};

	cr_assert_not_null(exact);
	memcpy(exact, bytes, size);
	told.result =
	    datagram_tell(teller, (struct bytes){exact, size}, port, &told.app, &told.hello);
	free(exact);
	return told;
}

/* What one datagram alone is told to be; it may seem to be something and wait. */
static struct told
tell_one(const void *bytes, size_t size, uint16_t port)
{
	struct datagram_teller *teller = NULL;
	struct told told = tell(&teller, bytes, size, port);

	cr_expect_eq(teller != NULL, told.result == DATAGRAM_MORE);
	datagram_give_up(&teller, &told.app, &told.hello);
	cr_expect_null(teller);
	return told;
}

#define BYTES(bytes) (bytes), sizeof(bytes) - 1
#define QUERY(name) "\x12\x34\1\0\0\1\0\0\0\0\0\0" name "\0\0\1\0\1"
#define ZEROES_12 "\0\0\0\0\0\0\0\0\0\0\0\0"
#define NTP(flags) flags "\0\6\xec" ZEROES_12 ZEROES_12 ZEROES_12 "\0\0\0\0\0\0\0\0"

/* ---- one datagram ---- */

static const struct row {
	const char *what, *bytes;
	size_t size;
	uint16_t port;
	enum app_proto proto;
	const char *method;
} rows[] = {
    {"a query", BYTES(QUERY("\3cam\7example")), 53, APP_DNS, ""},
    {"one elsewhere", BYTES(QUERY("\3cam\7example")), 5353, APP_DNS, ""},
    {"one with something behind", BYTES(QUERY("\3cam\7example") "x"), 53, APP_DNS, ""},
    {"the same elsewhere", BYTES(QUERY("\3cam\7example") "x"), 5353, APP_UNKNOWN, ""},
    {"an answer", BYTES("\x12\x34\x81\x80\0\1\0\0\0\0\0\0\1a\0\0\1\0\1"), 53, APP_UNKNOWN, ""},
    {"a query of id 0x8000", BYTES("\x80\0\1\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1"), 5353, APP_DNS, ""},

    {"a question for the time", BYTES(NTP("\x23")), 123, APP_NTP, "client"},
    {"of version 3", BYTES(NTP("\x1b")), 123, APP_NTP, "client"},
    {"of a friend", BYTES(NTP("\x21")), 123, APP_NTP, "symmetric"},
    {"signed", BYTES(NTP("\x23") "\0\0\0\1" ZEROES_12 "\0\0\0\0"), 123, APP_NTP, "client"},
    {"elsewhere", BYTES(NTP("\x23")), 1234, APP_UNKNOWN, ""},
    {"an answer's mode", BYTES(NTP("\x24")), 123, APP_UNKNOWN, ""},
    {"of version 0", BYTES(NTP("\x03")), 123, APP_UNKNOWN, ""},
    {"of version 5", BYTES(NTP("\x2b")), 123, APP_UNKNOWN, ""},
    {"short", NTP("\x23"), 47, 123, APP_UNKNOWN, ""},

    {"STUN", BYTES("\0\1\0\0\x21\x12\xa4\x42" ZEROES_12), 3478, APP_STUN, "Binding"},
    {"on any port", BYTES("\0\1\0\0\x21\x12\xa4\x42" ZEROES_12), 40000, APP_STUN, "Binding"},
    {"a later method", BYTES("\0\x0b\0\0\x21\x12\xa4\x42" ZEROES_12), 3478, APP_STUN, ""},
    {"with SOFTWARE", BYTES("\0\1\0\x0c\x21\x12\xa4\x42" ZEROES_12 "\x80\x22\0\5hello\0\0\0"), 3478,
	APP_STUN, "Binding"},
    {"a length that is not its", BYTES("\0\1\0\4\x21\x12\xa4\x42" ZEROES_12), 3478, APP_UNKNOWN,
	""},
    {"attributes that do not chain", BYTES("\0\1\0\4\x21\x12\xa4\x42" ZEROES_12 "\x80\x22\0\1"),
	3478, APP_UNKNOWN, ""},
    {"without a cookie", BYTES("\0\1\0\0abcd" ZEROES_12), 3478, APP_STUN, "Binding"},
    {"the same elsewhere", BYTES("\0\1\0\0abcd" ZEROES_12), 9000, APP_UNKNOWN, ""},
    {"TURN", BYTES("\0\3\0\0\x21\x12\xa4\x42" ZEROES_12), 3478, APP_TURN, "Allocate"},
    {"in a channel", BYTES("\x40\1\0\3abc\0"), 3478, APP_TURN, "ChannelData"},
    {"beyond the channels", BYTES("\x50\1\0\3abc"), 3478, APP_UNKNOWN, ""},
    {"more than its length", BYTES("\x40\1\0\3abcdefgh"), 3478, APP_UNKNOWN, ""},

    {"RTCP", BYTES("\x80\xc9\0\1\0\0\0\7"), 5005, APP_RTCP, ""},
    {"two in one", BYTES("\x80\xc9\0\1\0\0\0\7\x81\xca\0\2\0\0\0\7\1\0\0\0"), 5005, APP_RTCP, ""},
    {"beyond its end", BYTES("\x80\xc9\0\2\0\0\0\7"), 5005, APP_UNKNOWN, ""},
    {"something behind", BYTES("\x80\xc9\0\1\0\0\0\7x"), 5005, APP_UNKNOWN, ""},
    {"no type of it", BYTES("\x80\xc7\0\1\0\0\0\7"), 5005, APP_UNKNOWN, ""},
    {"one packet of RTP", BYTES("\x80\x60\0\1\0\0\0\7\0\0\0\x09payload"), 5004, APP_UNKNOWN, ""},

    {"PPPP", BYTES("\xf1\0\0\0"), 32100, APP_P2P, "PPPP 0x00"},
    {"with a body", BYTES("\xf1\x20\0\4abcd"), 32100, APP_P2P, "PPPP 0x20"},
    {"another length", BYTES("\xf1\x20\0\3abcd"), 32100, APP_UNKNOWN, ""},
    {"another kind", BYTES("\xf1\x55\0\4abcd"), 32100, APP_UNKNOWN, ""},
    {"a search", BYTES("\x2c\xba\x5f\x5d"), 32108, APP_P2P, "PPPP search"},
    {"PTCP", BYTES("PTCP" ZEROES_12 "\0\0\0\0\0\0\0\0"), 8800, APP_P2P, "PTCP"},
    {"its four letters", BYTES("PTCP"), 8800, APP_UNKNOWN, ""},
    {"Dahua's request", BYTES("DHGET /probe/p2psrv HTTP/1.1\r\n"), 8800, APP_P2P, "DHGET"},

    {"DTLS in its middle", BYTES("\x17\xfe\xfd\0\1\0\0\0\0\0\5\0\2ab"), 5684, APP_DTLS, ""},
    {"nothing", "", 0, 5000, APP_UNKNOWN, ""},
    {"one byte", "\x80", 1, 5000, APP_UNKNOWN, ""},
};

Test(datagram, one_is_told_by_its_structure)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct told told = tell_one(rows[i].bytes, rows[i].size, rows[i].port);

		cr_expect_eq(told.app.proto, rows[i].proto, "%s: %s", rows[i].what,
		    app_proto_name(told.app.proto));
		cr_expect_str_eq(told.app.method, rows[i].method, "%s", rows[i].what);
	}
}

Test(datagram, what_is_not_known_shows_its_first_bytes)
{
	struct told told = tell_one(BYTES("\x99 not known"), 5000);

	cr_expect_eq(told.app.first_size, 8);
	cr_expect_eq(memcmp(told.app.first, "\x99 not kn", 8), 0);
	told = tell_one(BYTES("abc"), 5000);
	cr_expect_eq(told.app.first_size, 3);
	/* It seemed to be RTP. */
	told = tell_one(BYTES("\x80\x60\0\1\0\0\0\7\0\0\0\x09payload"), 5004);
	cr_expect_eq(memcmp(told.app.first, "\x80\x60\0\1\0\0\0\7", 8), 0);
	cr_expect_eq(tell_one(BYTES(QUERY("\1a")), 53).app.first_size, 0);
}

Test(datagram, software_of_stun_is_the_agent)
{
	struct told told =
	    tell_one(BYTES("\0\1\0\x0c\x21\x12\xa4\x42" ZEROES_12 "\x80\x22\0\5hello\0\0\0"), 3478);

	cr_expect_str_eq(told.app.agent, "hello");
}

/* Cut or changed anywhere, it is something or not, and read no further. */
Test(datagram, none_is_read_beyond_its_end)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t copy[128];

		cr_assert_leq(rows[i].size, sizeof(copy));
		for (size_t at = 0; at < rows[i].size; at++) {
			memcpy(copy, rows[i].bytes, rows[i].size);
			(void)tell_one(copy, at, rows[i].port);
			for (unsigned bit = 0; bit < 8; bit++) {
				copy[at] ^= (uint8_t)(1U << bit);
				(void)tell_one(copy, rows[i].size, rows[i].port);
				copy[at] ^= (uint8_t)(1U << bit);
			}
		}
	}
}

/* ---- RTP ---- */

#define RTP(number, source) "\x80\xe0\0" number "\0\0\0\7\0\0\0" source "payload"

Test(datagram, two_packets_of_one_source_are_rtp)
{
	static const struct {
		const char *second;
		size_t size;
		enum app_proto proto;
	} seconds[] = {
	    {BYTES(RTP("\x02", "\x09")), APP_RTP},
	    {BYTES(RTP("\x12", "\x09")), APP_RTP},     /* 16 were lost */
	    {BYTES(RTP("\x13", "\x09")), APP_UNKNOWN}, /* more were */
	    {BYTES(RTP("\x01", "\x09")), APP_UNKNOWN}, /* the same again */
	    {BYTES(RTP("\x00", "\x09")), APP_UNKNOWN},
	    {BYTES(RTP("\x02", "\x0a")), APP_UNKNOWN}, /* another source */
	    {BYTES("\x99 not known"), APP_UNKNOWN},
	    {BYTES("\xb0\x60\0\2\0\0\0\7\0\0\0\x09\0\1\0\1abcdpayload\3"), APP_RTP},
	    {BYTES("\xb0\x60\0\2\0\0\0\7\0\0\0\x09\0\1\0\x09"), APP_UNKNOWN},  /* its extension */
	    {BYTES("\xa0\x60\0\2\0\0\0\7\0\0\0\x09payload\x09"), APP_UNKNOWN}, /* its padding */
	};

	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		struct datagram_teller *teller = NULL;
		struct told told = tell(&teller, BYTES(RTP("\x01", "\x09")), 5004);

		cr_assert_eq(told.result, DATAGRAM_MORE);
		cr_expect_eq(told.app.proto, APP_RTP);
		told = tell(&teller, seconds[i].second, seconds[i].size, 5004);
		if (told.result == DATAGRAM_MORE)
			datagram_give_up(&teller, &told.app, &told.hello);
		cr_expect_eq(told.app.proto, seconds[i].proto, "row %zu", i);
		cr_expect_null(teller);
	}
}

/* Picture and sound on one port; in a row of eight some two of one follow. */
Test(datagram, sources_that_take_turns_are_rtp)
{
	struct datagram_teller *teller = NULL;
	struct told told = tell(&teller, BYTES(RTP("\x01", "\x09")), 5004);

	cr_assert_eq(told.result, DATAGRAM_MORE);
	told = tell(&teller, BYTES(RTP("\x71", "\x0a")), 5004);
	cr_assert_eq(told.result, DATAGRAM_MORE);
	told = tell(&teller, BYTES(RTP("\x02", "\x09")), 5004);
	cr_expect_eq(told.result, DATAGRAM_DONE);
	cr_expect_eq(told.app.proto, APP_RTP);
	cr_expect_null(teller);
	told = tell(&teller, BYTES(RTP("\x01", "\x01")), 5004);
	for (int i = 1; i < DATAGRAM_TELL_MAX; i++) {
		cr_assert_eq(told.result, DATAGRAM_MORE);
		told = tell(&teller, BYTES(RTP("\x01", "\x01")), 5004);
	}
	cr_expect_eq(told.result, DATAGRAM_DONE);
	cr_expect_eq(told.app.proto, APP_UNKNOWN);
	cr_expect_null(teller);
}

/* Sound is waited for that a few packets more make sure. */
static struct told
tell_opus(struct datagram_teller **teller, unsigned number, uint8_t kind)
{
	uint8_t packet[] = "\x80\x6f\0\0\0\0\0\0\0\0\0\x09\0sound that nobody hears";
	uint32_t time = number * 960;

	packet[3] = (uint8_t)number;
	packet[6] = (uint8_t)(time >> 8);
	packet[7] = (uint8_t)time;
	packet[12] = kind;
	return tell(teller, packet, sizeof(packet), 5004);
}

Test(datagram, sound_is_waited_for)
{
	enum { ENOUGH = 5 };

	for (unsigned end = 1; end < ENOUGH; end++) {
		struct datagram_teller *teller = NULL;
		struct told told;

		for (unsigned number = 0; number < end; number++) {
			told = tell_opus(&teller, number, 0x78);
			cr_assert_eq(told.result, DATAGRAM_MORE);
		}
		told = tell(&teller, BYTES("\x80\xc9\0\1\0\0\0\7"), 5004);
		cr_expect_eq(told.result, DATAGRAM_DONE);
		cr_expect_eq(told.app.proto, end > 1 ? APP_RTP : APP_UNKNOWN, "behind %u", end);
		for (unsigned number = 0; number < end; number++)
			(void)tell_opus(&teller, number, 0x78);
		datagram_give_up(&teller, &told.app, &told.hello);
		cr_expect_eq(told.app.proto, end > 1 ? APP_RTP : APP_UNKNOWN, "after %u", end);
	}
}

Test(datagram, sound_is_waited_for_no_longer_than_it_seems_to_be)
{
	static const struct {
		const uint8_t kinds[DATAGRAM_TELL_MAX];
		unsigned told_at;
	} flows[] = {
	    {{0x78, 0x78, 0x78, 0x78, 0x78}, 5},
	    {{0x78, 0x78, 0x78, 0x10}, 4},
	    {{0x40, 0x40}, 2},
	    {{0x78, 0x4c}, 2}, /* stereo */
	    {{0x78, 0x08, 0x48, 0x68, 0x08, 0x48, 0x68, 0x08}, DATAGRAM_TELL_MAX},
	};

	for (size_t i = 0; i < sizeof(flows) / sizeof(*flows); i++) {
		struct datagram_teller *teller = NULL;
		struct told told = {0};
		unsigned number = 0;

		do {
			cr_assert_lt(number, DATAGRAM_TELL_MAX);
			told = tell_opus(&teller, number, flows[i].kinds[number]);
			number++;
		} while (told.result == DATAGRAM_MORE);
		cr_expect_eq(told.app.proto, APP_RTP, "row %zu", i);
		cr_expect_eq(number, flows[i].told_at, "row %zu: %u", i, number);
		cr_expect_null(teller);
	}
}

/* ---- hellos ---- */

static struct made
make_initial(const struct made *message, size_t from, size_t to, uint32_t number)
{
	struct quic_initial initial = {.version = 1,
	    .id = "12345678",
	    .id_size = 8,
	    .number = number,
	    .size = 1200};
	struct made frames = {0}, packet;

	quic_add_crypto(&frames, from, message->at + from, to - from);
	packet = quic_seal(&initial, &frames);
	made_free(&frames);
	return packet;
}

Test(datagram, hello_over_two_datagrams_is_told_with_the_second)
{
	struct made message = hello_message("two.example.net", 1500);
	struct made first = make_initial(&message, 0, 1000, 0);
	struct made second = make_initial(&message, 1000, message.size, 1);
	struct datagram_teller *teller = NULL;
	struct told told = tell(&teller, first.at, first.size, 443);

	cr_assert_eq(told.result, DATAGRAM_MORE);
	cr_expect_eq(told.app.proto, APP_QUIC);
	told = tell(&teller, second.at, second.size, 443);
	cr_assert_eq(told.result, DATAGRAM_DONE);
	cr_expect_eq(told.app.version, 1);
	cr_expect_eq(told.hello.kind, HELLO_TLS);
	cr_expect_str_eq(told.hello.sni, "two.example.net");
	cr_expect_not(told.app.confused);
	cr_expect_null(teller);
	made_free(&first);
	made_free(&second);
	made_free(&message);
}

Test(datagram, hello_that_is_never_whole_is_given_up)
{
	struct made message = hello_message("half.example.net", 1500);
	struct made first = make_initial(&message, 0, 1000, 0);
	struct datagram_teller *teller = NULL;
	struct told told = {.result = DATAGRAM_MORE};

	for (unsigned i = 1; i <= DATAGRAM_TELL_MAX; i++) {
		cr_assert_eq(told.result, DATAGRAM_MORE);
		told = tell(&teller, first.at, first.size, 443);
	}
	cr_expect_eq(told.result, DATAGRAM_DONE);
	cr_expect_eq(told.app.proto, APP_QUIC);
	cr_expect(told.app.confused);
	cr_expect_eq(told.hello.kind, HELLO_NONE);
	cr_expect_null(teller);
	made_free(&first);
	made_free(&message);
}

Test(datagram, tellers_have_a_bound)
{
	static struct datagram_teller *tellers[DATAGRAM_TELLERS_MAX];
	struct made message = hello_message("half.example.net", 1500);
	struct made first = make_initial(&message, 0, 1000, 0);
	struct datagram_teller *more = NULL;
	struct told told;

	for (size_t i = 0; i < DATAGRAM_TELLERS_MAX; i++)
		cr_assert_eq(tell(&tellers[i], first.at, first.size, 443).result, DATAGRAM_MORE);
	told = tell(&more, first.at, first.size, 443);
	cr_expect_eq(told.result, DATAGRAM_DONE);
	cr_expect_eq(told.app.proto, APP_QUIC);
	cr_expect_eq(told.hello.kind, HELLO_NONE);
	for (size_t i = 0; i < DATAGRAM_TELLERS_MAX; i++)
		datagram_teller_free(&tellers[i]);
	cr_expect_eq(tell(&more, first.at, first.size, 443).result, DATAGRAM_MORE);
	datagram_teller_free(&more);
	made_free(&first);
	made_free(&message);
}

/* ---- lookups that nobody sees ---- */

Test(datagram, encrypted_lookups_are_named)
{
	static const struct {
		const char *sni, *alpn;
		uint16_t port;
		bool told;
	} lookups[] = {
	    {"dns.google", "\2h2", 443, true},
	    {"abc123.dns.nextdns.io", "", 443, true},
	    {"DNS.Quad9.net", "", 443, true},
	    {"notdns.google", "", 443, false},
	    {"cam.example", "\2h2", 443, false},
	    {"cam.example", "\3dot", 443, true},
	    {"cam.example", "\2h3\3doq", 784, true},
	    {"cam.example", "", 853, true},
	};
	struct hello_facts hello = {.kind = HELLO_NOT_TLS};

	cr_expect_not(encrypted_dns_told(&hello, 853));
	for (size_t i = 0; i < sizeof(lookups) / sizeof(lookups[0]); i++) {
		hello = (struct hello_facts){.kind = HELLO_TLS};
		(void)snprintf(hello.sni, sizeof(hello.sni), "%s", lookups[i].sni);
		hello.alpn_size = (uint8_t)strlen(lookups[i].alpn);
		memcpy(hello.alpn, lookups[i].alpn, hello.alpn_size);
		cr_expect_eq(encrypted_dns_told(&hello, lookups[i].port), lookups[i].told,
		    "row %zu", i);
	}
	cr_expect(encrypted_dns_is_path("/dns-query"));
	cr_expect(encrypted_dns_is_path("/dns-query?dns=AAAB"));
	cr_expect_not(encrypted_dns_is_path("/dns-querying"));
}
