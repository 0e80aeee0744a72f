/* SPDX-License-Identifier: MIT */
/* IMAP (RFC 9051): tagged commands, literals of both sides, and STARTTLS. */
#include "inspect/dialog.h"
#include "inspect/observer_private.h"
#include "inspect/token.h"

#include <string.h>

enum { TAG_MAX = 32 };

struct imap {
	struct dialog dialog;
	uint64_t literal[2]; /* bytes of one that are to come, by observation_side */
	bool untouched[2];   /* none of them came yet */
	bool continued[2];   /* the next line goes on with the one before the literal */
	bool mail[2];        /* the literal is one, and no word of a command */
	bool append;         /* the camera's command stores a mail */
	bool waits;          /* the literal is sent once the server allows it */
	char tls_tag[TAG_MAX];
};

/* "{310}" or "{310+}" at the end of a line (RFC 9051 section 4.3): then so many
 * bytes follow, and the line goes on behind them. */
static void
look_for_literal(struct imap *imap, unsigned side, struct bytes line, bool mail)
{
	struct bytes part, number = {0};
	uint64_t size;
	bool plus;

	imap->continued[side] = false;
	if (line.left < 3 || line.at[line.left - 1] != '}')
		return;
	line.left--;
	while (token_until(&line, '{', &part))
		number = line;
	plus = number.left > 0 && number.at[number.left - 1] == '+';
	if (plus)
		number.left--;
	if (!token_decimal(number, &size))
		return;
	if (side == 0)
		imap->waits = !plus;
	imap->literal[side] = size;
	imap->mail[side] = mail || size > DIALOG_LINE_MAX;
	imap->untouched[side] = true;
	imap->continued[side] = true;
}

static void
take_literal(struct imap *imap, struct observation *seen, enum direction direction,
    struct bytes *in)
{
	static const struct payload_hint hint = {.type = "message/rfc822"};
	unsigned side = observation_side(direction);
	uint64_t *left = &imap->literal[side];
	bool untouched = imap->untouched[side];
	struct bytes part;

	(void)bytes_take(in, in->left < *left ? in->left : (size_t)*left, &part);
	*left -= part.left;
	imap->untouched[side] = false;
	if (!imap->mail[side]) {
		observation_control(seen, direction, part.left);
		return;
	}
	if (untouched)
		observation_begin(seen, direction, &hint);
	observation_body(seen, direction, part);
	if (*left == 0)
		observation_end(seen, direction);
}

static void
read_command(struct imap *imap, struct observation *seen, const struct line *line)
{
	struct bytes rest = line->text, tag, word;
	bool continued = imap->continued[0];

	if (imap->dialog.challenged || continued) {
		look_for_literal(imap, 0, line->text, imap->append);
		imap->dialog.challenged = false;
		return;
	}
	if (!token_next(&rest, &tag) || !token_next(&rest, &word))
		return;
	imap->append = token_is(word, "APPEND");
	look_for_literal(imap, 0, line->text, imap->append);
	token_keep(seen->app->method, sizeof(seen->app->method), word);
	seen->app->requests++;
	if (token_is(word, "LOGIN") || token_is(word, "AUTHENTICATE"))
		seen->app->credentials = true;
	if (!token_is(word, "STARTTLS"))
		return;
	token_copy(imap->tls_tag, sizeof(imap->tls_tag), tag);
	dialog_tls_asked(seen);
}

/* Answers come in any order, and name the command that they answer. */
static void
read_tagged(struct imap *imap, struct observation *seen, struct bytes tag, struct bytes rest)
{
	struct bytes word;
	bool good;

	(void)token_next(&rest, &word);
	good = token_is(word, "OK");
	if (!good && !token_is(word, "NO") && !token_is(word, "BAD")) {
		seen->confused = true;
		return;
	}
	/* Refused before it was sent. */
	if (!good && imap->literal[0] > 0 && imap->untouched[0] && imap->waits) {
		imap->literal[0] = 0;
		imap->continued[0] = false;
	}
	imap->dialog.challenged = false;
	if (imap->tls_tag[0] == '\0' || !token_is(tag, imap->tls_tag))
		return;
	imap->tls_tag[0] = '\0';
	dialog_tls_answered(seen, good);
}

static void
read_answer(struct imap *imap, struct observation *seen, const struct line *line)
{
	struct bytes rest = line->text, tag, word;
	bool continued = imap->continued[1];

	look_for_literal(imap, 1, line->text, true);
	if (continued || !token_next(&rest, &tag))
		return;
	if (token_is(tag, "+")) {
		imap->dialog.challenged = imap->literal[0] == 0;
		return;
	}
	if (!token_is(tag, "*")) {
		read_tagged(imap, seen, tag, rest);
		return;
	}
	if (!imap->dialog.greeted && token_next(&rest, &word))
		token_keep(seen->app->agent, sizeof(seen->app->agent), token_trim(rest));
	imap->dialog.greeted = true;
}

static size_t
feed_imap(void *state, struct observation *seen, enum direction direction, struct bytes piece)
{
	struct imap *imap = state;
	unsigned side = observation_side(direction);
	enum observed_tls before = seen->tls;
	struct bytes in = piece;
	struct line line;

	while (in.left > 0 && !seen->confused && seen->tls == before) {
		if (imap->literal[side] > 0)
			take_literal(imap, seen, direction, &in);
		else if (!dialog_line(&imap->dialog, seen, direction, &in, &line))
			continue;
		else if (direction == DIRECTION_UP)
			read_command(imap, seen, &line);
		else
			read_answer(imap, seen, &line);
	}
	lines_settle(&imap->dialog.lines[side]);
	return piece.left - in.left;
}

static bool
imap_waits(const void *state)
{
	const struct imap *imap = state;

	return imap->dialog.lines[0].total > 0;
}

static void
clear_imap(void *state)
{
	struct imap *imap = state;

	dialog_clear(&imap->dialog);
}

const struct observer observer_imap = {
    .proto = APP_IMAP,
    .state_bytes = sizeof(struct imap),
    .feed = feed_imap,
    .waits = imap_waits,
    .clear = clear_imap,
};
