/* SPDX-License-Identifier: MIT */
#ifndef RECORD_COMMUNITY_H
#define RECORD_COMMUNITY_H

#include "base/addr.h"

enum { COMMUNITY_ID_MAX = 32 }; /* "1:", 28 letters and a terminator fit */

/*
 * The community id of a TCP connection, by which other tools name the same
 * one: the same for both directions.  Version 1, seed 0.  Returns out.
 * Source: github.com/corelight/community-id-spec.
 */
const char *community_id(const struct addr *a, const struct addr *b, char out[COMMUNITY_ID_MAX]);

#endif
