/* SPDX-License-Identifier: MIT */
#ifndef PROXY_WORKER_PRIVATE_H
#define PROXY_WORKER_PRIVATE_H

/* For the worker and the stages of its connections only. */

#include "base/facts.h"
#include "proxy/backlog.h"
#include "proxy/gather.h"
#include "proxy/pool.h"
#include "proxy/quiet.h"
#include "proxy/splice.h"
#include "proxy/stall.h"
#include "proxy/tls.h"
#include "proxy/turns.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/queue.h>

struct adopt;
struct aside;
struct board;
struct board_worker;
struct budgets;
struct broker;
struct census;
struct conn;
struct dns_policy;
struct ftp_links;
struct inventory;
struct listener;
struct minter;
struct origdst_method;
struct own_addrs;
struct refusals;
struct sessions;
struct snapshot;
struct spool;
struct tickets;
struct udp_relay;

enum { WORKER_SCRATCH_BYTES = 16 << 10 }; /* one TLS record of payload */

TAILQ_HEAD(conn_list, conn);

/* All that a worker's connections share.  Lives as long as the process. */
struct worker {
	unsigned index;
	struct event_base *base;
	struct snapshot *snapshot; /* the current one; a reference */
	struct spool *spool;
	struct minter *minter;
	struct broker *broker;
	struct sessions *sessions;
	struct tickets *tickets;
	struct backlog backlog;
	struct turns turns;
	struct quiets quiets;
	struct gathers gathers;
	struct refusals *refusals;
	struct own_addrs *own;
	struct inventory *inventory;
	struct census *census;
	struct dns_policy *dns;
	struct ftp_links *ftp;
	struct listener *listener;
	struct udp_relay *udp; /* NULL: it takes no datagrams */
	const struct origdst_method *origdst;
	struct pool pool;
	struct pipes pipes;
	struct budgets *budgets; /* that all workers share */
	size_t held;             /* memory for what waits (proxy/hold.h) */
	struct stalls stalls;
	struct board *board;
	struct board_worker *counters; /* our row of it */
	struct conn_list open, closed;
	size_t open_count;
	struct event reap;        /* frees the closed ones */
	struct event review;      /* looks at the open ones after a reload */
	struct conn *review_next; /* NULL: it is over */
	void (*review_done)(struct worker *worker);
	struct aside *aside; /* NULL: all is done in the loop */
	struct adopt *adopt;
	struct event tick;                     /* the heartbeat */
	uint64_t drain_from_ms;                /* 0: not draining */
	struct traffic total;                  /* of the connections that have ended */
	uint64_t told_ms;                      /* when a stats event was last written; 0: never */
	uint8_t scratch[WORKER_SCRATCH_BYTES]; /* payload between a read and its write */
};

/*
 * The event loop of a worker; the caller's to event_base_free, NULL: no memory.
 *
 * A connection that has more to carry puts itself behind the others, and
 * libevent would go round them without end: after so many callbacks it looks at
 * its timers and sockets again, so that the heartbeat goes on under any load.
 */
struct event_base *worker_base(void);

/* Events have the one in the middle unless they say otherwise.  The heartbeat has
 * the first: behind a thousand hellos it would come too late to count. */
enum { WORKER_PRIORITIES = 3 };

/* Make worker->reap the event that frees closed connections; -1: no memory. */
int worker_reaps(struct worker *worker);

/* A part of a reload is over that began at since_us (clock_thread_us): keep the
 * longest on the board. */
void worker_note_reload(struct worker *worker, uint64_t since_us);

/* Write a stats event when WORKER_STATS_MS have gone since the last one, or
 * since the first call.  One that finds no room in the spool is left out. */
enum { WORKER_STATS_MS = 60 * 1000 };
void worker_tell_stats(struct worker *worker, uint64_t now_ms);

#endif
