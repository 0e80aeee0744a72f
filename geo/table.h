/* SPDX-License-Identifier: MIT */
#ifndef GEO_TABLE_H
#define GEO_TABLE_H

#include "base/bytes.h"
#include "geo/csv.h"

#include <stddef.h>
#include <stdint.h>

/*
 * A curated table: rows of text, each with its line, that say what they rest on
 * (source), since when (as_of) and, where the table has it, how sure they are
 * (confidence: high, medium or low).
 */
enum { TABLE_NO_COLUMN = CSV_FIELDS_MAX };

struct table_form {
	const char *const *columns; /* the names of the first row */
	size_t count;
	size_t confidence; /* a column, or TABLE_NO_COLUMN */
	size_t source, as_of;
	/* Tell what is wrong with the other columns of a row. */
	void (*check)(const struct csv_row *row, struct csv_errors *errors);
};

struct table_row {
	unsigned line;
	const char *field[]; /* owned, with the row */
};

struct table {
	struct table_row **rows; /* owned; in the file's order */
	size_t count, room;
	uint64_t newest_us, oldest_us; /* of as_of, since 1970; 0: no row */
};

/* Read all rows and tell every error; -1 when there was one.  table starts as
 * {0} and is to be freed either way; it holds the rows that are good. */
int table_read(struct table *table, struct bytes bytes, const struct table_form *form,
    struct csv_errors *errors);
void table_free(struct table *table);

/* For the checks of a form. */
bool table_is_country(const char *text); /* two capitals */

#endif
