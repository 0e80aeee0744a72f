/* SPDX-License-Identifier: MIT */
#ifndef RECORD_EVENT_H
#define RECORD_EVENT_H

#include "base/bytes.h"
#include "base/facts.h"

#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * What happened, as bytes.
 *
 * One event is one frame: a head, then the facts that are set, each as a tag,
 * a length and its bytes.  A tag that the reader does not know is passed over,
 * so a newer writer's frames can be read; docs/events.md has the layout.
 *
 * A frame is checked as bytes from outside: the worker that wrote it speaks
 * with cameras.
 */
enum event_kind {
	EVENT_OPEN = 1, /* about to be connected to its server */
	EVENT_CLOSE,    /* ended; all facts */
	EVENT_LOST,     /* was open when its worker died; only the counters are known */
	EVENT_STATS,    /* a worker's counters, once a minute */
	EVENT_SIGHTING, /* a camera that the kernel sees as a neighbour: new, there, in conflict */
	EVENT_RELOAD, /* the configuration was read anew: end says DONE or REFUSED, end_text what */
	EVENT_DNS, /* a camera asked for a name, or was answered: facts.dns, flow_id the flow's */
	EVENT_ANOMALY, /* what was counted of a camera and went nowhere: facts.anomaly */
	EVENT_KIND_COUNT
};

enum {
	EVENT_FRAME_MAX = 5140, /* bytes: a struct facts that is full to the brim */
	EVENT_SHORT_MAX = 2300, /* bytes: the same with less than DETAIL_FULL */
	EVENT_WORKER_MAX = 65535,
};

struct event_head {
	enum event_kind kind;
	uint16_t worker;
	uint64_t epoch;   /* of the appliance's run */
	uint64_t seq;     /* from 1, without gaps in an (epoch, worker) */
	uint64_t wall_us; /* when it was written */
};

struct recorded {
	struct event_head head;
	struct facts facts;
};

/* Write one frame; returns its length.  Cannot fail, allocates nothing. */
size_t event_encode(const struct event_head *head, const struct facts *facts,
    uint8_t out[EVENT_FRAME_MAX]);

/*
 * Take one frame from the front of in.  -1 with ERR_INPUT when it is not
 * whole, is altered, or holds what no struct facts can hold; then in is as it
 * was and *out is unspecified.
 */
int event_decode(struct bytes *in, struct recorded *out, struct err *err);

/*
 * A frame without what tells one connection from another of the same camera to
 * the same server, going the same way: its number, its times, the camera's
 * address and port, what was counted, and how it ended.  Of two frames with
 * the same bytes here, and whose facts are asked for nothing of that, one need
 * be decoded.
 */
struct event_gist {
	enum event_kind kind;
	uint64_t opened_wall_us;
	struct traffic traffic;
	size_t size; /* of bytes */
	uint8_t bytes[EVENT_FRAME_MAX];
};

/* -1 when frame is not one whole frame, or is altered.  That it can be decoded
 * is not said. */
int event_get_gist(struct bytes frame, struct event_gist *out);

const char *event_kind_name(enum event_kind kind); /* "open", "close", "lost", "stats",
						    * "sighting", "reload", "dns",
						    * "anomaly" */

#endif
