/* SPDX-License-Identifier: MIT */
#ifndef PROXY_EXPLAIN_PRIVATE_H
#define PROXY_EXPLAIN_PRIVATE_H

#include "base/facts.h"
#include "base/jsonw.h"
#include "config/judge.h"

#include <stdbool.h>

struct config;
struct geo;

/* What the files of the command `explain` share. */

enum { EXIT_ALLOWED = 0, EXIT_BLOCKED = 10, EXIT_LIMITED = 11, EXIT_CANNOT_TELL = 12 };

/* How it is told: to a reader, or as a document. */
struct explain_talk {
	bool is_json;
	struct jsonw json;
	char ruleset[FACTS_LABEL_MAX]; /* the one that is being told */
};

/* Tell one step of the judge's; arg is a struct explain_talk. */
judge_tell explain_step;

/* A fact and what it rests on, as a line for a reader. */
void explain_fact(const char *name, const char *value, const char *basis);

/* The camera that text tells (a name, a MAC, an address), under the name that a
 * connection of it has, into facts->device and ->group; a warning where there is none.
 * An address without a device of its own is that of the card that was last seen there,
 * where the record can be read. */
void explain_find_device(const char *text, const struct config *config, struct facts *facts);
void explain_write_device(const struct facts *facts, const struct config *config);

/* What becomes of a lookup of name by facts' camera; returns the exit code, or -1 where
 * it is no name that can be looked up. */
int explain_lookup(const char *name, const struct config *config, const struct geo *geo,
    struct facts *facts, struct explain_talk *talk);

#endif
