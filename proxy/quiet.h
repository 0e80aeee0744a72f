/* SPDX-License-Identifier: MIT */
#ifndef PROXY_QUIET_H
#define PROXY_QUIET_H

/* For the worker and the stages of its connections only, as conn_private.h. */

#include "base/facts.h"

#include <event2/event_struct.h>
#include <stdbool.h>
#include <sys/queue.h>

struct conn;
struct err;
struct worker;

/*
 * What a connection does without while it carries nothing: its facts, 5 KB of
 * arrays that are hardly filled, are kept squeezed (base/squeeze.h) from
 * QUIET_MS after its last byte, and are there again before anything of it is
 * run; and its legs let go of OpenSSL (leg_rest).  A worker holds thousands of
 * such connections.
 */
enum { QUIET_MS = 500 };

TAILQ_HEAD(quiet_list, conn);

/* The connections that relay and have their facts; of a worker. */
struct quiets {
	struct quiet_list awake;
	size_t count;
	struct event timer;
	struct facts reserve; /* of one that ends because there is no memory for its own */
};

int quiet_open(struct worker *worker, struct err *err);
void quiet_clear(struct worker *worker); /* all connections are freed */

/* conn relays: from now on it may become quiet. */
void quiet_watch(struct conn *conn);

/* conn->facts are there from here on, until the loop's next turn.  False: there
 * is no memory for them; conn is to be ended at once, and has the worker's
 * reserve to be recorded from. */
bool quiet_wake(struct conn *conn);

/* conn was woken for something else than its bytes: it need not stay so. */
void quiet_again(struct conn *conn);

/* It relays no more; its facts, which must be there, stay. */
void quiet_leave(struct conn *conn);

/* As conn is freed. */
void quiet_free(struct conn *conn);

#endif
