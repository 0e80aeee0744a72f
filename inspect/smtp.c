/* SPDX-License-Identifier: MIT */
/* SMTP (RFC 5321), its mails, and STARTTLS (RFC 3207). */
#include "inspect/dialog.h"
#include "inspect/observer_private.h"
#include "inspect/token.h"

struct smtp {
	struct dialog dialog; /* first: they are cleared alike */
	bool mail;            /* the camera sends a mail up to a dot */
	uint64_t left;        /* ... or so many bytes of one (BDAT, RFC 3030) */
};

static void
begin_chunk(struct smtp *smtp, struct observation *seen, struct bytes rest)
{
	static const struct payload_hint hint = {.type = "message/rfc822"};
	struct bytes size;

	(void)token_next(&rest, &size);
	if (!token_decimal(size, &smtp->left))
		seen->confused = true;
	else if (smtp->left > 0)
		observation_begin(seen, DIRECTION_UP, &hint);
}

static void
read_command(struct smtp *smtp, struct observation *seen, const struct line *line)
{
	struct bytes rest = line->text, word;
	enum dialog_kind kind = DIALOG_PLAIN;

	if (smtp->dialog.challenged) {
		smtp->dialog.challenged = false;
		return;
	}
	if (!token_next(&rest, &word))
		return;
	token_keep(seen->app->method, sizeof(seen->app->method), word);
	if (token_is(word, "EHLO") || token_is(word, "HELO") || token_is(word, "LHLO"))
		token_keep(seen->app->client, sizeof(seen->app->client), token_trim(rest));
	else if (token_is(word, "STARTTLS"))
		kind = DIALOG_TLS;
	else if (token_is(word, "AUTH"))
		kind = DIALOG_SECRET;
	else if (token_is(word, "DATA"))
		kind = DIALOG_DATA;
	else if (token_is(word, "BDAT"))
		begin_chunk(smtp, seen, rest);
	dialog_command(&smtp->dialog, seen, kind);
	if (kind == DIALOG_DATA) {
		smtp->mail = true;
		dialog_mail_begin(&smtp->dialog);
	}
}

static void
read_answer(struct smtp *smtp, struct observation *seen, const struct line *line)
{
	struct dialog *dialog = &smtp->dialog;
	uint16_t code = dialog_code(dialog, seen, line);

	if (code == 0)
		return;
	if (!dialog->greeted) {
		dialog->greeted = true;
		return;
	}
	if (code == 334) {
		dialog->challenged = true;
		return;
	}
	/* A mail is allowed: its answer comes behind it. */
	if (code == 354 && dialog_pending(dialog) == DIALOG_DATA)
		return;
	/* It is refused, and the camera goes on with commands. */
	if (dialog_pending(dialog) == DIALOG_DATA && smtp->mail && code >= 400) {
		observation_end(seen, DIRECTION_UP);
		smtp->mail = false;
	}
	dialog_answered(dialog, seen, code == 220);
}

static void
take_chunk(struct smtp *smtp, struct observation *seen, struct bytes *in)
{
	struct bytes part;

	(void)bytes_take(in, in->left < smtp->left ? in->left : (size_t)smtp->left, &part);
	smtp->left -= part.left;
	observation_body(seen, DIRECTION_UP, part);
	if (smtp->left == 0)
		observation_end(seen, DIRECTION_UP);
}

static void
take_camera(struct smtp *smtp, struct observation *seen, struct bytes *in)
{
	struct line line;

	if (smtp->mail)
		smtp->mail = !dialog_mail(&smtp->dialog, seen, DIRECTION_UP, in);
	else if (smtp->left > 0)
		take_chunk(smtp, seen, in);
	else if (dialog_line(&smtp->dialog, seen, DIRECTION_UP, in, &line))
		read_command(smtp, seen, &line);
}

static size_t
feed_smtp(void *state, struct observation *seen, enum direction direction, struct bytes piece)
{
	struct smtp *smtp = state;
	struct bytes in = piece;
	enum observed_tls before = seen->tls;
	struct line line;

	while (in.left > 0 && !seen->confused && seen->tls == before) {
		if (direction == DIRECTION_UP)
			take_camera(smtp, seen, &in);
		else if (dialog_line(&smtp->dialog, seen, direction, &in, &line))
			read_answer(smtp, seen, &line);
	}
	lines_settle(&smtp->dialog.lines[observation_side(direction)]);
	return piece.left - in.left;
}

static bool
smtp_waits(const void *state)
{
	const struct smtp *smtp = state;

	return smtp->dialog.lines[0].total > 0;
}

static void
clear_smtp(void *state)
{
	struct smtp *smtp = state;

	dialog_clear(&smtp->dialog);
}

const struct observer observer_smtp = {
    .proto = APP_SMTP,
    .state_bytes = sizeof(struct smtp),
    .feed = feed_smtp,
    .waits = smtp_waits,
    .clear = clear_smtp,
};
