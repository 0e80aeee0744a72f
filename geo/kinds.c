/* SPDX-License-Identifier: MIT */
#include "geo/kinds.h"

#include "base/blocks.h"
#include "base/err.h"
#include "base/numbers.h"

#include <stdlib.h>
#include <string.h>

enum column {
	COLUMN_NETWORK = 0,
	COLUMN_KIND,
	COLUMN_ORGANISATION,
	COLUMN_CONFIDENCE,
	COLUMN_SOURCE,
	COLUMN_AS_OF,
	COLUMNS
};

static const char *const columns[COLUMNS] = {"network", "kind", "organisation", "confidence",
    "source", "as_of"};

struct kinds {
	struct table table;
	struct geo_kind *list; /* owned; a row each */
	struct blocks blocks;
	struct numbers asns;
};

/* An AS, or else a block. */
static bool
parse_asn(const char *text, uint32_t *asn)
{
	return strncmp(text, "AS", 2) == 0 && asn_parse(text + 2, asn);
}

static void
check_row(const struct csv_row *row, struct csv_errors *errors)
{
	enum place_kind kind = PLACE_PRIVATE;
	struct prefix prefix;
	uint32_t asn;

	if (!parse_asn(row->field[COLUMN_NETWORK], &asn) &&
	    prefix_parse(&prefix, row->field[COLUMN_NETWORK], NULL) != 0)
		csv_error(errors, row->line, "'%s' is no block (1.1.1.0/24) and no AS (AS13335)",
		    row->field[COLUMN_NETWORK]);
	if (!place_kind_parse(row->field[COLUMN_KIND], &kind) || kind == PLACE_PRIVATE)
		csv_error(errors, row->line, "kind '%s' is none of anycast, satellite, ordinary",
		    row->field[COLUMN_KIND]);
	if (*row->field[COLUMN_ORGANISATION] == '\0')
		csv_error(errors, row->line, "the organisation is missing");
}

static const struct table_form form = {
    .columns = columns,
    .count = COLUMNS,
    .confidence = COLUMN_CONFIDENCE,
    .source = COLUMN_SOURCE,
    .as_of = COLUMN_AS_OF,
    .check = check_row,
};

static struct geo_kind
make_kind(const struct table_row *row)
{
	struct geo_kind kind = {.line = row->line,
	    .network = row->field[COLUMN_NETWORK],
	    .organisation = row->field[COLUMN_ORGANISATION],
	    .confidence = row->field[COLUMN_CONFIDENCE],
	    .source = row->field[COLUMN_SOURCE],
	    .as_of = row->field[COLUMN_AS_OF]};

	(void)place_kind_parse(row->field[COLUMN_KIND], &kind.kind);
	return kind;
}

static int
enter(struct kinds *kinds, uint32_t index)
{
	const char *network = kinds->list[index].network;
	struct prefix prefix;
	uint32_t asn;

	if (parse_asn(network, &asn))
		return numbers_add(&kinds->asns, asn, index);
	(void)prefix_parse(&prefix, network, NULL);
	return blocks_add(&kinds->blocks, &prefix, index);
}

static void
tell_twin(const struct kinds *kinds, uint32_t first, uint32_t second, struct csv_errors *errors)
{
	csv_error(errors, kinds->list[second].line, "'%s' stands in line %u already",
	    kinds->list[second].network, kinds->list[first].line);
}

static int
fill_index(struct kinds *kinds, struct csv_errors *errors)
{
	kinds->list = calloc(kinds->table.count + 1, sizeof(*kinds->list));
	if (kinds->list == NULL)
		return err_set(errors->err, ERR_NOMEM, "%s: no memory", errors->file);
	for (size_t i = 0; i < kinds->table.count; i++) {
		kinds->list[i] = make_kind(kinds->table.rows[i]);
		if (enter(kinds, (uint32_t)i) != 0)
			return err_set(errors->err, ERR_NOMEM, "%s: no memory", errors->file);
	}
	blocks_sort(&kinds->blocks);
	numbers_sort(&kinds->asns);
	for (size_t i = 1; i < kinds->blocks.count; i++) {
		const struct block *block = &kinds->blocks.list[i];

		if (blocks_twin(&kinds->blocks, i))
			tell_twin(kinds, block[-1].value, block->value, errors);
	}
	for (size_t i = 1; i < kinds->asns.count; i++) {
		const struct number *asn = &kinds->asns.list[i];

		if (numbers_twin(&kinds->asns, i))
			tell_twin(kinds, asn[-1].value, asn->value, errors);
	}
	return errors->count == 0 ? 0 : -1;
}

struct kinds *
kinds_open(struct bytes bytes, struct csv_errors *errors)
{
	struct kinds *kinds = calloc(1, sizeof(*kinds));

	if (kinds == NULL) {
		(void)err_set(errors->err, ERR_NOMEM, "%s: no memory", errors->file);
		return NULL;
	}
	(void)table_read(&kinds->table, bytes, &form, errors);
	if (fill_index(kinds, errors) == 0)
		return kinds;
	kinds_close(kinds);
	return NULL;
}

void
kinds_close(struct kinds *kinds)
{
	if (kinds == NULL)
		return;
	blocks_free(&kinds->blocks);
	numbers_free(&kinds->asns);
	free(kinds->list);
	table_free(&kinds->table);
	free(kinds);
}

const struct geo_kind *
kinds_of_address(const struct kinds *kinds, const uint8_t ip[16])
{
	const struct block *block = blocks_find(&kinds->blocks, ip);

	return block == NULL ? NULL : &kinds->list[block->value];
}

const struct geo_kind *
kinds_of_asn(const struct kinds *kinds, uint32_t asn)
{
	const struct number *number = numbers_find(&kinds->asns, asn);

	return number == NULL ? NULL : &kinds->list[number->value];
}

const struct table *
kinds_table(const struct kinds *kinds)
{
	return &kinds->table;
}
