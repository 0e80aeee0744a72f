/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FLOW_SILENCE_H
#define TESTS_FLOW_SILENCE_H

#include "tests/flow/harness.h"

#include <stdbool.h>

struct conn;

/*
 * Stories of a connection in the middle of which something becomes of it in the
 * worker: both sides wait for that, and go on.  One story a process.
 */

/* The flow and its server; its connection is looked at every millisecond from when it
 * relays, until it is as is_so says. */
void silence_open(struct flow *flow, bool (*is_so)(const struct conn *conn));

/* A step: wait for that. */
void silence_await(struct peer *peer);

/* A camera that says "first" and hears "ok", waits, and goes on with `camera`; its
 * server likewise. */
void silence_run(struct flow *flow, void (*camera)(struct peer *), void (*server)(struct peer *));

/* How they may go on: "again" is said and answered by "ok", and both end in order. */
void silence_ask_again(struct peer *peer);
void silence_answer_again(struct peer *peer);

#endif
