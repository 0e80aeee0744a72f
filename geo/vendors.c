/* SPDX-License-Identifier: MIT */
#include "geo/vendors.h"

#include "base/err.h"
#include "base/facts.h"
#include "base/suffixes.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum column {
	COLUMN_SUFFIX = 0,
	COLUMN_VENDOR,
	COLUMN_PURPOSE,
	COLUMN_PORT,
	COLUMN_SOURCE,
	COLUMN_AS_OF,
	COLUMNS
};

static const char *const columns[COLUMNS] = {"suffix", "vendor", "purpose", "port", "source",
    "as_of"};

struct vendors {
	struct table table;
	struct geo_vendor_row *list; /* owned; a row each */
	struct suffixes suffixes;
};

static void
check_row(const struct csv_row *row, struct csv_errors *errors)
{
	if (!suffix_valid(row->field[COLUMN_SUFFIX]))
		csv_error(errors, row->line, "'%s' is no name suffix (as in example.com)",
		    row->field[COLUMN_SUFFIX]);
	if (*row->field[COLUMN_VENDOR] == '\0')
		csv_error(errors, row->line, "the vendor is missing");
	if (strlen(row->field[COLUMN_VENDOR]) >= FACTS_LABEL_MAX)
		csv_error(errors, row->line, "a vendor's name of more than %d bytes",
		    FACTS_LABEL_MAX - 1);
}

static const struct table_form form = {
    .columns = columns,
    .count = COLUMNS,
    .confidence = TABLE_NO_COLUMN,
    .source = COLUMN_SOURCE,
    .as_of = COLUMN_AS_OF,
    .check = check_row,
};

static struct geo_vendor_row
make_vendor(const struct table_row *row)
{
	return (struct geo_vendor_row){.line = row->line,
	    .suffix = row->field[COLUMN_SUFFIX],
	    .name = row->field[COLUMN_VENDOR],
	    .purpose = row->field[COLUMN_PURPOSE],
	    .port = row->field[COLUMN_PORT],
	    .source = row->field[COLUMN_SOURCE],
	    .as_of = row->field[COLUMN_AS_OF]};
}

static int
fill_index(struct vendors *vendors, struct csv_errors *errors)
{
	vendors->list = calloc(vendors->table.count + 1, sizeof(*vendors->list));
	if (vendors->list == NULL)
		return err_set(errors->err, ERR_NOMEM, "%s: no memory", errors->file);
	for (size_t i = 0; i < vendors->table.count; i++) {
		struct geo_vendor_row *row = &vendors->list[i];
		int64_t first;

		*row = make_vendor(vendors->table.rows[i]);
		first = suffixes_add(&vendors->suffixes, row->suffix, (uint32_t)i);
		if (first == SUFFIX_NOMEM)
			return err_set(errors->err, ERR_NOMEM, "%s: no memory", errors->file);
		if (first != SUFFIX_NONE)
			csv_error(errors, row->line, "'%s' stands in line %u already", row->suffix,
			    vendors->list[first].line);
	}
	return errors->count == 0 ? 0 : -1;
}

struct vendors *
vendors_open(struct bytes bytes, struct csv_errors *errors)
{
	struct vendors *vendors = calloc(1, sizeof(*vendors));

	if (vendors == NULL) {
		(void)err_set(errors->err, ERR_NOMEM, "%s: no memory", errors->file);
		return NULL;
	}
	(void)table_read(&vendors->table, bytes, &form, errors);
	if (fill_index(vendors, errors) == 0)
		return vendors;
	vendors_close(vendors);
	return NULL;
}

void
vendors_close(struct vendors *vendors)
{
	if (vendors == NULL)
		return;
	suffixes_free(&vendors->suffixes);
	free(vendors->list);
	table_free(&vendors->table);
	free(vendors);
}

const struct geo_vendor_row *
vendors_find(const struct vendors *vendors, const char *name)
{
	int64_t index = suffixes_find(&vendors->suffixes, name);

	return index < 0 ? NULL : &vendors->list[index];
}

bool
vendors_has(const struct vendors *vendors, const char *name)
{
	for (size_t i = 0; i < vendors->table.count; i++) {
		if (strcasecmp(vendors->list[i].name, name) == 0)
			return true;
	}
	return false;
}

const struct table *
vendors_table(const struct vendors *vendors)
{
	return &vendors->table;
}
