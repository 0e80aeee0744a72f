/* SPDX-License-Identifier: MIT */
/* Protocols in the bytes of another one: RTSP in HTTP, what WebSockets compress;
 * and lookups over TCP, which must not become one. */
#include "tests/inspect/talk.h"

#include <zlib.h>

static uint64_t
body(const uint64_t by_class[PAYLOAD_COUNT])
{
	return counted(by_class) - by_class[PAYLOAD_CONTROL];
}

/* ---- RTSP in HTTP ---- */

#define TUNNEL_HEAD                                                                                \
	"POST /live HTTP/1.0\r\nHost: cloud.example\r\nx-sessioncookie: q7\r\n"                    \
	"Content-Type: application/x-rtsp-tunnelled\r\nContent-Length: 32767\r\n\r\n"

static const char setup[] = "ANNOUNCE rtsp://cloud.example/live RTSP/1.0\r\nCSeq: 2\r\n"
			    "Content-Type: application/sdp\r\nContent-Length: 34\r\n\r\n"
			    "v=0\r\na=rtpmap:96 H264/90000\r\n12345";
static const char frames[] = "$\0\0\x0e\x80\x60\0\1\0\0\0\0\1\2\3\4\x65\x88"
			     "$\0\0\x0e\x80\x60\0\2\0\0\0\0\1\2\3\4\x65\x88"
			     "$\0\0\x0e\x80\x60\0\3\0\0\0\0\1\2\3\4\x65\x88";

/* As clients do it, each message is base64 of its own, with its own padding. */
static size_t
encode(const void *bytes, size_t size, char *out)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *in = bytes;
	size_t used = 0;

	for (size_t at = 0; at < size; at += 3) {
		uint32_t group = (uint32_t)in[at] << 16;

		group |= at + 1 < size ? (uint32_t)in[at + 1] << 8 : 0;
		group |= at + 2 < size ? in[at + 2] : 0U;
		out[used++] = letters[group >> 18];
		out[used++] = letters[group >> 12 & 63];
		out[used++] = at + 1 < size ? letters[group >> 6 & 63] : '=';
		out[used++] = at + 2 < size ? letters[group & 63] : '=';
	}
	return used;
}

Test(rtsp_tunnel, is_read_as_the_rtsp_it_is)
{
	static char first[512], second[512];
	struct said talk[] = {UP(TUNNEL_HEAD), {DIRECTION_UP, first, 0}, UP("\r\n"),
	    {DIRECTION_UP, second, 0}, {0}};
	struct heard heard;

	talk[1].size = encode(setup, sizeof(setup) - 1, first);
	talk[3].size = encode(frames, sizeof(frames) - 1, second);
	heard = hear_all(talk);
	cr_expect_eq(heard.app.proto, APP_RTSP);
	cr_expect_not(heard.app.confused);
	cr_expect_eq(heard.app.requests, 2, "the POST and the ANNOUNCE");
	cr_expect_str_eq(heard.app.path, "/live");
	cr_expect_eq(heard.payload.up[PAYLOAD_VIDEO], (uint64_t)3 * 14, "as it is when decoded");
	cr_expect_eq(heard.payload.class, PAYLOAD_VIDEO);
	cr_expect_eq(heard.payload.confidence, CONFIDENCE_IDENTIFIED);
	hear_broken(talk);
}

Test(rtsp_tunnel, of_what_is_no_base64_is_metered_as_it_is)
{
	struct heard heard = hear_all(TALK(UP(TUNNEL_HEAD "QUJD\xff\xd8\xff\xe0\0\x10JFIF\0\1\1")));

	cr_expect(heard.app.confused);
	heard = hear_all(TALK(UP(TUNNEL_HEAD "QUJDREVGR0hJSktMTU5PUFFSU1RVVg==")));
	cr_expect_eq(heard.app.proto, APP_RTSP, "half a line may become one");
}

Test(rtsp_tunnel, what_the_server_says_is_rtsp_behind_its_answer)
{
	struct heard heard = hear_all(TALK(UP("GET /live HTTP/1.0\r\nx-sessioncookie: q7\r\n"
					      "Accept: application/x-rtsp-tunnelled\r\n\r\n"),
	    DOWN("HTTP/1.0 200 OK\r\nContent-Type: application/x-rtsp-tunnelled\r\n\r\n"
		 "RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n$\0\0\x0c\x80\0\0\1\0\0\0\0\1\2\3\4")));

	cr_expect_eq(heard.app.proto, APP_RTSP);
	cr_expect_eq(heard.app.status, 200);
	cr_expect_not(heard.app.confused);
	cr_expect_eq(body(heard.payload.down), 12);
}

/* ---- compressed WebSockets ---- */

#define HELLO "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"
#define AGREED                                                                                     \
	"HTTP/1.1 101 Go\r\nUpgrade: websocket\r\n"                                                \
	"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"

/* A camera's frame of less than 126 bytes, with a mask of nothing; RFC 7692
 * section 7.2.1 has the end cut off that each flush leaves. */
static size_t
compress_frame(z_stream *stream, const char *text, char *out)
{
	uint8_t packed[256];
	size_t count;

	stream->next_in = (Bytef *)(uintptr_t)text;
	stream->avail_in = (uInt)strlen(text);
	stream->next_out = packed;
	stream->avail_out = sizeof(packed);
	cr_assert_eq(deflate(stream, Z_SYNC_FLUSH), Z_OK);
	count = sizeof(packed) - stream->avail_out - 4;
	cr_assert_lt(count, 126);
	memcpy(out, "\xc1\0\0\0\0\0", 6);
	out[1] = (char)(0x80 | count);
	memcpy(out + 6, packed, count);
	return count + 6;
}

Test(websocket, compressed_is_told_by_what_comes_out)
{
	static const char status[] = "{\"device\":\"cam-7\",\"state\":\"ok\",\"uptime\":86400}";
	static char first[256], second[256];
	struct said talk[] = {UP(HELLO), DOWN(AGREED), {DIRECTION_UP, first, 0},
	    {DIRECTION_UP, second, 0}, {0}};
	z_stream stream = {0};
	struct heard heard;

	cr_assert_eq(deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
	talk[2].size = compress_frame(&stream, status, first);
	heard = hear_all(talk);
	cr_expect_not(heard.app.confused);
	cr_expect_eq(heard.payload.class, PAYLOAD_TELEMETRY);
	cr_expect_str_eq(heard.payload.format, "json");
	/* What refers to the message before cannot be opened without it. */
	talk[3].size = compress_frame(&stream, status, second);
	heard = hear_all(talk);
	cr_expect_eq(heard.payload.class, PAYLOAD_OPAQUE);
	cr_expect_str_eq(heard.payload.format, "deflate");
	cr_expect_eq(heard.payload.up[PAYLOAD_OPAQUE], talk[3].size - 6);
	(void)deflateEnd(&stream);
	hear_broken(talk);
}

/* ---- something else behind a good beginning ---- */

#define PICTURE                                                                                    \
	"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xdb\0\4\1\2\xff\xc0\0\x0b\x08\0\x10\0" \
	"\x10\1\1\x11\0\xff\xda\0\x08\1\1\0\0\x3f\0zzzz"

static const struct {
	const char *what;
	struct said talk[3];
	enum app_proto proto;
} turned[] = {
    {"MQTT", {UP("\x10\x0e\0\4MQTT\4\2\0\x3c\0\2c1"), UP(PICTURE)}, APP_MQTT},
    {"HTTP/2", {UP("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"), UP(PICTURE)}, APP_HTTP2},
    {"RTSP", {UP("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"), UP(PICTURE)}, APP_RTSP},
    {"HTTP", {UP("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), UP(PICTURE)}, APP_HTTP},
};

Test(turned, is_flagged_and_told_from_its_first_byte)
{
	for (size_t i = 0; i < sizeof(turned) / sizeof(turned[0]); i++) {
		struct heard heard = hear_all(turned[i].talk);

		cr_expect_eq(heard.app.proto, turned[i].proto, "%s", turned[i].what);
		cr_expect(heard.app.confused, "%s", turned[i].what);
		cr_expect_eq(heard.payload.class, PAYLOAD_IMAGE, "%s", turned[i].what);
		cr_expect_eq(heard.payload.confidence, CONFIDENCE_IDENTIFIED);
		cr_expect_eq(heard.payload.up[PAYLOAD_IMAGE], sizeof(PICTURE) - 1, "%s",
		    turned[i].what);
	}
}

/* Commands stay control, to the byte, whatever is interleaved between them. */
Test(rtsp, counts_commands_and_footage_apart)
{
	static const char teardown[] = "TEARDOWN rtsp://cloud.example/live RTSP/1.0\r\n\r\n";
	static const struct said talk[] = {{DIRECTION_UP, setup, sizeof(setup) - 1},
	    {DIRECTION_UP, frames, sizeof(frames) - 1}, UP("$\1\0\x08\x80\xc9\0\1\1\2\3\4"),
	    {DIRECTION_UP, teardown, sizeof(teardown) - 1}, {DIRECTION_UP, frames, 18}, {0}};
	struct heard heard = hear_all(talk);

	cr_expect_not(heard.app.confused);
	cr_expect_eq(heard.payload.class, PAYLOAD_VIDEO);
	cr_expect_eq(heard.payload.up[PAYLOAD_VIDEO], (uint64_t)4 * 14);
	/* Five heads of frames, a report of RTCP, and the words. */
	cr_expect_eq(heard.payload.up[PAYLOAD_CONTROL],
	    5 * 4 + 8 + sizeof(setup) - 1 + sizeof(teardown) - 1);
}

/* ---- lookups ---- */

#define QUERY "\0\x1d\x12\x34\1\0\0\1\0\0\0\0\0\0\7example\3com\0\0\1\0\1"
#define ANSWER "\0\x2d\x12\x34\x81\x80\0\1\0\1\0\0\0\0\7example\3com\0\0\1\0\1" RECORD
#define RECORD "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x5d\xb8\xd8\x22"

static const struct said lookups[] = {UP(QUERY QUERY), DOWN(ANSWER ANSWER), UP(QUERY), {0}};

Test(dns_tcp, is_control_and_nothing_else)
{
	struct heard heard = hear_all(lookups);

	cr_expect_eq(heard.app.proto, APP_DNS);
	cr_expect_eq(heard.app.requests, 3);
	cr_expect_not(heard.app.confused);
	cr_expect_eq(heard.payload.class, PAYLOAD_CONTROL);
	cr_expect_eq(body(heard.payload.up), 0);
	cr_expect_eq(body(heard.payload.down), 0);
	hear_broken(lookups);
}

Test(dns_tcp, that_carries_something_else_is_not_believed)
{
	static const struct said rows[] = {
	    UP(QUERY "\0\x10\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\0"), /* a picture with a size */
	    UP(QUERY "\xff\xff\1\2\3\4"),                             /* longer than any query */
	    UP(QUERY "\0\x1d\x12\x34\x81\0\0\1\0\0\0\0\0\0\7example\3com\0\0\1\0\1"),
	    /* bytes behind the question */
	    UP(QUERY "\0\x1f\x12\x34\1\0\0\1\0\0\0\0\0\0\7example\3com\0\0\1\0\1xy"),
	    DOWN("\0\x1d\x12\x34\1\0\0\1\0\0\0\0\0\0"), /* the server asks */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct heard heard = hear_all(TALK(UP(QUERY), rows[i]));

		cr_expect_eq(heard.app.proto, APP_DNS);
		cr_expect(heard.app.confused, "row %zu", i);
		cr_expect_gt(body(heard.payload.up) + body(heard.payload.down), 0, "row %zu", i);
	}
}

Test(dns_tcp, half_a_query_waits_and_then_is_what_it_is)
{
	struct inspection *inspection = inspection_open(&about_plain);
	struct heard heard = {0};

	(void)inspection_feed(inspection, DIRECTION_UP, (struct bytes){(const uint8_t *)QUERY, 31},
	    &heard.app, &heard.payload);
	cr_expect_eq(heard.payload.pending, 0);
	(void)inspection_feed(inspection, DIRECTION_UP, (struct bytes){(const uint8_t *)QUERY, 20},
	    &heard.app, &heard.payload);
	cr_expect_eq(heard.payload.pending, 20);
	inspection_end(inspection, DIRECTION_UP, &heard.app, &heard.payload);
	cr_expect_eq(body(heard.payload.up), 20, "nobody reads it, so it counts as nothing good");
	inspection_close(inspection);
}
