/* SPDX-License-Identifier: MIT */
#include "inspect/http_head.h"

#include "inspect/observer_private.h"
#include "inspect/words.h"

#include <string.h>

/* What a NUL or a CR within a line means is up to each reader. */
static bool
is_clean(const struct line *line)
{
	return !words_have(line->text, '\0') && !words_have(line->text, '\r');
}

/* ---- facts of the connection ---- */

static bool
is_secret_field(struct bytes name)
{
	static const char *const secret[] = {"Authorization", "Proxy-Authorization", "Cookie",
	    "Set-Cookie", "X-Api-Key", "X-Auth-Token", "X-Access-Token", "Authentication-Info"};

	for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++)
		if (words_is(name, secret[i]))
			return true;
	return words_secret(name);
}

/* "http://www.onvif.org/ver20/media/wsdl/GetProfiles" -> "GetProfiles" */
static void
note_action(struct observation *seen, struct bytes action)
{
	struct bytes part, last = {0};

	seen->app->soap = true;
	while (action.left > 0) {
		(void)words_until(&action, '/', &part);
		if (part.left > 0)
			last = part;
	}
	if (words_have(last, '"'))
		(void)words_until(&last, '"', &part);
	else
		part = last;
	words_list(seen->app->topics, sizeof(seen->app->topics), part);
}

static void
note_type(struct observation *seen, struct bytes type)
{
	struct bytes action;

	if (words_hold(type, "soap"))
		seen->app->soap = true;
	if (words_hold(type, "soap") && words_parameter(type, "action", &action))
		note_action(seen, action);
	if (words_begin(type, "application/dns-message") && seen->opened)
		seen->app->encrypted_dns = true;
}

void
http_head_note(struct observation *seen, bool request, struct bytes name, struct bytes value)
{
	struct app_facts *app = seen->app;

	if (is_secret_field(name))
		app->credentials = true;
	else if (request && words_is(name, "Host"))
		words_keep(app->host, sizeof(app->host), words_host(value));
	else if (request && words_is(name, "User-Agent"))
		words_keep(app->agent, sizeof(app->agent), value);
	else if (words_is(name, "SOAPAction"))
		note_action(seen, value);
	else if (words_is(name, "Content-Type"))
		note_type(seen, value);
}

void
http_head_target(struct observation *seen, struct bytes target)
{
	struct app_facts *app = seen->app;
	struct words_url url = words_url(target);

	app->credentials = app->credentials || url.secret;
	if (url.host.left > 0)
		words_keep(app->host, sizeof(app->host), url.host);
	words_keep(app->path, sizeof(app->path), url.path);
	if (words_begin(url.path, "/onvif/"))
		app->soap = true;
	if (words_is(url.path, "/dns-query") && seen->opened)
		app->encrypted_dns = true;
}

/* ---- HTTP/1 ---- */

/* "HTTP/1.1"; what is not HTTP/1 is not for this reader. */
static bool
read_version(struct bytes word, bool *old)
{
	if (!words_begin(word, "HTTP/1.") || word.left != 8)
		return false;
	*old = word.at[7] == '0';
	return word.at[7] == '0' || word.at[7] == '1';
}

static void
note_name(struct http_head *head, struct bytes path)
{
	struct bytes part;

	while (path.left > 0) {
		(void)words_until(&path, '/', &part);
		if (part.left > 0)
			words_copy(head->name, sizeof(head->name), part);
	}
}

bool
http_head_request(struct http_head *head, struct observation *seen, const struct line *line)
{
	struct bytes rest = line->text, method, target, version;

	if (!is_clean(line) || !words_until(&rest, ' ', &method) || method.left == 0)
		return false;
	/* Of a line that was cut the version is what is missing. */
	if (!words_until(&rest, ' ', &target) && !line->cut)
		return false;
	version = rest;
	if (target.left == 0 || (!line->cut && !read_version(version, &head->old)))
		return false;
	if (words_is(method, "HEAD"))
		head->method = METHOD_HEAD;
	if (words_is(method, "CONNECT"))
		head->method = METHOD_CONNECT;
	words_keep(seen->app->method, sizeof(seen->app->method), method);
	if (head->method == METHOD_CONNECT)
		words_keep(seen->app->host, sizeof(seen->app->host), words_host(target));
	else
		http_head_target(seen, target);
	note_name(head, words_url(target).path);
	return true;
}

bool
http_head_answer(struct http_head *head, struct observation *seen, const struct line *line)
{
	struct bytes rest = line->text, version, digits;

	if (!is_clean(line) || !words_until(&rest, ' ', &version) ||
	    !read_version(version, &head->old))
		return false;
	(void)words_until(&rest, ' ', &digits);
	return observation_status(seen, digits, &head->status);
}

/* Chunks are framing where they are the last coding, and once (RFC 9112 section
 * 6.1).  "identity" is no coding any more, and HTTP/1.0 has none. */
static bool
read_coding(struct http_head *head, struct bytes value)
{
	struct bytes coding = {0};

	if (head->coded || head->old)
		return false;
	head->coded = true;
	while (value.left > 0) {
		if (head->chunked)
			return false;
		(void)words_until(&value, ',', &coding);
		coding = words_trim(coding);
		head->chunked = words_is(coding, "chunked");
		if (!head->chunked)
			words_copy(head->encoding, sizeof(head->encoding), coding);
	}
	return head->chunked;
}

static bool
read_length(struct http_head *head, struct bytes value)
{
	uint64_t length;

	if (!words_decimal(value, &length) || (head->measured && head->length != length))
		return false;
	head->measured = true;
	head->length = length;
	return true;
}

static void
read_upgrade(struct http_head *head, struct bytes value)
{
	if (words_is(value, "websocket"))
		head->upgrade = UPGRADE_WEBSOCKET;
	else if (words_is(value, "h2c"))
		head->upgrade = UPGRADE_H2C;
	else
		head->upgrade = UPGRADE_OTHER;
}

static bool
read_field(struct http_head *head, struct bytes name, struct bytes value)
{
	if (words_is(name, "Transfer-Encoding"))
		return read_coding(head, value);
	if (words_is(name, "Content-Length"))
		return read_length(head, value);
	if (words_is(name, "Host")) {
		bool again = head->host;

		head->host = true;
		return !again;
	}
	if (words_is(name, "Upgrade"))
		read_upgrade(head, value);
	else if (words_is(name, "Sec-WebSocket-Extensions"))
		head->compressed = words_hold(value, "permessage-deflate");
	else if (words_is(name, "Sec-WebSocket-Protocol"))
		head->mqtt = words_begin(value, "mqtt");
	else if (words_is(name, "Content-Type"))
		words_copy(head->type, sizeof(head->type), value);
	else if (words_is(name, "Content-Encoding"))
		words_copy(head->encoding, sizeof(head->encoding), value);
	return true;
}

static bool
is_framing(struct bytes name)
{
	return words_is(name, "Transfer-Encoding") || words_is(name, "Content-Length") ||
	       words_is(name, "Host");
}

bool
http_head_field(struct http_head *head, struct observation *seen, const struct line *line)
{
	struct bytes name, value;

	if (!is_clean(line))
		return false;
	/* A folded line (RFC 9112 section 5.2) goes on with the field before it. */
	if (line->text.at[0] == ' ' || line->text.at[0] == '\t')
		return !head->framing;
	if (!words_header(line->text, &name, &value))
		return false;
	head->framing = is_framing(name);
	if (head->framing && line->cut)
		return false;
	http_head_note(seen, head->status == 0, name, value);
	return read_field(head, name, value);
}

bool
http_head_done(const struct http_head *head)
{
	return !(head->coded && head->measured);
}
