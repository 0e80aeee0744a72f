/* SPDX-License-Identifier: MIT */
#include "inspect/lines.h"

#include "inspect/token.h"

#include <stdlib.h>
#include <string.h>

static void
gather(struct lines *lines, struct bytes part)
{
	size_t room;

	if (part.left == 0)
		return;
	if (lines->total == 0) {
		lines_clear(lines);
		lines->head = malloc(LINES_HEAD);
	}
	/* Without memory the line is one that is cut before its first byte. */
	room = lines->head == NULL ? 0 : LINES_HEAD - lines->used;
	if (room > part.left)
		room = part.left;
	if (room > 0)
		memcpy(lines->head + lines->used, part.at, room);
	lines->used += room;
	lines->total += part.left;
	lines->last = part.at[part.left - 1];
}

/* A line of total bytes, of which text has the first; the last one tells its end. */
static void
finish(struct line *line, struct bytes text, size_t total, uint8_t last)
{
	line->crlf = total > 0 && last == '\r';
	if (line->crlf)
		total--;
	if (text.left > total)
		text.left = total;
	if (text.left > LINES_HEAD - 1)
		text.left = LINES_HEAD - 1;
	line->cut = total > text.left;
	line->text = text;
}

bool
lines_take(struct lines *lines, struct bytes *in, struct line *line)
{
	struct bytes part;
	bool ended = token_until(in, '\n', &part);

	if (ended && lines->total == 0) {
		finish(line, part, part.left, part.left > 0 ? part.at[part.left - 1] : 0);
		return true;
	}
	gather(lines, part);
	if (!ended)
		return false;
	finish(line, (struct bytes){lines->head, lines->used}, lines->total, lines->last);
	lines->total = 0;
	return true;
}

static bool
ends_word(uint8_t byte)
{
	return byte == ' ' || byte == ':' || byte == '\t' || byte == '\r' || byte == '\n';
}

static bool
has_word(const struct lines *lines)
{
	for (size_t at = 0; at < lines->used && at < LINES_WORD; at++) {
		if (ends_word(lines->head[at]))
			return true;
	}
	return lines->total >= LINES_WORD;
}

bool
lines_break(const struct lines *lines, struct bytes *in)
{
	struct bytes rest = *in;
	uint8_t byte;

	if (lines->total > 0 && has_word(lines))
		return false;
	for (size_t at = lines->total; at < LINES_WORD && bytes_u8(&rest, &byte); at++) {
		if (ends_word(byte))
			return false;
		if (byte < ' ' || byte >= 0x7f)
			return bytes_skip(in, in->left - rest.left - 1);
	}
	return false;
}

void
lines_settle(struct lines *lines)
{
	if (lines->total == 0)
		lines_clear(lines);
}

void
lines_clear(struct lines *lines)
{
	/* It may have held a password. */
	if (lines->head != NULL)
		explicit_bzero(lines->head, lines->used);
	free(lines->head);
	*lines = (struct lines){0};
}
