/* SPDX-License-Identifier: MIT */
#include "record/store_private.h"

#include "base/err.h"
#include "base/text.h"
#include "record/columns.h"
#include "record/vfs.h"

#include <assert.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	APPLICATION_ID = 0x626c7273, /* of the file, for file(1) and for us */
	BUSY_MS = 5000,
	SQL_MAX = 8192,
};

/* Those of the table `flow` are made from the table of columns. */
static const char *const statements[STATEMENT_COUNT] = {
    [INSERT_EVENT] = "INSERT OR IGNORE INTO event"
		     " (id, epoch, worker, seq, kind, wall_us, flow_id, eve_version, site,"
		     "  frame, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [FIND_OPEN] = "SELECT frame FROM flow JOIN event ON event.id = flow.event"
		  " WHERE flow.flow_id = ? AND closed IS NULL",
    [NEXT_OPEN] = "SELECT flow_id FROM flow WHERE closed IS NULL AND flow_id > ?"
		  " ORDER BY flow_id LIMIT 1",
    [LAST_SEQ] = "SELECT max(seq) FROM event WHERE epoch = ? AND worker = ?",
    [GET_SPOOL] = "SELECT position FROM spool WHERE id = ?",
    [SET_SPOOL] = "INSERT OR REPLACE INTO spool (id, position) VALUES (?, ?)",
    [DROP_SPOOL] = "DELETE FROM spool WHERE id = ?",
    [GET_EVE] = "SELECT base, offset, first_id, last_id, device, inode FROM progress",
    [SET_EVE] = "UPDATE progress SET base = ?, offset = ?, first_id = ?, last_id = ?,"
		" device = ?, inode = ?",
    [REPLAY] = "SELECT id, eve_version, site, frame, hash, epoch, worker, seq, kind, wall_us,"
	       " flow_id FROM event WHERE id > ? ORDER BY id",
    [TOMBSTONE] = "SELECT last_id, hash FROM tombstone ORDER BY last_id DESC LIMIT 1",
    /* The last of the first events that is old enough, and its hash. */
    [PRUNE_LAST] = "SELECT id, hash FROM"
		   " (SELECT id, hash, wall_us FROM event"
		   "  WHERE id <= (SELECT last_id FROM progress) ORDER BY id LIMIT ?)"
		   " WHERE wall_us < ? ORDER BY id DESC LIMIT 1",
    [PRUNE_EVENTS] = "DELETE FROM event WHERE id <= ?",
    [PRUNE_FLOWS] = "DELETE FROM flow WHERE end_event <= ?",
    [FIND_MAC] = "SELECT 1 FROM sighting WHERE mac = ? AND told = 1 LIMIT 1",
    [SIGHT] = "INSERT INTO sighting (mac, ip, iface, first_us, last_us, told)"
	      " VALUES (?1, ?2, ?3, ?4, ?4, ?5) ON CONFLICT (mac, ip, iface)"
	      " DO UPDATE SET last_us = max(last_us, ?4), told = max(told, ?5)",
    [COUNT_SIGHTINGS] = "SELECT count(*) FROM sighting",
    [DROP_OLDEST] = "DELETE FROM sighting WHERE id IN (SELECT sighting.id FROM sighting"
		    " ORDER BY EXISTS (SELECT 1 FROM device_name WHERE key = mac"
		    " OR (mac = '' AND key = ip)), last_us LIMIT ?)",
    [DROP_OLDEST_OF_MAC] = "DELETE FROM sighting WHERE id IN (SELECT id FROM sighting"
			   " WHERE mac = ? ORDER BY last_us DESC, id DESC LIMIT -1 OFFSET ?)",
    [ADD_CONFLICT] = "INSERT INTO conflict (wall_us, kind, mac, ip, iface, text)"
		     " VALUES (?, ?, ?, ?, ?, ?)",
    [DROP_CONFLICTS] = "DELETE FROM conflict WHERE id <= ?",
    [BURY] = "INSERT INTO tombstone (hour, wall_us, last_id, count, hash)"
	     " VALUES (?1, ?2, ?3, ?4, ?5)"
	     " ON CONFLICT (hour) DO UPDATE SET wall_us = ?2, last_id = ?3,"
	     " count = count + ?4, hash = ?5",
};

static const char schema[] =
    "CREATE TABLE event (id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL,"
    " worker INTEGER NOT NULL, seq INTEGER NOT NULL, kind INTEGER NOT NULL,"
    " wall_us INTEGER NOT NULL, flow_id INTEGER NOT NULL, eve_version INTEGER NOT NULL,"
    " site TEXT NOT NULL, frame BLOB NOT NULL, hash BLOB NOT NULL,"
    " UNIQUE (epoch, worker, seq)) STRICT;"
    "CREATE TABLE spool (id BLOB PRIMARY KEY, position INTEGER NOT NULL) STRICT;"
    "CREATE TABLE progress (one INTEGER PRIMARY KEY CHECK (one = 1), base INTEGER NOT NULL,"
    " offset INTEGER NOT NULL, first_id INTEGER NOT NULL, last_id INTEGER NOT NULL,"
    " device INTEGER NOT NULL, inode INTEGER NOT NULL) STRICT;"
    "INSERT INTO progress VALUES (1, 0, 0, 1, 0, 0, 0);"
    "CREATE TABLE tombstone (hour INTEGER PRIMARY KEY, wall_us INTEGER NOT NULL,"
    " last_id INTEGER NOT NULL, count INTEGER NOT NULL, hash BLOB NOT NULL) STRICT;";

/* ---- errors ---- */

static enum err_kind
kind_of(int code, int error)
{
	switch (code & 0xff) {
	case SQLITE_FULL:
		return ERR_LIMIT;
	case SQLITE_IOERR:
		/* Its own files beside the store's say it so. */
		return error == ENOSPC || error == EDQUOT || error == EFBIG ? ERR_LIMIT : ERR_SYS;
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		return ERR_INPUT;
	case SQLITE_NOMEM:
		return ERR_NOMEM;
	default:
		return ERR_SYS;
	}
}

int
store_error(struct store *store, const char *what, struct err *err)
{
	return err_set(err,
	    kind_of(sqlite3_extended_errcode(store->db), sqlite3_system_errno(store->db)),
	    "the store: %.100s: %s", what, sqlite3_errmsg(store->db));
}

int
store_run(struct store *store, const char *sql, struct err *err)
{
	if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return store_error(store, sql, err);
	return 0;
}

/* ---- statements ---- */

static void
write_insert_flow(struct text *sql)
{
	text_add(sql, "INSERT INTO flow (epoch, worker, event, end_event");
	for (size_t i = 0; i < column_count; i++)
		text_add(sql, ", \"%s\"", columns[i].name);
	text_add(sql, ") VALUES (?, ?, ?, ?");
	for (size_t i = 0; i < column_count; i++)
		text_add(sql, ", ?");
	text_add(sql, ")");
}

static void
write_close_flow(struct text *sql)
{
	text_add(sql, "UPDATE flow SET end_event = ?");
	for (size_t i = 0; i < column_count; i++)
		text_add(sql, ", \"%s\" = ?", columns[i].name);
	text_add(sql, " WHERE flow_id = ? AND closed IS NULL");
}

static void
write_flow_fits(struct text *sql)
{
	text_add(sql,
	    "SELECT 1 FROM flow WHERE (end_event = ?1 OR (end_event IS NULL AND event = ?1))");
	for (size_t i = 0; i < column_count; i++)
		text_add(sql, " AND \"%s\" IS ?", columns[i].name);
}

sqlite3_stmt *
store_prepare(struct store *store, enum statement which, struct err *err)
{
	sqlite3_stmt **statement = &store->prepared[which];
	char line[SQL_MAX];
	struct text sql = text_in(line, sizeof(line));

	if (*statement != NULL) {
		(void)sqlite3_reset(*statement);
		return *statement;
	}
	if (which == INSERT_FLOW)
		write_insert_flow(&sql);
	else if (which == CLOSE_FLOW)
		write_close_flow(&sql);
	else if (which == FLOW_FITS)
		write_flow_fits(&sql);
	else
		text_add(&sql, "%s", statements[which]);
	assert(!sql.cut);
	if (sqlite3_prepare_v3(store->db, line, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) !=
	    SQLITE_OK) {
		(void)store_error(store, "prepare", err);
		return NULL;
	}
	return *statement;
}

void
store_bind(sqlite3_stmt *statement, int parameter, uint64_t value)
{
	(void)sqlite3_bind_int64(statement, parameter, (sqlite3_int64)value);
}

uint64_t
store_column(sqlite3_stmt *statement, int index)
{
	return (uint64_t)sqlite3_column_int64(statement, index);
}

int
store_step(struct store *store, sqlite3_stmt *statement, const char *what, struct err *err)
{
	int code = sqlite3_step(statement);

	if (code == SQLITE_ROW)
		return 1;
	if (code == SQLITE_DONE)
		return 0;
	(void)store_error(store, what, err);
	(void)sqlite3_reset(statement);
	return -1;
}

int
store_finish(struct store *store, sqlite3_stmt *statement, const char *what, struct err *err)
{
	if (store_step(store, statement, what, err) < 0)
		return -1;
	(void)sqlite3_reset(statement);
	return 0;
}

/* ---- opening ---- */

/* What stands in it in an older program's rows is what is bound of facts that
 * are all 0. */
static void
write_column(struct text *sql, const struct column *column)
{
	static const char *const types[] = {
	    [COLUMN_TEXT] = "TEXT NOT NULL DEFAULT ''",
	    [COLUMN_NUMBER] = "INTEGER NOT NULL DEFAULT 0",
	    [COLUMN_BOOL] = "INTEGER NOT NULL DEFAULT 0",
	    [COLUMN_TIME] = "INTEGER",
	    [COLUMN_ADDR] = "TEXT NOT NULL DEFAULT ''",
	    [COLUMN_COUNTRIES] = "TEXT NOT NULL DEFAULT 'unknown'",
	    [COLUMN_WORD] = "TEXT NOT NULL DEFAULT",
	};

	text_add(sql, "\"%s\" %s", column->name, types[column->type]);
	if (column->type == COLUMN_WORD)
		text_add(sql, " '%s'", column->word(0));
}

static int
make_flow_table(struct store *store, struct err *err)
{
	char line[SQL_MAX];
	struct text sql = text_in(line, sizeof(line));

	text_add(&sql, "CREATE TABLE flow (id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL,"
		       " worker INTEGER NOT NULL, event INTEGER, end_event INTEGER");
	for (size_t i = 0; i < column_count; i++) {
		text_add(&sql, ", ");
		write_column(&sql, &columns[i]);
	}
	text_add(&sql, ") STRICT;"
		       "CREATE INDEX flow_opened ON flow (opened);"
		       "CREATE INDEX flow_open ON flow (flow_id) WHERE closed IS NULL;"
		       "CREATE INDEX flow_ended ON flow (end_event)"
		       " WHERE end_event IS NOT NULL;");
	assert(!sql.cut);
	return store_run(store, line, err);
}

static int
make_tables(struct store *store, struct err *err)
{
	char line[128];

	(void)snprintf(line, sizeof(line), "PRAGMA application_id = %d; PRAGMA user_version = %d;",
	    APPLICATION_ID, STORE_FORMAT);
	if (store_run(store, "BEGIN IMMEDIATE", err) != 0)
		return -1;
	if (store_run(store, schema, err) == 0 && make_flow_table(store, err) == 0 &&
	    store_run(store, line, err) == 0 && store_run(store, "COMMIT", err) == 0)
		return 0;
	(void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	return -1;
}

static int
read_number(struct store *store, const char *sql, uint64_t *out, struct err *err)
{
	sqlite3_stmt *statement = NULL;
	int ret = -1;

	if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK) {
		(void)store_error(store, sql, err);
		goto out;
	}
	if (sqlite3_step(statement) != SQLITE_ROW) {
		(void)store_error(store, sql, err);
		goto out;
	}
	*out = store_column(statement, 0);
	ret = 0;
out:
	(void)sqlite3_finalize(statement);
	return ret;
}

static bool
has_column(struct store *store, const struct column *column)
{
	return sqlite3_table_column_metadata(store->db, NULL, "flow", column->name, NULL, NULL,
		   NULL, NULL, NULL) == SQLITE_OK;
}

static int
add_column(struct store *store, const struct column *column, struct err *err)
{
	char line[512];
	struct text sql = text_in(line, sizeof(line));

	text_add(&sql, "ALTER TABLE flow ADD COLUMN ");
	write_column(&sql, column);
	if (column->fill != NULL)
		text_add(&sql, "; UPDATE flow SET \"%s\" = %s", column->name, column->fill);
	assert(!sql.cut);
	return store_run(store, line, err);
}

/* Add the columns that an older program's table does not have: its rows say in
 * them what a connection says that has nothing of it.  All or none, so that
 * what has been added was filled. */
static int
add_columns(struct store *store, struct err *err)
{
	if (store_run(store, "BEGIN IMMEDIATE", err) != 0)
		return -1;
	for (size_t i = 0; i < column_count; i++) {
		if (!has_column(store, &columns[i]) && add_column(store, &columns[i], err) != 0)
			goto fail;
	}
	if (store_run(store, "COMMIT", err) == 0)
		return 0;
fail:
	(void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	return -1;
}

static int
check_columns(struct store *store, enum store_mode mode, struct err *err)
{
	for (size_t i = 0; i < column_count; i++) {
		if (has_column(store, &columns[i]))
			continue;
		if (mode == STORE_WRITE)
			return add_columns(store, err);
		return err_set(err, ERR_SYS,
		    "the store: an older program made it, without the column '%s'; "
		    "a start of the appliance brings it up to date",
		    columns[i].name);
	}
	return 0;
}

/* Whether the file is ours and of our format; makes the tables in an empty one. */
static int
check_format(struct store *store, enum store_mode mode, struct err *err)
{
	uint64_t application, format, tables;

	if (read_number(store, "PRAGMA application_id", &application, err) != 0 ||
	    read_number(store, "PRAGMA user_version", &format, err) != 0 ||
	    read_number(store, "SELECT count(*) FROM sqlite_schema", &tables, err) != 0)
		return -1;
	if (mode == STORE_WRITE && application == 0 && format == 0 && tables == 0)
		return make_tables(store, err);
	if (application != APPLICATION_ID)
		return err_set(err, ERR_SYS, "the store: this file is another program's");
	if (format != STORE_FORMAT)
		return err_set(err, ERR_SYS,
		    "the store: its format is %llu, this program reads format %d",
		    (unsigned long long)format, STORE_FORMAT);
	return 0;
}

/* The end of the chain: the last event, or what retention kept of it. */
static int
read_last(struct store *store, struct err *err)
{
	static const char sql[] =
	    "SELECT id, hash FROM event WHERE id = (SELECT max(id) FROM event)"
	    " UNION ALL SELECT last_id, hash FROM tombstone"
	    " ORDER BY 1 DESC LIMIT 1";
	sqlite3_stmt *statement = NULL;
	int got, ret = -1;

	if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK) {
		(void)store_error(store, "the last event", err);
		goto out;
	}
	got = store_step(store, statement, "the last event", err);
	if (got < 0)
		goto out;
	if (got == 1 && sqlite3_column_bytes(statement, 1) == STORE_HASH_BYTES) {
		store->last_id = store_column(statement, 0);
		memcpy(store->last_hash, sqlite3_column_blob(statement, 1), STORE_HASH_BYTES);
	}
	ret = 0;
out:
	(void)sqlite3_finalize(statement);
	return ret;
}

static int
set_up(struct store *store, enum store_mode mode, struct err *err)
{
	static const char write_settings[] = "PRAGMA auto_vacuum = INCREMENTAL;"
					     "PRAGMA journal_mode = WAL;"
					     "PRAGMA synchronous = FULL;"
					     "PRAGMA wal_autocheckpoint = 1000;"
					     "PRAGMA journal_size_limit = 67108864;"
					     "PRAGMA temp_store = MEMORY;"
					     "PRAGMA cache_size = -512;"
					     "PRAGMA foreign_keys = ON;";

	(void)sqlite3_extended_result_codes(store->db, 1);
	(void)sqlite3_busy_timeout(store->db, BUSY_MS);
	(void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	if (mode == STORE_WRITE && store_run(store, write_settings, err) != 0)
		return -1;
	if (mode == STORE_READ && store_run(store, "PRAGMA query_only = ON", err) != 0)
		return -1;
	if (check_format(store, mode, err) != 0 || check_columns(store, mode, err) != 0)
		return -1;
	if (mode == STORE_READ)
		return 0;
	return store_make_device_tables(store, err) == 0 ? read_last(store, err) : -1;
}

struct store *
store_open(const char *path, enum store_mode mode, struct err *err)
{
	int flags =
	    mode == STORE_WRITE ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
	const char *vfs = path[0] == '/' ? vfs_as_given() : NULL;
	struct store *store = calloc(1, sizeof(*store));

	if (store == NULL)
		return (void)err_set(err, ERR_NOMEM, "the store: no memory"), NULL;
	if (sqlite3_open_v2(path, &store->db, flags | SQLITE_OPEN_NOMUTEX, vfs) != SQLITE_OK) {
		if (store->db != NULL)
			(void)store_error(store, path, err);
		else
			(void)err_set(err, ERR_NOMEM, "the store: no memory");
		goto fail;
	}
	if (set_up(store, mode, err) != 0)
		goto fail;
	return store;
fail:
	store_close(store);
	return NULL;
}

void
store_close(struct store *store)
{
	if (store == NULL)
		return;
	for (size_t i = 0; i < STATEMENT_COUNT; i++)
		(void)sqlite3_finalize(store->prepared[i]);
	(void)sqlite3_close(store->db);
	free(store);
}

int64_t
store_change_count(struct store *store)
{
	uint64_t count = 0;

	(void)read_number(store, "PRAGMA data_version", &count, NULL);
	return (int64_t)count;
}

struct sqlite3 *
store_database(struct store *store)
{
	return store->db;
}

/* ---- transactions ---- */

int
store_begin(struct store *store, struct err *err)
{
	assert(!store->begun);
	if (store_run(store, "BEGIN IMMEDIATE", err) != 0)
		return -1;
	store->begun = true;
	store->begun_last_id = store->last_id;
	memcpy(store->begun_last_hash, store->last_hash, STORE_HASH_BYTES);
	return 0;
}

int
store_commit(struct store *store, struct err *err)
{
	assert(store->begun);
	if (store_run(store, "COMMIT", err) != 0) {
		store_rollback(store);
		return -1;
	}
	store->begun = false;
	return 0;
}

void
store_rollback(struct store *store)
{
	if (!store->begun)
		return;
	for (size_t i = 0; i < STATEMENT_COUNT; i++)
		(void)sqlite3_reset(store->prepared[i]);
	/* SQLite may have rolled back by itself; then this fails, and is done. */
	(void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	store->begun = false;
	store_forget_sighted(store);
	store->last_id = store->begun_last_id;
	memcpy(store->last_hash, store->begun_last_hash, STORE_HASH_BYTES);
}
