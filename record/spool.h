/* SPDX-License-Identifier: MIT */
#ifndef RECORD_SPOOL_H
#define RECORD_SPOOL_H

#include "base/facts.h"

#include <stdbool.h>
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
 */
struct spool;

enum event_kind {
	EVENT_OPEN = 1, /* about to be connected to its server */
	EVENT_CLOSE,    /* ended; all facts */
	EVENT_LOST,     /* was open when its worker died; only the counters are known */
	EVENT_STATS,    /* a worker's counters, once a minute */
};

/* A connection's live counters; owned by the spool. */
struct spool_live {
	uint64_t flow_id; /* 0: free */
	uint64_t left_up, left_down;
};

/* Supervisor: make the file, or keep the one that is there when it is whole
 * and of this size.  Returns a descriptor, the caller's to close. */
int spool_create(const char *path, uint64_t size, unsigned worker, uint64_t epoch, struct err *err);

/* Worker: take over the ring behind fd (which stays the caller's).  Writes an
 * EVENT_LOST for every counter its predecessor left, and frees it. */
struct spool *spool_writer(int fd, const char *site, struct err *err);

/* Recorder: read the ring behind fd. */
struct spool *spool_reader(int fd, struct err *err);

void spool_close(struct spool *spool);

/*
 * Append an event about facts.  -1 with ERR_LIMIT when the ring is full; then
 * nothing was written.  Room for the EVENT_CLOSE of every open connection is
 * set aside at its EVENT_OPEN, so a close never finds the ring full.
 */
int spool_write(struct spool *spool, enum event_kind kind, const struct facts *facts,
    struct err *err);

/* Whether an EVENT_OPEN and its EVENT_CLOSE would fit now. */
bool spool_has_room(const struct spool *spool);

/* Take a live counter for a connection, NULL when all are taken; give it back
 * after its EVENT_CLOSE was written. */
struct spool_live *spool_live_take(struct spool *spool, uint64_t flow_id);
void spool_live_drop(struct spool *spool, struct spool_live *live);

#endif
