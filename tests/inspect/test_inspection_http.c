/* SPDX-License-Identifier: MIT */
/* HTTP/1 and what it turns into: framing, names, secrets, tunnels, WebSocket. */
#include "tests/inspect/talk.h"

Test(http, says_who_asks_for_what)
{
	struct heard heard = hear_all(TALK(
	    UP("PUT /snap/lobby.jpg?camera=3 HTTP/1.1\r\nHost: cloud.example:8080\r\n"
	       "User-Agent: cam/1.2\r\nContent-Type: image/jpeg\r\nContent-Length: 5\r\n\r\nhello"
	       "GET /next HTTP/1.1\r\nHost: cloud.example\r\n\r\n"),
	    DOWN("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok"
		 "HTTP/1.1 204 No Content\r\n\r\n")));

	cr_expect_eq(heard.app.proto, APP_HTTP);
	cr_expect_str_eq(heard.app.method, "PUT");
	cr_expect_str_eq(heard.app.host, "cloud.example");
	cr_expect_str_eq(heard.app.path, "/snap/lobby.jpg");
	cr_expect_str_eq(heard.app.agent, "cam/1.2");
	cr_expect_eq(heard.app.status, 201);
	cr_expect_eq(heard.app.requests, 2);
	cr_expect_not(heard.app.confused);
	cr_expect_not(heard.app.credentials);
	/* What is not the body is control. */
	cr_expect_eq(counted(heard.payload.up) - heard.payload.up[PAYLOAD_CONTROL], 5);
	cr_expect_eq(counted(heard.payload.down) - heard.payload.down[PAYLOAD_CONTROL], 2);
}

/* What no meter takes for words. */
#define BINARY "\1\2\3\xfe\xff\x80"

/* Bytes of bodies each way, and whether it could be followed. */
static const struct {
	const char *what, *up, *down;
	unsigned up_body, down_body;
	bool confused;
} framings[] = {
    {"chunks",
	"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0A;x=y\r\n"
	"0123456789\r\n0\r\nX: y\r\n\r\nGET / HTTP/1.1\r\n\r\n",
	"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", 13, 1, false},
    {"up to the end", "GET / HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\nall of it", 0, 9, false},
    {"an answer to HEAD", "HEAD / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
	0, 2, false},
    {"304", "GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n",
	"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"
	"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1",
	0, 1, false},
    {"an answer nobody asked for", "GET / HTTP/1.1\r\n",
	"HTTP/1.1 408 Request Timeout\r\nContent-Length: 1\r\n\r\n1", 0, 1, false},
    {"lines that end in LF", "POST / HTTP/1.1\nContent-Length: 2\n\nhi", "", 2, 0, false},
    {"one length twice", "POST / HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi", "",
	2, 0, false},
    {"gzip and chunks",
	"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
	"1\r\na\r\n0\r\n\r\n",
	"", 1, 0, false},
    {"empty lines before", "GET / HTTP/1.1\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n", "", 0, 0, false},
    {"two lengths", "POST / HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi", "", 4, 0,
	true},
    {"length and chunks",
	"POST / HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nhi", "", 2, 0,
	true},
    {"chunks, then another coding", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\nhi",
	"", 4, 0, true},
    {"a coding that is no framing", "POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\nhi", "",
	4, 0, true},
    {"chunks in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\nhi", "", 4, 0,
	true},
    {"a length of several", "POST / HTTP/1.1\r\nContent-Length: 2, 2\r\n\r\nhi", "", 4, 0, true},
    {"a length with a sign", "POST / HTTP/1.1\r\nContent-Length: +2\r\n\r\nhi", "", 4, 0, true},
    {"a length beyond all", "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\nhi", "",
	4, 0, true},
    {"a blank before the colon", "POST / HTTP/1.1\r\nContent-Length : 2\r\n\r\nhi", "", 4, 0, true},
    {"a folded length", "POST / HTTP/1.1\r\nContent-Length: 1\r\n 2\r\n\r\nhi", "", 4, 0, true},
    {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" BINARY, "", 8, 0, true},
    {"a field without a colon", "GET / HTTP/1.1\r\nHost\r\n\r\n" BINARY, "", 8, 0, true},
    {"a NUL", "GET / HTTP/1.1\r\nHost: a\x7f\r\n\r\n", "", 0, 0, false},
    {"a CR within a line", "GET / HTTP/1.1\r\nHost: a\rb: c\r\n\r\n" BINARY, "", 8, 0, true},
    {"a chunk of no number", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "", 0,
	0, true},
    {"a chunk that ends elsewhere",
	"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", "", 1 + 5, 0,
	true},
    {"a chunk's line that ends in LF",
	"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n", "", 8, 0, true},
    {"HTTP/2.0 in words", "GET / HTTP/2.0\r\n\r\n" BINARY, "", 8, 0, true},
    {"101 without an upgrade", "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 101 Switching\r\n\r\nx", 0, 1,
	true},
};

Test(http, frames_what_two_readers_frame_alike)
{
	for (size_t i = 0; i < sizeof(framings) / sizeof(framings[0]); i++) {
		const struct said talk[] = {{DIRECTION_UP, framings[i].up, strlen(framings[i].up)},
		    {DIRECTION_DOWN, framings[i].down, strlen(framings[i].down)}, {0}};
		struct heard heard = hear_all(talk);

		cr_expect_eq(heard.app.proto, APP_HTTP, "%s", framings[i].what);
		cr_expect_eq(heard.app.confused, framings[i].confused, "%s", framings[i].what);
		cr_expect_eq(counted(heard.payload.up) - heard.payload.up[PAYLOAD_CONTROL],
		    framings[i].up_body, "%s", framings[i].what);
		cr_expect_eq(counted(heard.payload.down) - heard.payload.down[PAYLOAD_CONTROL],
		    framings[i].down_body, "%s", framings[i].what);
	}
}

Test(http, notes_that_there_are_secrets_and_keeps_none)
{
	static const char *const heads[] = {
	    "GET / HTTP/1.1\r\nAuthorization: Basic c2VjcmV0\r\n\r\n",
	    "GET / HTTP/1.1\r\nCookie: id=c2VjcmV0\r\n\r\n",
	    "GET / HTTP/1.1\r\nX-Device-Token: c2VjcmV0\r\n\r\n",
	    "GET http://me:c2VjcmV0@cloud.example/ HTTP/1.1\r\n\r\n",
	    "GET /login?user=me&password=c2VjcmV0 HTTP/1.1\r\n\r\n",
	    "GET /x?access_token=c2VjcmV0#c2VjcmV0 HTTP/1.1\r\n\r\n",
	};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		const struct said talk[] = {{DIRECTION_UP, heads[i], strlen(heads[i])}, {0}};
		struct heard heard = hear_all(talk);

		cr_expect(heard.app.credentials, "%s", heads[i]);
		cr_expect_not(heard.app.confused);
		cr_expect_null(memmem(&heard, sizeof(heard), "c2VjcmV0", 8), "%s", heads[i]);
	}
}

Test(http, of_a_cloud_that_sets_a_cookie_is_known)
{
	struct heard heard = hear_all(TALK(UP("GET / HTTP/1.1\r\n\r\n"),
	    DOWN("HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n")));

	cr_expect(heard.app.credentials);
}

Test(http, takes_the_host_of_an_absolute_target_first)
{
	struct heard heard =
	    hear_all(TALK(UP("GET http://[2001:db8::1]:80/a/b?c HTTP/1.1\r\nHost: other\r\n\r\n")));

	cr_expect_str_eq(heard.app.host, "2001:db8::1");
	cr_expect_str_eq(heard.app.path, "/a/b");
}

Test(http, of_one_tls_and_two_hosts_is_noted)
{
	static const struct inspection_about opened = {.port = 443, .opened = true};
	const struct said *one = TALK(UP("GET / HTTP/1.1\r\nHost: A.example:443\r\n\r\n"
					 "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"));
	const struct said *two = TALK(UP("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
					 "GET / HTTP/1.1\r\nHost: b.example\r\n\r\n"));
	struct heard heard;

	hear_about(one, &opened, &heard);
	cr_expect_not(heard.app.host_mismatch);
	hear_about(two, &opened, &heard);
	cr_expect(heard.app.host_mismatch);
	cr_expect_str_eq(heard.app.host, "a.example");
	cr_expect_not(hear_all(two).app.host_mismatch);
}

Test(http, of_onvif_tells_the_actions)
{
	struct heard heard = hear_all(TALK(UP(
	    "POST /onvif/device_service HTTP/1.1\r\nContent-Type: application/soap+xml; "
	    "charset=utf-8; action=\"http://www.onvif.org/ver10/device/wsdl/GetUsers\"\r\n"
	    "Content-Length: 0\r\n\r\n"
	    "POST /onvif/media HTTP/1.1\r\nSOAPAction: "
	    "\"http://www.onvif.org/ver10/media/wsdl/GetProfiles\"\r\nContent-Length: 0\r\n\r\n")));

	cr_expect(heard.app.soap);
	cr_expect_str_eq(heard.app.topics, "GetUsers,GetProfiles");
}

Test(http, lookups_inside_tls_are_named)
{
	static const struct inspection_about opened = {.port = 443, .opened = true};
	struct heard heard;

	hear_about(TALK(UP("POST /dns-query HTTP/1.1\r\nHost: dns.example\r\n"
			   "Content-Length: 0\r\n\r\n")),
	    &opened, &heard);
	cr_expect(heard.app.encrypted_dns);
	hear_about(TALK(UP("POST /x HTTP/1.1\r\nContent-Type: application/dns-message\r\n"
			   "Content-Length: 0\r\n\r\n")),
	    &opened, &heard);
	cr_expect(heard.app.encrypted_dns);
	cr_expect_not(hear_all(TALK(UP("GET /dns-query HTTP/1.1\r\n\r\n"))).app.encrypted_dns);
}

Test(http, that_became_a_tunnel_is_opaque)
{
	struct heard heard = hear_all(TALK(
	    UP("CONNECT inner.example:443 HTTP/1.1\r\nProxy-Authorization: Basic eDp5\r\n\r\n"),
	    DOWN("HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nno"),
	    UP("CONNECT inner.example:443 HTTP/1.1\r\n\r\n"), DOWN("HTTP/1.1 200 OK\r\n\r\n"),
	    UP("\x16\x03\x01"), DOWN("\x16\x03\x03")));

	cr_expect(heard.app.opaque_inner);
	cr_expect_str_eq(heard.app.host, "inner.example");
	cr_expect_str_eq(heard.app.path, "");
	cr_expect_eq(counted(heard.payload.up) - heard.payload.up[PAYLOAD_CONTROL], 3);
}

Test(http, whose_server_asks_the_camera_is_followed_too)
{
	struct heard heard = hear_all(TALK(DOWN("GET /snapshot HTTP/1.1\r\nHost: camera\r\n\r\n"),
	    UP("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsnap")));

	cr_expect_eq(heard.app.proto, APP_HTTP);
	cr_expect_str_eq(heard.app.path, "/snapshot");
	cr_expect_eq(heard.app.requests, 0);
	cr_expect_eq(heard.app.status, 200);
	cr_expect_eq(counted(heard.payload.up) - heard.payload.up[PAYLOAD_CONTROL], 4);
}

#define HELLO_WS                                                                                   \
	"GET /live?token=x HTTP/1.1\r\nHost: ws.example\r\nUpgrade: websocket\r\n"                 \
	"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
#define HELLO_WS_DONE "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"

Test(websocket, is_unmasked_and_counted)
{
	struct heard heard = hear_all(TALK(UP(HELLO_WS), DOWN(HELLO_WS_DONE "\r\n"),
	    /* "Hello" in two frames with a ping between, RFC 6455 section 5.7 */
	    UP("\x01\x83\x37\xfa\x21\x3d\x7f\x9f\x4d\x89\x80\x01\x02\x03\x04"
	       "\x80\x82\x37\xfa\x21\x3d\x5b\x95"),
	    DOWN("\x82\x05hello\x8a\x00")));

	cr_expect_eq(heard.app.proto, APP_WEBSOCKET);
	cr_expect_str_eq(heard.app.host, "ws.example");
	cr_expect_not(heard.app.confused);
	cr_expect_eq(counted(heard.payload.up) - heard.payload.up[PAYLOAD_CONTROL], 5);
	cr_expect_eq(counted(heard.payload.down) - heard.payload.down[PAYLOAD_CONTROL], 5);
}

Test(websocket, that_breaks_its_rules_is_not_followed)
{
	static const struct said frames[] = {
	    UP("\x81\x03"
	       "abc"),                                /* a camera's frame is masked */
	    UP("\xc1\x80\0\0\0\0"),                   /* compressed without agreement */
	    UP("\x83\x80\0\0\0\0"),                   /* no such opcode */
	    UP("\x80\x80\0\0\0\0"),                   /* goes on with nothing */
	    UP("\x01\x80\0\0\0\0\x01\x80\0\0\0\0"),   /* begins in a message */
	    UP("\x09\x80\0\0\0\0"),                   /* a ping in pieces */
	    UP("\x89\xfe\0\x80\0\0\0\0"),             /* a ping of 128 bytes */
	    UP("\x82\xff\xff\0\0\0\0\0\0\0\0\0\0\0"), /* longer than anything */
	    DOWN("\x82\x80\0\0\0\0"),                 /* a server's is not */
	};

	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
		cr_expect(hear_all(TALK(UP(HELLO_WS), DOWN(HELLO_WS_DONE "\r\n"), frames[i]))
			      .app.confused,
		    "row %zu", i);
}

Test(websocket, with_mqtt_inside_is_read)
{
	struct heard heard = hear_all(TALK(UP(HELLO_WS),
	    DOWN(HELLO_WS_DONE "Sec-WebSocket-Protocol: mqtt\r\n\r\n"),
	    UP("\x82\x90\0\0\0\0\x10\x0e\0\4MQTT\4\2\0\x3c\0\2c1"), DOWN("\x82\x04\x20\x02\0\0"),
	    /* a PUBLISH over two messages */
	    UP("\x82\x85\0\0\0\0\x30\7\0\3"
	       "a"
	       "\x82\x84\0\0\0\0/bxy")));

	cr_expect_eq(heard.app.proto, APP_WEBSOCKET);
	cr_expect_str_eq(heard.app.method, "GET");
	cr_expect_eq(heard.app.status, 101);
	cr_expect_str_eq(heard.app.client, "c1");
	cr_expect_str_eq(heard.app.topics, "a/b");
	cr_expect_not(heard.app.confused);
	cr_expect_eq(counted(heard.payload.up) - heard.payload.up[PAYLOAD_CONTROL], 2);
}

Test(websocket, with_mqtt_that_breaks_its_rules_counts_all_the_same)
{
	struct heard heard =
	    hear_all(TALK(UP(HELLO_WS), DOWN(HELLO_WS_DONE "Sec-WebSocket-Protocol: mqtt\r\n\r\n"),
		UP("\x82\x90\0\0\0\0\x10\x0e\0\4MQTX\4\2\0\x3c\0\2c1\x82\x81\0\0\0\0x")));

	cr_expect(heard.app.confused);
	cr_expect_str_eq(heard.app.client, "");
}

/* A conversation of everything, for what follows. */
static const struct said everything[] =
    {UP("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
	DOWN("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), UP(HELLO_WS),
	DOWN(HELLO_WS_DONE "\r\n\x82\x7e\0\x05hello"),
	UP("\x82\xff\0\0\0\0\0\0\0\5\1\2\3\4abcde\x88\x80\0\0\0\0"), {0}};

Test(http, cut_or_changed_anywhere_is_survived)
{
	hear_broken(everything);
}

/* One that sends a body without a word of it, or with a false one, says something
 * that is no line: what it is is told from its first byte. */
Test(http, without_a_word_of_its_body_is_told_by_the_body)
{
	static const char *const heads[] = {"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
	    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
	    "POST / HTTP/1.1\r\nHost: a\r\n"};
	static const char picture[] =
	    "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08\2\0\0\0\x90\x91\x68\x36";

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		const struct said talk[] = {{DIRECTION_UP, heads[i], strlen(heads[i])}, UP(picture),
		    {0}};
		struct heard heard = hear_all(talk);

		cr_expect_eq(heard.app.proto, APP_HTTP);
		cr_expect(heard.app.confused);
		cr_expect_eq(heard.payload.class, PAYLOAD_IMAGE, "%s", heads[i]);
		cr_expect_eq(heard.payload.up[PAYLOAD_IMAGE], sizeof(picture) - 1);
	}
}

Test(http, has_bounds)
{
	static char line[80 << 10];
	struct said talk[] = {UP("GET / HTTP/1.1\r\nX: "), {DIRECTION_UP, line, 60000},
	    UP("\r\nHost: h\r\n\r\n"), {0}};

	memset(line, 'a', sizeof(line));
	cr_expect_str_eq(hear_all(talk).app.host, "h");
	talk[1].size = sizeof(line);
	cr_expect(hear_all(talk).app.confused);
}

Test(http, with_more_requests_than_can_wait_is_not_followed)
{
	static const char request[] = "GET / HTTP/1.1\r\n\r\n";
	static char many[33 * sizeof(request)];
	struct said talk[] = {{DIRECTION_UP, many, 0}, {0}};

	for (unsigned i = 0; i < 33; i++)
		memcpy(many + i * (sizeof(request) - 1), request, sizeof(request));
	talk[0].size = 32 * (sizeof(request) - 1);
	cr_expect_not(hear_all(talk).app.confused);
	talk[0].size = 33 * (sizeof(request) - 1);
	cr_expect(hear_all(talk).app.confused);
}
