/* SPDX-License-Identifier: MIT */
#include "record/store.h"

#include "base/err.h"
#include "base/text.h"
#include "record/columns.h"

#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	APPLICATION_ID = 0x626c7273, /* of the file, for file(1) and for us */
	BUSY_MS = 5000,
	SQL_MAX = 4096,
	PRUNE_ROWS = 500,
	SHRINK_PAGES = 256,
	TOMBSTONE_SHIFT = 32, /* tombstones are one for each 2^32 us, 72 minutes */
};

enum statement {
	INSERT_EVENT = 0,
	INSERT_FLOW,
	CLOSE_FLOW,
	FIND_OPEN,
	FIND_ORPHAN,
	LAST_SEQ,
	GET_SPOOL,
	SET_SPOOL,
	DROP_SPOOL,
	GET_EVE,
	SET_EVE,
	REPLAY,
	FLOW_FITS,
	TOMBSTONE,
	PRUNE_LAST,
	PRUNE_EVENTS,
	PRUNE_FLOWS,
	BURY,
	STATEMENT_COUNT,
};

/* Those of the table `flow` are made from the table of columns. */
static const char *const statements[STATEMENT_COUNT] = {
    [INSERT_EVENT] = "INSERT OR IGNORE INTO event"
		     " (id, epoch, worker, seq, kind, wall_us, flow_id, eve_version, site,"
		     "  frame, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [FIND_OPEN] = "SELECT frame FROM flow JOIN event ON event.id = flow.event"
		  " WHERE flow.flow_id = ? AND closed IS NULL",
    [FIND_ORPHAN] = "SELECT frame FROM flow JOIN event ON event.id = flow.event"
		    " WHERE closed IS NULL AND flow.epoch <> ? LIMIT 1",
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

struct store {
	sqlite3 *db;
	sqlite3_stmt *prepared[STATEMENT_COUNT]; /* each when first used */
	uint64_t last_id, begun_last_id;
	uint8_t last_hash[STORE_HASH_BYTES], begun_last_hash[STORE_HASH_BYTES];
	bool begun;
};

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
	    "the store: %s: %s", what, sqlite3_errmsg(store->db));
}

static int
run(struct store *store, const char *sql, struct err *err)
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

static sqlite3_stmt *
prepare(struct store *store, enum statement which, struct err *err)
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

static void
bind_number(sqlite3_stmt *statement, int parameter, uint64_t value)
{
	(void)sqlite3_bind_int64(statement, parameter, (sqlite3_int64)value);
}

static uint64_t
column(sqlite3_stmt *statement, int index)
{
	return (uint64_t)sqlite3_column_int64(statement, index);
}

/* Step a statement that gives at most one row, 1 or 0; the row is read by the
 * caller, who resets it. */
static int
step(struct store *store, sqlite3_stmt *statement, const char *what, struct err *err)
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

/* Step a statement that gives no row. */
static int
finish(struct store *store, sqlite3_stmt *statement, const char *what, struct err *err)
{
	if (step(store, statement, what, err) < 0)
		return -1;
	(void)sqlite3_reset(statement);
	return 0;
}

/* ---- opening ---- */

static int
make_flow_table(struct store *store, struct err *err)
{
	static const char *const types[] = {
	    [COLUMN_TEXT] = "TEXT NOT NULL",
	    [COLUMN_NUMBER] = "INTEGER NOT NULL",
	    [COLUMN_BOOL] = "INTEGER NOT NULL",
	    [COLUMN_TIME] = "INTEGER",
	    [COLUMN_ADDR] = "TEXT NOT NULL",
	    [COLUMN_COUNTRIES] = "TEXT NOT NULL",
	    [COLUMN_WORD] = "TEXT NOT NULL",
	};
	char line[SQL_MAX];
	struct text sql = text_in(line, sizeof(line));

	text_add(&sql, "CREATE TABLE flow (id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL,"
		       " worker INTEGER NOT NULL, event INTEGER, end_event INTEGER");
	for (size_t i = 0; i < column_count; i++)
		text_add(&sql, ", \"%s\" %s", columns[i].name, types[columns[i].type]);
	text_add(&sql, ") STRICT;"
		       "CREATE INDEX flow_opened ON flow (opened);"
		       "CREATE INDEX flow_open ON flow (flow_id) WHERE closed IS NULL;"
		       "CREATE INDEX flow_ended ON flow (end_event)"
		       " WHERE end_event IS NOT NULL;");
	assert(!sql.cut);
	return run(store, line, err);
}

static int
make_tables(struct store *store, struct err *err)
{
	char line[128];

	(void)snprintf(line, sizeof(line), "PRAGMA application_id = %d; PRAGMA user_version = %d;",
	    APPLICATION_ID, STORE_FORMAT);
	if (run(store, "BEGIN IMMEDIATE", err) != 0)
		return -1;
	if (run(store, schema, err) == 0 && make_flow_table(store, err) == 0 &&
	    run(store, line, err) == 0 && run(store, "COMMIT", err) == 0)
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
	*out = column(statement, 0);
	ret = 0;
out:
	(void)sqlite3_finalize(statement);
	return ret;
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
	got = step(store, statement, "the last event", err);
	if (got < 0)
		goto out;
	if (got == 1 && sqlite3_column_bytes(statement, 1) == STORE_HASH_BYTES) {
		store->last_id = column(statement, 0);
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
					     "PRAGMA foreign_keys = ON;";

	(void)sqlite3_extended_result_codes(store->db, 1);
	(void)sqlite3_busy_timeout(store->db, BUSY_MS);
	(void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	if (mode == STORE_WRITE && run(store, write_settings, err) != 0)
		return -1;
	if (mode == STORE_READ && run(store, "PRAGMA query_only = ON", err) != 0)
		return -1;
	if (check_format(store, mode, err) != 0)
		return -1;
	return mode == STORE_WRITE ? read_last(store, err) : 0;
}

struct store *
store_open(const char *path, enum store_mode mode, struct err *err)
{
	int flags =
	    mode == STORE_WRITE ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
	struct store *store = calloc(1, sizeof(*store));

	if (store == NULL)
		return (void)err_set(err, ERR_NOMEM, "the store: no memory"), NULL;
	if (sqlite3_open_v2(path, &store->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
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
	if (run(store, "BEGIN IMMEDIATE", err) != 0)
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
	if (run(store, "COMMIT", err) != 0) {
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
	store->last_id = store->begun_last_id;
	memcpy(store->last_hash, store->begun_last_hash, STORE_HASH_BYTES);
}

/* ---- events and connections ---- */

static void
put_number(uint8_t *to, uint64_t value)
{
	for (int i = 7; i >= 0; i--) {
		to[i] = (uint8_t)value;
		value >>= 8;
	}
}

/* The hash over a row whose frame is at hand. */
static void
hash_row(const uint8_t before[STORE_HASH_BYTES], const struct stored *stored,
    const struct bytes *frame, uint8_t out[STORE_HASH_BYTES])
{
	static EVP_MD_CTX *hash; /* one for the process: making one costs more than hashing */
	const struct event_head *head = &stored->event->head;
	const uint64_t numbers[] = {head->epoch, head->worker, head->seq, (uint64_t)head->kind,
	    head->wall_us, stored->event->facts.flow_id, stored->eve_version};
	uint8_t row[sizeof(numbers)];

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		put_number(row + 8 * i, numbers[i]);
	if (hash == NULL)
		hash = EVP_MD_CTX_new();
	assert(hash != NULL);
	(void)EVP_DigestInit_ex(hash, EVP_sha256(), NULL);
	(void)EVP_DigestUpdate(hash, before, STORE_HASH_BYTES);
	(void)EVP_DigestUpdate(hash, row, sizeof(row));
	(void)EVP_DigestUpdate(hash, frame->at, frame->left);
	(void)EVP_DigestUpdate(hash, stored->site, strlen(stored->site));
	(void)EVP_DigestFinal_ex(hash, out, NULL);
}

void
store_hash(const uint8_t before[STORE_HASH_BYTES], const struct stored *stored,
    uint8_t out[STORE_HASH_BYTES])
{
	uint8_t frame[EVENT_FRAME_MAX];
	struct bytes in = {frame, event_encode(&stored->event->head, &stored->event->facts, frame)};

	hash_row(before, stored, &in, out);
}

static int
add_event(struct store *store, const struct stored *stored, struct err *err)
{
	sqlite3_stmt *insert = prepare(store, INSERT_EVENT, err);
	const struct event_head *head = &stored->event->head;
	uint8_t hash[STORE_HASH_BYTES], frame[EVENT_FRAME_MAX];
	struct bytes in = {frame, event_encode(head, &stored->event->facts, frame)};

	if (insert == NULL)
		return -1;
	hash_row(store->last_hash, stored, &in, hash);
	bind_number(insert, 1, store->last_id + 1);
	bind_number(insert, 2, head->epoch);
	bind_number(insert, 3, head->worker);
	bind_number(insert, 4, head->seq);
	bind_number(insert, 5, (uint64_t)head->kind);
	bind_number(insert, 6, head->wall_us);
	bind_number(insert, 7, stored->event->facts.flow_id);
	bind_number(insert, 8, stored->eve_version);
	(void)sqlite3_bind_text(insert, 9, stored->site, -1, SQLITE_STATIC);
	(void)sqlite3_bind_blob(insert, 10, in.at, (int)in.left, SQLITE_STATIC);
	(void)sqlite3_bind_blob(insert, 11, hash, sizeof(hash), SQLITE_STATIC);
	if (finish(store, insert, "add an event", err) != 0)
		return -1;
	if (sqlite3_changes(store->db) == 0)
		return 0;
	store->last_id++;
	memcpy(store->last_hash, hash, sizeof(hash));
	return 1;
}

static int
bind_columns(struct store *store, sqlite3_stmt *statement, int first, const struct facts *facts,
    struct err *err)
{
	for (size_t i = 0; i < column_count; i++) {
		if (columns[i].bind(statement, first + (int)i, facts) != SQLITE_OK)
			return store_error(store, columns[i].name, err);
	}
	return 0;
}

static int
insert_flow(struct store *store, const struct recorded *event, struct err *err)
{
	sqlite3_stmt *insert = prepare(store, INSERT_FLOW, err);

	if (insert == NULL)
		return -1;
	bind_number(insert, 1, event->head.epoch);
	bind_number(insert, 2, event->head.worker);
	(void)sqlite3_bind_null(insert, 3);
	(void)sqlite3_bind_null(insert, 4);
	bind_number(insert, event->head.kind == EVENT_OPEN ? 3 : 4, store->last_id);
	if (bind_columns(store, insert, 5, &event->facts, err) != 0)
		return -1;
	return finish(store, insert, "add a connection", err);
}

static int
close_flow(struct store *store, const struct recorded *event, struct err *err)
{
	sqlite3_stmt *update = prepare(store, CLOSE_FLOW, err);

	if (update == NULL)
		return -1;
	bind_number(update, 1, store->last_id);
	if (bind_columns(store, update, 2, &event->facts, err) != 0)
		return -1;
	bind_number(update, 2 + (int)column_count, event->facts.flow_id);
	if (finish(store, update, "end a connection", err) != 0)
		return -1;
	/* Refused before anything was sent: it had no open event. */
	return sqlite3_changes(store->db) > 0 ? 0 : insert_flow(store, event, err);
}

int
store_add(struct store *store, const struct stored *stored, struct err *err)
{
	const struct recorded *event = stored->event;
	int got;

	assert(store->begun);
	got = add_event(store, stored, err);
	if (got != 1)
		return got;
	if (event->head.kind == EVENT_OPEN && insert_flow(store, event, err) != 0)
		return -1;
	if (event->head.kind == EVENT_CLOSE && close_flow(store, event, err) != 0)
		return -1;
	/* A lost connection that has its end already adds nothing but its event. */
	if (event->head.kind == EVENT_LOST && stored->eve_version != 0 &&
	    close_flow(store, event, err) != 0)
		return -1;
	return 1;
}

uint64_t
store_last_id(const struct store *store)
{
	return store->last_id;
}

static int
read_frame(sqlite3_stmt *statement, int index, struct recorded *out, struct err *err)
{
	const void *at = sqlite3_column_blob(statement, index);
	struct bytes in = {at, (size_t)sqlite3_column_bytes(statement, index)};

	if (at == NULL || event_decode(&in, out, NULL) != 0 || in.left > 0)
		return err_set(err, ERR_INPUT, "the store: an event's frame is damaged");
	return 0;
}

static int
find_facts(struct store *store, enum statement which, uint64_t key, struct facts *out,
    struct err *err)
{
	sqlite3_stmt *find = prepare(store, which, err);
	struct recorded opening;
	int got;

	if (find == NULL)
		return -1;
	bind_number(find, 1, key);
	got = step(store, find, "find an open connection", err);
	if (got == 1 && read_frame(find, 0, &opening, err) != 0)
		got = -1;
	if (got == 1)
		*out = opening.facts;
	(void)sqlite3_reset(find);
	return got;
}

int
store_find_open(struct store *store, uint64_t flow_id, struct facts *out, struct err *err)
{
	return find_facts(store, FIND_OPEN, flow_id, out, err);
}

int
store_find_orphan(struct store *store, uint64_t epoch, struct facts *out, struct err *err)
{
	return find_facts(store, FIND_ORPHAN, epoch, out, err);
}

int
store_last_seq(struct store *store, uint64_t epoch, unsigned worker, uint64_t *out, struct err *err)
{
	sqlite3_stmt *last = prepare(store, LAST_SEQ, err);

	if (last == NULL)
		return -1;
	bind_number(last, 1, epoch);
	bind_number(last, 2, worker);
	if (step(store, last, "the last seq", err) != 1)
		return -1;
	*out = column(last, 0);
	(void)sqlite3_reset(last);
	return 0;
}

/* ---- progress ---- */

int
store_spool(struct store *store, const uint8_t *id, uint64_t *position, struct err *err)
{
	sqlite3_stmt *get = prepare(store, GET_SPOOL, err);
	int got;

	if (get == NULL)
		return -1;
	(void)sqlite3_bind_blob(get, 1, id, 16, SQLITE_STATIC);
	got = step(store, get, "a spool's progress", err);
	if (got == 1)
		*position = column(get, 0);
	(void)sqlite3_reset(get);
	return got;
}

int
store_set_spool(struct store *store, const uint8_t *id, uint64_t position, struct err *err)
{
	sqlite3_stmt *set = prepare(store, SET_SPOOL, err);

	if (set == NULL)
		return -1;
	(void)sqlite3_bind_blob(set, 1, id, 16, SQLITE_STATIC);
	bind_number(set, 2, position);
	return finish(store, set, "a spool's progress", err);
}

int
store_drop_spool(struct store *store, const uint8_t *id, struct err *err)
{
	sqlite3_stmt *drop = prepare(store, DROP_SPOOL, err);

	if (drop == NULL)
		return -1;
	(void)sqlite3_bind_blob(drop, 1, id, 16, SQLITE_STATIC);
	return finish(store, drop, "forget a spool", err);
}

int
store_eve(struct store *store, struct store_eve *out, struct err *err)
{
	sqlite3_stmt *get = prepare(store, GET_EVE, err);
	int got;

	if (get == NULL)
		return -1;
	got = step(store, get, "the EVE file's progress", err);
	if (got == 0)
		return err_set(err, ERR_INPUT, "the store: its progress is gone");
	if (got < 0)
		return -1;
	*out = (struct store_eve){.base = column(get, 0),
	    .offset = column(get, 1),
	    .first_id = column(get, 2),
	    .last_id = column(get, 3),
	    .device = column(get, 4),
	    .inode = column(get, 5)};
	(void)sqlite3_reset(get);
	return 0;
}

int
store_set_eve(struct store *store, const struct store_eve *eve, struct err *err)
{
	sqlite3_stmt *set = prepare(store, SET_EVE, err);

	if (set == NULL)
		return -1;
	bind_number(set, 1, eve->base);
	bind_number(set, 2, eve->offset);
	bind_number(set, 3, eve->first_id);
	bind_number(set, 4, eve->last_id);
	bind_number(set, 5, eve->device);
	bind_number(set, 6, eve->inode);
	return finish(store, set, "the EVE file's progress", err);
}

/* Whether the columns of an event's row say what its frame says. */
static bool
row_fits(sqlite3_stmt *row, const struct recorded *event)
{
	const struct event_head *head = &event->head;
	const uint64_t numbers[] = {head->epoch, head->worker, head->seq, (uint64_t)head->kind,
	    head->wall_us, event->facts.flow_id};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (column(row, 5 + (int)i) != numbers[i])
			return false;
	}
	return true;
}

static void
read_event(sqlite3_stmt *row, struct recorded *event, struct stored *out)
{
	*out = (struct stored){.id = column(row, 0),
	    .eve_version = (unsigned)column(row, 1),
	    .site = (const char *)sqlite3_column_text(row, 2)};
	if (out->site == NULL)
		out->site = "";
	if (sqlite3_column_bytes(row, 4) == STORE_HASH_BYTES)
		out->hash = sqlite3_column_blob(row, 4);
	if (out->hash != NULL && read_frame(row, 3, event, NULL) == 0 && row_fits(row, event))
		out->event = event;
}

int
store_replay(struct store *store, uint64_t after_id, store_each *each, void *context,
    struct err *err)
{
	sqlite3_stmt *replay = prepare(store, REPLAY, err);
	struct recorded event = {0};
	struct stored stored;
	int got;

	if (replay == NULL)
		return -1;
	bind_number(replay, 1, after_id);
	while ((got = step(store, replay, "read events", err)) == 1) {
		read_event(replay, &event, &stored);
		if (!each(context, &stored))
			break;
	}
	(void)sqlite3_reset(replay);
	return got < 0 ? -1 : 0;
}

int
store_flow_fits(struct store *store, const struct stored *stored, struct err *err)
{
	sqlite3_stmt *fits = prepare(store, FLOW_FITS, err);
	int got;

	if (fits == NULL)
		return -1;
	bind_number(fits, 1, stored->id);
	if (bind_columns(store, fits, 2, &stored->event->facts, err) != 0)
		return -1;
	got = step(store, fits, "compare a connection", err);
	(void)sqlite3_reset(fits);
	return got;
}

int
store_tombstone(struct store *store, uint64_t *last_id, uint8_t hash[STORE_HASH_BYTES],
    struct err *err)
{
	sqlite3_stmt *stone = prepare(store, TOMBSTONE, err);
	int got;

	if (stone == NULL)
		return -1;
	got = step(store, stone, "read the last tombstone", err);
	if (got == 1 && sqlite3_column_bytes(stone, 1) != STORE_HASH_BYTES)
		got = err_set(err, ERR_INPUT, "the store: a tombstone has no hash");
	if (got == 1) {
		*last_id = column(stone, 0);
		memcpy(hash, sqlite3_column_blob(stone, 1), STORE_HASH_BYTES);
	}
	(void)sqlite3_reset(stone);
	return got;
}

/* ---- retention ---- */

/* Take what the events up to last_id are about, and keep the last hash. */
static int
bury(struct store *store, uint64_t last_id, uint64_t now_us, const void *hash, struct err *err)
{
	sqlite3_stmt *flows = prepare(store, PRUNE_FLOWS, err);
	sqlite3_stmt *events = prepare(store, PRUNE_EVENTS, err);
	sqlite3_stmt *stone = prepare(store, BURY, err);
	int flow_count, count;

	if (flows == NULL || events == NULL || stone == NULL)
		return -1;
	bind_number(flows, 1, last_id);
	if (finish(store, flows, "forget connections", err) != 0)
		return -1;
	flow_count = sqlite3_changes(store->db);
	bind_number(events, 1, last_id);
	if (finish(store, events, "forget events", err) != 0)
		return -1;
	count = sqlite3_changes(store->db);
	bind_number(stone, 1, now_us >> TOMBSTONE_SHIFT);
	bind_number(stone, 2, now_us);
	bind_number(stone, 3, last_id);
	bind_number(stone, 4, (uint64_t)count);
	(void)sqlite3_bind_blob(stone, 5, hash, STORE_HASH_BYTES, SQLITE_STATIC);
	if (finish(store, stone, "bury events", err) != 0)
		return -1;
	return flow_count + count;
}

int
store_prune(struct store *store, uint64_t before_us, uint64_t now_us, struct err *err)
{
	sqlite3_stmt *last = prepare(store, PRUNE_LAST, err);
	uint8_t hash[STORE_HASH_BYTES];
	uint64_t last_id;
	int got;

	assert(store->begun);
	if (last == NULL)
		return -1;
	bind_number(last, 1, PRUNE_ROWS);
	bind_number(last, 2, before_us);
	got = step(store, last, "find old events", err);
	if (got != 1)
		return got;
	last_id = column(last, 0);
	if (sqlite3_column_bytes(last, 1) != STORE_HASH_BYTES) {
		(void)sqlite3_reset(last);
		return err_set(err, ERR_INPUT, "the store: an event has no hash");
	}
	memcpy(hash, sqlite3_column_blob(last, 1), STORE_HASH_BYTES);
	(void)sqlite3_reset(last);
	return bury(store, last_id, now_us, hash, err);
}

int
store_shrink(struct store *store, struct err *err)
{
	char line[64];

	(void)snprintf(line, sizeof(line), "PRAGMA incremental_vacuum(%d)", SHRINK_PAGES);
	return run(store, line, err);
}
