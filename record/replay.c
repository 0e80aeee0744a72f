/* SPDX-License-Identifier: MIT */
#include "record/replay.h"

#include "base/err.h"
#include "base/text.h"
#include "record/event.h"
#include "record/store.h"

#include <assert.h>
#include <sqlite3.h>

enum { SQL_MAX = 512 };

static sqlite3_stmt *
prepare(struct store *store, const char *what, const char *order, const struct replay_wish *wish,
    struct err *err)
{
	sqlite3_stmt *statement = NULL;
	sqlite3_int64 until = INT64_MAX;
	char line[SQL_MAX];
	struct text sql = text_in(line, sizeof(line));

	/* Without a device the index alone tells which they are. */
	text_add(&sql, "SELECT %s FROM flow WHERE opened >= ?1 AND opened < ?2%s%s", what,
	    wish->device != NULL ? " AND device = ?3" : "", order);
	assert(!sql.cut);

	if (wish->until_us != 0 && wish->until_us < INT64_MAX)
		until = (sqlite3_int64)wish->until_us;
	if (sqlite3_prepare_v2(store_database(store), line, -1, &statement, NULL) != SQLITE_OK) {
		(void)store_error(store, "find connections", err);
		return NULL;
	}
	(void)sqlite3_bind_int64(statement, 1, (sqlite3_int64)wish->since_us);
	(void)sqlite3_bind_int64(statement, 2, until);
	if (wish->device != NULL)
		(void)sqlite3_bind_text(statement, 3, wish->device, -1, SQLITE_STATIC);
	return statement;
}

int
replay_count(struct store *store, const struct replay_wish *wish, uint64_t *out, struct err *err)
{
	sqlite3_stmt *statement = prepare(store, "count(*)", "", wish, err);
	int ret = -1;

	if (statement == NULL)
		return -1;
	if (sqlite3_step(statement) == SQLITE_ROW) {
		*out = (uint64_t)sqlite3_column_int64(statement, 0);
		ret = 0;
	} else {
		(void)store_error(store, "count connections", err);
	}
	(void)sqlite3_finalize(statement);
	return ret;
}

int
replayed_facts(const struct replayed *replayed, struct facts *out)
{
	struct recorded event;
	struct bytes in = replayed->frame;

	if (event_decode(&in, &event, NULL) != 0)
		return -1;
	*out = event.facts;
	return 0;
}

/* Retention takes the opening of a connection that is older than it keeps. */
static bool
read_gist(struct bytes frame, struct event_gist *gist)
{
	return frame.at != NULL && event_get_gist(frame, gist) == 0 && gist->kind <= EVENT_LOST;
}

/* False: enough. */
static bool
give(sqlite3_stmt *row, replay_each *each, void *context, struct replay_count *count)
{
	struct event_gist gist;
	const void *at = sqlite3_column_blob(row, 0);
	struct replayed replayed = {&gist, {at, (size_t)sqlite3_column_bytes(row, 0)}};
	enum replay_answer answer = REPLAY_DAMAGED;

	if (read_gist(replayed.frame, &gist))
		answer = each(context, &replayed);
	if (answer == REPLAY_DAMAGED)
		count->damaged++;
	if (answer == REPLAY_TAKEN) {
		count->flows++;
		count->open += gist.kind == EVENT_OPEN ? 1 : 0;
	}
	return answer != REPLAY_STOP;
}

/*
 * The event's own bytes and not the row's columns: they hold every fact, one
 * that a later version adds too, and the chain of hashes covers them.
 */
static const char frame_of[] =
    "(SELECT frame FROM event WHERE event.id = ifnull(flow.end_event, flow.event))";

int
replay_read(struct store *store, const struct replay_wish *wish, replay_each *each, void *context,
    struct replay_count *count, struct err *err)
{
	sqlite3_stmt *row = prepare(store, frame_of, " ORDER BY opened, id", wish, err);
	int code;

	*count = (struct replay_count){0};
	if (row == NULL)
		return -1;
	while ((code = sqlite3_step(row)) == SQLITE_ROW) {
		if (!give(row, each, context, count))
			break;
	}
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		(void)store_error(store, "read connections", err);
	(void)sqlite3_finalize(row);
	return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : -1;
}
