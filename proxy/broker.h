/* SPDX-License-Identifier: MIT */
#ifndef PROXY_BROKER_H
#define PROXY_BROKER_H

#include "base/addr.h"
#include "base/bytes.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct broker;
struct broker_unseen;
struct err;

/*
 * A worker's way to what needs a privilege: the broker, a process that holds
 * CAP_NET_ADMIN and CAP_NET_RAW and does three things with them.  It checks each
 * wish, as a worker that was taken over might make it.
 */

/* One who waits for a socket; part of a flow. */
struct broker_waiter {
	TAILQ_ENTRY(broker_waiter) entry;
	/* Called once, from the event loop: fd is the callee's to close, or -1, and
	 * then err says why. */
	void (*done)(void *arg, int fd, const struct err *err);
	void *arg;
	/* The broker's own. */
	uint64_t id; /* 0: waits for nothing */
	uint64_t sent_ms;
	unsigned resends;
	unsigned iface;
	struct addr dst;
};

enum { BROKER_WAITS_MAX = 1024 }; /* at once */

/* socket: an end of ipc_pair, the caller's. */
struct broker *broker_new(struct event_base *base, int socket, struct err *err);
void broker_free(struct broker *broker); /* accepts NULL; nobody may wait any more */

/*
 * Hear what the rules dropped (proxy/broker_wire.h); one worker does.  unseen
 * says whether it is recorded now: what is not comes again.
 */
typedef bool broker_unseen_cb(void *arg, const struct broker_unseen *unseen);
void broker_hear(struct broker *broker, broker_unseen_cb *unseen, void *arg);

/*
 * Ask for the socket that a camera on interface iface (an index, of IP_PKTINFO)
 * is answered from, as if from dst: UDP, non-blocking, not connected, of dst's
 * family (IPv4 is AF_INET), bound to dst and to the interface.  It only sends:
 * nothing comes in.  One serves all cameras of an interface that sent to dst.
 *
 * Fails at once with ERR_LIMIT where too many wait.  Refused are interfaces that
 * are no camera's, port 0, and addresses that are the appliance's own (but for
 * ports 53 and 123, where it answers itself), no
 * host's, or not to be reached from afar.  A broker that dies is asked again;
 * waiter->done hears after some seconds at the latest.
 */
int broker_ask(struct broker *broker, struct broker_waiter *waiter, unsigned iface,
    const struct addr *dst, struct err *err);

/* Stop waiting; accepts one that waits for nothing. */
void broker_forget(struct broker *broker, struct broker_waiter *waiter);

/*
 * Tell a camera that nobody is at dst, for a datagram that it sent there from
 * `camera`: an ICMP or ICMPv6 port unreachable that comes from dst.  Such
 * messages are few (BROKER_UNREACHABLE_A_SECOND a worker); one too many is not
 * sent, as any router does it.
 * Source: RFC 792; RFC 4443 section 3.1.
 */
enum { BROKER_UNREACHABLE_A_SECOND = 100 };
void broker_refuse(struct broker *broker, unsigned iface, const struct addr *camera,
    const struct addr *dst, struct bytes datagram);

/*
 * Have the kernel ask for the card at a camera's address on interface iface (ARP,
 * NDP), as if something were to be sent there.  What it finds it tells all who
 * listen (proxy/neighbours.h); nothing comes back here.  One too many
 * (BROKER_CARDS_A_SECOND a worker) is not asked.
 */
enum { BROKER_CARDS_A_SECOND = 100 };
void broker_find_card(struct broker *broker, unsigned iface, const struct addr *camera);

#endif
