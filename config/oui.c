/* SPDX-License-Identifier: MIT */
#include "config/oui.h"

#include "base/err.h"
#include "base/text.h"
#include "config/source.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 64 };

struct maker {
	uint32_t oui;
	uint32_t at; /* of its name in names */
};

struct oui {
	struct maker *list; /* owned; by OUI, then by place */
	size_t count;
	char *names; /* owned; each with its terminator */
	size_t names_used;
};

/* ---- one line ---- */

static bool
take_line(struct bytes *text, struct bytes *line)
{
	const uint8_t *end;

	if (text->left == 0)
		return false;
	end = memchr(text->at, '\n', text->left);
	(void)bytes_take(text, end != NULL ? (size_t)(end - text->at) : text->left, line);
	(void)bytes_take(text, end != NULL ? 1 : 0, &(struct bytes){0});
	return true;
}

static void
skip_blanks(struct bytes *line)
{
	struct bytes blank;

	while (line->left > 0 && (*line->at == ' ' || *line->at == '\t'))
		(void)bytes_take(line, 1, &blank);
}

static void
trim_end(struct bytes *line)
{
	while (line->left > 0 &&
	       (line->at[line->left - 1] == '\r' || line->at[line->left - 1] == ' ' ||
		   line->at[line->left - 1] == '\t'))
		line->left--;
}

/* Blocks that are cut into smaller ones have many makers, and no one of them. */
static bool
is_shared(struct bytes name)
{
	static const char authority[] = "IEEE Registration Authority";

	return name.left == sizeof(authority) - 1 &&
	       memcmp(name.at, authority, sizeof(authority) - 1) == 0;
}

/* "44-19-B6", blanks, "(hex)", blanks, the name. */
static bool
read_line(struct bytes line, uint32_t *oui, struct bytes *name)
{
	static const char mark[] = "(hex)";
	char text[3 * OUI_BYTES];
	uint8_t bytes[OUI_BYTES];
	struct bytes part;

	if (!bytes_take(&line, sizeof(text) - 1, &part))
		return false;
	memcpy(text, part.at, sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	skip_blanks(&line);
	if (!bytes_take(&line, sizeof(mark) - 1, &part) ||
	    memcmp(part.at, mark, sizeof(mark) - 1) != 0)
		return false;
	/* 00-00-00 is somebody's, and no MAC of ours. */
	if (!mac_parse(text, bytes, sizeof(bytes)))
		return false;
	skip_blanks(&line);
	trim_end(&line);
	*oui = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2];
	*name = line;
	return line.left > 0 && !is_shared(line);
}

/* ---- all of them ---- */

/* How much room they need at most. */
static void
measure(struct bytes text, size_t *count, size_t *bytes)
{
	struct bytes line, name;
	uint32_t oui;

	*count = *bytes = 0;
	while (take_line(&text, &line)) {
		if (!read_line(line, &oui, &name))
			continue;
		(*count)++;
		*bytes += NAME_MAX_BYTES < 4 * name.left + 1 ? NAME_MAX_BYTES : 4 * name.left + 1;
	}
}

/* Cut where a letter ends: text_add_untrusted has left whole letters only, but
 * the room may have ended within one. */
static void
cut_letter(char *text)
{
	size_t size = strlen(text), at = 0;

	while (at < size) {
		size_t step = text_utf8(text + at, size - at);

		if (step == 0)
			break;
		at += step;
	}
	text[at] = '\0';
}

static void
add_maker(struct oui *makers, uint32_t oui, struct bytes name)
{
	char *at = makers->names + makers->names_used;
	size_t room = NAME_MAX_BYTES < 4 * name.left + 1 ? NAME_MAX_BYTES : 4 * name.left + 1;
	struct text text = text_in(at, room);

	text_add_untrusted(&text, name.at, name.left);
	cut_letter(at);
	makers->list[makers->count++] = (struct maker){oui, (uint32_t)makers->names_used};
	makers->names_used += strlen(at) + 1;
}

static int
by_oui(const void *left, const void *right)
{
	const struct maker *a = left, *b = right;

	if (a->oui != b->oui)
		return a->oui < b->oui ? -1 : 1;
	return a->at < b->at ? -1 : a->at > b->at;
}

static void
drop_twins(struct oui *makers)
{
	size_t kept = 0;

	qsort(makers->list, makers->count, sizeof(*makers->list), by_oui);
	for (size_t i = 0; i < makers->count; i++) {
		if (kept == 0 || makers->list[kept - 1].oui != makers->list[i].oui)
			makers->list[kept++] = makers->list[i];
	}
	makers->count = kept;
}

struct oui *
oui_read(struct bytes text, struct err *err)
{
	struct bytes rest = text, line, name;
	struct oui *makers;
	size_t count, bytes;
	uint32_t oui;

	measure(text, &count, &bytes);
	if (count == 0 || count > OUI_MAX)
		return (void)err_set(err, ERR_INPUT, "this is no registry of makers"), NULL;
	makers = calloc(1, sizeof(*makers));
	if (makers != NULL) {
		makers->list = calloc(count, sizeof(*makers->list));
		makers->names = malloc(bytes);
	}
	if (makers == NULL || makers->list == NULL || makers->names == NULL) {
		oui_free(makers);
		return (void)err_set(err, ERR_NOMEM, "no memory for the makers"), NULL;
	}
	while (take_line(&rest, &line)) {
		if (read_line(line, &oui, &name))
			add_maker(makers, oui, name);
	}
	drop_twins(makers);
	return makers;
}

struct oui *
oui_open(const char *path, struct err *err)
{
	struct source *source = source_from_disk();
	struct oui *makers = NULL;
	struct bytes text;

	if (source == NULL)
		(void)err_set(err, ERR_NOMEM, "no memory for the makers");
	else if (source_read(source, path, &text, err) == 0)
		makers = oui_read(text, err);
	source_free(source);
	return makers;
}

void
oui_free(struct oui *oui)
{
	if (oui == NULL)
		return;
	free(oui->names);
	free(oui->list);
	free(oui);
}

size_t
oui_count(const struct oui *oui)
{
	return oui != NULL ? oui->count : 0;
}

static int
compare_oui(const void *key, const void *element)
{
	const uint32_t *oui = key;
	const struct maker *maker = element;

	return *oui < maker->oui ? -1 : *oui > maker->oui;
}

void
oui_copy(const struct oui *oui, const uint8_t mac[MAC_BYTES], char *out, size_t size)
{
	uint32_t key = (uint32_t)mac[0] << 16 | (uint32_t)mac[1] << 8 | mac[2];
	const struct maker *found = NULL;

	out[0] = '\0';
	if (oui != NULL && !mac_is_local(mac))
		found = bsearch(&key, oui->list, oui->count, sizeof(*oui->list), compare_oui);
	if (found == NULL)
		return;
	text_copy(out, size, oui->names + found->at);
	cut_letter(out);
}
