/* SPDX-License-Identifier: MIT */
#include "geo/operators.h"

#include "base/err.h"
#include "geo/csv.h"

#include <stdlib.h>
#include <string.h>

enum column {
	COLUMN_ASN = 0,
	COLUMN_ORGANISATION,
	COLUMN_PARENT,
	COLUMN_CONTROL,
	COLUMN_CONFIDENCE,
	COLUMN_SOURCE,
	COLUMN_AS_OF,
	COLUMNS
};

static const char *const columns[COLUMNS] = {"asn", "organisation", "parent", "control",
    "confidence", "source", "as_of"};

struct row {
	struct geo_operator operator;
	char *text; /* owned: the row's strings, one behind the other */
};

struct operators {
	struct row *rows; /* sorted by ASN */
	size_t count, room;
};

static bool
parse_asn(const char *text, uint32_t *asn)
{
	uint64_t value = 0;

	if (*text == '\0' || strlen(text) > 10)
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (uint64_t)(*text - '0');
	}
	*asn = (uint32_t)value;
	return value > 0 && value <= UINT32_MAX;
}

static bool
is_country(const char *text)
{
	return strlen(text) == 2 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'A' &&
	       text[1] <= 'Z';
}

static bool
is_confidence(const char *text)
{
	return strcmp(text, "high") == 0 || strcmp(text, "medium") == 0 || strcmp(text, "low") == 0;
}

/* Tell all that is wrong with a row. */
static void
check_row(const struct csv_row *row, uint32_t *asn, struct csv_errors *errors)
{
	if (!parse_asn(row->field[COLUMN_ASN], asn))
		csv_error(errors, row->line, "'%s' is no AS number (1 to 4294967295)",
		    row->field[COLUMN_ASN]);
	if (*row->field[COLUMN_ORGANISATION] == '\0')
		csv_error(errors, row->line, "the organisation is missing");
	if (*row->field[COLUMN_CONTROL] != '\0' && !is_country(row->field[COLUMN_CONTROL]))
		csv_error(errors, row->line,
		    "control '%s' is no country (two capitals, or empty where it is not known)",
		    row->field[COLUMN_CONTROL]);
	if (!is_confidence(row->field[COLUMN_CONFIDENCE]))
		csv_error(errors, row->line, "confidence '%s' is none of high, medium, low",
		    row->field[COLUMN_CONFIDENCE]);
	if (*row->field[COLUMN_SOURCE] == '\0')
		csv_error(errors, row->line, "the source is missing");
	if (!csv_is_date(row->field[COLUMN_AS_OF]))
		csv_error(errors, row->line, "as_of '%s' is no date (YYYY-MM-DD)",
		    row->field[COLUMN_AS_OF]);
}

static int
grow(struct operators *operators)
{
	size_t room = operators->room == 0 ? 256 : operators->room * 2;
	struct row *rows;

	if (operators->count < operators->room)
		return 0;
	rows = reallocarray(operators->rows, room, sizeof(*rows));
	if (rows == NULL)
		return -1;
	operators->rows = rows;
	operators->room = room;
	return 0;
}

static int
keep_row(struct operators *operators, const struct csv_row *row, uint32_t asn)
{
	const char *copy[COLUMNS];
	size_t size = 0;
	struct row *to;
	char *at;

	for (size_t i = 0; i < COLUMNS; i++)
		size += strlen(row->field[i]) + 1;
	at = grow(operators) == 0 ? malloc(size) : NULL;
	if (at == NULL)
		return -1;
	to = &operators->rows[operators->count++];
	to->text = at;
	for (size_t i = 0; i < COLUMNS; i++) {
		size_t length = strlen(row->field[i]) + 1;

		copy[i] = memcpy(at, row->field[i], length);
		at += length;
	}
	to->operator=(struct geo_operator){.asn = asn,
	    .line = row->line,
	    .organisation = copy[COLUMN_ORGANISATION],
	    .parent = copy[COLUMN_PARENT],
	    .control = copy[COLUMN_CONTROL],
	    .confidence = copy[COLUMN_CONFIDENCE],
	    .source = copy[COLUMN_SOURCE],
	    .as_of = copy[COLUMN_AS_OF]};
	return 0;
}

static int
compare(const void *a, const void *b)
{
	const struct geo_operator *left = &((const struct row *)a)->operator;
	const struct geo_operator *right = &((const struct row *)b)->operator;

	if (left->asn != right->asn)
		return left->asn < right->asn ? -1 : 1;
	return left->line < right->line ? -1 : left->line > right->line;
}

static void
check_twice(const struct operators *operators, struct csv_errors *errors)
{
	for (size_t i = 1; i < operators->count; i++) {
		const struct geo_operator *before = &operators->rows[i - 1].operator;
		const struct geo_operator *row = &operators->rows[i].operator;

		if (before->asn == row->asn)
			csv_error(errors, row->line, "AS%u stands in line %u already", row->asn,
			    before->line);
	}
}

static int
read_rows(struct operators *operators, struct bytes bytes, struct csv_errors *errors)
{
	struct csv csv = csv_open(bytes);
	struct csv_row row;

	if (csv_head(&csv, columns, COLUMNS, &row, errors) != 0)
		return -1;
	while (csv_data(&csv, COLUMNS, &row, errors) > 0) {
		unsigned before = errors->count;
		uint32_t asn = 0;

		check_row(&row, &asn, errors);
		if (errors->count == before && keep_row(operators, &row, asn) != 0)
			return err_set(errors->err, ERR_NOMEM, "%s: no memory", errors->file);
	}
	if (operators->count > 0)
		qsort(operators->rows, operators->count, sizeof(*operators->rows), compare);
	check_twice(operators, errors);
	return errors->count == 0 ? 0 : -1;
}

struct operators *
operators_open(struct bytes bytes, const char *file, geo_tell *tell, void *arg, struct err *err)
{
	struct csv_errors errors = {.file = file, .tell = tell, .arg = arg, .err = err};
	struct operators *operators = calloc(1, sizeof(*operators));

	if (operators == NULL) {
		(void)err_set(err, ERR_NOMEM, "%s: no memory", file);
		return NULL;
	}
	if (read_rows(operators, bytes, &errors) != 0) {
		operators_close(operators);
		return NULL;
	}
	return operators;
}

void
operators_close(struct operators *operators)
{
	if (operators == NULL)
		return;
	for (size_t i = 0; i < operators->count; i++)
		free(operators->rows[i].text);
	free(operators->rows);
	free(operators);
}

const struct geo_operator *
operators_find(const struct operators *operators, uint32_t asn)
{
	size_t from = 0, to = operators->count;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (operators->rows[middle].operator.asn<asn)
			from = middle + 1;
		else
			to = middle;
	}
	if (from == operators->count || operators->rows[from].operator.asn != asn)
		return NULL;
	return &operators->rows[from].operator;
}

size_t
operators_count(const struct operators *operators)
{
	return operators->count;
}
