/* SPDX-License-Identifier: MIT */
#ifndef PROXY_REVIEW_H
#define PROXY_REVIEW_H

#include "base/facts.h"

#include <stdbool.h>

struct conn;
struct worker;

/*
 * Connections that run when other rules begin to hold.  One that was not
 * decided on yet is decided on by the new ones.  One that was goes on under
 * those it began with, unless the new ones would block it where it stands now:
 * then it ends, with END_RULE_CHANGE.
 */

/* Make worker->review ready; -1: no memory. */
int review_open(struct worker *worker);

/*
 * worker->snapshot is another one: look at all connections, so many a turn that
 * none waits for long, and call done when all were looked at.  One that runs
 * already starts again, and calls the new done only.
 */
void review_start(struct worker *worker, void (*done)(struct worker *worker));

/* conn ends: it need not be looked at. */
void review_leave(struct conn *conn);

/* Have conn, of which nothing was decided but by address, go on under the
 * worker's snapshot. */
void review_renew(struct conn *conn);

/*
 * Whether the worker's snapshot, where it is not conn's own, blocks it at this
 * stage; then its facts say so: place, device and verdict are the new ones.
 */
bool review_blocks(struct conn *conn, enum verdict_stage stage);

#endif
