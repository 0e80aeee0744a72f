/* SPDX-License-Identifier: MIT */
#ifndef PROXY_UDP_RELAY_H
#define PROXY_UDP_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct udp_relay;
struct worker;

/*
 * The relay of datagrams between cameras and servers.  A flow is what one
 * address and port of a camera sends to one of a server; it is located, told
 * apart by its first datagrams, judged, and recorded like a connection:
 *
 *	telling   its first datagrams wait until it is known what they are (8 of
 *	          them, 2 s), and who sends them (1 s, where rules ask and the
 *	          kernel does not know yet); nothing has left
 *	judged    by address, name and as what cannot be opened; its open event is
 *	          in the spool before the first of them leaves
 *	relayed   datagrams both ways, each whole; counted
 *	blocked   none leaves; the camera is told as the rule wants, and what it
 *	          sends is counted, so that it is one record: when it was silent for
 *	          timeout.udp_idle, or after UDP_BLOCKED_MS
 *	ended     after timeout.udp_idle, or udp_two_way once it was answered (a
 *	          lookup after UDP_LOOKED_UP_MS); by a reload's rules; with the
 *	          appliance
 *
 * Beyond limit.udp_flows and limit.udp_per_camera datagrams of new flows are
 * dropped, and those with hellos beyond limit.udp_hellos, so that the others' do not
 * wait while one camera's are opened; told as a count of the camera's once a minute.
 */
enum {
	UDP_BLOCKED_MS = 60000,
	/* A camera asks each of its questions from another port, and would have no
	 * room for other flows if each of them stayed for minutes. */
	UDP_LOOKED_UP_MS = 10000,
};

/* fd: bound by the supervisor, where the kernel redirects cameras' datagrams to
 * (proxy/intake.h); stays the caller's.  The worker has all else that it needs. */
struct udp_relay *udp_relay_open(struct worker *worker, int fd, struct err *err);

/* Ends and records what is open.  Accepts NULL. */
void udp_relay_close(struct udp_relay *relay);

/* The appliance ends: take no more, and end what is open.  Accepts NULL. */
void udp_relay_stop(struct udp_relay *relay);

/* Whether all that was is recorded.  Accepts NULL. */
bool udp_relay_is_empty(const struct udp_relay *relay);

/*
 * The worker's snapshot is another one: look at all flows, a bounded number each
 * turn until until_us (clock_mono_us).  True: it is over.  Both accept NULL.
 */
void udp_relay_review(struct udp_relay *relay);
bool udp_relay_review_turn(struct udp_relay *relay, uint64_t until_us);

#endif
