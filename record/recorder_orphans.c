/* SPDX-License-Identifier: MIT */
#include "record/recorder_private.h"

#include "base/err.h"
#include "record/sources.h"
#include "record/spool.h"

/*
 * A worker lets go of a connection's counter after it wrote the end.  So once
 * the counter is gone, the end stands before what was written last at that
 * time; and when the reader has passed that place and the connection is open
 * still, nobody will end it.
 */

enum { LOOKS_A_TURN = 256 };

void
recorder_look_for_orphans(struct recorder *recorder)
{
	struct orphans *orphans = &recorder->orphans;

	orphans->again = orphans->after != 0 || orphans->done;
}

/* Nothing of the batch was kept, and what was ended in it neither. */
void
recorder_forget_orphans(struct recorder *recorder)
{
	recorder->orphans = (struct orphans){0};
}

int
recorder_find_orphans(struct recorder *recorder, struct err *err)
{
	struct orphans *orphans = &recorder->orphans;

	if (orphans->done && orphans->again)
		*orphans = (struct orphans){.count = orphans->count};
	if (orphans->count > 0)
		return 0;
	for (int i = 0; i < LOOKS_A_TURN && !orphans->done && orphans->count < ORPHANS_MAX; i++) {
		int got = store_next_open(recorder->store, orphans->after, &orphans->after, err);

		if (got < 0)
			return -1;
		orphans->done = got == 0;
		if (got == 1 && !sources_hold(recorder->sources, orphans->after))
			orphans->flow_id[orphans->count++] = orphans->after;
	}
	if (orphans->count > 0)
		sources_mark(recorder->sources);
	return 0;
}

int
recorder_end_orphans(struct recorder *recorder, struct err *err)
{
	struct orphans *orphans = &recorder->orphans;

	if (orphans->count == 0 || !sources_passed_mark(recorder->sources))
		return 0;
	for (size_t i = 0; i < orphans->count; i++) {
		struct spool_live live = {.flow_id = orphans->flow_id[i]};
		uint64_t next = 0;

		if (store_next_open(recorder->store, live.flow_id - 1, &next, err) < 0)
			return -1;
		if (next == live.flow_id && recorder_keep_lost(recorder, &live, err) != 0)
			return -1;
	}
	orphans->count = 0;
	return 0;
}
