/* SPDX-License-Identifier: MIT */
#ifndef RECORD_RECORDER_H
#define RECORD_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * Brings what the workers spooled into the store, and from there into the EVE
 * file, each event exactly once, whatever is killed when:
 *
 * One transaction holds a batch of events, how far their spools are in, and
 * how far the EVE file is behind.  The spools give room only after it is
 * committed; the lines are appended only after it is committed.  After a crash
 * the EVE file is cut back to where the store says it is, and goes on from
 * there with what the store holds.
 *
 * When the store cannot take more, what is spooled stays there (a worker whose
 * spool is full refuses connections), and is tried again until it can.
 */
struct recorder;

struct recorder_config {
	const char *state_dir; /* the store is in it */
	const char *run_dir;   /* old spools are looked for here; NULL: nowhere */
	const char *eve;       /* "": no EVE file */
	int eve_fd;            /* that file, open for writing (record/eve_file.h), or -1 */
	const char *site;      /* where a spool does not say */
	uint64_t keep_flows_s; /* 0: for ever */
	uint64_t epoch;        /* of this run of the appliance */
};

enum {
	RECORDER_BATCH = 256,     /* events of a transaction that is not waited for */
	RECORDER_BATCH_MAX = 512, /* and at most */
	RECORDER_AGE_MS = 150,    /* an event waits at most this long, and one turn */
	RECORDER_RETRY_MS = 500,  /* between two tries when the store takes nothing */
};

/* What is worth telling; counts only grow. */
struct recorder_status {
	uint64_t recorded;       /* events committed by this recorder */
	uint64_t altered;        /* events that could not be read from a spool, and are lost */
	uint64_t doubled;        /* events that were there already */
	uint64_t lost;           /* connections whose end came with their worker's death */
	uint64_t pruned;         /* rows that retention took */
	uint64_t spools_removed; /* of earlier runs */
	bool store_failing, eve_failing;
	bool store_replaced;   /* the file was damaged: set aside, a new one begun */
	char store_error[256]; /* of the last failure */
	char eve_error[256];
};

/*
 * Open the store, the spools behind fds (which stay the caller's and open) and
 * those of earlier runs.  NULL when the store cannot be used at all; a disk
 * that is full is no such reason.
 */
struct recorder *recorder_open(const struct recorder_config *config, const int *fds, size_t count,
    struct err *err);

/* Do what is due now; returns within the time of one transaction. */
void recorder_turn(struct recorder *recorder, uint64_t now_ms);

/* Events in the spools that are not committed. */
uint64_t recorder_waiting(const struct recorder *recorder);

/* Commit all that is spooled and written; -1 when the store or the EVE file
 * does not take it, which loses nothing. */
int recorder_finish(struct recorder *recorder);

const struct recorder_status *recorder_status(const struct recorder *recorder);

void recorder_close(struct recorder *recorder); /* accepts NULL */

#endif
