/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_MESSAGE_H
#define INSPECT_MESSAGE_H

#include "base/bytes.h"
#include "base/facts.h"
#include "inspect/habit.h"
#include "inspect/payload.h"
#include "inspect/row.h"
#include "inspect/watch.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * One message (or a part of one) in one direction: its front is gathered until
 * it is told, then samples of it are looked at, and where it may still become
 * footage its bytes are watched (inspect/watch.h).  Its bytes are counted as
 * PAYLOAD_UNKNOWN while they wait, and as its class from then on.
 *
 * One of many like it (inspect/habit.h) may be spared the whole look at its front.
 * It has a glance then (inspect/content.h), is watched for start codes, and where the
 * next sample falls was planned by those before it.
 *
 * The struct is its owner's; window is made when bytes must wait for more, and
 * freed as soon as they need not.
 */
struct message {
	enum direction direction;
	struct payload_finding finding; /* of class PAYLOAD_UNKNOWN: not told yet */
	struct message_past *past;      /* of its direction; its owner's */
	enum payload_class declared;    /* what its hint calls it; PAYLOAD_UNKNOWN: nothing */
	bool base64, deflate;           /* by its hint */
	bool film;          /* a JPEG in it is a picture of a film: parts that replace each other */
	bool sampling;      /* the front is told: window is a sample's */
	bool spared;        /* its front has a glance, and not a whole look */
	uint64_t waiting;   /* bytes that are counted as PAYLOAD_UNKNOWN until it is told */
	uint64_t idle;      /* bytes until the next sample */
	uint64_t gap, tail; /* the piece that it lies in; what of that is behind the sample */
	uint64_t random;    /* where samples fall */
	uint8_t *window;    /* owned; window_bytes, PAYLOAD_WINDOW at most */
	uint32_t window_bytes;
	uint32_t used;
	uint32_t looked; /* so much of the front was looked at; what that found is in seen */
	struct payload_finding seen;
	struct watch watch; /* of its bytes between the samples */
};

/* What one direction's messages leave to those behind them. */
struct message_past {
	struct payload_finding last; /* of the message before */
	struct row *row;             /* owned; of short messages that are opaque */
	struct habit habit;
};

/* before: bytes of framing that wait with it, counted as PAYLOAD_UNKNOWN.  hint:
 * may be NULL.  random: any number but 0, other for each connection.  past: starts as
 * {0}, and outlives the message. */
void message_begin(struct message *message, struct message_past *past, enum direction direction,
    const struct payload_hint *hint, uint64_t before, uint64_t random);

void message_feed(struct message *message, struct bytes piece, struct payload_facts *facts);
void message_skip(struct message *message, uint64_t count, struct payload_facts *facts);
uint64_t message_idle(const struct message *message);

/* What waited is told by what there is; a message of spaces alone as the one before. */
void message_end(struct message *message, struct payload_facts *facts);

#endif
