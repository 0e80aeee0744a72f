/* SPDX-License-Identifier: MIT */
#ifndef PROXY_BROKER_ROLE_H
#define PROXY_BROKER_ROLE_H

#include "proxy/gateway_state.h"

#include <stddef.h>

/*
 * What the broker is given by the supervisor; all descriptors stay the caller's
 * and open for the process's life.
 */
struct broker_setup {
	const struct gateway_plan *plan; /* borrowed; its interfaces are the cameras' */
	int worker[CONFIG_WORKERS_MAX];  /* its ends of the workers' ipc_pairs; -1: none */
	size_t worker_count;
	int control; /* an end of ipc_pair to the supervisor: closed when it is gone */
	int board;   /* proxy/board.h; broker_beat_ms moves at least every 200 ms */
	/* Of rules_keeper_load; -1: the rules are somebody else's. */
	int drops;
	const uint8_t *print;  /* borrowed */
	uint32_t anomalies_ms; /* how often it is told what was dropped */
};

/*
 * Serve until the supervisor is gone, or until the kernel's rules are not ours
 * any more, which a successor mends (proxy/rules_keeper.h): the sockets and
 * messages that workers wish for (proxy/broker.h), each wish checked.  The first
 * worker is told what the rules dropped.
 *
 * Logs.  Returns the process's exit code: 0, or 1 when it could not serve.
 */
int broker_run(const struct broker_setup *setup);

#endif
