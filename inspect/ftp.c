/* SPDX-License-Identifier: MIT */
/* FTP's commands (RFC 959), and AUTH TLS (RFC 4217).  Files go by connections of
 * their own. */
#include "base/addr.h"
#include "inspect/dialog.h"
#include "inspect/observer_private.h"
#include "inspect/token.h"

#include <string.h>

static bool
names_file(struct bytes word)
{
	static const char *const of_files[] = {"STOR", "RETR", "APPE", "STOU"};

	for (size_t i = 0; i < sizeof(of_files) / sizeof(of_files[0]); i++)
		if (token_is(word, of_files[i]))
			return true;
	return false;
}

/* The server is to connect to the camera (RFC 959 section 4.1.2, RFC 2428 section 2). */
static bool
names_camera(struct bytes word)
{
	return token_is(word, "PORT") || token_is(word, "EPRT");
}

static bool
asks_for_tls(struct bytes word, struct bytes mechanism)
{
	return token_is(word, "AUTH") &&
	       (token_begin(mechanism, "TLS") || token_begin(mechanism, "SSL"));
}

static void
read_command(struct dialog *dialog, struct observation *seen, const struct line *line)
{
	struct bytes rest = line->text, word;
	enum dialog_kind kind = DIALOG_PLAIN;

	if (!token_next(&rest, &word))
		return;
	rest = token_trim(rest);
	token_keep(seen->app->method, sizeof(seen->app->method), word);
	if (token_is(word, "PASS") || token_is(word, "ACCT") || token_is(word, "ADAT"))
		kind = DIALOG_SECRET;
	else if (asks_for_tls(word, rest))
		kind = DIALOG_TLS;
	else if (names_camera(word))
		seen->app->active_data = true;
	else if (names_file(word))
		token_keep(seen->app->path, sizeof(seen->app->path), rest);
	dialog_command(dialog, seen, kind);
}

/* "=10,0,0,1,4,1": the address and the port, in bytes (RFC 959 section 4.1.2).  Of
 * port 0: it is none. */
static struct addr
passive_data(struct bytes text)
{
	static const uint8_t v4[12] = {[10] = 0xff, [11] = 0xff};
	struct addr data = {0};
	uint64_t numbers[5], value;
	struct bytes part;
	uint8_t byte;

	while (text.left > 0 && !(*text.at >= '0' && *text.at <= '9'))
		(void)bytes_u8(&text, &byte);
	for (int i = 0; i < 5; i++) {
		if (!token_until(&text, ',', &part) || !token_decimal(part, &numbers[i]) ||
		    numbers[i] > 255)
			return data;
	}
	for (value = 0; bytes_u8(&text, &byte) && byte >= '0' && byte <= '9' && value < 256;)
		value = 10 * value + (uint64_t)(byte - '0');
	if (value > 255)
		return data;
	memcpy(data.ip, v4, sizeof(v4));
	for (size_t i = 0; i < 4; i++)
		data.ip[sizeof(v4) + i] = (uint8_t)numbers[i];
	data.port = (uint16_t)(numbers[4] << 8 | value);
	return data;
}

/* "(|||6446|)", with any one sign for the bars (RFC 2428 section 3); between the first
 * three some servers name the family and the address, as a camera does by EPRT. */
static struct addr
extended_data(struct bytes text)
{
	struct addr data = {0};
	struct bytes part, family, host;
	char name[ADDR_TEXT_MAX];
	uint64_t port;
	uint8_t bar;

	if (!token_until(&text, '(', &part) || !bytes_u8(&text, &bar) ||
	    !token_until(&text, bar, &family) || !token_until(&text, bar, &host) ||
	    !token_until(&text, bar, &part) || !token_decimal(part, &port) || port > UINT16_MAX)
		return data;
	token_copy(name, sizeof(name), host);
	if (host.left > 0 && addr_parse(&data, name, 0, NULL) != 0)
		return (struct addr){0};
	data.port = (uint16_t)port;
	return data;
}

static void
read_answer(struct dialog *dialog, struct observation *seen, const struct line *line)
{
	uint16_t code = dialog_code(dialog, seen, line);
	struct bytes text = line->text;

	if (code == 227 && bytes_skip(&text, 3))
		seen->app->data = passive_data(text);
	else if (code == 229)
		seen->app->data = extended_data(text);
	/* From 100 to 199: another one follows. */
	if (code < 200)
		return;
	if (dialog->greeted)
		dialog_answered(dialog, seen, code == 234);
	dialog->greeted = true;
}

static size_t
feed_ftp(void *state, struct observation *seen, enum direction direction, struct bytes piece)
{
	struct dialog *dialog = state;
	struct bytes in = piece;
	enum observed_tls before = seen->tls;
	struct line line;

	while (in.left > 0 && !seen->confused && seen->tls == before) {
		if (!dialog_line(dialog, seen, direction, &in, &line))
			continue;
		if (direction == DIRECTION_UP)
			read_command(dialog, seen, &line);
		else
			read_answer(dialog, seen, &line);
	}
	lines_settle(&dialog->lines[observation_side(direction)]);
	return piece.left - in.left;
}

static bool
ftp_waits(const void *state)
{
	const struct dialog *dialog = state;

	return dialog->lines[0].total > 0;
}

static void
clear_ftp(void *state)
{
	dialog_clear(state);
}

const struct observer observer_ftp = {
    .proto = APP_FTP,
    .state_bytes = sizeof(struct dialog),
    .feed = feed_ftp,
    .waits = ftp_waits,
    .clear = clear_ftp,
};
