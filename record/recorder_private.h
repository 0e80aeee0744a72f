/* SPDX-License-Identifier: MIT */
#ifndef RECORD_RECORDER_PRIVATE_H
#define RECORD_RECORDER_PRIVATE_H

#include "base/json.h"
#include "record/eve_file.h"
#include "record/event.h"
#include "record/recorder.h"
#include "record/store.h"

#include <limits.h>

struct sources;

/* What the recorder's files share: recorder.c brings events into the store,
 * recorder_eve.c from there into the EVE file. */

struct recorder {
	char store_path[PATH_MAX];
	char site[64];
	uint64_t keep_flows_s, epoch;
	struct sources *sources;          /* owned */
	struct store *store;              /* owned; NULL while it cannot be opened */
	struct recorded event;            /* the one in hand */
	struct json lines;                /* of the batch, or replayed from the store */
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
	uint64_t start_ms, waiting_since_ms, retry_ms, sync_ms, check_ms, prune_ms;
	bool orphans_done;
	struct recorder_status status;
};

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
