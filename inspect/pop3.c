/* SPDX-License-Identifier: MIT */
/* POP3 (RFC 1939, RFC 2449), what it fetches, and STLS (RFC 2595). */
#include "inspect/dialog.h"
#include "inspect/observer_private.h"
#include "inspect/token.h"

struct pop3 {
	struct dialog dialog;
	bool mail; /* the server sends lines up to a dot */
};

/* Whose answer is followed by lines: LIST and UIDL only without an argument. */
static enum dialog_kind
kind_of(struct bytes word, struct bytes rest)
{
	if (token_is(word, "PASS") || token_is(word, "APOP"))
		return DIALOG_SECRET;
	if (token_is(word, "AUTH"))
		return rest.left > 0 ? DIALOG_SECRET : DIALOG_LINES;
	if (token_is(word, "STLS"))
		return DIALOG_TLS;
	if (token_is(word, "RETR") || token_is(word, "TOP"))
		return DIALOG_MESSAGE;
	if (token_is(word, "CAPA"))
		return DIALOG_LINES;
	if ((token_is(word, "LIST") || token_is(word, "UIDL")) && rest.left == 0)
		return DIALOG_LINES;
	return DIALOG_PLAIN;
}

static void
read_command(struct pop3 *pop3, struct observation *seen, const struct line *line)
{
	struct bytes rest = line->text, word;

	if (pop3->dialog.challenged) {
		pop3->dialog.challenged = false;
		return;
	}
	if (!token_next(&rest, &word))
		return;
	token_keep(seen->app->method, sizeof(seen->app->method), word);
	dialog_command(&pop3->dialog, seen, kind_of(word, token_trim(rest)));
}

static void
read_answer(struct pop3 *pop3, struct observation *seen, const struct line *line)
{
	struct dialog *dialog = &pop3->dialog;
	struct bytes rest = line->text, word;
	enum dialog_kind kind = dialog_pending(dialog);
	bool good;

	(void)token_next(&rest, &word);
	good = token_is(word, "+OK");
	if (token_is(word, "+") && kind == DIALOG_SECRET) {
		dialog->challenged = true;
		return;
	}
	if (!good && !token_is(word, "-ERR")) {
		seen->confused = true;
		return;
	}
	if (!dialog->greeted) {
		token_keep(seen->app->agent, sizeof(seen->app->agent), token_trim(rest));
		dialog->greeted = true;
		return;
	}
	dialog_answered(dialog, seen, good);
	if (!good || (kind != DIALOG_LINES && kind != DIALOG_MESSAGE))
		return;
	pop3->mail = true;
	dialog_mail_begin(dialog);
}

static void
take_server(struct pop3 *pop3, struct observation *seen, struct bytes *in)
{
	struct line line;

	if (pop3->mail)
		pop3->mail = !dialog_mail(&pop3->dialog, seen, DIRECTION_DOWN, in);
	else if (dialog_line(&pop3->dialog, seen, DIRECTION_DOWN, in, &line))
		read_answer(pop3, seen, &line);
}

static size_t
feed_pop3(void *state, struct observation *seen, enum direction direction, struct bytes piece)
{
	struct pop3 *pop3 = state;
	struct bytes in = piece;
	enum observed_tls before = seen->tls;
	struct line line;

	while (in.left > 0 && !seen->confused && seen->tls == before) {
		if (direction == DIRECTION_DOWN)
			take_server(pop3, seen, &in);
		else if (dialog_line(&pop3->dialog, seen, direction, &in, &line))
			read_command(pop3, seen, &line);
	}
	lines_settle(&pop3->dialog.lines[observation_side(direction)]);
	return piece.left - in.left;
}

static bool
pop3_waits(const void *state)
{
	const struct pop3 *pop3 = state;

	return pop3->dialog.lines[0].total > 0;
}

static void
clear_pop3(void *state)
{
	struct pop3 *pop3 = state;

	dialog_clear(&pop3->dialog);
}

const struct observer observer_pop3 = {
    .proto = APP_POP3,
    .state_bytes = sizeof(struct pop3),
    .feed = feed_pop3,
    .waits = pop3_waits,
    .clear = clear_pop3,
};
