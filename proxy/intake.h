/* SPDX-License-Identifier: MIT */
#ifndef PROXY_INTAKE_H
#define PROXY_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * The listening sockets, one a worker, that the supervisor owns for the whole
 * run: while a worker is being replaced its cameras wait in its socket's queue.
 *
 * All are bound to the same port of every address of IPv4 and IPv6 (of IPv4
 * alone where the host has no IPv6), non-blocking and close-on-exec.  With
 * transparent they take connections to any address (TPROXY needs it, and
 * CAP_NET_ADMIN).  A connection goes to the socket that its camera's address
 * chooses, so a camera meets the same worker each time.
 * Source: socket(7) SO_ATTACH_REUSEPORT_CBPF; Linux
 * Documentation/networking/tproxy.rst.
 *
 * Fills count descriptors, the caller's to close; on failure none.
 */
int intake_open(uint16_t port, bool transparent, size_t count, int *fds, struct err *err);

/* Listen on one of them again: a worker could have made it stop.  One that
 * listens goes on as it is. */
int intake_listen(int fd, struct err *err);

/*
 * Whether nobody listens on port: sockets that share it (SO_REUSEPORT) would let
 * a second appliance of the same user take a part of the first one's cameras.
 * Waits up to a second for one that is about to end.  -1: somebody does.
 */
int intake_is_free(uint16_t port, struct err *err);

#endif
