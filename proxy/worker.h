/* SPDX-License-Identifier: MIT */
#ifndef PROXY_WORKER_H
#define PROXY_WORKER_H

#include "geo/geo.h"

#include <stddef.h>

/*
 * What a worker is given by the supervisor; all descriptors stay open for the
 * process's life.
 */
struct worker_setup {
	unsigned index; /* from 0 */
	int listener;   /* bound and listening, non-blocking */
	int datagrams;  /* where cameras' datagrams come (intake_open_udp); -1: nowhere */
	int source;     /* the sealed configuration (config/source.h) */
	const char *config_path;
	uint64_t generation; /* of that configuration */
	int country[GEO_COUNTRY_FILES_MAX],
	    asn;     /* sealed databases in the config's order; asn -1 */
	int spool;   /* record/spool.h */
	int signer;  /* an end of ipc_pair; the signer answers on it */
	int broker;  /* an end of ipc_pair; the broker answers on it */
	int control; /* an end of ipc_pair to the supervisor: closed when it is gone */
	int board;   /* proxy/board.h */
	int budgets; /* proxy/budget.h; closed once it is mapped */
};

/* Serve until the supervisor says drain or is gone.  Returns an exit code. */
int worker_run(const struct worker_setup *setup);

#endif
