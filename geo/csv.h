/* SPDX-License-Identifier: MIT */
#ifndef GEO_CSV_H
#define GEO_CSV_H

#include "base/bytes.h"
#include "geo/geo.h"

struct err;

/*
 * A table in CSV as RFC 4180 has it: fields may stand in quotes, a quote
 * inside them is doubled, and a quoted field may span lines.  Beyond the RFC:
 * lines may end in LF alone, empty lines and lines that begin with '#' are
 * passed over, and a byte order mark in front is too (spreadsheets write it).
 */
enum {
	CSV_FIELDS_MAX = 16,
	CSV_ROW_MAX = 4096, /* bytes of a row's fields, terminators included */
};

struct csv_row {
	unsigned line; /* where it begins, from 1 */
	size_t count;
	const char *field[CSV_FIELDS_MAX]; /* terminated; in text */
	char text[CSV_ROW_MAX];
};

struct csv {
	struct bytes rest;
	unsigned line; /* of the next byte */
};

struct csv csv_open(struct bytes bytes);

/*
 * 1: a row; 0: the end; -1: the row cannot be read, row->line says where, and
 * the next call goes on behind its line.  Fields are UTF-8 without control
 * characters other than the line ends of a quoted field.
 */
int csv_next(struct csv *csv, struct csv_row *row, struct err *err);

/*
 * All errors of one table: each is told, the first is kept for the caller's
 * err as "FILE:LINE: what".
 */
struct csv_errors {
	const char *file;
	geo_tell *tell; /* may be NULL */
	void *arg;
	struct err *err; /* may be NULL */
	unsigned count;
};
void csv_error(struct csv_errors *errors, unsigned line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Read the next row that has `count` fields, telling of those that cannot be
 * read; 0 at the end.  The first row must be `columns` (count of them), which
 * csv_head checks; -1 when it is not.
 */
int csv_head(struct csv *csv, const char *const *columns, size_t count, struct csv_row *row,
    struct csv_errors *errors);
int csv_data(struct csv *csv, size_t count, struct csv_row *row, struct csv_errors *errors);

#endif
