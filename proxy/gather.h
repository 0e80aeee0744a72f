/* SPDX-License-Identifier: MIT */
#ifndef PROXY_GATHER_H
#define PROXY_GATHER_H

/* For the worker and the stages of its connections only, as conn_private.h. */

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct conn;
struct err;
struct leg;
struct worker;

/*
 * What comes fast is taken by much at once: what costs is each look at a socket
 * and each piece that is sent on, and not the bytes.  From a sender that brought
 * GATHER_FAST_BYTES within GATHER_FAST_US the kernel wakes us for GATHER_BYTES,
 * and not for each packet (socket(7), SO_RCVLOWAT).  Awake, we go on while there is
 * GATHER_ENOUGH_BYTES: a pipe may hold less than the mark.  What stays below is
 * taken after two of GATHER_LOOK_MS at most, the end of what it sends at once.
 * A sender that brings less than GATHER_SLOW_BYTES in GATHER_LOOKS of them is
 * taken packet by packet again.
 */
enum {
	GATHER_BYTES = 1024 << 10,
	GATHER_ENOUGH_BYTES = 128 << 10,
	GATHER_FAST_BYTES = 512 << 10,
	GATHER_FAST_US = 8000,
	GATHER_LOOK_MS = 4,
	GATHER_LOOKS = 8,
	GATHER_SLOW_BYTES = 256 << 10,
};

TAILQ_HEAD(gather_list, conn);

/* The connections with a direction that is gathered; of a worker. */
struct gathers {
	struct gather_list open;
	struct event timer;
};

/* One direction of a connection; all 0: it is not gathered. */
struct gather {
	uint64_t since_us; /* clock_mono_us; when the first of bytes came */
	uint32_t bytes;    /* of those that tell how fast it is */
	uint8_t looks;     /* since these are counted, where it is on */
	bool on;
	bool taken; /* something, since it was looked at last */
};

int gather_open(struct worker *worker, struct err *err);
void gather_clear(struct worker *worker); /* all connections are closed */

/* count bytes were taken of what leg, of conn, receives. */
void gather_note(struct conn *conn, struct gather *gather, struct leg *leg, size_t count);

/* Whether what the socket of leg has is not to be taken yet: it is readable again when
 * there is more, or time is up. */
bool gather_waits(const struct gather *gather, struct leg *leg);

/* conn relays no more, or not now: its sockets, which are open still, tell of each
 * byte again. */
void gather_leave(struct conn *conn);

#endif
