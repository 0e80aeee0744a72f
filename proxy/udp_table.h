/* SPDX-License-Identifier: MIT */
#ifndef PROXY_UDP_TABLE_H
#define PROXY_UDP_TABLE_H

#include "base/facts.h"
#include "inspect/datagram_watch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct err;
struct spending;
struct spool_live;
struct udp_case;
struct udp_outlet;
struct udp_reply;
struct udp_table;
struct udp_waiting;

/*
 * The flows of UDP of one worker: found by the camera's address and port and by
 * its destination's, counted for each camera, and in the order they were used
 * in.  Knows no socket and no clock.
 *
 * A flow takes some 270 bytes here, and what it shares with others (proxy/
 * udp_case.h, udp_outlet.h, udp_reply.h) besides: 100,000 flows fit in 64 MB.
 */

/* Where a flow stands; each has a list of its own, the longest unused first. */
enum udp_state {
	UDP_TELLING = 0, /* its first datagrams wait until it is known what they are */
	UDP_ONE_WAY,     /* relayed; the server did not answer yet */
	UDP_TWO_WAY,     /* relayed; it did */
	UDP_LOOKED_UP,   /* the same, of a question that has its answer */
	UDP_BLOCKED,     /* nothing leaves; what comes is counted */
	UDP_ENDED,       /* over, and its end is to be recorded yet; is not found any more */
	UDP_STATES       /* count; keep last */
};

struct udp_flow {
	struct udp_flow *next; /* in its bucket */
	TAILQ_ENTRY(udp_flow) entry;
	struct addr camera, dst;
	uint32_t ifindex; /* that it came in by */
	uint8_t state;    /* enum udp_state; udp_table_file changes it */
	uint8_t end;      /* enum end, of UDP_ENDED */
	bool unreachable; /* the server's side said that nobody listens there */
	bool dns;         /* each of its datagrams is looked at as a lookup */
	bool ntp;         /* each of its datagrams is answered here */
	struct datagram_watch watch;
	uint8_t turns; /* in a row, of those that went before it by the same ports */
	uint8_t first_size;
	uint8_t first[8];        /* facts.app.first, which flows do not share */
	uint64_t flow_id;        /* 0 until it is judged */
	uint64_t opened_wall_us; /* clock_wall_us and */
	uint64_t opened_us;      /* clock_mono_us of its first datagram */
	uint64_t used_ms;        /* clock_mono_ms of its last */
	uint64_t filed_ms;       /* when it was put behind the others of its list */
	uint64_t turning_ms;     /* when the first of its turns was */
	uint64_t refused_ms;     /* when the camera was last told that it is blocked */
	struct traffic traffic;
	struct udp_waiting *waiting; /* of UDP_TELLING; owned */
	struct udp_case *judged;     /* a reference; NULL: not judged yet */
	struct udp_outlet *outlet;   /* a reference; NULL: nothing leaves */
	struct udp_reply *reply;     /* a reference; NULL: nothing was answered yet */
	struct spool_live *live;     /* owned by the spool; NULL before the open record */
	struct spending *spending;   /* owned; NULL: no budget counts it */
	uint64_t spends_under;       /* generation of the rules that spending is of */
	uint64_t budgets_over;       /* by its last datagram: facts.budgets_over */
};

TAILQ_HEAD(udp_flow_list, udp_flow);

/* NULL: no memory, or no random key. */
struct udp_table *udp_table_new(struct err *err);

/* Accepts NULL; frees the flows, but nothing that they refer to. */
void udp_table_free(struct udp_table *table);

/* NULL: there is none. */
struct udp_flow *udp_table_find(struct udp_table *table, const struct addr *camera,
    const struct addr *dst);

/* Of how many there may be; what is there stays. */
struct udp_limits {
	size_t flows;      /* those with them whose end is to be recorded yet */
	size_t per_camera; /* that can be found */
};

enum udp_room {
	UDP_ROOM = 0,    /* there is */
	UDP_CAMERA_FULL, /* the camera has as many as it may */
	UDP_TABLE_FULL,  /* all together have, or there is no memory */
};

/*
 * Add one that is not there, as UDP_TELLING, all else 0.  Where *room says
 * otherwise, NULL, and the datagram that asked is to be counted with
 * udp_table_drop.
 */
struct udp_flow *udp_table_add(struct udp_table *table, const struct addr *camera,
    const struct addr *dst, const struct udp_limits *limits, enum udp_room *room);

/* Forget it and free its memory; what it refers to was given back before. */
void udp_table_remove(struct udp_table *table, struct udp_flow *flow);

/* A datagram went by. */
void udp_table_use(struct udp_table *table, struct udp_flow *flow, uint64_t now_ms);

/* It is state from now on, and the last used there.  Of UDP_ENDED it is not
 * found any more: the next datagram begins another flow. */
void udp_table_file(struct udp_table *table, struct udp_flow *flow, enum udp_state state,
    uint64_t now_ms);

/* The longest unused of a state, or NULL; of two, one may be UDP_TABLE_FILE_MS
 * out of order. */
enum { UDP_TABLE_FILE_MS = 500 };
struct udp_flow *udp_table_oldest(const struct udp_table *table, enum udp_state state);
struct udp_flow *udp_table_next(const struct udp_flow *flow); /* of its list */

/*
 * Visit all that can be found, some at each call, from *at == 0 on; false: that
 * was the last of them.  A visit may file and remove the flow that it is about,
 * and no other.
 */
typedef void udp_table_visit(void *arg, struct udp_flow *flow);
bool udp_table_walk(struct udp_table *table, size_t *at, udp_table_visit *visit, void *arg);

size_t udp_table_count(const struct udp_table *table);
size_t udp_table_count_of(const struct udp_table *table, enum udp_state state);

/* ---- who has had its share ---- */

/*
 * A camera sends what takes long to look at: whether it is to be.  Of its address
 * per_s are in a second, and as many at once; of all cameras UDP_HELLO_CAMERAS times as
 * many.  False: nothing is counted then.  A camera without a flow that is found or an
 * excess that is told shares with all that have none.
 */
enum { UDP_HELLO_CAMERAS = 16 };
bool udp_table_may_look(struct udp_table *table, const struct addr *camera, uint32_t per_s,
    uint64_t now_ms);

/* ---- what found no room ---- */

/* Datagrams of one camera that were dropped as it had no room for their flow, or
 * had had its share of looks. */
struct udp_excess {
	struct addr camera, dst; /* of the last one */
	uint64_t packets, bytes;
	uint64_t hellos;        /* of packets, those that were not looked at */
	uint64_t since_wall_us; /* the first one */
	uint32_t ifindex;
};

void udp_table_drop(struct udp_table *table, const struct udp_excess *one, uint64_t now_ms);

/*
 * What is due to be told: a camera's first excess UDP_EXCESS_FIRST_MS after it
 * began, and then once in every_ms.  False: nothing.  What was told counts from 0
 * again.
 */
enum { UDP_EXCESS_FIRST_MS = 1000 };
bool udp_table_take_excess(struct udp_table *table, uint64_t now_ms, uint32_t every_ms,
    struct udp_excess *out);

#endif
