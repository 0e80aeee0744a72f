/* SPDX-License-Identifier: MIT */
/* XMPP (RFC 6120): streams of XML, each stanza a message, and STARTTLS (section 5). */
#include "inspect/dialog.h"
#include "inspect/observer_private.h"
#include "inspect/token.h"

#include <stdlib.h>
#include <string.h>

enum { TAG_MAX = 1024 /* bytes of a stanza's or a stream's first tag */ };

/* What a stanza is for. */
enum stanza { STANZA_OTHER = 0, STANZA_STARTTLS, STANZA_PROCEED, STANZA_FAILURE };

struct side {
	uint8_t *tag;  /* owned; a tag at the top that is not whole; NULL: there is none */
	size_t used;   /* of tag */
	unsigned open; /* elements: 1 is the stream, more a stanza */
	bool in_tag;
	uint8_t begins, ends; /* the tag's byte behind '<', and the last one */
	uint8_t quote;        /* within the tag: the one that is open; 0: none */
	enum stanza stanza;
};

struct xmpp {
	struct side sides[2]; /* by observation_side */
	bool asked;           /* the camera wants TLS, and the server has not answered */
};

struct work {
	struct xmpp *xmpp;
	struct side *side;
	struct observation *seen;
	enum direction direction;
};

static void
let_go(struct side *side)
{
	/* It may have held a password. */
	if (side->tag != NULL)
		explicit_bzero(side->tag, side->used);
	free(side->tag);
	side->tag = NULL;
	side->used = 0;
}

/* What was held is the first of a raw stream. */
static void
give_up(struct work *work)
{
	struct side *side = work->side;

	(void)observer_raw.feed(NULL, work->seen, work->direction,
	    (struct bytes){side->tag, side->used});
	let_go(side);
	work->seen->confused = true;
}

static bool
hold(struct side *side, struct bytes part)
{
	if (side->tag == NULL)
		side->tag = malloc(TAG_MAX);
	if (side->tag == NULL || part.left > TAG_MAX - side->used)
		return false;
	memcpy(side->tag + side->used, part.at, part.left);
	side->used += part.left;
	return true;
}

/* ---- what a tag at the top says ---- */

static struct bytes
name_of(const struct side *side)
{
	struct bytes tag = {side->tag, side->used}, name = tag;

	(void)bytes_skip(&tag, 1);
	name.at = tag.at;
	for (name.left = 0; tag.left > 0 && strchr(" \t\r\n/>", tag.at[0]) == NULL; name.left++)
		(void)bytes_skip(&tag, 1);
	return name;
}

/* "to" of a stream's head is the host that the camera wants (section 4.7.2). */
static void
note_stream(struct work *work)
{
	struct bytes tag = {work->side->tag, work->side->used}, host;
	uint8_t quote;

	if (work->direction != work->seen->asker || !bytes_seek(&tag, " to=", 4) ||
	    !bytes_skip(&tag, 4) || !bytes_u8(&tag, &quote) || (quote != '"' && quote != '\'') ||
	    !token_until(&tag, quote, &host))
		return;
	token_keep(work->seen->app->host, sizeof(work->seen->app->host), host);
}

static enum stanza
note_stanza(struct work *work)
{
	struct app_facts *app = work->seen->app;
	struct bytes name = name_of(work->side);

	if (work->direction != work->seen->asker) {
		if (token_is(name, "proceed"))
			return STANZA_PROCEED;
		return token_is(name, "failure") ? STANZA_FAILURE : STANZA_OTHER;
	}
	token_keep(app->method, sizeof(app->method), name);
	app->requests += work->direction == DIRECTION_UP;
	if (token_is(name, "auth") || token_is(name, "response"))
		app->credentials = true;
	return token_is(name, "starttls") ? STANZA_STARTTLS : STANZA_OTHER;
}

static void
end_stanza(struct work *work)
{
	struct xmpp *xmpp = work->xmpp;
	enum stanza stanza = work->side->stanza;

	observation_end(work->seen, work->direction);
	work->side->open = 1;
	if (stanza == STANZA_STARTTLS) {
		xmpp->asked = true;
		dialog_tls_asked(work->seen);
	} else if (xmpp->asked && stanza != STANZA_OTHER) {
		xmpp->asked = false;
		dialog_tls_answered(work->seen, stanza == STANZA_PROCEED);
	}
}

/* A tag that is held is whole: of the stream, or a stanza's first. */
static void
end_top_tag(struct work *work)
{
	struct side *side = work->side;
	bool stream = token_is(name_of(side), "stream:stream");

	if (side->begins == '?' || side->begins == '/' || stream) {
		if (stream)
			note_stream(work);
		if (side->begins != '?')
			side->open = stream ? 1 : 0;
		observation_control(work->seen, work->direction, side->used);
		let_go(side);
		return;
	}
	if (side->open == 0) {
		give_up(work);
		return;
	}
	side->stanza = note_stanza(work);
	observation_begin(work->seen, work->direction, NULL);
	observation_body(work->seen, work->direction, (struct bytes){side->tag, side->used});
	let_go(side);
	side->open = 2;
	if (side->ends == '/')
		end_stanza(work);
}

static void
end_inner_tag(struct work *work)
{
	struct side *side = work->side;

	if (side->begins == '/')
		side->open--;
	else if (side->ends != '/')
		side->open++;
	if (side->open == 1)
		end_stanza(work);
}

/* ---- bytes ---- */

/* Take up to the end of the tag; true: it ended. */
static bool
scan_tag(struct side *side, struct bytes *in)
{
	uint8_t byte;

	while (bytes_u8(in, &byte)) {
		if (side->begins == 0)
			side->begins = byte == '<' ? 0 : byte;
		if (side->quote == 0 && byte == '>')
			return true;
		if (side->quote == 0 && (byte == '"' || byte == '\''))
			side->quote = byte;
		else if (byte == side->quote)
			side->quote = 0;
		side->ends = byte;
	}
	return false;
}

static void
take_tag(struct work *work, struct bytes *in)
{
	struct side *side = work->side;
	struct bytes part = *in;
	bool top = side->open <= 1, ended = scan_tag(side, in);

	part.left -= in->left;
	if (!top)
		observation_body(work->seen, work->direction, part);
	else if (!hold(side, part)) {
		*in = (struct bytes){part.at, part.left + in->left};
		give_up(work);
		return;
	}
	if (!ended)
		return;
	side->in_tag = false;
	/* Comments, definitions and instructions are not allowed (section 11.1), but for
	 * the declaration before a stream. */
	if (side->begins == '!' && top)
		give_up(work);
	else if (side->begins == '!' || (side->begins == '?' && !top))
		work->seen->confused = true;
	else if (top)
		end_top_tag(work);
	else
		end_inner_tag(work);
}

static void
take_text(struct work *work, struct bytes *in)
{
	struct side *side = work->side;
	struct bytes rest = *in, text = *in;

	if (bytes_seek(&rest, "<", 1))
		text.left -= rest.left;
	for (size_t i = 0; side->open <= 1 && i < text.left; i++) {
		if (strchr(" \t\r\n", text.at[i]) == NULL || text.at[i] == 0) {
			work->seen->confused = true;
			return;
		}
	}
	(void)bytes_skip(in, text.left);
	if (side->open <= 1)
		observation_control(work->seen, work->direction, text.left);
	else
		observation_body(work->seen, work->direction, text);
	side->in_tag = in->left > 0;
	side->begins = side->ends = side->quote = 0;
}

static size_t
feed_xmpp(void *state, struct observation *seen, enum direction direction, struct bytes piece)
{
	struct xmpp *xmpp = state;
	enum observed_tls before = seen->tls;
	struct work work = {
	    .xmpp = xmpp,
	    .side = &xmpp->sides[observation_side(direction)],
	    .seen = seen,
	    .direction = direction,
	};
	struct bytes in = piece;

	while (in.left > 0 && !seen->confused && seen->tls == before) {
		if (work.side->in_tag)
			take_tag(&work, &in);
		else
			take_text(&work, &in);
	}
	return piece.left - in.left;
}

static void
end_xmpp(void *state, struct observation *seen, enum direction direction)
{
	struct xmpp *xmpp = state;
	struct side *side = &xmpp->sides[observation_side(direction)];

	if (side->used > 0)
		(void)observer_raw.feed(NULL, seen, direction,
		    (struct bytes){side->tag, side->used});
	let_go(side);
}

static bool
xmpp_waits(const void *state)
{
	const struct xmpp *xmpp = state;

	return xmpp->sides[0].used > 0;
}

static void
clear_xmpp(void *state)
{
	struct xmpp *xmpp = state;

	let_go(&xmpp->sides[0]);
	let_go(&xmpp->sides[1]);
}

const struct observer observer_xmpp = {
    .proto = APP_XMPP,
    .state_bytes = sizeof(struct xmpp),
    .feed = feed_xmpp,
    .end = end_xmpp,
    .waits = xmpp_waits,
    .clear = clear_xmpp,
};
