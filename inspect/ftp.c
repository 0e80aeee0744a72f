/* SPDX-License-Identifier: MIT */
/* FTP's commands (RFC 959), and AUTH TLS (RFC 4217).  Files go by connections of
 * their own. */
#include "inspect/dialog.h"
#include "inspect/observer_private.h"
#include "inspect/token.h"

static bool
names_file(struct bytes word)
{
	static const char *const of_files[] = {"STOR", "RETR", "APPE", "STOU"};

	for (size_t i = 0; i < sizeof(of_files) / sizeof(of_files[0]); i++)
		if (token_is(word, of_files[i]))
			return true;
	return false;
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
	else if (names_file(word))
		token_keep(seen->app->path, sizeof(seen->app->path), rest);
	dialog_command(dialog, seen, kind);
}

/* "=10,0,0,1,4,1": the address, which need not be the one that is meant, and the
 * port in two bytes (RFC 959 section 4.1.2).  0: it is none. */
static uint16_t
passive_port(struct bytes text)
{
	uint64_t port = 0, value;
	struct bytes part;
	uint8_t byte;

	while (text.left > 0 && !(*text.at >= '0' && *text.at <= '9'))
		(void)bytes_u8(&text, &byte);
	for (int i = 0; i < 5; i++) {
		if (!token_until(&text, ',', &part) || !token_decimal(part, &value) || value > 255)
			return 0;
		port = value;
	}
	for (value = 0; bytes_u8(&text, &byte) && byte >= '0' && byte <= '9' && value < 256;)
		value = 10 * value + (uint64_t)(byte - '0');
	return value < 256 ? (uint16_t)(port << 8 | value) : 0;
}

/* "(|||6446|)", with any one sign for the bars (RFC 2428 section 3). */
static uint16_t
extended_port(struct bytes text)
{
	struct bytes part;
	uint8_t bars[3];
	uint64_t port;

	if (!token_until(&text, '(', &part) || !bytes_u8(&text, &bars[0]) ||
	    !bytes_u8(&text, &bars[1]) || !bytes_u8(&text, &bars[2]) || bars[0] != bars[1] ||
	    bars[0] != bars[2] || !token_until(&text, bars[0], &part) ||
	    !token_decimal(part, &port) || port > UINT16_MAX)
		return 0;
	return (uint16_t)port;
}

static void
read_answer(struct dialog *dialog, struct observation *seen, const struct line *line)
{
	uint16_t code = dialog_code(dialog, seen, line);
	struct bytes text = line->text;

	if (code == 227 && bytes_skip(&text, 3))
		seen->app->data_port = passive_port(text);
	else if (code == 229)
		seen->app->data_port = extended_port(text);
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
