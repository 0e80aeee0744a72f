/* SPDX-License-Identifier: MIT */
#ifndef PROXY_LOAD_H
#define PROXY_LOAD_H

#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>

struct geo;
struct jsonw;
struct problems;
struct source;

/*
 * A configuration as it was read from disk at one moment, with sealed copies
 * of all it names: what the supervisor hands to the roles, and what `check`
 * and `explain` look at.
 */
struct loaded {
	struct config *config; /* owned */
	struct source *source; /* owned; holds the text files that were read */
	/* Sealed memfds, in the config's order; -1: none.  Owned. */
	int country[CONFIG_DATABASES_MAX], asn;
	bool over; /* read in place of what runs */
};

/*
 * Read the configuration at path and copy its databases into sealed memfds.
 * 0, or -1 when there was an error; everything found is in problems, warnings
 * too.  loaded is to be closed either way.
 *
 * Where the configuration itself has an error loaded->config is NULL, and what
 * it names and could be read was looked at all the same: no loaded_geo and no
 * loaded_check would tell more.
 */
int loaded_open(const char *path, struct loaded *loaded, struct problems *problems);

/*
 * The same in place of what runs: see config_read.  The CA's key is neither
 * opened here nor by loaded_check: it is taken at a start only.
 */
int loaded_open_over(const char *path, const struct config *running, struct loaded *loaded,
    struct problems *problems);

/* Check and open the databases and tables; the caller's to geo_close.  NULL
 * when one is not good, or could not be copied; problems says which and why.
 * Warns of each fact (located, registered, operator) that nothing tells.
 * Needs a config, whether loaded_open succeeded or not. */
struct geo *loaded_geo(const struct loaded *loaded, struct problems *problems);

/*
 * The rest of what can be wrong before anything is started: CA files (the
 * configured ones, or the appliance's own where they were made already), the
 * roots that servers are verified with, which go into the source by the name
 * LOADED_ROOTS; directories of ours that are none; and, as a warning, rule sets that expired. Reads
 * the clock and the disk.
 */
#define LOADED_ROOTS "roots.pem" /* no path of a file: these are absolute */
void loaded_check(const struct loaded *loaded, struct problems *problems);

/*
 * Where a database's bytes are those of one of these descriptors (-1: none),
 * hold a copy of that one instead, so that they are in memory once, however
 * often they are read anew.
 */
void loaded_share(struct loaded *loaded, const int *fds, size_t count);

void loaded_close(struct loaded *loaded); /* twice is harmless */

/*
 * Print problems to stderr, one a line: "file:line:col: error: text".  With
 * colours only where stderr is a terminal and NO_COLOR is not set.
 */
void problems_print(const struct problems *problems);

/* The members "errors" (how many) and "problems" of an open object. */
void problems_json(const struct problems *problems, struct jsonw *json);

#endif
