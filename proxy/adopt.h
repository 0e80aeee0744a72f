/* SPDX-License-Identifier: MIT */
#ifndef PROXY_ADOPT_H
#define PROXY_ADOPT_H

struct err;
struct worker;

/*
 * A worker's part of a reload (proxy/reload_wire.h): makes a snapshot of what
 * it is sent, aside from its loop, and lets it be the current one when it is
 * told that every worker has made it.
 */
struct adopt;

/*
 * Listens to the supervisor on control, an end of ipc_pair that stays the
 * caller's; when it is closed the worker's loop ends.  config_path is borrowed
 * and outlives it.  Sets worker->adopt and worker->aside.
 */
int adopt_open(struct worker *worker, int control, const char *config_path, struct err *err);
void adopt_close(struct worker *worker); /* twice is harmless */

#endif
