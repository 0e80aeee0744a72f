/* SPDX-License-Identifier: MIT */
#ifndef PROXY_STALL_H
#define PROXY_STALL_H

#include <stddef.h>
#include <sys/queue.h>

struct event_base;
struct stall;

/*
 * Cameras whose connection was blocked with `how: drop`: they get no answer,
 * and nothing of theirs is read, until they go or STALL_MS have passed, which
 * ends in a reset.  The connection itself has ended, and is recorded.
 *
 * Starts as {0}.
 */
enum {
	STALL_MS = 60 * 1000, /* longer than a camera waits for an answer to its hello */
	STALLS_MAX = 256,     /* of a worker; one more resets the oldest */
};

TAILQ_HEAD(stall_list, stall);

struct stalls {
	struct stall_list list; /* the oldest first */
	size_t count;
};

/* Keep the camera of fd waiting; fd becomes theirs. */
void stalls_add(struct stalls *stalls, struct event_base *base, int fd);

/* Reset them all. */
void stalls_clear(struct stalls *stalls);

#endif
