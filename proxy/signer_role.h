/* SPDX-License-Identifier: MIT */
#ifndef PROXY_SIGNER_ROLE_H
#define PROXY_SIGNER_ROLE_H

#include "certs/ca.h"
#include "config/config.h"

#include <stddef.h>

/*
 * What the signer is given by the supervisor; all descriptors stay the
 * caller's and open for the process's life.
 */
struct signer_setup {
	/* The authorities' files, open for reading at offset 0; they are read
	 * once, before the sandbox.  With one configured CA (tls.ca: {cert, key})
	 * only slot CA_EC is filled and the other holds -1. */
	int cert[CA_COUNT], key[CA_COUNT];
	int worker[CONFIG_WORKERS_MAX]; /* the signer's ends of the workers' ipc_pairs; -1: none */
	size_t worker_count;
	int control; /* an end of ipc_pair to the supervisor: closed when it is gone */
	int board;   /* proxy/board.h; signer_beat_ms moves at least every 200 ms */
};

/*
 * Serve until the supervisor is gone.  Reads the keys, locks its memory, enters
 * ROLE_SIGNER's sandbox and answers mint requests (certs/mint.h).
 *
 * A worker may ask 2,000 leaves at once and 200 a second from then on: after a
 * power cut a whole site's names come within seconds, while a worker that was
 * taken over obtains names slowly and visibly.  What comes faster waits in its
 * socket, unanswered; it is never refused.
 *
 * Logs.  Returns the process's exit code: 0, or 1 when it could not serve.
 */
int signer_run(const struct signer_setup *setup);

#endif
