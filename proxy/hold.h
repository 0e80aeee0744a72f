/* SPDX-License-Identifier: MIT */
#ifndef PROXY_HOLD_H
#define PROXY_HOLD_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Bytes of a camera that wait in the appliance: until it is known what they
 * are, or until a limit lets them go on.  First in, first out.  Starts as {0}.
 *
 * All of a worker's together hold at most HOLD_WORKER_BYTES, those of one camera
 * HOLD_CAMERA_BYTES.
 */
enum { HOLD_WORKER_BYTES = 64 << 20, HOLD_CAMERA_BYTES = 16 << 20 };

struct hold {
	size_t *total; /* of the worker: bytes of memory that all of its holds have */
	size_t *own;   /* of the camera; NULL: nobody counts it */
	uint8_t *at;   /* owned; NULL: nothing waits */
	size_t start, end, room;
};

static inline size_t
hold_size(const struct hold *hold)
{
	return hold->end - hold->start;
}

/* Whether half of what may be held is held already: who can do without, should. */
bool hold_is_scarce(const struct hold *hold);

/* Put bytes behind what waits; false, and nothing was taken: no memory, or too
 * much waits in this worker. */
bool hold_put(struct hold *hold, struct bytes bytes);

/* Take the first size bytes, of which there are as many. */
void hold_take(struct hold *hold, uint8_t *to, size_t size);

/* Give it back, with what is in it. */
void hold_clear(struct hold *hold);

#endif
