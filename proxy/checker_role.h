/* SPDX-License-Identifier: MIT */
#ifndef PROXY_CHECKER_ROLE_H
#define PROXY_CHECKER_ROLE_H

#include "config/config.h"
#include "proxy/snapshot.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;
struct problems;

/*
 * The process that reads a configuration in place of the one that runs, checks
 * all of it as `borderlens check` does, hands over what it read, and ends.  It
 * may read the administrator's files and do nothing else (sandbox_check), so
 * what is odd about them harms nobody, and the supervisor parses nothing.
 */
struct checker_setup {
	struct snapshot_files running; /* what holds now */
	const char *secret;            /* what it shall not be able to read */
	int control;                   /* an end of ipc_pair to the supervisor */
};

/* Returns an exit code; 0: an answer was sent, whatever it was. */
int checker_run(const struct checker_setup *setup);

/*
 * The supervisor's side: the answer, where it is there.  1: it is; good says
 * whether there was no error, problems has them and the warnings, and where it
 * is good made holds sealed descriptors, the caller's to close.  0: none yet.
 * -1: what came is no answer.
 */
struct check_answer {
	bool good;
	struct snapshot_files made; /* config_path is not set */
};
int checker_receive(int control, struct check_answer *answer, struct problems *problems,
    struct err *err);

#endif
