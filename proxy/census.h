/* SPDX-License-Identifier: MIT */
#ifndef PROXY_CENSUS_H
#define PROXY_CENSUS_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct conn;

/*
 * How many connections each camera has open in this worker, how many it opens and
 * how many handshakes it begins, so that one camera cannot take the room of the others.
 * Bounded; cameras beyond its room are not counted, and so not limited.
 */
struct census;

struct census *census_new(size_t per_camera_max); /* NULL: no memory */
void census_free(struct census *census);          /* accepts NULL */

/* Another limit; what is open stays. */
void census_limit(struct census *census, size_t per_camera_max);

/* One more for camera; false when it has per_camera_max already. */
bool census_add(struct census *census, const struct addr *camera);
void census_remove(struct census *census, const struct addr *camera);

/*
 * A camera that census_add has counted wants to begin a TLS handshake, of which
 * it may begin per_s a second, and CENSUS_BURST_S seconds' worth at once.
 * False: it has had its share; nothing is counted then.  now_us is the clock
 * that does not jump.
 */
enum { CENSUS_BURST_S = 2 };
bool census_start(struct census *census, const struct addr *camera, uint32_t per_s,
    uint64_t now_us);

/* The same of the connections that it opens, which are counted by themselves. */
bool census_open(struct census *census, const struct addr *camera, uint32_t per_s, uint64_t now_us);

/* A camera's connections whose handshakes are under way, and those that wait
 * for one of these to be done (proxy/turns.h). */
TAILQ_HEAD(turn_list, conn);
struct camera_turns {
	uint32_t unfinished;
	uint32_t pending;  /* those that servers are not done with, or have not begun */
	uint64_t hasty_ms; /* clock_mono_ms when one was beyond its share last; 0: none was */
	struct turn_list waiting;
};

/* Of a camera that census_add has counted; NULL: it is beyond the room.  Good
 * until the last of its connections is removed, by when nobody may wait. */
struct camera_turns *census_turns(struct census *census, const struct addr *camera);

/* A camera's connections that were accepted and not begun, in the order in which
 * they came (proxy/backlog.h). */
STAILQ_HEAD(waiting_list, waiting);
struct camera_backlog {
	struct waiting_list waiting;
	STAILQ_ENTRY(camera_backlog) entry; /* among the cameras that have any */
};

/* NULL and good as above. */
struct camera_backlog *census_backlog(struct census *census, const struct addr *camera);

/* Memory that what waits of a camera's takes (proxy/hold.h), for who counts it;
 * NULL and good as above. */
size_t *census_held(struct census *census, const struct addr *camera);

#endif
