/* SPDX-License-Identifier: MIT */
#include "record/store_private.h"

#include "base/err.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum {
	SPOOL_ID_SIZE = 16, /* record/spool.h */
	PRUNE_ROWS = 500,
	SHRINK_PAGES = 256,
	TOMBSTONE_SHIFT = 32, /* tombstones are one for each 2^32 us, 72 minutes */
};

/* ---- progress ---- */

int
store_spool(struct store *store, const uint8_t *id, uint64_t *position, struct err *err)
{
	sqlite3_stmt *get = store_prepare(store, GET_SPOOL, err);
	int got;

	if (get == NULL)
		return -1;
	(void)sqlite3_bind_blob(get, 1, id, SPOOL_ID_SIZE, SQLITE_STATIC);
	got = store_step(store, get, "a spool's progress", err);
	if (got == 1)
		*position = store_column(get, 0);
	(void)sqlite3_reset(get);
	return got;
}

int
store_set_spool(struct store *store, const uint8_t *id, uint64_t position, struct err *err)
{
	sqlite3_stmt *set = store_prepare(store, SET_SPOOL, err);

	if (set == NULL)
		return -1;
	(void)sqlite3_bind_blob(set, 1, id, SPOOL_ID_SIZE, SQLITE_STATIC);
	store_bind(set, 2, position);
	return store_finish(store, set, "a spool's progress", err);
}

int
store_drop_spool(struct store *store, const uint8_t *id, struct err *err)
{
	sqlite3_stmt *drop = store_prepare(store, DROP_SPOOL, err);

	if (drop == NULL)
		return -1;
	(void)sqlite3_bind_blob(drop, 1, id, SPOOL_ID_SIZE, SQLITE_STATIC);
	return store_finish(store, drop, "forget a spool", err);
}

int
store_eve(struct store *store, struct store_eve *out, struct err *err)
{
	sqlite3_stmt *get = store_prepare(store, GET_EVE, err);
	int got;

	if (get == NULL)
		return -1;
	got = store_step(store, get, "the EVE file's progress", err);
	if (got == 0)
		return err_set(err, ERR_INPUT, "the store: its progress is gone");
	if (got < 0)
		return -1;
	*out = (struct store_eve){.base = store_column(get, 0),
	    .offset = store_column(get, 1),
	    .first_id = store_column(get, 2),
	    .last_id = store_column(get, 3),
	    .device = store_column(get, 4),
	    .inode = store_column(get, 5)};
	(void)sqlite3_reset(get);
	return 0;
}

int
store_set_eve(struct store *store, const struct store_eve *eve, struct err *err)
{
	sqlite3_stmt *set = store_prepare(store, SET_EVE, err);

	if (set == NULL)
		return -1;
	store_bind(set, 1, eve->base);
	store_bind(set, 2, eve->offset);
	store_bind(set, 3, eve->first_id);
	store_bind(set, 4, eve->last_id);
	store_bind(set, 5, eve->device);
	store_bind(set, 6, eve->inode);
	return store_finish(store, set, "the EVE file's progress", err);
}

/* ---- retention ---- */

int
store_tombstone(struct store *store, uint64_t *last_id, uint8_t hash[STORE_HASH_BYTES],
    struct err *err)
{
	sqlite3_stmt *stone = store_prepare(store, TOMBSTONE, err);
	int got;

	if (stone == NULL)
		return -1;
	got = store_step(store, stone, "read the last tombstone", err);
	if (got == 1 && sqlite3_column_bytes(stone, 1) != STORE_HASH_BYTES)
		got = err_set(err, ERR_INPUT, "the store: a tombstone has no hash");
	if (got == 1) {
		*last_id = store_column(stone, 0);
		memcpy(hash, sqlite3_column_blob(stone, 1), STORE_HASH_BYTES);
	}
	(void)sqlite3_reset(stone);
	return got;
}

/* Take what the events up to last_id are about, and keep the last hash. */
static int
bury(struct store *store, uint64_t last_id, uint64_t now_us, const void *hash, struct err *err)
{
	sqlite3_stmt *flows = store_prepare(store, PRUNE_FLOWS, err);
	sqlite3_stmt *events = store_prepare(store, PRUNE_EVENTS, err);
	sqlite3_stmt *stone = store_prepare(store, BURY, err);
	int flow_count, count;

	if (flows == NULL || events == NULL || stone == NULL)
		return -1;
	store_bind(flows, 1, last_id);
	if (store_finish(store, flows, "forget connections", err) != 0)
		return -1;
	flow_count = sqlite3_changes(store->db);
	store_bind(events, 1, last_id);
	if (store_finish(store, events, "forget events", err) != 0)
		return -1;
	count = sqlite3_changes(store->db);
	store_bind(stone, 1, now_us >> TOMBSTONE_SHIFT);
	store_bind(stone, 2, now_us);
	store_bind(stone, 3, last_id);
	store_bind(stone, 4, (uint64_t)count);
	(void)sqlite3_bind_blob(stone, 5, hash, STORE_HASH_BYTES, SQLITE_STATIC);
	if (store_finish(store, stone, "bury events", err) != 0)
		return -1;
	return flow_count + count;
}

int
store_prune(struct store *store, uint64_t before_us, uint64_t now_us, struct err *err)
{
	sqlite3_stmt *last = store_prepare(store, PRUNE_LAST, err);
	uint8_t hash[STORE_HASH_BYTES];
	uint64_t last_id;
	int got;

	assert(store->begun);
	if (last == NULL)
		return -1;
	store_bind(last, 1, PRUNE_ROWS);
	store_bind(last, 2, before_us);
	got = store_step(store, last, "find old events", err);
	if (got != 1)
		return got;
	last_id = store_column(last, 0);
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
	return store_run(store, line, err);
}
