/* SPDX-License-Identifier: MIT */
#include "inspect/dialog.h"

#include "inspect/observer_private.h"
#include "inspect/token.h"

bool
dialog_line(struct dialog *dialog, struct observation *seen, enum direction direction,
    struct bytes *in, struct line *line)
{
	struct lines *lines = &dialog->lines[observation_side(direction)];
	size_t before = in->left, total = lines->total;
	/* A server may go on with a text in any language. */
	bool broken = direction == DIRECTION_UP && lines_break(lines, in);
	bool whole = !broken && lines_take(lines, in, line);
	size_t taken = before - in->left;

	observation_control(seen, direction, taken);
	if (broken || total + taken > DIALOG_LINE_MAX) {
		seen->confused = true;
		return false;
	}
	return whole;
}

void
dialog_tls_asked(struct observation *seen)
{
	if (seen->tls == TLS_UNASKED)
		seen->tls = TLS_ASKED;
}

void
dialog_tls_answered(struct observation *seen, bool good)
{
	if (seen->tls != TLS_INSIDE) {
		seen->tls = good ? TLS_GRANTED : TLS_UNASKED;
		seen->app->starttls = good;
	} else if (good) {
		seen->app->opaque_inner = true;
		seen->confused = true;
	}
}

void
dialog_command(struct dialog *dialog, struct observation *seen, enum dialog_kind kind)
{
	if (dialog->count == DIALOG_PENDING_MAX) {
		seen->confused = true;
		return;
	}
	dialog->pending[(dialog->first + dialog->count++) % DIALOG_PENDING_MAX] = (uint8_t)kind;
	seen->app->requests++;
	if (kind == DIALOG_SECRET)
		seen->app->credentials = true;
	if (kind == DIALOG_TLS)
		dialog_tls_asked(seen);
}

enum dialog_kind
dialog_pending(const struct dialog *dialog)
{
	return dialog->count == 0 ? DIALOG_PLAIN : dialog->pending[dialog->first];
}

void
dialog_answered(struct dialog *dialog, struct observation *seen, bool good)
{
	enum dialog_kind kind = dialog_pending(dialog);

	if (dialog->count > 0) {
		dialog->first = (dialog->first + 1) % DIALOG_PENDING_MAX;
		dialog->count--;
	}
	dialog->challenged = false;
	if (kind != DIALOG_TLS)
		return;
	dialog_tls_answered(seen, good);
}

uint16_t
dialog_code(struct dialog *dialog, struct observation *seen, const struct line *line)
{
	struct bytes rest = line->text, digits;
	uint16_t code = 0;
	uint8_t mark = ' ';
	bool good = bytes_take(&rest, 3, &digits) && observation_status(seen, digits, &code);

	if (good)
		(void)bytes_u8(&rest, &mark);
	/* Between its first line and its last one anything may stand. */
	if (dialog->more != 0 && !(good && code == dialog->more && mark == ' '))
		return 0;
	if (!good || (mark != ' ' && mark != '-')) {
		seen->confused = true;
		return 0;
	}
	if (!dialog->greeted)
		token_keep(seen->app->agent, sizeof(seen->app->agent), token_trim(rest));
	dialog->more = mark == '-' ? code : 0;
	return dialog->more == 0 ? code : 0;
}

void
dialog_mail_begin(struct dialog *dialog)
{
	dialog->dot = DOT_BEGIN;
	dialog->mail_begun = false;
}

static enum dialog_dot
next_dot(enum dialog_dot dot, uint8_t byte)
{
	if (byte == '\r')
		return dot == DOT_DOT ? DOT_DOT_CR : DOT_TEXT_CR;
	if (byte == '\n' && dot == DOT_TEXT_CR)
		return DOT_BEGIN;
	return byte == '.' && dot == DOT_BEGIN ? DOT_DOT : DOT_TEXT;
}

bool
dialog_mail(struct dialog *dialog, struct observation *seen, enum direction direction,
    struct bytes *in)
{
	static const struct payload_hint hint = {.type = "message/rfc822"};
	struct bytes mail = *in, text;
	bool ended = false;
	uint8_t byte;

	if (!dialog->mail_begun)
		observation_begin(seen, direction, &hint);
	dialog->mail_begun = true;
	while (!ended && in->left > 0) {
		/* Within a line only its end is of interest. */
		if (dialog->dot == DOT_TEXT && token_until(in, '\r', &text))
			dialog->dot = DOT_TEXT_CR;
		if (!bytes_u8(in, &byte))
			break;
		ended = dialog->dot == DOT_DOT_CR && byte == '\n';
		dialog->dot = next_dot(dialog->dot, byte);
	}
	mail.left -= in->left;
	observation_body(seen, direction, mail);
	if (ended)
		observation_end(seen, direction);
	return ended;
}

void
dialog_clear(struct dialog *dialog)
{
	lines_clear(&dialog->lines[0]);
	lines_clear(&dialog->lines[1]);
}
