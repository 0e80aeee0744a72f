/* SPDX-License-Identifier: MIT */
#ifndef RECORD_EVE_H
#define RECORD_EVE_H

#include "record/event.h"

struct jsonw;

/*
 * Events as EVE JSON lines, in Suricata's shape, with our own facts under one
 * key more; docs/events.md describes each.
 *
 * Adds the lines of one event to json, each ended by a newline: of an
 * EVENT_OPEN one (`tls` or `anomaly`), of an EVENT_CLOSE a `flow` and, where
 * something is to be looked at, an `alert`; of an EVENT_SIGHTING an `anomaly`,
 * or none where nothing is new; of an EVENT_DNS a `dns`, and an `alert` where
 * the name was refused.  An EVENT_LOST is to be completed
 * by the caller with the facts of its EVENT_OPEN first, and is written as a
 * close.  site is the box's name ("host").
 */
void eve_add(struct jsonw *json, const struct event_head *head, const struct facts *facts,
    const char *site);

/* Counts the shapes that these lines have had; a line of another version is
 * not made the same way again. */
enum { EVE_VERSION = 7 };

enum { EVE_GID = 25196 }; /* ours among the generators of alerts */

/* A number for a rule that is the same everywhere and for ever; 1 to 2^31-1. */
uint32_t eve_signature_id(const char *ruleset, const char *rule);

#endif
