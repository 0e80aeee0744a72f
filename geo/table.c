/* SPDX-License-Identifier: MIT */
#include "geo/table.h"

#include "base/clock.h"
#include "base/err.h"

#include <stdlib.h>
#include <string.h>

bool
table_is_country(const char *text)
{
	return strlen(text) == 2 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'A' &&
	       text[1] <= 'Z';
}

static bool
is_confidence(const char *text)
{
	return strcmp(text, "high") == 0 || strcmp(text, "medium") == 0 || strcmp(text, "low") == 0;
}

/* Tell all that is wrong with a row; its date goes to as_of_us. */
static void
check_row(const struct csv_row *row, const struct table_form *form, uint64_t *as_of_us,
    struct csv_errors *errors)
{
	form->check(row, errors);
	if (form->confidence != TABLE_NO_COLUMN && !is_confidence(row->field[form->confidence]))
		csv_error(errors, row->line, "confidence '%s' is none of high, medium, low",
		    row->field[form->confidence]);
	if (*row->field[form->source] == '\0')
		csv_error(errors, row->line, "the source is missing");
	if (!clock_date_parse(row->field[form->as_of], as_of_us))
		csv_error(errors, row->line, "as_of '%s' is no date (YYYY-MM-DD)",
		    row->field[form->as_of]);
}

static int
grow(struct table *table)
{
	size_t room = table->room == 0 ? 256 : table->room * 2;
	struct table_row **rows;

	if (table->count < table->room)
		return 0;
	rows = reallocarray(table->rows, room, sizeof(struct table_row *));
	if (rows == NULL)
		return -1;
	table->rows = rows;
	table->room = room;
	return 0;
}

static int
keep_row(struct table *table, const struct csv_row *row)
{
	size_t size = sizeof(struct table_row) + row->count * sizeof(char *);
	struct table_row *to;
	char *at;

	for (size_t i = 0; i < row->count; i++)
		size += strlen(row->field[i]) + 1;
	to = grow(table) == 0 ? malloc(size) : NULL;
	if (to == NULL)
		return -1;
	to->line = row->line;
	at = (char *)&to->field[row->count];
	for (size_t i = 0; i < row->count; i++) {
		size_t length = strlen(row->field[i]) + 1;

		to->field[i] = memcpy(at, row->field[i], length);
		at += length;
	}
	table->rows[table->count++] = to;
	return 0;
}

static void
note_date(struct table *table, uint64_t as_of_us)
{
	if (as_of_us > table->newest_us)
		table->newest_us = as_of_us;
	if (table->oldest_us == 0 || as_of_us < table->oldest_us)
		table->oldest_us = as_of_us;
}

int
table_read(struct table *table, struct bytes bytes, const struct table_form *form,
    struct csv_errors *errors)
{
	struct csv csv = csv_open(bytes);
	struct csv_row row;

	if (csv_head(&csv, form->columns, form->count, &row, errors) != 0)
		return -1;
	while (csv_data(&csv, form->count, &row, errors) > 0) {
		unsigned before = errors->count;
		uint64_t as_of_us = 0;

		check_row(&row, form, &as_of_us, errors);
		if (errors->count != before)
			continue;
		if (keep_row(table, &row) != 0) {
			errors->count++;
			return err_set(errors->err, ERR_NOMEM, "%s: no memory", errors->file);
		}
		note_date(table, as_of_us);
	}
	return errors->count == 0 ? 0 : -1;
}

void
table_free(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->rows[i]);
	free(table->rows);
	*table = (struct table){0};
}
