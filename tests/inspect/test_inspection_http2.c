/* SPDX-License-Identifier: MIT */
/* HTTP/2: frames as a test writes them, fields packed by libnghttp2's other half. */
#include "tests/inspect/talk.h"

#include <nghttp2/nghttp2.h>

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

enum { DATA = 0, HEADERS = 1, SETTINGS = 4, PUSH_PROMISE = 5, CONTINUATION = 9 };
enum { END_STREAM = 1, END_HEADERS = 4, PADDED = 8, PRIORITY = 32 };

/* One side's bytes, as they grow. */
struct wire {
	char at[70000];
	size_t used;
};

static void
add(struct wire *wire, const void *bytes, size_t count)
{
	cr_assert_leq(wire->used + count, sizeof(wire->at));
	memcpy(wire->at + wire->used, bytes, count);
	wire->used += count;
}

static void
frame(struct wire *wire, uint8_t type, uint8_t flags, uint8_t stream, const void *bytes,
    size_t count)
{
	const uint8_t head[] = {(uint8_t)(count >> 16), (uint8_t)(count >> 8), (uint8_t)count, type,
	    flags, 0, 0, 0, stream};

	add(wire, head, sizeof(head));
	add(wire, bytes, count);
}

struct field {
	const char *name, *value;
};

/* Pack fields; returns how many bytes they are in out, which has 4096. */
static size_t
pack(nghttp2_hd_deflater *packer, const struct field *fields, uint8_t *out)
{
	nghttp2_nv pairs[16];
	size_t count = 0;
	ssize_t size;

	for (; fields[count].name != NULL; count++)
		pairs[count] = (nghttp2_nv){(uint8_t *)(uintptr_t)fields[count].name,
		    (uint8_t *)(uintptr_t)fields[count].value, strlen(fields[count].name),
		    strlen(fields[count].value), NGHTTP2_NV_FLAG_NONE};
	size = nghttp2_hd_deflate_hd(packer, out, 4096, pairs, count);
	cr_assert_gt(size, 0);
	return (size_t)size;
}

static void
headers(struct wire *wire, nghttp2_hd_deflater *packer, uint8_t stream, uint8_t flags,
    const struct field *fields)
{
	uint8_t block[4096];
	size_t size = pack(packer, fields, block);

	frame(wire, HEADERS, (uint8_t)(flags | END_HEADERS), stream, block, size);
}

static const struct field upload[] = {{":method", "PUT"}, {":scheme", "https"},
    {":authority", "cloud.example:8443"}, {":path", "/snap/1.jpg?token=c2VjcmV0"},
    {"user-agent", "cam/2"}, {"content-type", "image/jpeg"}, {"cookie", "c2VjcmV0"}, {0}};
static const struct field answer[] = {{":status", "201"}, {"content-type", "text/plain"}, {0}};

static struct wire camera, server;
static nghttp2_hd_deflater *packers[2];

static void
begin(void)
{
	camera.used = server.used = 0;
	cr_assert_eq(nghttp2_hd_deflate_new(&packers[0], 4096), 0);
	cr_assert_eq(nghttp2_hd_deflate_new(&packers[1], 4096), 0);
	add(&camera, PREFACE, sizeof(PREFACE) - 1);
	frame(&camera, SETTINGS, 0, 0, "\0\3\0\0\0\x64", 6);
	frame(&server, SETTINGS, 0, 0, "", 0);
}

static void
end(void)
{
	nghttp2_hd_deflate_del(packers[0]);
	nghttp2_hd_deflate_del(packers[1]);
}

static struct heard
hear_wires(bool broken)
{
	const struct said talk[] = {{DIRECTION_UP, camera.at, camera.used},
	    {DIRECTION_DOWN, server.at, server.used}, {0}};

	if (broken)
		hear_broken(talk);
	return hear_all(talk);
}

static uint64_t
body(const uint64_t by_class[PAYLOAD_COUNT])
{
	return counted(by_class) - by_class[PAYLOAD_CONTROL];
}

Test(http2, says_who_asks_for_what, .init = begin, .fini = end)
{
	struct heard heard;

	headers(&camera, packers[0], 1, 0, upload);
	frame(&camera, DATA, 0, 1, "hello", 5);
	frame(&camera, DATA, PADDED | END_STREAM, 1, "\2you\0\0", 6);
	headers(&camera, packers[0], 3, END_STREAM, upload); /* out of the table */
	headers(&server, packers[1], 1, 0, answer);
	frame(&server, DATA, END_STREAM, 1, "ok", 2);
	headers(&server, packers[1], 3, END_STREAM, answer);
	heard = hear_wires(true);
	cr_expect_eq(heard.app.proto, APP_HTTP2);
	cr_expect_str_eq(heard.app.method, "PUT");
	cr_expect_str_eq(heard.app.host, "cloud.example");
	cr_expect_str_eq(heard.app.path, "/snap/1.jpg");
	cr_expect_str_eq(heard.app.agent, "cam/2");
	cr_expect_eq(heard.app.status, 201);
	cr_expect_eq(heard.app.requests, 2);
	cr_expect(heard.app.credentials);
	cr_expect_not(heard.app.confused);
	cr_expect_eq(body(heard.payload.up), 5 + 3);
	cr_expect_eq(body(heard.payload.down), 2);
	cr_expect_null(memmem(&heard, sizeof(heard), "c2VjcmV0", 8));
}

Test(http2, by_alpn_needs_no_telling, .init = begin, .fini = end)
{
	static const struct inspection_about about = {.port = 443, .opened = true, .alpn = "h2"};
	static const struct field lookup[] = {{":method", "POST"}, {":path", "/dns-query"},
	    {":authority", "dns.example"}, {0}};
	const struct said nonsense[] = {UP("GET / HTTP/1.1\r\n\r\n"), {0}};
	struct said talk[] = {{0}, {0}, {0}};
	struct heard heard;

	headers(&camera, packers[0], 1, END_STREAM, lookup);
	talk[0] = (struct said){DIRECTION_DOWN, server.at, server.used};
	talk[1] = (struct said){DIRECTION_UP, camera.at, camera.used};
	hear_about(talk, &about, &heard);
	cr_expect_eq(heard.app.proto, APP_HTTP2);
	cr_expect(heard.app.encrypted_dns);
	cr_expect_not(heard.app.confused);
	hear_about(nonsense, &about, &heard);
	cr_expect(heard.app.confused);
}

Test(http2, takes_blocks_in_pieces_and_with_priorities, .init = begin, .fini = end)
{
	uint8_t block[4096], first[4096];
	size_t size = pack(packers[0], upload, block);
	struct heard heard;

	memcpy(first, "\3\0\0\0\0\x10", 6);
	memcpy(first + 6, block, 7);
	memcpy(first + 13, "\0\0\0", 3);
	frame(&camera, HEADERS, PADDED | PRIORITY | END_STREAM, 1, first, 16);
	frame(&camera, CONTINUATION, 0, 1, block + 7, 1);
	frame(&camera, CONTINUATION, 0, 1, "", 0);
	frame(&camera, CONTINUATION, 0, 1, block + 8, size - 8);
	frame(&camera, CONTINUATION, END_HEADERS, 1, "", 0);
	frame(&server, PUSH_PROMISE, END_HEADERS, 1, "\0\0\0\2\x82", 5);
	heard = hear_wires(false);
	cr_expect_not(heard.app.confused);
	cr_expect_str_eq(heard.app.path, "/snap/1.jpg");
	cr_expect_str_eq(heard.app.method, "PUT");
}

Test(http2, follows_a_larger_table_where_it_is_allowed, .init = begin, .fini = end)
{
	static char value[3000];
	const struct field large[] = {{":method", "GET"}, {":path", "/"}, {"x-1", value}, {0}};
	struct heard heard;

	memset(value, 'a', sizeof(value) - 1);
	frame(&server, SETTINGS, 0, 0, "\0\1\0\0\x40\0", 6);
	cr_assert_eq(nghttp2_hd_deflate_change_table_size(packers[0], 16384), 0);
	for (uint8_t i = 0; i < 5; i++) {
		value[0] = (char)('a' + i % 3); /* again out of the table */
		headers(&camera, packers[0], (uint8_t)(1 + 2 * i), END_STREAM, large);
	}
	{
		const struct said talk[] = {{DIRECTION_DOWN, server.at, server.used},
		    {DIRECTION_UP, camera.at, camera.used}, {0}};

		hear_about(talk, &(struct inspection_about){.alpn = "h2"}, &heard);
	}
	cr_expect_not(heard.app.confused);
	cr_expect_eq(heard.app.requests, 5);
}

Test(http2, interleaved_bodies_are_counted, .init = begin, .fini = end)
{
	struct heard heard;

	for (uint8_t i = 0; i < 12; i++)
		headers(&camera, packers[0], (uint8_t)(1 + 2 * i), 0, upload);
	for (uint8_t i = 0; i < 24; i++)
		frame(&camera, DATA, 0, (uint8_t)(1 + 2 * (i % 12)), "0123456789", 10);
	for (uint8_t i = 0; i < 12; i++)
		frame(&camera, DATA, END_STREAM, (uint8_t)(1 + 2 * i), "", 0);
	heard = hear_wires(false);
	cr_expect_eq(body(heard.payload.up), 240);
	cr_expect_not(heard.app.confused);
}

Test(http2, a_connect_is_opaque, .init = begin, .fini = end)
{
	static const struct field tunnel[] = {{":method", "CONNECT"},
	    {":authority", "inner.example:443"}, {0}};
	struct heard heard;

	headers(&camera, packers[0], 1, 0, tunnel);
	heard = hear_wires(false);
	cr_expect(heard.app.opaque_inner);
	cr_expect_str_eq(heard.app.host, "inner.example");
}

static const struct {
	const char *what;
	uint8_t type, flags, stream;
	const char *bytes;
	size_t count;
} breaches[] = {
    {"data of no stream", DATA, 0, 0, "x", 1},
    {"fields of no stream", HEADERS, END_HEADERS, 0, "\x82", 1},
    {"goes on with nothing", CONTINUATION, END_HEADERS, 1, "\x82", 1},
    {"more padding than frame", DATA, PADDED, 1, "\5xx", 3},
    {"padding of no length", DATA, PADDED, 1, "", 0},
    {"a setting in part", SETTINGS, 0, 0, "\0\1\0", 3},
    {"fields that are none", HEADERS, END_HEADERS, 1, "\xff\xff\xff\xff\xff\xff\xff\xff", 8},
    {"fields that do not end", HEADERS, END_HEADERS, 1, "\x40\x7f", 2},
};

Test(http2, that_breaks_its_rules_is_not_followed)
{
	for (size_t i = 0; i < sizeof(breaches) / sizeof(breaches[0]); i++) {
		begin();
		frame(&camera, breaches[i].type, breaches[i].flags, breaches[i].stream,
		    breaches[i].bytes, breaches[i].count);
		cr_expect(hear_wires(false).app.confused, "%s", breaches[i].what);
		end();
	}
}

Test(http2, something_else_within_a_block_is_not_followed, .init = begin, .fini = end)
{
	frame(&camera, HEADERS, 0, 1, "\x82", 1);
	frame(&camera, DATA, 0, 1, "x", 1);
	cr_expect(hear_wires(false).app.confused);
}

/* A field of 3 KiB is one byte once it is in the table. */
Test(http2, a_bomb_of_fields_is_not_followed, .init = begin, .fini = end)
{
	static char value[3000];
	static const char again[64] = {0};
	const struct field large[] = {{":method", "GET"}, {"x-1", value}, {0}};
	char bytes[sizeof(again)];

	memset(value, 'a', sizeof(value) - 1);
	headers(&camera, packers[0], 1, END_STREAM, large);
	memset(bytes, 0x80 | 62, sizeof(bytes));
	frame(&camera, HEADERS, END_HEADERS | END_STREAM, 3, bytes, 20);
	cr_expect_not(hear_wires(false).app.confused);
	frame(&camera, HEADERS, END_HEADERS | END_STREAM, 5, bytes, 25);
	cr_expect(hear_wires(false).app.confused);
}
