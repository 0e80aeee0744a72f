/* SPDX-License-Identifier: MIT */
#ifndef PROXY_CENSUS_H
#define PROXY_CENSUS_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How many connections each camera has open in this worker, and how many
 * handshakes it begins, so that one camera cannot take the room of the others.
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

#endif
