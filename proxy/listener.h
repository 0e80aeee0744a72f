/* SPDX-License-Identifier: MIT */
#ifndef PROXY_LISTENER_H
#define PROXY_LISTENER_H

#include <stddef.h>

struct err;
struct listener;
struct worker;

/*
 * Takes connections off a listening socket that the supervisor owns.  Takes no
 * more than there is room for: beyond the limits of the configuration and of
 * descriptors it waits, and cameras wait in the kernel's queue, rather than
 * spin or drop.
 */
struct listener *listener_new(struct worker *worker, int fd, struct err *err);
void listener_free(struct listener *listener); /* accepts NULL; fd stays open */

/* Another limit of connections at once. */
void listener_limit(struct listener *listener, size_t connections);

/* A connection ended: there may be room again. */
void listener_resume(struct listener *listener);

/* Take nothing more, for good. */
void listener_stop(struct listener *listener);

#endif
