/* SPDX-License-Identifier: MIT */
#ifndef RECORD_COLUMNS_H
#define RECORD_COLUMNS_H

#include "base/facts.h"

#include <sqlite3.h>
#include <stddef.h>

/*
 * THE table of what the store keeps of a connection: a row a column of the
 * table `flow`, in order.  The store's schema, its statements, the words of a
 * filter (record/filter.h) and what `flows` prints all come from it.
 */
enum column_type {
	COLUMN_TEXT = 0,
	COLUMN_NUMBER,
	COLUMN_BOOL,
	COLUMN_TIME,      /* microseconds since 1970; NULL where it has not come */
	COLUMN_ADDR,      /* without its port */
	COLUMN_COUNTRIES, /* "DE", "DE/SG" where two databases disagree, or "unknown" */
	COLUMN_WORD,      /* one of a closed set */
};

struct column {
	const char *name;
	enum column_type type;
	const char *help;
	size_t at, size; /* in struct facts, where bind is NULL */
	int (*bind)(sqlite3_stmt *stmt, int parameter, const struct facts *facts);
	/* COLUMN_WORD: the words that it can hold, from 0 on; NULL behind the last. */
	const char *(*word)(size_t index);
	/* What it holds in rows that are older than it, as SQL of columns that are
	 * older too; NULL: what it holds of facts that are all 0. */
	const char *fill;
};

enum { COLUMN_WORDS_MAX = 32 }; /* of one column */

extern const struct column columns[];
extern const size_t column_count;

/* Bind its value to a statement's parameter; returns SQLite's code.  What is
 * bound is borrowed from facts. */
int column_bind(const struct column *column, sqlite3_stmt *stmt, int parameter,
    const struct facts *facts);

/* NULL when there is none of that name. */
const struct column *column_find(const char *name);

#endif
