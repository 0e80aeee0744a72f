/* SPDX-License-Identifier: MIT */
#include "geo/csv.h"

#include "base/err.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct csv
csv_open(struct bytes bytes)
{
	struct csv csv = {.rest = bytes, .line = 1};
	struct bytes mark;

	if (bytes.left >= 3 && memcmp(bytes.at, "\xef\xbb\xbf", 3) == 0)
		(void)bytes_take(&csv.rest, 3, &mark);
	return csv;
}

/* The next byte, or 0 at the end, without taking it.  A NUL is no text, so
 * that it reads as the end is caught where fields are checked. */
static uint8_t
peek(const struct csv *csv)
{
	struct bytes rest = csv->rest;
	uint8_t byte;

	return bytes_u8(&rest, &byte) ? byte : 0;
}

static uint8_t
take(struct csv *csv)
{
	uint8_t byte = 0;

	if (bytes_u8(&csv->rest, &byte) && byte == '\n')
		csv->line++;
	return byte;
}

static void
skip_line(struct csv *csv)
{
	uint8_t byte = 0;

	while (csv->rest.left > 0 && byte != '\n')
		byte = take(csv);
}

static bool
at_line_end(const struct csv *csv)
{
	struct bytes rest = csv->rest;
	uint8_t byte;

	if (!bytes_u8(&rest, &byte) || byte == '\n')
		return true;
	return byte == '\r' && (!bytes_u8(&rest, &byte) || byte == '\n');
}

static void
skip_idle_lines(struct csv *csv)
{
	while (csv->rest.left > 0 && (at_line_end(csv) || peek(csv) == '#'))
		skip_line(csv);
}

static bool
put(struct csv_row *row, size_t *used, uint8_t byte)
{
	if (*used == sizeof(row->text))
		return false;
	row->text[(*used)++] = (char)byte;
	return true;
}

static int
read_quoted(struct csv *csv, struct csv_row *row, size_t *used, struct err *err)
{
	(void)take(csv);
	while (csv->rest.left > 0) {
		uint8_t byte = take(csv);

		if (byte == '"' && (csv->rest.left == 0 || peek(csv) != '"'))
			return 0;
		if (byte == '"')
			(void)take(csv);
		if (!put(row, used, byte))
			return err_set(err, ERR_LIMIT, "a row of more than %d bytes", CSV_ROW_MAX);
	}
	return err_set(err, ERR_INPUT, "a quote is not closed");
}

static int
read_plain(struct csv *csv, struct csv_row *row, size_t *used, struct err *err)
{
	while (!at_line_end(csv) && peek(csv) != ',') {
		uint8_t byte = take(csv);

		if (byte == '"')
			return err_set(err, ERR_INPUT, "a quote inside a field without quotes");
		if (!put(row, used, byte))
			return err_set(err, ERR_LIMIT, "a row of more than %d bytes", CSV_ROW_MAX);
	}
	return 0;
}

static int
check_text(const char *at, size_t size, bool quoted, struct err *err)
{
	while (size > 0) {
		size_t step = text_utf8(at, size);
		unsigned char byte = (unsigned char)*at;

		if (step == 0)
			return err_set(err, ERR_INPUT, "a field is not UTF-8");
		if ((byte < 0x20 || byte == 0x7f) && !(quoted && (byte == '\n' || byte == '\r')))
			return err_set(err, ERR_INPUT, "a control character (0x%02x) in a field",
			    byte);
		at += step;
		size -= step;
	}
	return 0;
}

static int
read_field(struct csv *csv, struct csv_row *row, size_t *used, struct err *err)
{
	bool quoted = peek(csv) == '"';
	size_t from = *used;

	if (row->count == CSV_FIELDS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d fields", CSV_FIELDS_MAX);
	if ((quoted ? read_quoted : read_plain)(csv, row, used, err) != 0)
		return -1;
	if (check_text(row->text + from, *used - from, quoted, err) != 0)
		return -1;
	if (!put(row, used, '\0'))
		return err_set(err, ERR_LIMIT, "a row of more than %d bytes", CSV_ROW_MAX);
	if (!at_line_end(csv) && peek(csv) != ',')
		return err_set(err, ERR_INPUT, "text behind a closing quote");
	row->field[row->count++] = row->text + from;
	return 0;
}

int
csv_next(struct csv *csv, struct csv_row *row, struct err *err)
{
	size_t used = 0;

	skip_idle_lines(csv);
	row->line = csv->line;
	row->count = 0;
	if (csv->rest.left == 0)
		return 0;
	for (;;) {
		if (read_field(csv, row, &used, err) != 0) {
			skip_line(csv);
			return -1;
		}
		if (at_line_end(csv)) {
			skip_line(csv);
			return 1;
		}
		(void)take(csv); /* the comma */
	}
}

void
csv_error(struct csv_errors *errors, unsigned line, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (errors->count++ == 0)
		(void)err_set(errors->err, ERR_INPUT, "%.70s:%u: %s", errors->file, line, text);
	if (errors->tell != NULL)
		errors->tell(errors->file, line, text, errors->arg);
}

int
csv_head(struct csv *csv, const char *const *columns, size_t count, struct csv_row *row,
    struct csv_errors *errors)
{
	struct err err = {0};
	int got = csv_next(csv, row, &err);

	if (got < 0) {
		csv_error(errors, row->line, "%s", err.text);
		return -1;
	}
	for (size_t i = 0; i < count; i++) {
		if (got == 0 || i >= row->count || strcmp(row->field[i], columns[i]) != 0) {
			csv_error(errors, row->line, "column %zu must be named '%s'", i + 1,
			    columns[i]);
			return -1;
		}
	}
	if (row->count != count) {
		csv_error(errors, row->line, "%zu columns instead of %zu", row->count, count);
		return -1;
	}
	return 0;
}

int
csv_data(struct csv *csv, size_t count, struct csv_row *row, struct csv_errors *errors)
{
	for (;;) {
		struct err err = {0};
		int got = csv_next(csv, row, &err);

		if (got == 0)
			return 0;
		if (got < 0)
			csv_error(errors, row->line, "%s", err.text);
		else if (row->count != count)
			csv_error(errors, row->line, "%zu fields instead of %zu", row->count,
			    count);
		else
			return 1;
	}
}
