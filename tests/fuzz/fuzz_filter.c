/* SPDX-License-Identifier: MIT */
#include "base/text.h"
#include "record/columns.h"
#include "record/filter.h"

#include <assert.h>
#include <sqlite3.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static sqlite3 *
open_table(void)
{
	static char line[8192];
	struct text sql = text_in(line, sizeof(line));
	sqlite3 *db;

	assert(sqlite3_open(":memory:", &db) == SQLITE_OK);
	text_add(&sql, "CREATE TABLE flow (id INTEGER PRIMARY KEY");
	for (size_t i = 0; i < column_count; i++)
		text_add(&sql, ", \"%s\"", columns[i].name);
	text_add(&sql, ")");
	assert(!sql.cut && sqlite3_exec(db, line, NULL, NULL, NULL) == SQLITE_OK);
	return db;
}

/* Any set has two countries. */
static int
two_countries(const void *arg, const char *text, char *out, size_t size, struct err *err)
{
	(void)arg;
	(void)text;
	(void)err;
	text_copy(out, size, "/AT/BE/");
	return 0;
}

/* Whatever is taken for an expression is one condition of SQL, and nothing of
 * a value is part of it. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct filter_about about = {1795312800000000, two_countries, NULL};
	static sqlite3 *db;
	static struct filter filter;
	static char text[FILTER_TEXT_MAX + 8], line[FILTER_SQL_MAX + 64];
	struct text sql = text_in(line, sizeof(line));
	sqlite3_stmt *statement = NULL;
	const char *tail;

	if (db == NULL)
		db = open_table();
	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (filter_parse(&filter, text, &about, NULL) != 0)
		return 0;
	text_add(&sql, "SELECT 1 FROM flow WHERE (%s)", filter.sql);
	assert(!sql.cut);
	assert(sqlite3_prepare_v2(db, line, -1, &statement, &tail) == SQLITE_OK);
	assert(*tail == '\0');
	assert((size_t)sqlite3_bind_parameter_count(statement) == filter.value_count);
	assert(filter_bind(&filter, statement) == SQLITE_OK);
	assert(sqlite3_step(statement) == SQLITE_DONE);
	(void)sqlite3_finalize(statement);
	return 0;
}
