/* SPDX-License-Identifier: MIT */
#include "inspect/hello.h"
#include "tests/support/hello_maker.h"

#include <criterion/criterion.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t alpn_web[] = "\x02h2\x08http/1.1";

/* ---- feeding a reader ---- */

/* Put bytes into the reader and look.  The room is filled piece by piece, as
 * recv(2) would. */
static enum hello_result
feed(struct hello_reader *reader, const uint8_t *at, size_t count, struct hello_facts *facts)
{
	enum hello_result result = HELLO_MORE;

	while (count > 0 && result == HELLO_MORE) {
		size_t room = 0;
		uint8_t *to = hello_room(reader, &room);

		cr_assert_not_null(to);
		cr_assert_gt(room, 0);
		if (room > count)
			room = count;
		memcpy(to, at, room);
		at += room;
		count -= room;
		result = hello_add(reader, room, facts);
	}
	return result;
}

/* All at once; the facts must be told. */
static struct hello_facts
read_at_once(const uint8_t *at, size_t count)
{
	struct hello_reader reader = {0};
	struct hello_facts facts;

	memset(&facts, 0xee, sizeof(facts));
	cr_assert_eq(feed(&reader, at, count, &facts), HELLO_READY);
	hello_clear(&reader);
	return facts;
}

static struct hello_facts
read_message(struct made message, size_t fragment)
{
	struct made raw = hello_records(message, fragment);
	struct hello_facts facts = read_at_once(raw.at, raw.size);

	made_free(&raw);
	return facts;
}

static void
expect_same(const struct hello_facts *a, const struct hello_facts *b)
{
	cr_expect_eq(a->kind, b->kind);
	cr_expect_str_eq(a->sni, b->sni);
	cr_expect_str_eq(a->ja3, b->ja3);
	cr_expect_str_eq(a->ja4, b->ja4);
	cr_expect_eq(a->version_max, b->version_max);
	cr_expect_eq(a->version_min, b->version_min);
	cr_expect_eq(a->ecdsa, b->ecdsa);
	cr_assert_eq(a->alpn_size, b->alpn_size);
	cr_expect_eq(memcmp(a->alpn, b->alpn, a->alpn_size), 0);
}

/* ---- what OpenSSL says ---- */

Test(hello, of_openssl_is_read)
{
	static const struct {
		int min, max;
		const char *name;
		bool alpn;
	} rows[] = {
	    {TLS1_2_VERSION, TLS1_2_VERSION, "cam.example.com", true},
	    {TLS1_2_VERSION, TLS1_3_VERSION, "cam.example.com", true},
	    {TLS1_3_VERSION, TLS1_3_VERSION, "a", false},
	    {TLS1_2_VERSION, TLS1_3_VERSION, NULL, false},
	    {TLS1_2_VERSION, TLS1_2_VERSION, NULL, true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct made raw = hello_of_openssl(rows[i].min, rows[i].max, rows[i].name,
		    rows[i].alpn ? alpn_web : NULL, rows[i].alpn ? sizeof(alpn_web) - 1 : 0);
		struct hello_facts facts = read_at_once(raw.at, raw.size);

		cr_expect_eq(facts.kind, HELLO_TLS);
		cr_expect_eq(facts.sni_present, rows[i].name != NULL);
		cr_expect_not(facts.sni_odd);
		cr_expect_str_eq(facts.sni, rows[i].name != NULL ? rows[i].name : "");
		cr_expect_eq(facts.version_max, rows[i].max);
		cr_expect_eq(facts.alpn_size, rows[i].alpn ? sizeof(alpn_web) - 1 : 0);
		cr_expect_eq(memcmp(facts.alpn, alpn_web, facts.alpn_size), 0);
		cr_expect(facts.ecdsa);
		cr_expect_not(facts.ech);
		cr_expect_str_eq(facts.protocol, "tls");
		cr_expect_eq(strlen(facts.ja3), 32);
		cr_expect_eq(strlen(facts.ja4), 36);
		made_free(&raw);
	}
}

/* ---- any split ---- */

Test(hello, split_in_two_anywhere_is_the_same)
{
	struct made raw = hello_of_openssl(TLS1_2_VERSION, TLS1_3_VERSION, "cam.example.com",
	    alpn_web, sizeof(alpn_web) - 1);
	struct hello_facts whole = read_at_once(raw.at, raw.size);

	for (size_t cut = 1; cut < raw.size; cut++) {
		struct hello_reader reader = {0};
		struct hello_facts facts = {0};

		cr_assert_eq(feed(&reader, raw.at, cut, &facts), HELLO_MORE, "cut at %zu", cut);
		cr_assert_eq(feed(&reader, raw.at + cut, raw.size - cut, &facts), HELLO_READY);
		expect_same(&facts, &whole);
		hello_clear(&reader);
	}
	made_free(&raw);
}

Test(hello, every_prefix_is_more_and_writes_nothing)
{
	struct made raw =
	    hello_of_openssl(TLS1_2_VERSION, TLS1_3_VERSION, "cam.example.com", NULL, 0);
	struct hello_facts untouched, facts;
	struct hello_reader reader = {0};

	memset(&untouched, 0xee, sizeof(untouched));
	facts = untouched;
	for (size_t i = 0; i + 1 < raw.size; i++) {
		cr_assert_eq(feed(&reader, raw.at + i, 1, &facts), HELLO_MORE, "byte %zu", i);
		cr_assert_eq(memcmp(&facts, &untouched, sizeof(facts)), 0, "byte %zu", i);
	}
	cr_assert_eq(feed(&reader, raw.at + raw.size - 1, 1, &facts), HELLO_READY);
	cr_expect_str_eq(facts.sni, "cam.example.com");
	cr_expect_eq(reader.raw_used, raw.size);
	cr_expect_eq(memcmp(reader.raw, raw.at, raw.size), 0, "the raw bytes are as they came");
	hello_clear(&reader);
	made_free(&raw);
}

Test(hello, in_records_of_any_size_is_the_same)
{
	struct made message = hello_message("cam.example.com", 1700);
	struct hello_facts whole = read_message(message, 16384);

	cr_expect_str_eq(whole.sni, "cam.example.com");
	for (size_t fragment = 1; fragment < 200; fragment++) {
		struct hello_facts facts = read_message(message, fragment);

		expect_same(&facts, &whole);
	}
	made_free(&message);
}

Test(hello, in_one_byte_records_by_one_byte_writes_is_the_same)
{
	struct made message = hello_message("cam.example.com", 300);
	struct made raw = hello_records(message, 1);
	struct hello_reader reader = {0};
	struct hello_facts facts = {0};

	for (size_t i = 0; i + 1 < raw.size; i++)
		cr_assert_eq(feed(&reader, raw.at + i, 1, &facts), HELLO_MORE, "byte %zu", i);
	cr_assert_eq(feed(&reader, raw.at + raw.size - 1, 1, &facts), HELLO_READY);
	cr_expect_str_eq(facts.sni, "cam.example.com");
	hello_clear(&reader);
	made_free(&raw);
	made_free(&message);
}

Test(hello, what_stands_behind_it_is_kept)
{
	struct made raw =
	    hello_of_openssl(TLS1_2_VERSION, TLS1_3_VERSION, "cam.example.com", NULL, 0);
	struct hello_reader reader = {0};
	struct hello_facts facts;
	size_t room;
	uint8_t *to = hello_room(&reader, &room);

	cr_assert_geq(room, raw.size + 5);
	memcpy(to, raw.at, raw.size);
	memcpy(to + raw.size, "early", 5);
	cr_assert_eq(hello_add(&reader, raw.size + 5, &facts), HELLO_READY);
	cr_expect_eq(facts.kind, HELLO_TLS);
	cr_expect_eq(reader.raw_used, raw.size + 5);
	hello_clear(&reader);
	made_free(&raw);
}

/* ---- what it offers by ALPN ---- */

Test(hello, tells_what_it_offers_by_alpn)
{
	struct made with = hello_of_openssl(TLS1_2_VERSION, TLS1_3_VERSION, NULL, alpn_web,
			sizeof(alpn_web) - 1),
		    without = hello_of_openssl(TLS1_2_VERSION, TLS1_3_VERSION, NULL, NULL, 0);
	struct hello_reader reader = {0};
	struct hello_facts facts;
	struct bytes list;

	cr_expect_eq(hello_alpn(&reader).left, 0, "nothing is there yet");
	cr_assert_eq(feed(&reader, with.at, with.size - 1, &facts), HELLO_MORE);
	cr_expect_eq(hello_alpn(&reader).left, 0, "not all of it is there");
	cr_assert_eq(feed(&reader, with.at + with.size - 1, 1, &facts), HELLO_READY);
	list = hello_alpn(&reader);
	cr_assert_eq(list.left, sizeof(alpn_web) - 1);
	cr_expect_eq(memcmp(list.at, alpn_web, list.left), 0);
	hello_clear(&reader);
	cr_assert_eq(feed(&reader, without.at, without.size, &facts), HELLO_READY);
	cr_expect_eq(hello_alpn(&reader).left, 0);
	hello_clear(&reader);
	made_free(&with);
	made_free(&without);
}

/* ---- the largest ---- */

Test(hello, of_openssl_with_many_protocols_is_read)
{
	enum { PROTOCOLS = 240, NAME = 250 };
	uint8_t *alpn = malloc(PROTOCOLS * (NAME + 1));
	struct hello_reader reader = {0};
	struct made raw;
	struct hello_facts facts;
	struct bytes list;

	cr_assert_not_null(alpn);
	for (size_t i = 0; i < PROTOCOLS; i++) {
		alpn[i * (NAME + 1)] = NAME;
		memset(alpn + i * (NAME + 1) + 1, 'a' + (int)(i % 26), NAME);
	}
	raw = hello_of_openssl(TLS1_2_VERSION, TLS1_3_VERSION, "cam.example.com", alpn,
	    PROTOCOLS * (NAME + 1));
	cr_expect_gt(raw.size, 60000);
	cr_assert_eq(feed(&reader, raw.at, raw.size, &facts), HELLO_READY);
	cr_expect_str_eq(facts.sni, "cam.example.com");
	cr_expect_eq(facts.alpn_size, 0, "no name of it fits, and none is cut");
	list = hello_alpn(&reader);
	cr_assert_eq(list.left, PROTOCOLS * (NAME + 1), "but all are there to be offered");
	cr_expect_eq(memcmp(list.at, alpn, list.left), 0);
	hello_clear(&reader);
	made_free(&raw);
	free(alpn);
}

Test(hello, of_64_kib_is_read_from_any_records)
{
	static const size_t fragments[] = {1, 2, 1000, 16384};
	struct made message = hello_message_of_size("cam.example.com", HELLO_MESSAGE_MAX);

	cr_assert_eq(message.size, HELLO_MESSAGE_MAX);
	for (size_t i = 0; i < sizeof(fragments) / sizeof(fragments[0]); i++) {
		struct hello_facts facts = read_message(message, fragments[i]);

		cr_expect_eq(facts.kind, HELLO_TLS, "in records of %zu", fragments[i]);
		cr_expect_str_eq(facts.sni, "cam.example.com");
	}
	made_free(&message);
}

Test(hello, of_one_byte_more_is_broken_by_its_head_alone)
{
	struct made message = hello_message_of_size("cam.example.com", HELLO_MESSAGE_MAX + 1);
	struct made raw = hello_records(message, 4);
	struct hello_facts facts = read_at_once(raw.at, 9);

	cr_expect_eq(facts.kind, HELLO_BROKEN);
	cr_expect_str_eq(facts.sni, "");
	made_free(&raw);
	made_free(&message);
}

/* ---- broken ones ---- */

Test(hello, with_any_byte_changed_is_read_within_its_bytes)
{
	struct made raw = hello_of_openssl(TLS1_2_VERSION, TLS1_3_VERSION, "cam.example.com",
	    alpn_web, sizeof(alpn_web) - 1);
	static const uint8_t changes[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff};

	for (size_t i = 0; i < raw.size; i++) {
		for (size_t j = 0; j < sizeof(changes); j++) {
			struct hello_reader reader = {0};
			struct hello_facts facts = {0};
			enum hello_result result;

			raw.at[i] ^= changes[j];
			result = feed(&reader, raw.at, raw.size, &facts);
			raw.at[i] ^= changes[j];
			cr_assert_neq(result, HELLO_NO_MEMORY);
			if (result == HELLO_READY)
				cr_assert_neq(facts.kind, HELLO_NONE);
			cr_assert_lt(strlen(facts.sni), sizeof(facts.sni));
			cr_assert_leq(facts.alpn_size, FACTS_ALPN_MAX);
			hello_clear(&reader);
		}
	}
	made_free(&raw);
}

Test(hello, body_cut_anywhere_is_refused_without_an_over_read)
{
	struct made message = hello_message("cam.example.com", 20);

	for (size_t cut = 0; cut + 4 < message.size; cut++) {
		struct hello_facts facts = {0};
		uint8_t *exact = malloc(cut > 0 ? cut : 1);

		cr_assert_not_null(exact);
		memcpy(exact, message.at + 4, cut);
		/* Cut before its extensions it is one of TLS 1.2 without any. */
		cr_expect_eq(hello_parse_body((struct bytes){exact, cut}, HELLO_BY_TCP, &facts),
		    cut == HELLO_MADE_FIXED, "cut at %zu", cut);
		free(exact);
	}
	made_free(&message);
}

Test(hello, records_that_are_none_are_broken)
{
	static const struct {
		const char *what, *bytes;
		size_t count;
	} rows[] = {
	    {"an empty record", "\x16\x03\x01\x00\x00", 5},
	    {"a record too large", "\x16\x03\x01\x40\x01", 5},
	    {"a server's hello", "\x16\x03\x03\x00\x04\x02\x00\x00\x00", 9},
	    {"a hello of 16 MiB", "\x16\x03\x01\x00\x04\x01\xff\xff\xff", 9},
	    {"a hello of nothing", "\x16\x03\x01\x00\x04\x01\x00\x00\x00", 9},
	    {"an alert in the middle", "\x16\x03\x01\x00\x01\x01\x15\x03\x01\x00\x02\x01\x00", 13},
	    {"data in the middle", "\x16\x03\x01\x00\x01\x01\x17\x03\x01\x00\x01x", 12},
	    {"another version in the middle", "\x16\x03\x01\x00\x01\x01\x16\x04\x01\x00\x01x", 12},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hello_facts facts =
		    read_at_once((const uint8_t *)rows[i].bytes, rows[i].count);

		cr_expect_eq(facts.kind, HELLO_BROKEN, "%s", rows[i].what);
	}
}

Test(hello, the_end_of_the_cameras_direction_decides)
{
	struct made raw = hello_of_openssl(TLS1_3_VERSION, TLS1_3_VERSION, "a.example", NULL, 0);
	struct hello_reader reader = {0};
	struct hello_facts facts;

	hello_finish(&reader, &facts);
	cr_expect_eq(facts.kind, HELLO_NONE);
	cr_assert_eq(feed(&reader, raw.at, raw.size - 1, &facts), HELLO_MORE);
	hello_finish(&reader, &facts);
	cr_expect_eq(facts.kind, HELLO_BROKEN);
	hello_clear(&reader);
	cr_assert_eq(feed(&reader, (const uint8_t *)"GE", 2, &facts), HELLO_MORE);
	hello_finish(&reader, &facts);
	cr_expect_eq(facts.kind, HELLO_NOT_TLS);
	cr_expect_str_eq(facts.protocol, "unknown");
	hello_clear(&reader);
	made_free(&raw);
}

Test(hello, a_reader_takes_no_more_than_its_bound)
{
	struct made message = hello_message_of_size("a.example", HELLO_MESSAGE_MAX);
	struct made raw = hello_records(message, 1);
	struct hello_reader reader = {0};
	struct hello_facts facts;
	size_t room;

	cr_expect_lt(raw.size, HELLO_RAW_MAX);
	cr_assert_eq(feed(&reader, raw.at, raw.size - 1, &facts), HELLO_MORE);
	cr_expect_not_null(hello_room(&reader, &room));
	cr_expect_leq(reader.raw_size, HELLO_RAW_MAX);
	cr_assert_eq(feed(&reader, raw.at + raw.size - 1, 1, &facts), HELLO_READY);
	cr_expect_eq(facts.kind, HELLO_TLS);
	hello_clear(&reader);
	made_free(&raw);
	made_free(&message);
}

/* ---- other protocols ---- */

Test(hello, what_is_not_tls_is_named)
{
	static const struct {
		const char *bytes, *protocol;
		size_t count;
	} rows[] = {
	    {"GET / HTTP/1.1\r\n\r\n", "http", 18},
	    {"POST /upload HTTP/1.1\r\n", "http", 23},
	    {"OPTIONS * HTTP/1.1\r\n", "http", 20},
	    {"CONNECT a.example:443 HTTP/1.1\r\n", "http", 32},
	    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http2", 24},
	    {"OPTIONS rtsp://a.example/1 RTSP/1.0\r\n", "rtsp", 37},
	    {"DESCRIBE rtsp://a.example/1 RTSP/1.0\r\n", "rtsp", 38},
	    {"ANNOUNCE rtsp://a.example/1 RTSP/1.0\r\n", "rtsp", 38},
	    {"SSH-2.0-dropbear\r\n", "ssh", 18},
	    {"EHLO cam\r\n", "smtp", 10},
	    {"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10", "sslv2", 11},
	    {"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04"
	     "cam1",
		"mqtt", 18},
	    {"\x10\x12\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x04"
	     "cam1",
		"mqtt", 20},
	    {"\0", "unknown", 1},
	    {"\x16\x02", "unknown", 2},
	    {"\xff\xff\xff\xff\xff\xff\xff\xff", "unknown", 8},
	    {"get / http/1.1\r\n", "unknown", 16},
	    {"GETTING", "unknown", 7},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hello_facts facts =
		    read_at_once((const uint8_t *)rows[i].bytes, rows[i].count);

		cr_expect_eq(facts.kind, HELLO_NOT_TLS, "row %zu", i);
		cr_expect_str_eq(facts.protocol, rows[i].protocol, "row %zu: %s", i,
		    facts.protocol);
		cr_expect_not(facts.sni_present);
	}
}

/* By its first byte alone it was called unknown. */
Test(hello, a_request_that_comes_byte_by_byte_is_named_as_one_that_comes_whole)
{
	static const char *const rows[][2] = {{"GET / HTTP/1.1\r\n", "http"},
	    {"OPTIONS rtsp://a/ RTSP/1.0\r\n", "rtsp"}, {"OPTIONS * HTTP/1.1\r\n", "http"},
	    {"SSH-2.0-x\r\n", "ssh"}, {"PRI * HTTP/2.0\r\n", "http2"}, {"PUT / H", "http"},
	    {"PASS x\r\n", "unknown"}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum hello_result result = HELLO_MORE;
		struct hello_reader reader = {0};
		struct hello_facts facts;

		for (size_t j = 0; rows[i][0][j] != '\0' && result == HELLO_MORE; j++)
			result = feed(&reader, (const uint8_t *)rows[i][0] + j, 1, &facts);
		cr_assert_eq(result, HELLO_READY, "%s", rows[i][0]);
		cr_expect_str_eq(facts.protocol, rows[i][1], "%s", rows[i][0]);
		hello_clear(&reader);
	}
}
