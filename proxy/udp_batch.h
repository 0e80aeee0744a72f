/* SPDX-License-Identifier: MIT */
#ifndef PROXY_UDP_BATCH_H
#define PROXY_UDP_BATCH_H

#include "base/addr.h"
#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct udp_batch;

/*
 * Datagrams that are received many at a time: recvmmsg(2) into memory that stays,
 * from where they can be sent on (proxy/udp_send.h).  Those that the kernel hands
 * over as one (UDP_GRO, udp(7)), where a socket was opened to it with
 * udp_batch_gather, are datagrams again here.
 */
enum {
	UDP_BATCH = 64, /* that are received at once, each a datagram or many */
	UDP_BATCH_MESSAGES = UDP_BATCH * 128, /* UDP_MAX_SEGMENTS of the kernel, linux/udp.h */
	UDP_DATAGRAM_MAX = 65535, /* so none is ever cut: the field is 16 bits (RFC 768) */
};

struct udp_message {
	struct addr from, to;     /* to: where the sender wanted it */
	uint32_t ifindex;         /* it came in by; 0 unknown */
	struct bytes payload;     /* in the batch, until the next udp_batch_clear */
	void *owner;              /* the caller's */
	struct udp_message *next; /* the caller's */
};

struct udp_batch *udp_batch_new(struct err *err); /* NULL: no memory */
void udp_batch_free(struct udp_batch *batch);     /* accepts NULL */

/* There is nothing in it. */
void udp_batch_clear(struct udp_batch *batch);

/* What comes to fd may come put together: for udp_batch_receive only.  A kernel
 * that cannot hands over one at a time. */
void udp_batch_gather(int fd);

/*
 * Take what fd has, behind what is in the batch already, up to `most` times one
 * or what came as one.  Returns how many datagrams came; *first is the first of
 * them, and the others stand behind it.
 * Errors that stand on the socket (ICMP) are passed over.  `to` and `ifindex` are
 * what fd was asked to tell (IP_RECVORIGDSTADDR, IP_PKTINFO and those of IPv6).
 */
size_t udp_batch_receive(struct udp_batch *batch, int fd, size_t most, struct udp_message **first);

/* How many times more it takes. */
size_t udp_batch_room(const struct udp_batch *batch);

#endif
