/* SPDX-License-Identifier: MIT */
#include "inspect/http_head.h"

#include "inspect/encrypted_dns.h"
#include "inspect/observer_private.h"
#include "inspect/token.h"

#include <string.h>

/* What a NUL or a CR within a line means is up to each reader. */
static bool
is_clean(const struct line *line)
{
	return !token_have(line->text, '\0') && !token_have(line->text, '\r');
}

/* ---- facts of the connection ---- */

static bool
is_secret_field(struct bytes name)
{
	static const char *const secret[] = {"Authorization", "Proxy-Authorization", "Cookie",
	    "Set-Cookie", "X-Api-Key", "X-Auth-Token", "X-Access-Token", "Authentication-Info"};

	for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++)
		if (token_is(name, secret[i]))
			return true;
	return token_secret(name);
}

/* "http://www.onvif.org/ver20/media/wsdl/GetProfiles" -> "GetProfiles" */
static void
note_action(struct observation *seen, struct bytes action)
{
	struct bytes part, last = {0};

	seen->app->soap = true;
	while (action.left > 0) {
		(void)token_until(&action, '/', &part);
		if (part.left > 0)
			last = part;
	}
	if (token_have(last, '"'))
		(void)token_until(&last, '"', &part);
	else
		part = last;
	token_list(seen->app->topics, sizeof(seen->app->topics), part);
}

static void
note_type(struct observation *seen, struct bytes type)
{
	struct bytes action;

	if (token_hold(type, "soap"))
		seen->app->soap = true;
	if (token_hold(type, "soap") && token_parameter(type, "action", &action))
		note_action(seen, action);
	if (token_begin(type, "application/dns-message") && seen->opened)
		seen->app->encrypted_dns = true;
}

void
http_head_host(struct observation *seen, struct bytes host)
{
	struct app_facts *app = seen->app;

	/* Of several hosts inside of one TLS, one at most is the name that it has. */
	if (seen->opened && app->host[0] != '\0' && !token_is(host, app->host))
		app->host_mismatch = true;
	token_keep(app->host, sizeof(app->host), host);
}

void
http_head_note(struct observation *seen, bool request, struct bytes name, struct bytes value)
{
	struct app_facts *app = seen->app;

	if (is_secret_field(name))
		app->credentials = true;
	else if (request && token_is(name, "Host"))
		http_head_host(seen, token_host(value));
	else if (request && token_is(name, "User-Agent"))
		token_keep(app->agent, sizeof(app->agent), value);
	else if (token_is(name, "SOAPAction"))
		note_action(seen, value);
	else if (token_is(name, "Content-Type"))
		note_type(seen, value);
}

void
http_head_target(struct observation *seen, struct bytes target)
{
	struct app_facts *app = seen->app;
	struct token_url url = token_url(target);

	app->credentials = app->credentials || url.secret;
	if (url.host.left > 0)
		http_head_host(seen, url.host);
	token_keep(app->path, sizeof(app->path), url.path);
	if (token_begin(url.path, "/onvif/"))
		app->soap = true;
	if (seen->opened && encrypted_dns_is_path(app->path))
		app->encrypted_dns = true;
}

/* ---- HTTP/1 ---- */

/* "HTTP/1.1"; what is not HTTP/1 is not for this reader. */
static bool
read_version(struct bytes word, bool *old)
{
	if (!token_begin(word, "HTTP/1.") || word.left != 8)
		return false;
	*old = word.at[7] == '0';
	return word.at[7] == '0' || word.at[7] == '1';
}

static void
note_name(struct http_head *head, struct bytes path)
{
	struct bytes part;

	while (path.left > 0) {
		(void)token_until(&path, '/', &part);
		if (part.left > 0)
			token_copy(head->name, sizeof(head->name), part);
	}
}

bool
http_head_request(struct http_head *head, struct observation *seen, const struct line *line)
{
	struct bytes rest = line->text, method, target, version;

	if (!is_clean(line) || !token_until(&rest, ' ', &method) || method.left == 0)
		return false;
	/* Of a line that was cut the version is what is missing. */
	if (!token_until(&rest, ' ', &target) && !line->cut)
		return false;
	version = rest;
	if (target.left == 0 || (!line->cut && !read_version(version, &head->old)))
		return false;
	if (token_is(method, "HEAD"))
		head->method = METHOD_HEAD;
	if (token_is(method, "CONNECT"))
		head->method = METHOD_CONNECT;
	token_keep(seen->app->method, sizeof(seen->app->method), method);
	if (head->method == METHOD_CONNECT)
		token_keep(seen->app->host, sizeof(seen->app->host), token_host(target));
	else
		http_head_target(seen, target);
	note_name(head, token_url(target).path);
	return true;
}

bool
http_head_answer(struct http_head *head, struct observation *seen, const struct line *line)
{
	struct bytes rest = line->text, version, digits;

	if (!is_clean(line) || !token_until(&rest, ' ', &version) ||
	    !read_version(version, &head->old))
		return false;
	(void)token_until(&rest, ' ', &digits);
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
		(void)token_until(&value, ',', &coding);
		coding = token_trim(coding);
		head->chunked = token_is(coding, "chunked");
		if (!head->chunked)
			token_copy(head->encoding, sizeof(head->encoding), coding);
	}
	return head->chunked;
}

static bool
read_length(struct http_head *head, struct bytes value)
{
	uint64_t length;

	if (!token_decimal(value, &length) || (head->measured && head->length != length))
		return false;
	head->measured = true;
	head->length = length;
	return true;
}

static void
read_upgrade(struct http_head *head, struct bytes value)
{
	if (token_is(value, "websocket"))
		head->upgrade = UPGRADE_WEBSOCKET;
	else if (token_is(value, "h2c"))
		head->upgrade = UPGRADE_H2C;
	else
		head->upgrade = UPGRADE_OTHER;
}

static void
read_type(struct http_head *head, struct bytes value)
{
	token_copy(head->type, sizeof(head->type), value);
	head->rtsp = token_begin(value, "application/x-rtsp-tunnelled");
}

static bool
read_field(struct http_head *head, struct bytes name, struct bytes value)
{
	if (token_is(name, "Transfer-Encoding"))
		return read_coding(head, value);
	if (token_is(name, "Content-Length"))
		return read_length(head, value);
	if (token_is(name, "Host")) {
		bool again = head->host;

		head->host = true;
		return !again;
	}
	if (token_is(name, "Upgrade"))
		read_upgrade(head, value);
	else if (token_is(name, "Sec-WebSocket-Extensions"))
		head->compressed = token_hold(value, "permessage-deflate");
	else if (token_is(name, "Sec-WebSocket-Protocol"))
		head->mqtt = token_begin(value, "mqtt");
	else if (token_is(name, "Content-Type"))
		read_type(head, value);
	else if (token_is(name, "Content-Encoding"))
		token_copy(head->encoding, sizeof(head->encoding), value);
	return true;
}

static bool
is_framing(struct bytes name)
{
	return token_is(name, "Transfer-Encoding") || token_is(name, "Content-Length") ||
	       token_is(name, "Host");
}

bool
http_head_field(struct http_head *head, struct observation *seen, const struct line *line)
{
	struct bytes name, value;

	if (!is_clean(line) || line->text.left == 0)
		return false;
	/* A folded line (RFC 9112 section 5.2) goes on with the field before it. */
	if (line->text.at[0] == ' ' || line->text.at[0] == '\t')
		return !head->framing;
	if (!token_header(line->text, &name, &value))
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

bool
http_head_line(struct observation *seen, enum direction direction, struct lines *lines,
    uint32_t *head_bytes, struct bytes *in, struct line *line)
{
	size_t before = in->left;
	bool broken = lines_break(lines, in);
	bool whole = !broken && lines_take(lines, in, line);

	observation_control(seen, direction, before - in->left);
	*head_bytes += (uint32_t)(before - in->left);
	if (!broken && *head_bytes <= HTTP_HEAD_MAX)
		return whole;
	seen->confused = true;
	return false;
}
