/* SPDX-License-Identifier: MIT */
#ifndef RECORD_STORE_H
#define RECORD_STORE_H

#include "record/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct sqlite3;

/*
 * The record: one SQLite file, state_dir/borderlens.db, written by the
 * recorder (and, the names of cameras alone, by a command) and read by whoever
 * may.
 *
 *	event      every event as its frame (record/event.h), from which its
 *	           lines of EVE can be made at any time, and a hash over the row
 *	           and the hash before it: a changed history shows
 *	flow       one row a connection (record/columns.h)
 *	spool      how far each spool is in here
 *	progress   how far the EVE file is behind
 *	tombstone  what retention took away
 *	sighting, device_name, conflict
 *	           what was learned of the cameras (record/store_devices.h)
 *
 * All functions that write are called between store_begin and store_commit,
 * so that a crash leaves all of a batch or nothing.
 *
 * Errors: ERR_LIMIT when the disk is full, ERR_INPUT when the file is damaged
 * or not ours, ERR_SYS for all else.
 */
struct store;

enum store_mode {
	STORE_WRITE = 0, /* made when it is not there */
	STORE_READ,      /* never changed; may be in use by a writer */
};

enum {
	STORE_HASH_BYTES = 32,
	STORE_FORMAT = 1, /* the file's user_version */
};

/* An event as the store has it; the pointers are borrowed. */
struct stored {
	uint64_t id; /* 0 before it is stored */
	/* An EVENT_LOST has all facts of its connection.  NULL: what is stored
	 * is damaged, or its row says other than its frame. */
	const struct recorded *event;
	const char *site;
	/* EVE_VERSION of the program that made its lines; 0: it has none, for
	 * its connection had its end already. */
	unsigned eve_version;
	const uint8_t *hash; /* STORE_HASH_BYTES; NULL before it is stored */
};

#define STORE_FILE "borderlens.db"

struct store *store_open(const char *path, enum store_mode mode, struct err *err);
void store_close(struct store *store); /* accepts NULL */

int store_begin(struct store *store, struct err *err);
int store_commit(struct store *store, struct err *err);
void store_rollback(struct store *store); /* harmless where nothing was begun */

/*
 * Keep an event: its row, and what it says of its connection.  1 when it was
 * kept, 0 when one of its epoch, worker and seq is there already.
 *
 * store_last_id is then its number: from 1, without gaps.
 */
int store_add(struct store *store, const struct stored *stored, struct err *err);
uint64_t store_last_id(const struct store *store);

/* The facts of a connection that is open by the record: 1, or 0 when there is none. */
int store_find_open(struct store *store, uint64_t flow_id, struct facts *out, struct err *err);

/* The connection that is open by the record and has the lowest flow_id above
 * after: 1, or 0 when there is none. */
int store_next_open(struct store *store, uint64_t after, uint64_t *flow_id, struct err *err);

/* The highest seq of an epoch and worker; 0: none. */
int store_last_seq(struct store *store, uint64_t epoch, unsigned worker, uint64_t *out,
    struct err *err);

/* How far a spool (record/spool.h) is in here: 1, or 0 when it is not known. */
int store_spool(struct store *store, const uint8_t *id, uint64_t *position, struct err *err);
int store_set_spool(struct store *store, const uint8_t *id, uint64_t position, struct err *err);
int store_drop_spool(struct store *store, const uint8_t *id, struct err *err);

/*
 * How far the EVE file is: the lines of the events first_id to last_id stand
 * in it from base to offset.  device and inode say which file it is.
 */
struct store_eve {
	uint64_t base, offset;
	uint64_t first_id, last_id;
	uint64_t device, inode; /* 0: none yet */
};

int store_eve(struct store *store, struct store_eve *out, struct err *err);
int store_set_eve(struct store *store, const struct store_eve *eve, struct err *err);

/*
 * Call each with the events after after_id, in order, until it returns false.
 * What it is given is borrowed for the call.
 */
typedef bool store_each(void *context, const struct stored *stored);
int store_replay(struct store *store, uint64_t after_id, store_each *each, void *context,
    struct err *err);

/*
 * Forget what ended before before_us: at most some hundred events and
 * connections a call, and none that the EVE file does not have.  A tombstone
 * keeps the last hash.  Returns how many rows went, or -1.
 */
int store_prune(struct store *store, uint64_t before_us, uint64_t now_us, struct err *err);

/* Give the pages that pruning freed back to the file system, some at a time;
 * outside a transaction. */
int store_shrink(struct store *store, struct err *err);

/* Whether the connection's row is what its last event says: 1 or 0. */
int store_flow_fits(struct store *store, const struct stored *stored, struct err *err);

/* The last event that retention took, and its hash: 1, or 0 when it took none. */
int store_tombstone(struct store *store, uint64_t *last_id, uint8_t hash[STORE_HASH_BYTES],
    struct err *err);

/* The hash of an event's row behind the hash of the one before. */
void store_hash(const uint8_t before[STORE_HASH_BYTES], const struct stored *stored,
    uint8_t out[STORE_HASH_BYTES]);

/* A number that is another after each commit of another process. */
int64_t store_change_count(struct store *store);

/* The connection, for reading what this header has no function for. */
struct sqlite3 *store_database(struct store *store);

/* Fill err from what SQLite said last; returns -1. */
int store_error(struct store *store, const char *what, struct err *err);

#endif
