/* SPDX-License-Identifier: MIT */
#ifndef PROXY_TURNS_H
#define PROXY_TURNS_H

#include "proxy/census.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>

struct conn;
struct err;
struct worker;

/*
 * Who may begin a TLS handshake now: that is what a connection costs, a
 * millisecond of the worker's.
 *
 * A camera within its share (limit.handshakes, proxy/census.h) begins at once.
 * One beyond it waits: until its share has grown again, or until the worker has
 * nothing else to do and no camera within its share has begun for
 * TURNS_OTHERS_MS: a handshake that is under way holds up whoever comes next.  So
 * a camera that begins a thousand a second takes its share beside the others, and
 * no more; and it is served at full speed where there is nobody else.
 *
 * However idle the worker is, no camera has more than limit.unfinished
 * handshakes under way: a server that is slow would have to bear them all, and
 * so would the others that want something of it.  The next begins when one of
 * them is done.
 */
struct turns {
	struct worker *worker; /* borrowed */
	struct turn_list waiting;
	struct event idle;  /* behind all that is to be done */
	struct event share; /* looks at the shares while anybody waits */
	size_t count;
	uint64_t fair_ms; /* clock_mono_ms when a camera within its share began last */
};

enum { TURNS_OTHERS_MS = 250 };

/* Of the worker's base, which has WORKER_PRIORITIES. */
int turns_open(struct turns *turns, struct worker *worker, struct err *err);
void turns_close(struct turns *turns); /* nobody may wait any more; accepts all 0 */

/* Whether conn may begin; if not, it is run again when it may (conn->turn). */
bool turns_take(struct turns *turns, struct conn *conn);

/* It ends, or its handshakes are done: it waits no longer, and another of its
 * camera's may.  Accepts one that never asked. */
void turns_leave(struct turns *turns, struct conn *conn);

#endif
