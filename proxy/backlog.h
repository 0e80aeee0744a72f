/* SPDX-License-Identifier: MIT */
#ifndef PROXY_BACKLOG_H
#define PROXY_BACKLOG_H

#include <event2/event_struct.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct addr;
struct err;
struct worker;

/*
 * Connections that were accepted and not begun: of cameras that open more than
 * their share, as many a second as they may begin handshakes (limit.handshakes,
 * proxy/census.h).  Each is judged and recorded, which costs a tenth of a
 * millisecond where it is refused; so a camera that is refused thousands of
 * times a second would stand before each step of every other connection.
 *
 * A camera within its share begins at once.  What is beyond it begins some at each
 * turn of the worker's loop, behind what its sockets have to do; and where a camera
 * within its share has come in the last BACKLOG_OTHERS_MS, one at a turn, and a turn
 * a millisecond at most.  The more wait the more begin at once: one more for each
 * BACKLOG_PART of what there is room for, so that a camera that does not wait for
 * its answers comes to its limit of connections where the worker cannot do more,
 * and not by waiting.
 *
 * The cameras that have any waiting take turns, one connection each; a camera's own
 * begin in the order in which they came.  So one that is a little beyond its share
 * waits for as many as there are cameras, and not for thousands of another's.
 */
struct backlog {
	struct worker *worker;                                /* borrowed */
	STAILQ_HEAD(backlog_cameras, camera_backlog) cameras; /* that have any, in turn */
	size_t count;      /* that wait, of all; each has a descriptor */
	size_t room;       /* for connections of all cameras; the listener's to set */
	uint64_t fair_ms;  /* clock_mono_ms when a camera within its share came last */
	struct event next; /* while any wait */
};

enum { BACKLOG_OTHERS_MS = 250, BACKLOG_PART = 32 };

int backlog_open(struct backlog *backlog, struct worker *worker, struct err *err);

/* Take a connection of a camera that the census has counted: fd (non-blocking) is
 * the backlog's from now on.  It begins (conn_open) now or when its turn comes, or
 * is refused and counted, where it cannot be recorded.  Where others of its camera's
 * wait it is behind them: what the camera may begin now is the first of these. */
void backlog_take(struct backlog *backlog, int fd, const struct addr *camera,
    const struct addr *dst);

/* Begin all that wait: the worker takes nothing more.  Accepts all 0. */
void backlog_flush(struct backlog *backlog);

#endif
