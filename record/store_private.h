/* SPDX-License-Identifier: MIT */
#ifndef RECORD_STORE_PRIVATE_H
#define RECORD_STORE_PRIVATE_H

#include "record/store.h"

#include <sqlite3.h>

/* What the store's files share: store.c opens it and holds its statements,
 * store_events.c keeps and reads events and connections, store_progress.c how
 * far all is, and what went, store_devices.c the cameras. */

enum { SIGHTED_SLOTS = 256 };

/* A camera's sighting that was written a moment ago. */
struct sighted {
	uint8_t mac[MAC_BYTES];
	struct addr addr;
	char iface[16];
	uint64_t wall_us; /* 0: a free slot */
};

enum statement {
	INSERT_EVENT = 0,
	INSERT_FLOW,
	CLOSE_FLOW,
	FIND_OPEN,
	NEXT_OPEN,
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
	FIND_MAC,
	SIGHT,
	COUNT_SIGHTINGS,
	DROP_OLDEST,
	DROP_OLDEST_OF_MAC,
	ADD_CONFLICT,
	DROP_CONFLICTS,
	STATEMENT_COUNT,
};

struct store {
	sqlite3 *db;
	sqlite3_stmt *prepared[STATEMENT_COUNT]; /* each when first used */
	uint64_t last_id, begun_last_id;
	uint8_t last_hash[STORE_HASH_BYTES], begun_last_hash[STORE_HASH_BYTES];
	bool begun;
	struct sighted sighted[SIGHTED_SLOTS];
	uint64_t sightings; /* rows that there may be; 0: to be counted */
};

/* What was sighted and is not committed is not known any more. */
void store_forget_sighted(struct store *store);

/* Make the tables of the cameras where there are none. */
int store_make_device_tables(struct store *store, struct err *err);

/* Run SQL that gives no row. */
int store_run(struct store *store, const char *sql, struct err *err);

/* A statement, reset; prepared when first asked for. */
sqlite3_stmt *store_prepare(struct store *store, enum statement which, struct err *err);

void store_bind(sqlite3_stmt *statement, int parameter, uint64_t value);
uint64_t store_column(sqlite3_stmt *statement, int index);

/* Step a statement that gives at most one row, 1 or 0; the row is read by the
 * caller, who resets it.  -1: it is reset, and what says in err what failed. */
int store_step(struct store *store, sqlite3_stmt *statement, const char *what, struct err *err);

/* Step a statement that gives no row, and reset it. */
int store_finish(struct store *store, sqlite3_stmt *statement, const char *what, struct err *err);

#endif
