/* SPDX-License-Identifier: MIT */
#ifndef PROXY_CHILD_H
#define PROXY_CHILD_H

#include "proxy/sandbox.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * One role's process as the supervisor sees it over its lives: when it may be
 * started again, and whether it is stuck.  Pure: time is an argument, in ms of
 * clock_mono_ms.
 */
enum {
	CHILD_DEATHS = 6,               /* so many ... */
	CHILD_DEATHS_WITHIN_MS = 10000, /* ... within this time are a loop ... */
	CHILD_PAUSE_MS = 500,           /* ... that is slowed, yet below "back within a second" */
	CHILD_FIRST_BEAT_MS = 60000,    /* a recorder checks a large store first */
	CHILD_NAME_MAX = 32,
};

struct child {
	enum role role;
	unsigned index;                 /* of a worker */
	pid_t pid;                      /* 0: not running */
	uint64_t start_ms;              /* not running: when to start it; running: when it was */
	uint64_t died_ms[CHILD_DEATHS]; /* the last ones, a ring; 0: none */
	unsigned deaths;                /* in all */
	bool done; /* it ended in order while draining: not to be started again */
	bool shot; /* stuck, and told to die */
};

/* It has ended: sets when it is to be started again. */
void child_ended(struct child *child, uint64_t now_ms);

/* Whether a role that beat last at beat_ms (0: not yet) is stuck: after 5 s, a
 * recorder, whose disk may be slow, after 15 s; one that never beat after
 * CHILD_FIRST_BEAT_MS.  No sooner: a busy machine gives a process no time at all
 * for two seconds, and whoever is killed takes its connections with it. */
bool child_is_stuck(const struct child *child, uint64_t beat_ms, uint64_t now_ms);

/* "worker 2", "signer".  Returns out. */
const char *child_name(const struct child *child, char out[CHILD_NAME_MAX]);

#endif
