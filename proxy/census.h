/* SPDX-License-Identifier: MIT */
#ifndef PROXY_CENSUS_H
#define PROXY_CENSUS_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * How many connections each camera has open in this worker, so that one camera
 * cannot take the room of the others.  Bounded; cameras beyond its room are
 * not counted, and so not limited.
 */
struct census;

struct census *census_new(size_t per_camera_max); /* NULL: no memory */
void census_free(struct census *census);          /* accepts NULL */

/* One more for camera; false when it has per_camera_max already. */
bool census_add(struct census *census, const struct addr *camera);
void census_remove(struct census *census, const struct addr *camera);

#endif
