/* SPDX-License-Identifier: MIT */
#include "inspect/opening.h"

#include "inspect/token.h"

#include <string.h>

/* What the bytes of one side say. */
enum answer { ANSWER_NO = 0, ANSWER_MORE, ANSWER_YES };

/* How much of a literal the bytes begin with. */
static enum answer
match(struct bytes in, const void *literal, size_t size)
{
	size_t count = in.left < size ? in.left : size;

	if (count > 0 && memcmp(in.at, literal, count) != 0)
		return ANSWER_NO;
	return count == size ? ANSWER_YES : ANSWER_MORE;
}

static enum answer
match_text(struct bytes in, const char *text)
{
	return match(in, text, strlen(text));
}

/* ---- binary ---- */

static enum answer
is_tls(struct bytes in)
{
	uint8_t major, minor, kind;
	uint16_t size;
	enum answer begin = match(in, "\x16\x03", 2);

	if (begin != ANSWER_YES)
		return begin;
	if (!bytes_u8(&in, &kind) || !bytes_u8(&in, &major) || !bytes_u8(&in, &minor) ||
	    !bytes_u16(&in, &size) || !bytes_u8(&in, &kind))
		return ANSWER_MORE;
	return minor <= 4 && size >= 4 && size <= 16384 && (kind == 1 || kind == 2) ? ANSWER_YES
										    : ANSWER_NO;
}

/* The remaining length of MQTT: up to four bytes of seven bits. */
static enum answer
skip_varint(struct bytes *in)
{
	uint8_t byte;

	for (unsigned i = 0; i < 4; i++) {
		if (!bytes_u8(in, &byte))
			return ANSWER_MORE;
		if (byte < 0x80)
			return ANSWER_YES;
	}
	return ANSWER_NO;
}

static enum answer
is_mqtt(struct bytes in)
{
	enum answer begin = match(in, "\x10", 1), of_311, of_31;

	(void)bytes_take(&in, 1, &(struct bytes){0});
	if (begin == ANSWER_YES)
		begin = skip_varint(&in);
	if (begin != ANSWER_YES)
		return begin;
	of_311 = match(in, "\0\4MQTT", 6);
	of_31 = match(in, "\0\6MQIsdp", 8);
	return of_311 > of_31 ? of_311 : of_31;
}

/* A query of one question, with its length before it. */
static enum answer
is_dns(struct bytes in)
{
	uint16_t size, id, flags, counts[4];

	if (!bytes_u16(&in, &size))
		return ANSWER_MORE;
	if (size < 17 || size > 4096)
		return ANSWER_NO;
	if (!bytes_u16(&in, &id) || !bytes_u16(&in, &flags))
		return ANSWER_MORE;
	if ((flags & 0xfecf) != 0) /* a query, of names, that asks for recursion or not */
		return ANSWER_NO;
	for (unsigned i = 0; i < 4; i++)
		if (!bytes_u16(&in, &counts[i]))
			return ANSWER_MORE;
	return counts[0] == 1 && counts[1] == 0 && counts[2] == 0 && counts[3] <= 2 ? ANSWER_YES
										    : ANSWER_NO;
}

/* A client's reset of OpenVPN (P_CONTROL_HARD_RESET_CLIENT_V2 of key 0) with
 * nothing to acknowledge, or a handshake's first message of WireGuard; each with
 * the length before it that makes datagrams of a stream. */
static enum answer
is_tunnel(struct bytes in)
{
	uint16_t size;
	uint8_t kind, acks;
	struct bytes session;
	enum answer answer;

	if (!bytes_u16(&in, &size))
		return ANSWER_MORE;
	answer = match(in, "\1\0\0\0", 4);
	if (size == 148 && answer != ANSWER_NO)
		return answer;
	if (size < 14 || size > 512)
		return ANSWER_NO;
	if (!bytes_u8(&in, &kind))
		return ANSWER_MORE;
	if (kind != 0x38)
		return ANSWER_NO;
	if (!bytes_take(&in, 8, &session) || !bytes_u8(&in, &acks))
		return ANSWER_MORE;
	return acks != 0 ? ANSWER_NO : match(in, "\0\0\0\0", 4);
}

/* The methods that a client of SOCKS 5 offers are few and have low numbers; the
 * server's choice of one of them tells. */
static enum answer
is_socks5(struct bytes up, struct bytes down)
{
	uint8_t version, count, method;
	struct bytes methods;

	if (!bytes_u8(&up, &version) || version != 5 || match(down, "\5", 1) == ANSWER_NO)
		return ANSWER_NO;
	if (!bytes_u8(&up, &count))
		return ANSWER_MORE;
	if (count == 0 || count > 8)
		return ANSWER_NO;
	if (!bytes_take(&up, count, &methods))
		return ANSWER_MORE;
	while (bytes_u8(&methods, &method))
		if (method > 9)
			return ANSWER_NO;
	if (up.left > 0 && down.left == 0)
		return ANSWER_NO;
	return down.left < 2 ? ANSWER_MORE : ANSWER_YES;
}

static enum answer
is_socks4(struct bytes up, struct bytes down)
{
	uint8_t version, command;
	struct bytes place;

	if (!bytes_u8(&up, &version) || version != 4 || match(down, "\0", 1) == ANSWER_NO)
		return ANSWER_NO;
	if (!bytes_u8(&up, &command))
		return ANSWER_MORE;
	if (command != 1 && command != 2)
		return ANSWER_NO;
	if (!bytes_take(&up, 6, &place) || up.left == 0 || down.left < 2)
		return ANSWER_MORE;
	return up.at[up.left - 1] == 0 && down.at[1] >= 0x5a && down.at[1] <= 0x5d ? ANSWER_YES
										   : ANSWER_NO;
}

/* ---- text ---- */

static bool
is_one_of(struct bytes word, const char *const *words)
{
	for (; *words != NULL; words++)
		if (word.left == strlen(*words) && memcmp(word.at, *words, word.left) == 0)
			return true;
	return false;
}

/* Take a method of capital letters (and the hyphen of M-SEARCH, the stroke of
 * GET_PARAMETER) and the blank behind it. */
static enum answer
take_method(struct bytes *in, struct bytes *method)
{
	bool ended = token_until(in, ' ', method);
	bool long_enough = method->left >= 3 || !ended;

	for (size_t at = 0; at < method->left; at++) {
		uint8_t byte = method->at[at];

		if ((byte < 'A' || byte > 'Z') && byte != '-' && byte != '_')
			return ANSWER_NO;
	}
	if (!long_enough || method->left > 16)
		return ANSWER_NO;
	return ended ? ANSWER_YES : ANSWER_MORE;
}

/* A request whose method several protocols have: the end of its line tells. */
static enum answer
match_version(struct bytes rest, const char *version)
{
	if (token_hold(rest, version))
		return ANSWER_YES;
	return token_have(rest, '\n') ? ANSWER_NO : ANSWER_MORE;
}

static enum answer
is_http(struct bytes in)
{
	static const char *const own[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT",
	    "PATCH", "TRACE", NULL};
	struct bytes method;
	enum answer answer = take_method(&in, &method);

	if (answer != ANSWER_YES || is_one_of(method, own))
		return answer;
	return match_version(in, " HTTP/1.");
}

static enum answer
is_rtsp(struct bytes in)
{
	static const char *const own[] = {"DESCRIBE", "ANNOUNCE", "SETUP", "PLAY", "PAUSE",
	    "TEARDOWN", "GET_PARAMETER", "SET_PARAMETER", "RECORD", "REDIRECT", NULL};
	struct bytes method;
	enum answer answer = take_method(&in, &method);

	if (answer != ANSWER_YES || is_one_of(method, own) || token_begin(in, "rtsp://"))
		return answer;
	return match_version(in, " RTSP/1.");
}

static enum answer
is_http2(struct bytes in)
{
	return match_text(in, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
}

static enum answer
is_ssh(struct bytes in)
{
	return match_text(in, "SSH-");
}

static enum answer
is_http_answer(struct bytes in)
{
	return match_text(in, "HTTP/1.");
}

static enum answer
is_rtsp_answer(struct bytes in)
{
	return match_text(in, "RTSP/1.");
}

/* A stream's first tag, with a declaration before it or without. */
static enum answer
is_xmpp(struct bytes in)
{
	static const char *const blanks = " \t\r\n";
	struct bytes rest = in, declaration;

	if (match_text(rest, "<?xml") == ANSWER_YES) {
		if (!token_until(&rest, '>', &declaration))
			return ANSWER_MORE;
		while (rest.left > 0 && rest.at[0] != 0 && strchr(blanks, rest.at[0]) != NULL)
			(void)bytes_skip(&rest, 1);
		return match_text(rest, "<stream:stream");
	}
	if (match_text(rest, "<?xml") == ANSWER_MORE)
		return ANSWER_MORE;
	return match_text(rest, "<stream:stream");
}

static enum answer
is_pop3(struct bytes in)
{
	return match_text(in, "+OK");
}

static enum answer
is_imap(struct bytes in)
{
	enum answer ok = match_text(in, "* OK"), known = match_text(in, "* PREAUTH");
	enum answer bye = match_text(in, "* BYE");

	ok = known > ok ? known : ok;
	return bye > ok ? bye : ok;
}

/* FTP and SMTP greet alike. */
static enum answer
is_greeting(struct bytes in)
{
	enum answer ready = match_text(in, "220"), refused = match_text(in, "554 ");

	return ready > refused ? ready : refused;
}

/* ---- one side, and both ---- */

struct test {
	enum answer (*answer)(struct bytes in);
	enum app_proto proto;
};

/* By the bytes of the side that asks. */
static const struct test of_asker[] = {{is_http, APP_HTTP}, {is_rtsp, APP_RTSP},
    {is_http2, APP_HTTP2}, {is_tls, APP_TLS}, {is_mqtt, APP_MQTT}, {is_ssh, APP_SSH},
    {is_dns, APP_DNS}, {is_xmpp, APP_XMPP}, {is_tunnel, APP_UNKNOWN}};

/* By the bytes of the side that answers, where it speaks first. */
static const struct test of_answerer[] = {{is_ssh, APP_SSH}, {is_pop3, APP_POP3},
    {is_imap, APP_IMAP}, {is_http_answer, APP_HTTP}, {is_rtsp_answer, APP_RTSP},
    {is_greeting, APP_SMTP}};

/* The best answer that one of the tests gives. */
static enum answer
ask(const struct test *tests, size_t count, struct bytes in, enum app_proto *proto)
{
	enum answer best = ANSWER_NO;

	if (in.left == 0)
		return ANSWER_NO;
	for (size_t i = 0; i < count && best != ANSWER_YES; i++) {
		enum answer answer = tests[i].answer(in);

		if (answer > best)
			best = answer;
		if (answer == ANSWER_YES)
			*proto = tests[i].proto;
	}
	return best;
}

/* Which of the two it is that greeted with 220: by its own words, by the port, or
 * by what the camera says to it. */
static enum answer
tell_greeting(struct bytes up, struct bytes down, uint16_t port, enum app_proto *proto)
{
	static const char *const of_smtp[] = {"EHLO", "HELO", "LHLO", NULL};
	struct bytes line, rest = down, word;
	bool ended = token_until(&rest, '\n', &line) || down.left >= OPENING_BYTES;
	bool is_ftp = token_hold(line, "ftp"), is_smtp = token_hold(line, "smtp");

	if (!is_ftp && !is_smtp) {
		is_smtp = port == 25 || port == 587 || port == 465;
		is_ftp = port == 21;
	}
	if (ended && (is_ftp || is_smtp)) {
		*proto = is_ftp ? APP_FTP : APP_SMTP;
		return ANSWER_YES;
	}
	if (up.left < 4 || (!token_until(&up, ' ', &word) && word.left < 4))
		return ANSWER_MORE;
	*proto = is_one_of(word, of_smtp) ? APP_SMTP : APP_FTP;
	return ANSWER_YES;
}

static void
tell_tunnel(struct opening_told *told, const char *name)
{
	*told = (struct opening_told){APP_UNKNOWN, DIRECTION_UP, true, name};
}

static void
tell(struct opening_told *told, enum app_proto proto, enum direction asker)
{
	*told = (struct opening_told){proto, asker, false, NULL};
	if (proto == APP_UNKNOWN)
		tell_tunnel(told, "vpn");
	told->opaque = proto == APP_UNKNOWN || proto == APP_TLS || proto == APP_SSH;
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

bool
opening_tell(struct bytes up, struct bytes down, uint16_t port, struct opening_told *told)
{
	enum app_proto proto = APP_UNKNOWN;
	enum answer camera, server, greeted, socks5, socks4;

	camera = ask(of_asker, COUNT(of_asker), up, &proto);
	if (camera == ANSWER_YES) {
		tell(told, proto, DIRECTION_UP);
		return true;
	}
	greeted = ask(of_answerer, COUNT(of_answerer), down, &proto);
	if (greeted == ANSWER_YES && proto == APP_SMTP)
		greeted = tell_greeting(up, down, port, &proto);
	if (greeted == ANSWER_YES) {
		tell(told, proto, DIRECTION_UP);
		return true;
	}
	server = ask(of_asker, COUNT(of_asker), down, &proto);
	if (server == ANSWER_YES) {
		tell(told, proto, DIRECTION_DOWN);
		return true;
	}
	socks5 = is_socks5(up, down);
	socks4 = is_socks4(up, down);
	if (socks5 == ANSWER_YES || socks4 == ANSWER_YES) {
		tell_tunnel(told, socks5 == ANSWER_YES ? "socks5" : "socks4");
		return true;
	}
	if (camera == ANSWER_MORE || greeted == ANSWER_MORE || server == ANSWER_MORE ||
	    socks5 == ANSWER_MORE || socks4 == ANSWER_MORE || up.left + down.left == 0)
		return false;
	*told = (struct opening_told){APP_UNKNOWN, DIRECTION_UP, false, NULL};
	return true;
}
