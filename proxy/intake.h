/* SPDX-License-Identifier: MIT */
#ifndef PROXY_INTAKE_H
#define PROXY_INTAKE_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * Which of count workers a camera belongs to, by the last byte of its address:
 * what a worker learned of a camera is its own, so TCP and UDP of one address
 * must meet in one worker.  The kernel does it itself, for TCP by the filter of
 * intake_open and for UDP by the rules of proxy/gateway.c; both are this.
 */
enum { INTAKE_STEER_VALUES = 256 };
size_t intake_worker(const struct addr *camera, size_t count);

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

/*
 * The sockets for datagrams, one a worker, of the same family as above; they
 * need CAP_NET_ADMIN.  Worker i has port first + i, or, where first is 0, one
 * that the kernel chose; ports says which.  A lookup of TPROXY for UDP does not
 * ask the filter of a group, so each has a port of its own (Linux
 * net/netfilter/nft_tproxy.c).
 *
 * Each datagram tells where it was sent and on which interface it came:
 * recvmsg(2)'s control data has IP_ORIGDSTADDR and IP_PKTINFO, or of IPv6
 * IPV6_ORIGDSTADDR and IPV6_PKTINFO.  marked_only: what the rules of
 * proxy/gateway.h did not mark does not come in, so nobody on another interface
 * reaches a worker.
 *
 * Fills count descriptors, the caller's to close; on failure none.
 */
int intake_open_udp(uint16_t first, bool marked_only, size_t count, int *fds, uint16_t *ports,
    struct err *err);

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
