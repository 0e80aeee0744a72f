/* SPDX-License-Identifier: MIT */
#ifndef PROXY_SPLICE_H
#define PROXY_SPLICE_H

#include "proxy/leg.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Bytes from one socket to another that nobody looks at: by splice(2) through
 * a pipe they stay in the kernel, and cost half of what a copy through our
 * memory does.  A direction holds a pipe only while it carries something, so a
 * worker needs as many as it has receivers that are slower than their senders.
 */
enum {
	/* What one turn of a pipe carries: the most that a user without privileges
	 * may set (pipe(7)), who may have 64 MiB in all his pipes. */
	PIPE_BYTES = 1024 << 10,
	PIPES_MAX = 16, /* of a worker, in use and spare; two descriptors each */
};

struct pipe {
	int read_end, write_end; /* owned while `open` */
	size_t held;             /* bytes in it */
	bool open;
};

struct pipes {                        /* all 0: none was made */
	struct pipe spare[PIPES_MAX]; /* empty ones, open */
	size_t spares, made;
};

/* False when there are PIPES_MAX, or no descriptors: carry by copying. */
bool pipes_take(struct pipes *pipes, struct pipe *pipe);

/* Accepts one that is not open; closes one that still holds bytes. */
void pipes_give(struct pipes *pipes, struct pipe *pipe);
void pipes_clear(struct pipes *pipes);

/*
 * Fill an empty pipe from a leg without TLS and without replay.  LEG_DONE with a
 * *count of 0: what comes next has to be taken by leg_read.  Otherwise as leg_read.
 */
enum leg_io splice_from(struct leg *leg, struct pipe *pipe, size_t *count);

/* Empty the pipe into a leg without TLS that has nothing waiting.  LEG_DONE:
 * it is empty.  LEG_WAIT, LEG_ENDED: the rest is still in it.  *count: what
 * went. */
enum leg_io splice_to(struct leg *leg, struct pipe *pipe, size_t *count);

#endif
