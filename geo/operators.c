/* SPDX-License-Identifier: MIT */
#include "geo/operators.h"

#include "base/err.h"
#include "base/numbers.h"

#include <stdlib.h>

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

struct operators {
	struct table table;
	struct geo_operator *list; /* owned; a row each */
	struct numbers asns;
};

static void
check_row(const struct csv_row *row, struct csv_errors *errors)
{
	uint32_t asn;

	if (!asn_parse(row->field[COLUMN_ASN], &asn))
		csv_error(errors, row->line, "'%s' is no AS number (1 to 4294967295)",
		    row->field[COLUMN_ASN]);
	if (*row->field[COLUMN_ORGANISATION] == '\0')
		csv_error(errors, row->line, "the organisation is missing");
	if (*row->field[COLUMN_CONTROL] != '\0' && !table_is_country(row->field[COLUMN_CONTROL]))
		csv_error(errors, row->line,
		    "control '%s' is no country (two capitals, or empty where it is not known)",
		    row->field[COLUMN_CONTROL]);
}

static const struct table_form form = {
    .columns = columns,
    .count = COLUMNS,
    .confidence = COLUMN_CONFIDENCE,
    .source = COLUMN_SOURCE,
    .as_of = COLUMN_AS_OF,
    .check = check_row,
};

static struct geo_operator
make_operator(const struct table_row *row)
{
	struct geo_operator operator= {.line = row->line,
	    .organisation = row->field[COLUMN_ORGANISATION],
	    .parent = row->field[COLUMN_PARENT],
	    .control = row->field[COLUMN_CONTROL],
	    .confidence = row->field[COLUMN_CONFIDENCE],
	    .source = row->field[COLUMN_SOURCE],
	    .as_of = row->field[COLUMN_AS_OF]};

	(void)asn_parse(row->field[COLUMN_ASN], &operator.asn);
	return operator;
}

static int
fill_index(struct operators *operators, struct csv_errors *errors)
{
	struct numbers *asns = &operators->asns;

	operators->list = calloc(operators->table.count + 1, sizeof(*operators->list));
	if (operators->list == NULL)
		return err_set(errors->err, ERR_NOMEM, "%s: no memory", errors->file);
	for (size_t i = 0; i < operators->table.count; i++) {
		operators->list[i] = make_operator(operators->table.rows[i]);
		if (numbers_add(asns, operators->list[i].asn, (uint32_t)i) != 0)
			return err_set(errors->err, ERR_NOMEM, "%s: no memory", errors->file);
	}
	numbers_sort(asns);
	for (size_t i = 1; i < asns->count; i++) {
		const struct number *asn = &asns->list[i];

		if (numbers_twin(asns, i))
			csv_error(errors, operators->list[asn->value].line,
			    "AS%u stands in line %u already", asn->number,
			    operators->list[asn[-1].value].line);
	}
	return errors->count == 0 ? 0 : -1;
}

struct operators *
operators_open(struct bytes bytes, struct csv_errors *errors)
{
	struct operators *operators = calloc(1, sizeof(*operators));

	if (operators == NULL) {
		(void)err_set(errors->err, ERR_NOMEM, "%s: no memory", errors->file);
		return NULL;
	}
	(void)table_read(&operators->table, bytes, &form, errors);
	if (fill_index(operators, errors) == 0)
		return operators;
	operators_close(operators);
	return NULL;
}

void
operators_close(struct operators *operators)
{
	if (operators == NULL)
		return;
	numbers_free(&operators->asns);
	free(operators->list);
	table_free(&operators->table);
	free(operators);
}

const struct geo_operator *
operators_find(const struct operators *operators, uint32_t asn)
{
	const struct number *number = numbers_find(&operators->asns, asn);

	return number == NULL ? NULL : &operators->list[number->value];
}

const struct table *
operators_table(const struct operators *operators)
{
	return &operators->table;
}
