/* SPDX-License-Identifier: MIT */
#ifndef PROXY_RECORDER_ROLE_H
#define PROXY_RECORDER_ROLE_H

#include "config/config.h"

#include <stddef.h>
#include <stdint.h>

/*
 * What the recorder is given by the supervisor; all descriptors stay the
 * caller's and open for the process's life, the strings too.
 */
struct recorder_setup {
	int spool[CONFIG_WORKERS_MAX]; /* record/spool.h, one a worker */
	size_t spool_count;
	const char *run_dir; /* spools that an earlier run left are looked for here */
	/* Directory of the store; it and the directory of eve belong to the
	 * recorder's user, made by the supervisor before. */
	const char *state_dir;
	const char *eve;       /* path of the EVE file; "": none */
	uint64_t keep_flows_s; /* how long connections are kept; 0: for ever */
	const char *site;
	uint64_t epoch; /* of this run of the appliance, as in spool_create */
	int control;    /* an end of ipc_pair to the supervisor: closed when it is gone */
	int board;      /* proxy/board.h; recorder_beat_ms, recorder_full and recorded are ours */
};

/*
 * Bring what the spools hold into the store and the EVE file, until the
 * supervisor is gone or lets go of `control`, which it does when all workers
 * have ended; then everything that is in the spools is committed first.
 *
 * Enters ROLE_RECORDER's sandbox, which can write state_dir, run_dir and the
 * directory of eve, and nothing else.
 *
 * recorder_beat_ms moves at least every second while the disk answers.
 *
 * Logs.  Returns the process's exit code: 0, or 1 when the store could not be
 * opened or is not ours; a damaged one is set aside and a new one begun.
 */
int recorder_run(const struct recorder_setup *setup);

#endif
