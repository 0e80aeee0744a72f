/* SPDX-License-Identifier: MIT */
#ifndef PROXY_REFUSALS_H
#define PROXY_REFUSALS_H

#include "base/addr.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Which camera refused our leaf at which place (destination, port, name).  In
 * memory and bounded: when a row of the table is full, its oldest goes.  What
 * was learned is forgotten after REFUSALS_AGE_MS, so a camera that was given
 * our CA is opened again.
 */
struct refusals;

enum { REFUSALS_AGE_MS = 24 * 3600 * 1000 };

/* How sure a refusal was. */
enum refusal {
	REFUSAL_NONE = 0,
	REFUSAL_PROBABLE, /* closed where a refusal looks like that; counts when seen twice */
	REFUSAL_CERTAIN,  /* said so by an alert */
};

struct refusals *refusals_new(void); /* NULL: no memory */
void refusals_free(struct refusals *refusals);

void refusals_add(struct refusals *refusals, const struct addr *camera, const struct addr *dst,
    const char *name, enum refusal refusal, uint64_t now_ms);

/* The camera took our leaf there: forget a refusal that was only probable. */
void refusals_clear(struct refusals *refusals, const struct addr *camera, const struct addr *dst,
    const char *name);

/* Whether the next connection of camera to that place would be refused. */
bool refusals_is(const struct refusals *refusals, const struct addr *camera, const struct addr *dst,
    const char *name, uint64_t now_ms);

#endif
