/* SPDX-License-Identifier: MIT */
#ifndef PROXY_RELOAD_H
#define PROXY_RELOAD_H

#include "config/config.h"
#include "proxy/outcome.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct child;
struct err;
struct supervisor;

/*
 * The supervisor's part of a reload: a checker reads the configuration anew;
 * what it made is given to all workers; when every one of them has it, it is
 * what holds, and each is told so.  Until then the old one holds everywhere,
 * and it stays where anything fails.  A worker that dies meanwhile is started
 * with what holds.
 *
 * One at a time.  Who asks while one runs may mean what changed since: it is
 * done once more, however often it was asked for.
 */
struct reload;

enum { RELOAD_POLL_MAX = CONFIG_WORKERS_MAX + 1 };

struct reload *reload_new(void);         /* NULL: no memory */
void reload_free(struct reload *reload); /* accepts NULL; kills a checker that runs */

/* Ask for one; returns its number.  It is done when reload_done is that number
 * or a larger one. */
uint64_t reload_ask(struct supervisor *supervisor);
uint64_t reload_done(const struct reload *reload);

/* What the last one came to. */
const struct outcome *reload_last(const struct reload *reload);

/* Fill what to wait for; returns how many entries.  Then do what can be done. */
size_t reload_poll(const struct supervisor *supervisor, struct pollfd fds[RELOAD_POLL_MAX]);
void reload_turn(struct supervisor *supervisor, uint64_t now_ms);

/* A process has ended: whether it was the checker. */
bool reload_reap(struct supervisor *supervisor, pid_t pid, int status);

/* The appliance ends: what runs or was asked for fails. */
void reload_stop(struct supervisor *supervisor);

#endif
