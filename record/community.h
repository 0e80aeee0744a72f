/* SPDX-License-Identifier: MIT */
#ifndef RECORD_COMMUNITY_H
#define RECORD_COMMUNITY_H

#include "base/addr.h"
#include "base/facts.h"

enum { COMMUNITY_ID_MAX = 32 }; /* "1:", 28 letters and a terminator fit */

/*
 * The community id of a connection or a flow, by which other tools name the same
 * one: the same for both directions.  Version 1, seed 0.  Returns out.
 * Source: github.com/corelight/community-id-spec.
 */
const char *community_id(enum transport transport, const struct addr *a, const struct addr *b,
    char out[COMMUNITY_ID_MAX]);

#endif
