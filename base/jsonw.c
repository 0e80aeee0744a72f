/* SPDX-License-Identifier: MIT */
#include "base/jsonw.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SIZE = 1024 };

static bool
make_room(struct jsonw *json, size_t count)
{
	size_t need = json->used + count + 1;
	size_t size = json->size > 0 ? json->size : FIRST_SIZE;
	char *at;

	if (need <= json->size && !json->failed)
		return true;
	if (json->failed)
		return false;
	while (size < need)
		size *= 2;
	at = realloc(json->at, size);
	if (at == NULL) {
		json->failed = true;
		return false;
	}
	json->at = at;
	json->size = size;
	return true;
}

static void
put(struct jsonw *json, const char *bytes, size_t count)
{
	if (!make_room(json, count))
		return;
	memcpy(json->at + json->used, bytes, count);
	json->used += count;
	json->at[json->used] = '\0';
}

/* The marks between values are most of what is put. */
static void
put_mark(struct jsonw *json, char mark)
{
	if (!make_room(json, 1))
		return;
	json->at[json->used++] = mark;
	json->at[json->used] = '\0';
}

static void
put_escaped(struct jsonw *json, uint8_t byte)
{
	char escape[7];

	switch (byte) {
	case '"':
		put(json, "\\\"", 2);
		return;
	case '\\':
		put(json, "\\\\", 2);
		return;
	case '\n':
		put(json, "\\n", 2);
		return;
	default:
		(void)snprintf(escape, sizeof(escape), "\\u%04x", byte);
		put(json, escape, 6);
	}
}

static bool
is_plain(uint8_t byte)
{
	return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

/* How many bytes from the front can be written as they are: plain ones, or one
 * character of several bytes.  0: the first has to be escaped. */
static size_t
run_as_is(const uint8_t *at, size_t count)
{
	size_t run = 0;

	while (run < count && is_plain(at[run]))
		run++;
	if (run > 0)
		return run;
	run = text_utf8(at, count);
	return run > 1 ? run : 0;
}

static void
put_string(struct jsonw *json, const uint8_t *at, size_t count)
{
	put_mark(json, '"');
	while (count > 0) {
		size_t run = run_as_is(at, count);

		if (run > 0) {
			put(json, (const char *)at, run);
		} else {
			put_escaped(json, at[0]);
			run = 1;
		}
		at += run;
		count -= run;
	}
	put_mark(json, '"');
}

static void
begin(struct jsonw *json, const char *key)
{
	if (json->comma)
		put_mark(json, ',');
	json->comma = true;
	if (key == NULL)
		return;
	put_string(json, (const uint8_t *)key, strlen(key));
	put_mark(json, ':');
}

void
jsonw_open(struct jsonw *json, const char *key)
{
	begin(json, key);
	put_mark(json, '{');
	json->comma = false;
}

void
jsonw_close(struct jsonw *json)
{
	put_mark(json, '}');
	json->comma = true;
}

void
jsonw_open_array(struct jsonw *json, const char *key)
{
	begin(json, key);
	put_mark(json, '[');
	json->comma = false;
}

void
jsonw_close_array(struct jsonw *json)
{
	put_mark(json, ']');
	json->comma = true;
}

void
jsonw_bytes(struct jsonw *json, const char *key, const void *value, size_t count)
{
	begin(json, key);
	put_string(json, value, count);
}

void
jsonw_string(struct jsonw *json, const char *key, const char *value)
{
	jsonw_bytes(json, key, value, strlen(value));
}

void
jsonw_number(struct jsonw *json, const char *key, uint64_t value)
{
	char digits[20]; /* of 2^64 - 1 */
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	begin(json, key);
	put(json, digits + at, sizeof(digits) - at);
}

void
jsonw_real(struct jsonw *json, const char *key, double value)
{
	char digits[40];
	int count = snprintf(digits, sizeof(digits), "%.9g", isfinite(value) ? value : 0.0);

	begin(json, key);
	put(json, digits, (size_t)count);
}

void
jsonw_bool(struct jsonw *json, const char *key, bool value)
{
	begin(json, key);
	put(json, value ? "true" : "false", value ? 4 : 5);
}

void
jsonw_null(struct jsonw *json, const char *key)
{
	begin(json, key);
	put(json, "null", 4);
}

void
jsonw_end_line(struct jsonw *json)
{
	put_mark(json, '\n');
	json->comma = false;
}

void
jsonw_clear(struct jsonw *json)
{
	json->used = 0;
	json->comma = false;
	json->failed = false;
	if (json->at != NULL)
		json->at[0] = '\0';
}

void
jsonw_free(struct jsonw *json)
{
	free(json->at);
	*json = (struct jsonw){0};
}
