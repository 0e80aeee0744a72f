/* SPDX-License-Identifier: MIT */
#include "record/flows.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "record/filter.h"
#include "record/store.h"

#include <assert.h>
#include <sqlite3.h>

enum {
	SQL_MAX = FILTER_SQL_MAX + 4096,
	SINCE = FILTER_TERMS_MAX + 1, /* parameters behind the filter's */
	AFTER,
	UPTO,
	LIMIT,
};

struct flow {
	sqlite3_stmt *row;
	char text[CLOCK_TEXT_MAX];
};

bool
flow_is_set(struct flow *flow, size_t column)
{
	return sqlite3_column_type(flow->row, (int)column) != SQLITE_NULL;
}

uint64_t
flow_number(struct flow *flow, size_t column)
{
	return (uint64_t)sqlite3_column_int64(flow->row, (int)column);
}

const char *
flow_text(struct flow *flow, size_t column)
{
	const char *text;

	if (!flow_is_set(flow, column))
		return "";
	if (columns[column].type == COLUMN_TIME)
		return clock_text(flow_number(flow, column), flow->text);
	if (columns[column].type == COLUMN_BOOL)
		return flow_number(flow, column) != 0 ? "true" : "false";
	text = (const char *)sqlite3_column_text(flow->row, (int)column);
	return text != NULL ? text : "";
}

/* The newest are taken from the end, and shown in the order of time. */
static void
write_sql(struct text *sql, const struct flows_wish *wish)
{
	const char *order = wish->ended_only ? "end_event" : "opened";

	text_add(sql, "SELECT ");
	for (size_t i = 0; i < column_count; i++)
		text_add(sql, "%s\"%s\"", i > 0 ? ", " : "", columns[i].name);
	text_add(sql, " FROM (SELECT * FROM flow WHERE (%s) AND opened >= ?%d", wish->filter->sql,
	    SINCE);
	if (wish->ended_only)
		text_add(sql, " AND end_event > ?%d AND end_event <= ?%d", AFTER, UPTO);
	text_add(sql, " ORDER BY %s DESC, id DESC LIMIT ?%d) ORDER BY %s, id", order, LIMIT, order);
}

static int
read_rows(struct store *store, const struct flows_wish *wish, flows_each *each, void *context,
    uint64_t upto, struct err *err)
{
	char line[SQL_MAX];
	struct text sql = text_in(line, sizeof(line));
	struct flow flow = {0};
	sqlite3_int64 limit = wish->limit > 0 ? (sqlite3_int64)wish->limit : -1;
	int code;

	write_sql(&sql, wish);
	assert(!sql.cut);
	if (sqlite3_prepare_v2(store_database(store), line, -1, &flow.row, NULL) != SQLITE_OK)
		return store_error(store, "find connections", err);
	(void)filter_bind(wish->filter, flow.row);
	(void)sqlite3_bind_int64(flow.row, SINCE, (sqlite3_int64)wish->since_us);
	(void)sqlite3_bind_int64(flow.row, AFTER, (sqlite3_int64)wish->after_event);
	(void)sqlite3_bind_int64(flow.row, UPTO, (sqlite3_int64)upto);
	(void)sqlite3_bind_int64(flow.row, LIMIT, limit);
	while ((code = sqlite3_step(flow.row)) == SQLITE_ROW) {
		if (!each(context, &flow))
			break;
	}
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		(void)store_error(store, "find connections", err);
	(void)sqlite3_finalize(flow.row);
	return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : -1;
}

static int
read_last_event(struct store *store, uint64_t *out, struct err *err)
{
	sqlite3_stmt *statement = NULL;
	int ret = -1;

	if (sqlite3_prepare_v2(store_database(store), "SELECT ifnull(max(id), 0) FROM event", -1,
		&statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW) {
		*out = (uint64_t)sqlite3_column_int64(statement, 0);
		ret = 0;
	} else {
		(void)store_error(store, "find the last event", err);
	}
	(void)sqlite3_finalize(statement);
	return ret;
}

int
flows_read(struct store *store, const struct flows_wish *wish, flows_each *each, void *context,
    uint64_t *last_event, struct err *err)
{
	struct sqlite3 *db = store_database(store);
	int ret = -1;

	if (sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
		return store_error(store, "read", err);
	if (read_last_event(store, last_event, err) == 0)
		ret = read_rows(store, wish, each, context, *last_event, err);
	(void)sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	return ret;
}
