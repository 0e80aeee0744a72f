/* SPDX-License-Identifier: MIT */
#include "record/recorder_private.h"

#include "base/err.h"
#include "base/text.h"
#include "record/eve.h"

enum {
	SYNC_MS = 1000,           /* the EVE file's progress is stored this often */
	CHECK_MS = 1000,          /* and its place looked at, when nothing is appended */
	REPLAY_BYTES = 256 << 10, /* appended at once from the store */
	REPLAYS_A_TURN = 16,
};

void
recorder_note_error(char out[256], bool *failing, const struct err *err)
{
	text_copy(out, 256, err->text);
	*failing = true;
}

void
recorder_trust_saved(struct recorder *recorder)
{
	eve_file_close(&recorder->file);
	recorder->file.base = recorder->saved.base;
	recorder->file.offset = recorder->saved.offset;
	recorder->file.device = recorder->saved.device;
	recorder->file.inode = recorder->saved.inode;
	recorder->first_id = recorder->saved.first_id;
	recorder->last_id = recorder->saved.last_id;
	recorder->lines_first = 0;
	recorder->dirty = false;
}

struct replay {
	struct recorder *recorder;
	uint64_t last_id;
};

static bool
replay_event(void *context, const struct stored *stored)
{
	struct replay *replay = context;
	struct jsonw *lines = &replay->recorder->lines;

	if (lines->used > REPLAY_BYTES)
		return false;
	/* What is damaged has no lines; the ledger tells of it. */
	if (stored->eve_version != 0 && stored->event != NULL)
		eve_add(lines, &stored->event->head, &stored->event->facts, stored->site);
	if (lines->failed)
		return false;
	replay->last_id = stored->id;
	return true;
}

/* Have the lines behind last_id in hand, from the batch or from the store. */
static int
load_lines(struct recorder *recorder, struct err *err)
{
	struct replay replay = {.recorder = recorder};

	if (recorder->lines_first == recorder->last_id + 1)
		return 0;
	jsonw_clear(&recorder->lines);
	recorder->lines_first = 0;
	if (store_replay(recorder->store, recorder->last_id, replay_event, &replay, err) != 0)
		return -1;
	if (recorder->lines.failed || replay.last_id == 0)
		return err_set(err, ERR_NOMEM, "EVE: no memory");
	recorder->lines_first = recorder->last_id + 1;
	recorder->lines_last = replay.last_id;
	return 0;
}

static struct store_eve
progress_of(const struct recorder *recorder)
{
	return (struct store_eve){.base = recorder->file.base,
	    .offset = recorder->file.offset,
	    .first_id = recorder->first_id,
	    .last_id = recorder->last_id,
	    .device = recorder->file.device,
	    .inode = recorder->file.inode};
}

/* Another file begins with what comes next.  The store knows it before its
 * first line does: a successor would take lines in a file that it does not
 * know for somebody else's, and write them again behind these. */
static int
begin_file(struct recorder *recorder, struct err *err)
{
	struct store_eve progress;

	recorder->first_id = recorder->last_id + 1;
	progress = progress_of(recorder);
	if (store_begin(recorder->store, err) != 0 ||
	    store_set_eve(recorder->store, &progress, err) != 0 ||
	    store_commit(recorder->store, err) != 0) {
		store_rollback(recorder->store);
		recorder_trust_saved(recorder);
		return -1;
	}
	recorder->saved = progress;
	recorder->is_due = false;
	return 0;
}

/* Append what is in hand. */
static int
append_lines(struct recorder *recorder, struct err *err)
{
	switch (eve_file_check(&recorder->file, err)) {
	case EVE_FILE_FAILED:
		return -1;
	case EVE_FILE_NEW:
		if (begin_file(recorder, err) != 0)
			return -1;
		break;
	case EVE_FILE_SAME:
		break;
	}
	if (eve_file_append(&recorder->file, recorder->lines.at, recorder->lines.used, err) != 0)
		return -1;
	if (!eve_file_linked(&recorder->file))
		return err_set(err, ERR_SYS, "%s was deleted", recorder->file.path);
	recorder->last_id = recorder->lines_last;
	recorder->lines_first = 0;
	recorder->dirty = true;
	return 0;
}

int
recorder_write_eve(struct recorder *recorder, struct err *err)
{
	for (int i = 0; i < REPLAYS_A_TURN; i++) {
		if (recorder->last_id >= store_last_id(recorder->store))
			return 0;
		if (!recorder->has_eve) {
			recorder->last_id = store_last_id(recorder->store);
			recorder->dirty = true;
			return 0;
		}
		if (load_lines(recorder, err) != 0 || append_lines(recorder, err) != 0)
			return -1;
	}
	return 0;
}

int
recorder_sync_eve(struct recorder *recorder, uint64_t now_ms, struct err *err)
{
	recorder->sync_ms = now_ms;
	if (!recorder->dirty)
		return 0;
	if (recorder->has_eve && eve_file_sync(&recorder->file, err) != 0) {
		recorder_trust_saved(recorder); /* what was not synced may be gone */
		return -1;
	}
	recorder->due = progress_of(recorder);
	recorder->is_due = true;
	recorder->dirty = false;
	return 0;
}

/* A file that went away is there again within a second, lines or not. */
static int
check_eve(struct recorder *recorder, uint64_t now_ms, struct err *err)
{
	recorder->check_ms = now_ms;
	if (!recorder->has_eve)
		return 0;
	switch (eve_file_check(&recorder->file, err)) {
	case EVE_FILE_FAILED:
		return -1;
	case EVE_FILE_NEW:
		return begin_file(recorder, err);
	case EVE_FILE_SAME:
		return 0;
	}
	return 0;
}

static int
turn_eve(struct recorder *recorder, uint64_t now_ms, struct err *err)
{
	if (now_ms - recorder->check_ms >= CHECK_MS && check_eve(recorder, now_ms, err) != 0)
		return -1;
	if (recorder_write_eve(recorder, err) != 0)
		return -1;
	if (now_ms - recorder->sync_ms >= SYNC_MS && recorder_sync_eve(recorder, now_ms, err) != 0)
		return -1;
	return 0;
}

void
recorder_keep_eve(struct recorder *recorder, uint64_t now_ms)
{
	struct err err = {0};

	if (turn_eve(recorder, now_ms, &err) == 0)
		recorder->status.eve_failing = false;
	else
		recorder_note_error(recorder->status.eve_error, &recorder->status.eve_failing,
		    &err);
}
