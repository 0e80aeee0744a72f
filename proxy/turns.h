/* SPDX-License-Identifier: MIT */
#ifndef PROXY_TURNS_H
#define PROXY_TURNS_H

#include "proxy/census.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>

struct conn;
struct crowds;
struct err;
struct worker;

/*
 * Who may begin a TLS handshake now: that is what a connection costs, a
 * millisecond of the worker's.  One that passes undecrypted costs the server as much,
 * and takes its turn too; it is done as soon as the server has taken the connection.
 *
 * A camera within its share (limit.handshakes, proxy/census.h) begins at once.
 * One beyond it waits: until its share has grown again, or until the worker has
 * nothing else to do and no camera within its share has begun for
 * TURNS_OTHERS_MS: a handshake that is under way holds up whoever comes next.  So
 * a camera that begins a thousand a second takes its share beside the others, and
 * no more; and it is served at full speed where there is nobody else.
 *
 * However idle the worker is, no camera has more than limit.unfinished
 * handshakes under way, and no server more than limit.unfinished_per_server: one
 * that is slow would have to bear them all.  The next begins when one of them
 * is done; they wait in the order in which they came.  What a server bears is over
 * with its own handshake, so no camera holds up the others there by not answering.
 * Nor are more than half of the worker's connections (limit.connections) ever with
 * one server and not done with it, of one camera more than a quarter: the rest is
 * for the others.
 */
struct turns {
	struct worker *worker; /* borrowed */
	struct turn_list waiting;
	struct conn *look;     /* of these, whose share is looked at next; NULL: the first's */
	struct crowds *crowds; /* owned */
	struct event idle;     /* behind all that is to be done */
	struct event share;    /* looks at the shares while anybody waits */
	size_t count;
	uint64_t fair_ms; /* clock_mono_ms when a camera within its share began last */
};

enum { TURNS_OTHERS_MS = 250 };

/* Of the worker's base, which has WORKER_PRIORITIES. */
int turns_open(struct turns *turns, struct worker *worker, struct err *err);
void turns_close(struct turns *turns); /* nobody may wait any more; accepts all 0 */

/* Where a connection waits: for its share or an idle worker, for another of its
 * camera's, for another of its server's. */
enum turn_queue { QUEUE_OTHERS = 0, QUEUE_OWN, QUEUE_SERVER };

/* Whether a camera was beyond its share in the last second: one that is within it
 * only now and then is none whom others stand back for.  turns is NULL: nothing is
 * known of it. */
bool turns_is_hasty(const struct camera_turns *turns, uint64_t now_ms);

/* Whether it may begin its handshakes. */
enum turn { TURN_NONE = 0, TURN_WAITING, TURN_TAKEN };

/* conn wants to begin.  TURN_TAKEN: it may; TURN_WAITING: it is run again when
 * it may; TURN_NONE: too many wait for that server already, and it may not. */
enum turn turns_take(struct turns *turns, struct conn *conn);

/* Why conn was not let begin, as a text for its end. */
const char *turns_why(const struct conn *conn);

/* The server's handshake is done: another of its server's may begin. */
void turns_leave_server(struct turns *turns, struct conn *conn);

/* It ends, or its handshakes are done: it waits no longer, and another of its
 * camera's may.  Accepts one that never asked. */
void turns_leave(struct turns *turns, struct conn *conn);

#endif
