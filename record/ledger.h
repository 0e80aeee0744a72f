/* SPDX-License-Identifier: MIT */
#ifndef RECORD_LEDGER_H
#define RECORD_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * Whether the record is whole, found out from its files alone, while the
 * appliance runs or without it:
 *
 *	chain   every event's hash follows from the one before
 *	seq     no number of an (epoch, worker) is missing or out of order
 *	flows   each ended connection's row is what its last event says, and
 *	        nothing left on a connection before it had an open event
 *	EVE     the file's lines are those of the store's events, in order,
 *	        whole, up to where the store says it is
 *	SQLite  finds its file in order
 *
 * Events that still wait in the spools are counted; they are no fault.
 */
enum { LEDGER_NOTES_MAX = 12, LEDGER_NOTE_MAX = 200 };

struct ledger {
	uint64_t events, flows, open_flows;
	uint64_t pruned;      /* events that retention took; a tombstone stands for them */
	uint64_t eve_lines;   /* compared */
	uint64_t eve_older;   /* of an earlier program's shape: not compared */
	uint64_t waiting;     /* in the spools */
	uint64_t eve_waiting; /* events whose lines are not in the file yet */
	bool has_eve;         /* a file was compared */

	/* What differs; all 0 when the record is whole. */
	uint64_t damaged;       /* events that cannot be read, or altered rows */
	uint64_t chain_breaks;  /* hashes that do not follow */
	uint64_t missing_ids;   /* events that are gone from the store */
	uint64_t gaps;          /* numbers of a worker that never came */
	uint64_t disorder;      /* numbers of a worker that came twice or too late */
	uint64_t flows_altered; /* rows that are not what their event says */
	uint64_t unannounced;   /* connections on which bytes left without an open event */
	uint64_t eve_missing;   /* lines that the file lacks */
	uint64_t eve_foreign;   /* lines of the file that no event has */
	uint64_t integrity;     /* faults that SQLite finds */

	/* The first of them, for a reader. */
	char notes[LEDGER_NOTES_MAX][LEDGER_NOTE_MAX];
	size_t note_count;
};

struct ledger_files {
	const char *state_dir;
	const char *run_dir; /* NULL: spools are not looked at */
	const char *eve;     /* "": none */
};

/* Read it all; -1 when the store cannot be read. */
int ledger_verify(const struct ledger_files *files, struct ledger *ledger, struct err *err);

bool ledger_is_whole(const struct ledger *ledger);

#endif
