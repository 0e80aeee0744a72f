/* SPDX-License-Identifier: MIT */
#ifndef PROXY_OBSERVE_H
#define PROXY_OBSERVE_H

#include "base/facts.h"
#include "proxy/leg.h"

#include <stdbool.h>
#include <stddef.h>

/* For the stages of a connection only, as conn_private.h. */

struct conn;
struct observer;

/*
 * Who looks at what a connection carries, before it is forwarded: a copy goes to
 * inspection (inspect/inspection.h) where it is plain or was opened; it is judged
 * again when more is known (VERDICT_PAYLOAD, config/judge.h); the camera's bytes
 * wait while a rule that may block waits; and budgets count them, block and slow.
 *
 * What is forwarded is what was read, byte for byte, or it is not forwarded.
 */

/*
 * As relaying begins.  conn->observer is NULL where nobody looks: it passes
 * undecrypted and no budget counts it.  False: conn was closed, for want of
 * memory or by a verdict.
 */
bool observe_open(struct conn *conn);
void observe_close(struct conn *conn); /* where there is one; what waits is gone */

/*
 * Before the camera is read.  LEG_DONE: *count bytes that had waited are in the
 * worker's scratch and are to be forwarded; or it is 0, and at most *size bytes
 * of the camera's may be read.  LEG_WAIT: nothing may be forwarded nor read now.
 * LEG_ENDED: conn was closed.
 */
enum leg_io observe_before(struct conn *conn, size_t *count, size_t *size);

/*
 * What was read into the scratch, *count bytes.  *count becomes what of it is to
 * be forwarded now.  LEG_WAIT and LEG_ENDED as above.
 */
enum leg_io observe_piece(struct conn *conn, enum direction direction, size_t *count);

/* So much of the camera's was forwarded. */
void observe_left(struct conn *conn, size_t count);

/* A side has ended its direction.  True: of the camera's something waits that
 * will be forwarded or ended by observe_before; its end is to come after it. */
bool observe_end(struct conn *conn, enum direction direction);
bool observe_keeps(const struct conn *conn);

/* The server has agreed to begin TLS in the middle of the conversation (STARTTLS):
 * nothing more is to be read before that.  What either side said behind its
 * agreement is gone. */
bool observe_starts_tls(const struct conn *conn);

/* Nothing is looked at any more, unless relaying begins again by observe_open; what
 * waits is gone. */
void observe_rest(struct conn *conn);

/* Whether it stands still because a limit wants it so. */
bool observe_is_slowed(const struct conn *conn);

#endif
