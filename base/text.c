/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { WORD_MAX_BYTES = 64 }; /* longest word that is worth a suggestion */

struct text
text_in(char *at, size_t size)
{
	at[0] = '\0';
	return (struct text){.at = at, .size = size};
}

void
text_add(struct text *text, const char *fmt, ...)
{
	size_t room = text->size - text->used;
	va_list ap;
	int count;

	va_start(ap, fmt);
	count = vsnprintf(text->at + text->used, room, fmt, ap);
	va_end(ap);
	if (count < 0)
		return;
	if ((size_t)count >= room) {
		text->cut = true;
		text->used = text->size - 1;
		return;
	}
	text->used += (size_t)count;
}

static void
add_raw(struct text *text, const char *bytes, size_t count)
{
	if (text->cut || count >= text->size - text->used) {
		text->cut = true;
		return;
	}
	memcpy(text->at + text->used, bytes, count);
	text->used += count;
	text->at[text->used] = '\0';
}

size_t
text_utf8(const void *bytes, size_t count)
{
	const uint8_t *at = bytes;
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t value;
	size_t need;

	if (count == 0)
		return 0;
	if (at[0] < 0x80)
		return 1;
	if (at[0] >= 0xf8 || at[0] < 0xc0)
		return 0;
	need = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
	if (need > count)
		return 0;
	value = at[0] & (0x7fU >> need);
	for (size_t i = 1; i < need; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (at[i] & 0x3fU);
	}
	if (value < least[need] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 0;
	return need;
}

static bool
is_control(const uint8_t *at, size_t count)
{
	if (count == 1)
		return at[0] < 0x20 || at[0] == 0x7f;
	if (count == 2)
		return at[0] == 0xc2 && at[1] < 0xa0; /* C1, U+0080..009F */
	if (count == 3 && at[0] == 0xe2 && at[1] == 0x80)
		return at[2] >= 0xa8 && at[2] <= 0xae; /* line ends and bidi, U+2028..202E */
	return count == 3 && at[0] == 0xe2 && at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9;
}

void
text_add_untrusted(struct text *text, const void *bytes, size_t count)
{
	const uint8_t *at = bytes;

	while (count > 0 && !text->cut) {
		size_t step = text_utf8(at, count);
		char escape[5];

		if (step == 1 && at[0] == '\\') {
			add_raw(text, "\\\\", 2);
		} else if (step > 0 && !is_control(at, step)) {
			add_raw(text, (const char *)at, step);
		} else {
			step = 1;
			(void)snprintf(escape, sizeof(escape), "\\x%02x", at[0]);
			add_raw(text, escape, 4);
		}
		at += step;
		count -= step;
	}
}

void
text_copy(char *to, size_t size, const char *from)
{
	size_t count = strnlen(from, size - 1);

	memcpy(to, from, count);
	to[count] = '\0';
}

bool
text_under(const char *name, const char *suffix)
{
	size_t name_size = strlen(name), suffix_size = strlen(suffix);

	if (suffix_size == 0 || suffix_size > name_size)
		return false;
	if (strcasecmp(name + name_size - suffix_size, suffix) != 0)
		return false;
	return suffix_size == name_size || name[name_size - suffix_size - 1] == '.';
}

static size_t
edit_distance(const char *a, const char *b)
{
	size_t row[WORD_MAX_BYTES + 1];
	size_t b_size = strlen(b);

	for (size_t j = 0; j <= b_size; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_size; j++) {
			size_t change = diagonal + (a[i - 1] != b[j - 1]);
			size_t one_off = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

			diagonal = row[j];
			row[j] = change < one_off ? change : one_off;
		}
	}
	return row[b_size];
}

/* Whether word is what stands between two "_" of name, or beside one. */
static bool
is_part(const char *word, const char *name)
{
	size_t size = strlen(word);

	for (const char *at = name; size > 0 && (at = strstr(at, word)) != NULL; at++) {
		if ((at == name || at[-1] == '_') && (at[size] == '\0' || at[size] == '_'))
			return true;
	}
	return false;
}

bool
text_same_parts(const char *one, const char *other)
{
	char copy[WORD_MAX_BYTES + 1], *rest = NULL;
	bool any = false;

	if (strcmp(one, other) == 0)
		return true;
	if (strlen(one) != strlen(other) || strlen(one) > WORD_MAX_BYTES)
		return false;
	text_copy(copy, sizeof(copy), one);
	for (char *part = strtok_r(copy, "_", &rest); part != NULL;
	     part = strtok_r(NULL, "_", &rest)) {
		if (!is_part(part, other))
			return false;
		any = true;
	}
	return any;
}

const char *
text_nearest(const char *word, const char *const *candidates, size_t count)
{
	const char *best = NULL, *whole = NULL;
	size_t best_distance = SIZE_MAX;

	if (strlen(word) > WORD_MAX_BYTES)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t longer = strlen(candidates[i]);
		size_t distance;

		if (longer > WORD_MAX_BYTES)
			continue;
		if (text_same_parts(word, candidates[i]))
			return candidates[i];
		distance = edit_distance(word, candidates[i]);
		if (strlen(word) > longer)
			longer = strlen(word);
		if (distance < best_distance && distance * 3 <= longer + 2) {
			best_distance = distance;
			best = candidates[i];
		}
		if (whole == NULL && is_part(word, candidates[i]))
			whole = candidates[i];
	}
	return whole != NULL && best_distance > 1 ? whole : best;
}

void
text_hex(char *out, const void *bytes, size_t count)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *at = bytes;

	for (size_t i = 0; i < count; i++) {
		out[2 * i] = digits[at[i] >> 4];
		out[2 * i + 1] = digits[at[i] & 15];
	}
	out[2 * count] = '\0';
}
