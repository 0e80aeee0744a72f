/* SPDX-License-Identifier: MIT */
#ifndef PROXY_LEARNED_H
#define PROXY_LEARNED_H

struct config;
struct problems;
struct source;

/*
 * The names of cameras that people gave with `borderlens devices rename`: they
 * live in the store, and come to the workers with the configuration.
 */
#define LEARNED_NAMES "learned-names" /* in the source; no path of a file: these are absolute */

/*
 * Read them from the store in config's state_dir, put them into source and
 * add them to config's devices.  There need not be a store; one that cannot be
 * read is a warning, as cameras are recorded and judged without a name then.
 */
void learned_put(struct config *config, struct source *source, struct problems *problems);

/* Add what learned_put has put into source to config's devices.  -1: problems
 * has it. */
int learned_take(struct config *config, struct source *source, struct problems *problems);

#endif
