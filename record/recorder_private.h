/* SPDX-License-Identifier: MIT */
#ifndef RECORD_RECORDER_PRIVATE_H
#define RECORD_RECORDER_PRIVATE_H

#include "base/jsonw.h"
#include "record/eve_file.h"
#include "record/event.h"
#include "record/recorder.h"
#include "record/store.h"

#include <limits.h>

struct sources;
struct spool_live;

/* What the recorder's files share: recorder.c brings events into the store,
 * recorder_eve.c from there into the EVE file, recorder_orphans.c ends the
 * connections that nobody else does. */

enum { ORPHANS_MAX = 100 };

/* Connections that are open by the record while no spool speaks of them. */
struct orphans {
	uint64_t flow_id[ORPHANS_MAX]; /* no worker has a counter for them */
	size_t count;
	uint64_t after; /* the flow_id that was looked at last */
	bool done;      /* all were looked at */
	bool again;     /* and are to be once more */
};

struct recorder {
	char store_path[PATH_MAX];
	char site[64];
	uint64_t keep_flows_s, epoch;
	struct sources *sources;          /* owned */
	struct store *store;              /* owned; NULL while it cannot be opened */
	struct recorded event;            /* the one in hand */
	struct jsonw lines;               /* of the batch, or replayed from the store */
	uint64_t lines_first, lines_last; /* the events they came of; 0: none */
	bool has_eve;
	struct eve_file file;
	uint64_t first_id, last_id; /* the events whose lines stand in the file */
	struct store_eve saved;     /* the progress that the store has */
	struct store_eve due;       /* synced, to be stored with the next transaction */
	bool dirty, is_due;
	uint64_t own_seq; /* of the events that the recorder adds itself */
	uint64_t own_seq_committed;
	bool sought; /* the spools stand where the store is */
	uint64_t waiting_since_ms, retry_ms, sync_ms, check_ms, prune_ms;
	struct orphans orphans;
	struct recorder_status status;
};

/* Add an EVENT_LOST of the recorder's own, for a connection whose worker has
 * no successor. */
int recorder_keep_lost(struct recorder *recorder, const struct spool_live *live, struct err *err);

/*
 * Ends may be missing: of an earlier run whose spools went down with the
 * machine, of a spool that was set aside or could not be read.  Some of the
 * open connections are looked at a turn; those that nobody holds are ended in a
 * later turn's transaction, if they are open then.
 */
void recorder_look_for_orphans(struct recorder *recorder);
int recorder_find_orphans(struct recorder *recorder, struct err *err);
int recorder_end_orphans(struct recorder *recorder, struct err *err);
void recorder_forget_orphans(
    struct recorder *recorder); /* the transaction failed: from the start */

/* Keep what failed for recorder_status. */
void recorder_note_error(char out[256], bool *failing, const struct err *err);

/* The EVE file has what the store says it has, and no more: it is opened anew,
 * cut back to that, and written from there. */
void recorder_trust_saved(struct recorder *recorder);

/* Bring the EVE file nearer to the store. */
int recorder_write_eve(struct recorder *recorder, struct err *err);

/* Bring it to the disk, and its progress to the next transaction. */
int recorder_sync_eve(struct recorder *recorder, uint64_t now_ms, struct err *err);

/* What is due for the EVE file now; what fails is in the status. */
void recorder_keep_eve(struct recorder *recorder, uint64_t now_ms);

#endif
