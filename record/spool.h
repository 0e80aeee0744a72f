/* SPDX-License-Identifier: MIT */
#ifndef RECORD_SPOOL_H
#define RECORD_SPOOL_H

#include "base/facts.h"
#include "record/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * Where a worker writes what happens before it lets anything happen: a ring of
 * events in a file of fixed size in run_dir, one a worker, allocated whole at
 * start, so that it neither grows nor fails on a full disk, and outlives the
 * worker, the supervisor and a restart.  One writer (the worker), one reader
 * (the recorder), no locks: an event is there once the ring's head says so.
 *
 * Beside the ring stands a row of live counters, one an open connection, that
 * the worker keeps up to date with plain stores.  When a worker dies, its
 * successor finds in them what had left on the connections that died with it.
 *
 * Order for a connection: spool_live_take, EVENT_OPEN, the counters, then
 * EVENT_CLOSE, spool_live_drop.  Whatever instant a worker is killed at, a
 * connection that has an EVENT_OPEN gets an EVENT_CLOSE or an EVENT_LOST.
 */
struct spool;

enum {
	SPOOL_LIVE_COUNT = 131072,
	SPOOL_SIZE_MIN = 4 << 20, /* bytes of the file; 3 MiB of it are the counters */
	SPOOL_SIZE_MAX = 1 << 30,
};

/* A connection's live counters; owned by the spool. */
struct spool_live {
	uint64_t flow_id; /* 0: free */
	uint64_t left_up, left_down;
};

/*
 * Supervisor: make the file, or keep the one that is there when it is whole
 * and of this size.  A file that is not is moved aside to PATH.EPOCH, where
 * the recorder finds what it holds (spool_open_old).  No writer may be at
 * work.  Returns a descriptor, the caller's to close.
 *
 * size is rounded up to whole pages.  epoch names this run of the appliance
 * and is new at every start of the supervisor: an event's seq counts from 1 in
 * each (epoch, worker).
 */
int spool_create(const char *path, uint64_t size, unsigned worker, uint64_t epoch, struct err *err);

/* Supervisor: whether a role can take the spool behind fd, which is worker's.  A
 * worker that was taken over can write what it likes to its own: spool_create
 * then moves it aside and makes another, of an epoch of its own. */
bool spool_is_whole(int fd, unsigned worker);

/*
 * Worker: take over the ring behind fd (which stays the caller's and open).
 * Writes an EVENT_LOST for every counter its predecessor left, and frees it.
 * ERR_LIMIT when the ring has no room for these; nothing is lost by that, try
 * again when the recorder has read.
 *
 * site is kept with the events (spool_site).
 */
struct spool *spool_writer(int fd, const char *site, struct err *err);

/* Recorder: read the ring behind fd (which stays the caller's and open) from
 * where spool_consumed left off. */
struct spool *spool_reader(int fd, struct err *err);

void spool_close(struct spool *spool); /* accepts NULL */

/* ---- the worker's side ---- */

/*
 * Append an event about facts.  -1 with ERR_LIMIT when the ring is full; then
 * nothing was written.  Room for the EVENT_CLOSE of every connection with a
 * live counter is set aside, so a close never finds the ring full; where there
 * is no other room it is short (DETAIL_CUT).  A
 * connection without one (it ends before its EVENT_OPEN) writes its
 * EVENT_CLOSE into the margin that spool_has_room keeps.
 */
int spool_write(struct spool *spool, enum event_kind kind, const struct facts *facts,
    struct err *err);

/* Whether an EVENT_OPEN and its EVENT_CLOSE would fit now, with the margin.
 * Ask before a connection is taken. */
bool spool_has_room(const struct spool *spool);

/* Take a live counter for a connection, before its EVENT_OPEN; NULL when all
 * are taken or the ring has no room.  Give it back after its EVENT_CLOSE; NULL is accepted. */
struct spool_live *spool_live_take(struct spool *spool, uint64_t flow_id);
void spool_live_drop(struct spool *spool, struct spool_live *live);

/*
 * The same for what there may be so many of that room for the end of each would
 * take the ring: of a flow of datagrams only its EVENT_LOST is sure of room.
 * Its end is written by spool_write_brief, which fails with ERR_LIMIT where that
 * would take what is set aside for others: try again later, and keep the counter
 * until it is written.
 */
struct spool_live *spool_live_take_brief(struct spool *spool, uint64_t flow_id);
int spool_write_brief(struct spool *spool, const struct facts *facts, struct err *err);

/* ---- the recorder's side ---- */

enum { SPOOL_ID_BYTES = 16 };

/* A random name of the file, the same for its whole life. */
const uint8_t *spool_id(const struct spool *spool);
unsigned spool_worker(const struct spool *spool);
const char *spool_site(struct spool *spool); /* borrowed; "" when no writer ever came */

/*
 * Take the next event: 1, or 0 when there is none now.  -1 with ERR_INPUT when
 * what stands there is no event; then only spool_skip goes on.
 */
int spool_read(struct spool *spool, struct recorded *out, struct err *err);

/*
 * A place in the ring, larger is later.  The reader
 * stands at spool_position; spool_seek goes back or forth to a place that
 * spool_position gave and spool_consumed has not gone beyond; -1 when it is
 * none.
 */
uint64_t spool_position(const struct spool *spool);
int spool_seek(struct spool *spool, uint64_t position, struct err *err);

/* Give the writer the room up to position: what lies before is safe elsewhere. */
void spool_consumed(struct spool *spool, uint64_t position);

/* Where the next event will be written; the reader's own position where the
 * worker's word for it cannot be true. */
uint64_t spool_end(const struct spool *spool);

/* Events that were written and not read yet. */
uint64_t spool_waiting(const struct spool *spool);

/* Go beyond all that was written so far; returns how many events that passes
 * over.  For a ring whose bytes are altered. */
uint64_t spool_skip(struct spool *spool);

/* Copy the counters that are in use into out (room for SPOOL_LIVE_COUNT);
 * returns how many.  For the spool of a worker that will have no successor. */
size_t spool_live_copy(const struct spool *spool, struct spool_live *out);

/* Whether a connection's counter is in use.  Where it is not any more, its
 * EVENT_CLOSE or EVENT_LOST stands before spool_end. */
bool spool_holds(const struct spool *spool, uint64_t flow_id);

#endif
