/* SPDX-License-Identifier: MIT */
/* Which protocol it is; RTSP, MQTT, SSH and what has nothing to read. */
#include "tests/inspect/talk.h"

static uint64_t
body(const uint64_t by_class[PAYLOAD_COUNT])
{
	return counted(by_class) - by_class[PAYLOAD_CONTROL];
}

/* ---- which it is ---- */

static const struct {
	const char *what;
	struct said talk[3];
	enum app_proto proto;
	bool opaque;
	const char *method;
} openings[] = {
    {"tls", {UP("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")}, APP_TLS, true, ""},
    {"tls, answered", {DOWN("\x16\x03\x03\x00\x7a\x02\x00")}, APP_TLS, true, ""},
    {"no tls", {UP("\x16\x03\x01\xff\xff\x01")}, APP_UNKNOWN, false, ""},
    {"ssh", {UP("SSH-2.0-dropbear\r\n"), DOWN("SSH-2.0-OpenSSH\r\n")}, APP_SSH, true, ""},
    {"dns", {UP("\0\x1d\x12\x34\x01\0\0\1\0\0\0\0\0\0\7example\3com\0\0\1\0\1")}, APP_DNS, false,
	""},
    {"no dns: an answer", {UP("\0\x1d\x12\x34\x81\0\0\1\0\0\0\0\0\0")}, APP_UNKNOWN, false, ""},
    {"socks5", {UP("\5\2\0\2"), DOWN("\5\0")}, APP_UNKNOWN, true, "socks5"},
    {"no socks5", {UP("\5\2\0\2"), DOWN("\1\0")}, APP_UNKNOWN, false, ""},
    {"socks4", {UP("\4\1\1\xbb\x0a\0\0\1\0"), DOWN("\0\x5a\0\0\0\0\0\0")}, APP_UNKNOWN, true,
	"socks4"},
    {"openvpn",
	{UP("\0\x0e\x38"
	    "12345678"
	    "\0\0\0\0\0")},
	APP_UNKNOWN, true, "vpn"},
    {"wireguard", {UP("\0\x94\1\0\0\0")}, APP_UNKNOWN, true, "vpn"},
    {"options of rtsp", {UP("OPTIONS * RTSP/1.0\r\n\r\n")}, APP_RTSP, false, "OPTIONS"},
    {"options of http", {UP("OPTIONS * HTTP/1.1\r\n\r\n")}, APP_HTTP, false, "OPTIONS"},
    {"sip", {UP("OPTIONS sip:a@b SIP/2.0\r\n\r\n")}, APP_UNKNOWN, false, ""},
    {"a method of its own", {UP("M-SEARCH * HTTP/1.1\r\n\r\n")}, APP_HTTP, false, "M-SEARCH"},
    {"mqtt 3.1", {UP("\x10\x0e\0\6MQIsdp\3\2\0\x3c\0\0")}, APP_MQTT, false, "CONNECT"},
    {"pop3", {DOWN("+OK\r\n")}, APP_POP3, false, ""},
    {"imap", {DOWN("* PREAUTH\r\n")}, APP_IMAP, false, ""},
    {"an answer before its question", {DOWN("HTTP/1.1 408 no\r\n")}, APP_HTTP, false, ""},
    {"too little", {UP("GE")}, APP_UNKNOWN, false, ""},
    {"nothing known", {UP("\xfa\xce\1\2\3\4\5\6\7\x08"), DOWN("ok")}, APP_UNKNOWN, false, ""},
};

Test(opening, tells_by_the_first_bytes_of_either_side)
{
	for (size_t i = 0; i < sizeof(openings) / sizeof(openings[0]); i++) {
		struct heard heard = hear_all(openings[i].talk);

		cr_expect_eq(heard.app.proto, openings[i].proto, "%s", openings[i].what);
		cr_expect_eq(heard.app.opaque_inner, openings[i].opaque, "%s", openings[i].what);
		cr_expect_str_eq(heard.app.method, openings[i].method, "%s", openings[i].what);
		cr_expect_not(heard.app.confused, "%s", openings[i].what);
		hear_broken(openings[i].talk);
	}
}

Test(opening, of_nothing_known_keeps_the_cameras_first_bytes)
{
	struct heard heard = hear_all(TALK(DOWN("hm"), UP("\xfa\xce\1\2\3\4\5\6\7\x08")));

	cr_expect_eq(heard.app.first_size, 8);
	cr_expect(memcmp(heard.app.first, "\xfa\xce\1\2\3\4\5\6", 8) == 0);
}

Test(opening, where_nothing_was_said_nothing_is_told)
{
	struct inspection *inspection = inspection_open(&about_plain);
	struct heard heard = {0};

	inspection_end(inspection, DIRECTION_UP, &heard.app, &heard.payload);
	inspection_end(inspection, DIRECTION_DOWN, &heard.app, &heard.payload);
	cr_expect_eq(heard.app.proto, APP_NONE);
	inspection_close(inspection);
	inspection_close(NULL);
}

Test(opening, lookups_over_tls_are_named)
{
	static const struct inspection_about opened = {.port = 853, .opened = true};
	struct heard heard;

	hear_about(openings[4].talk, &opened, &heard);
	cr_expect_eq(heard.app.proto, APP_DNS);
	cr_expect(heard.app.encrypted_dns);
}

Test(ssh, shows_its_banner_and_nothing_else)
{
	struct heard heard = hear_all(TALK(DOWN("be careful\r\nSSH-2.0-server\r\n\0\0\1\x14"),
	    UP("SSH-2.0-dropbear_2019.78\r\n\0\0\1\x14")));

	cr_expect_eq(heard.app.proto, APP_UNKNOWN, "a server that warns first is not told");
	heard = hear_all(TALK(DOWN("SSH-2.0-server\r\n\0\0\1\x14"),
	    UP("SSH-2.0-dropbear_2019.78\r\n\0\0\1\x14")));
	cr_expect_eq(heard.app.proto, APP_SSH);
	cr_expect(heard.app.opaque_inner);
	cr_expect_str_eq(heard.app.agent, "SSH-2.0-dropbear_2019.78");
	cr_expect_eq(body(heard.payload.up), 4);
}

/* ---- RTSP ---- */

#define SDP                                                                                        \
	"v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"                                \
	"m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/8000"

static const struct said push[] = {
    UP("OPTIONS rtsp://u:c2VjcmV0@cloud.example:8554/live/lobby?key=1 RTSP/1.0\r\nCSeq: 1\r\n"
       "User-Agent: Lavf59\r\n\r\n"),
    DOWN("RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: ANNOUNCE\r\n\r\n"),
    UP("ANNOUNCE rtsp://cloud.example:8554/live/lobby RTSP/1.0\r\nCSeq: 2\r\n"
       "Content-Type: application/sdp\r\nContent-Length: 104\r\n\r\n" SDP
       "RECORD rtsp://cloud.example:8554/live/lobby RTSP/1.0\r\nCSeq: 4\r\n\r\n"
       "$\0\0\x0e\x80\x60\0\1\0\0\0\0\1\2\3\4\x65\x88"
       "$\1\0\x08\x80\xc8\0\1\1\2\3\4$\0\0\0$\0\0\1x"
       "GET_PARAMETER rtsp://cloud.example:8554/live/lobby RTSP/1.0\r\nContent-Length: 3\r\n\r\nabc"),
    DOWN("RTSP/1.0 200 OK\r\n\r\n$\1\0\x04\x80\xc9\0\0RTSP/1.0 200 OK\r\n\r\n"), {0}};

Test(rtsp, follows_what_is_interleaved)
{
	struct heard heard = hear_all(push);

	cr_expect_eq(heard.app.proto, APP_RTSP);
	cr_expect_str_eq(heard.app.method, "OPTIONS");
	cr_expect_str_eq(heard.app.host, "cloud.example");
	cr_expect_str_eq(heard.app.path, "/live/lobby");
	cr_expect_str_eq(heard.app.agent, "Lavf59");
	cr_expect_eq(heard.app.status, 200);
	cr_expect_eq(heard.app.requests, 4);
	cr_expect(heard.app.credentials);
	cr_expect_not(heard.app.confused);
	cr_expect_eq(body(heard.payload.up), 14 + 1 + 3);
	cr_expect_eq(body(heard.payload.down), 0);
	cr_expect_null(memmem(&heard, sizeof(heard), "c2VjcmV0", 8));
}

Test(rtsp, that_breaks_its_rules_is_not_followed)
{
	cr_expect(hear_all(TALK(UP("SETUP rtsp://a/b RTSP/1.0\r\n\r\nhello\r\n"))).app.confused);
	cr_expect(hear_all(TALK(UP("SETUP rtsp://a/b RTSP/1.0\r\nContent-Length: 1\r\n"
				   "Content-Length: 2\r\n\r\n")))
		      .app.confused);
	cr_expect(hear_all(TALK(UP("SETUP rtsp://a/b RTSP/1.0\r\n\r\n"), DOWN("RTSP/1.0 OK\r\n")))
		      .app.confused);
}

/* ---- MQTT ---- */

static const struct said telemetry[] = {
    /* user name and password: c2VjcmV0 */
    UP("\x10\x24\0\4MQTT\4\xc2\0\x3c\0\x08lobby-3x\0\4user\0\x08"
       "c2VjcmV0"),
    DOWN("\x20\2\0\0"), UP("\x82\x10\0\1\0\5cmd/#\0\0\3ota\1"), DOWN("\x90\4\0\1\0\1"), {0}};

Test(mqtt, says_who_and_which_topics)
{
	struct heard heard = hear_all(TALK(telemetry[0], telemetry[1], telemetry[2], telemetry[3],
	    UP("\x30\x0a\0\3a/bhello\x32\x09\0\3a/b\0\7hi\x33\7\0\1c\0\x08zz\xc0\0"),
	    DOWN("\x40\2\0\7\x30\x06\0\3otax\xd0\0"), UP("\xe0\0")));

	cr_expect_eq(heard.app.proto, APP_MQTT);
	cr_expect_str_eq(heard.app.method, "CONNECT");
	cr_expect_str_eq(heard.app.client, "lobby-3x");
	cr_expect_str_eq(heard.app.topics, "cmd/#,ota,a/b,c");
	cr_expect_eq(heard.app.requests, 3);
	cr_expect(heard.app.credentials);
	cr_expect_not(heard.app.confused);
	cr_expect_eq(body(heard.payload.up), 5 + 2 + 2);
	cr_expect_eq(body(heard.payload.down), 1);
	cr_expect_null(memmem(&heard, sizeof(heard), "c2VjcmV0", 8));
}

static const struct said fifth[] = {UP("\x10\x15\0\4MQTT\5\2\0\x3c\5\x11\0\0\0\x0a\0\3cam"),
    DOWN("\x20\3\0\0\0"), {0}};

Test(mqtt, of_version_5_has_properties)
{
	struct heard heard = hear_all(TALK(fifth[0], fifth[1],
	    UP("\x82\x08\0\1\0\0\2t2\0\x30\x0b\0\1t\2\1\1hello\xf0\2\x18\0")));

	cr_expect_str_eq(heard.app.client, "cam");
	cr_expect_str_eq(heard.app.topics, "t2,t");
	cr_expect_not(heard.app.confused);
	cr_expect_eq(body(heard.payload.up), 5);
}

#define CONNECT "\x10\x0e\0\4MQTT\4\2\0\x3c\0\2c1"

Test(mqtt, that_breaks_its_rules_is_not_followed)
{
	static const struct said rows[] = {
	    UP(CONNECT CONNECT),                  /* twice */
	    UP(CONNECT "\x31\xff\xff\xff\xff\1"), /* a length of five bytes */
	    UP(CONNECT "\x36\3\0\1a"),            /* quality of service 3 */
	    UP(CONNECT "\x30\5\0\3a/#"),          /* a topic that is a pattern */
	    UP(CONNECT "\x30\3\0\x09x"),          /* a topic longer than its packet */
	    UP(CONNECT "\x80\2\0\1"),             /* flags that it may not have */
	    UP(CONNECT "\0\0"),                   /* no such packet */
	    UP(CONNECT "\xf0\0"),                 /* AUTH before version 5 */
	    UP(CONNECT "\x82\x81\x80\x04"),       /* 64 KiB of topics */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect(hear_all(TALK(rows[i])).app.confused, "row %zu", i);
	cr_expect(hear_all(TALK(UP(CONNECT), DOWN(CONNECT))).app.confused);
}

Test(mqtt, carries_more_than_its_head_may_have)
{
	static char big[4 + 5 + 70000] = "\x30\xf5\xa2\4\0\3a/b";
	const struct said talk[] = {UP(CONNECT), {DIRECTION_UP, big, sizeof(big)}, {0}};
	struct heard heard = hear_all(talk);

	cr_expect_not(heard.app.confused);
	cr_expect_eq(body(heard.payload.up), 70000);
}

/* ---- what is not clear yet ---- */

/* What came last from the camera: may it become anything yet? */
static const struct {
	const char *what;
	struct said talk[5];
	bool unclear;
} ends[] = {
    {"too little to tell", {UP("PO")}, true},
    {"a head in part", {UP("POST / HTTP/1.1\r\nHo")}, true},
    {"a head, and the server talks", {UP("POST / HTTP/1.1\r\nHo"), DOWN("HTTP/1.1 408 a\r\n\r\n")},
	true},
    {"a head that announces", {UP("POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n")}, true},
    {"a head that announces chunks",
	{UP("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n")}, true},
    {"a body in part", {UP("POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n\xff\xd8")}, true},
    {"a body", {UP("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n\xff\xd8")}, false},
    {"a head and no body", {UP("GET / HTTP/1.1\r\n\r\n")}, false},
    {"a head and another's beginning", {UP("GET / HTTP/1.1\r\n\r\nG")}, true},
    {"a request for a tunnel", {UP("CONNECT a:1 HTTP/1.1\r\n\r\n")}, false},
    {"a preface", {UP("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")}, true},
    {"a request of HTTP/2", {UP("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\1\1\5\0\0\0\1\x82")}, false},
    {"a head of HTTP/2 that announces",
	{UP("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\1\1\4\0\0\0\1\x83")}, true},
    {"a packet", {UP("\x10\x0e\0\4MQTT\4\2\0\x3c\0\2c1")}, false},
    {"a packet in part", {UP("\x10\x0e\0\4MQTT\4\2\0\x3c\0\2c1\x30\x64\0\1t")}, true},
    {"a message of RTSP", {UP("SETUP rtsp://a/b RTSP/1.0\r\n\r\n")}, false},
    {"a frame's beginning", {UP("SETUP rtsp://a/b RTSP/1.0\r\n\r\n$\0")}, true},
    {"a command", {DOWN("220 a ESMTP\r\n"), UP("DATA\r\n")}, false},
    {"a command in part", {DOWN("220 a ESMTP\r\n"), UP("DA")}, true},
};

Test(pending, is_what_may_become_anything_yet)
{
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		for (size_t most = 1; most <= 1000; most += 999) {
			struct inspection *inspection = inspection_open(&about_plain);
			struct heard heard = {0};

			for (size_t line = 0; ends[i].talk[line].bytes != NULL; line++)
				say(inspection, &ends[i].talk[line], most, &heard);
			cr_expect_eq(heard.payload.pending > 0, ends[i].unclear, "%s, by %zu",
			    ends[i].what, most);
			inspection_end(inspection, DIRECTION_UP, &heard.app, &heard.payload);
			cr_expect_eq(heard.payload.pending, 0, "%s", ends[i].what);
			inspection_close(inspection);
		}
	}
}

Test(streams, cut_or_changed_anywhere_are_survived)
{
	hear_broken(push);
	hear_broken(telemetry);
	hear_broken(fifth);
	hear_broken(TALK(UP(CONNECT "\x30\x0a\0\3a/bhello\x32\x09\0\3a/b\0\7hi")));
}
