/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_MESSAGE_H
#define INSPECT_MESSAGE_H

#include "base/bytes.h"
#include "base/facts.h"
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
 * The struct is its owner's; window is made when bytes must wait for more, and
 * freed as soon as they need not.
 */
struct message {
	enum direction direction;
	struct payload_finding finding;  /* of class PAYLOAD_UNKNOWN: not told yet */
	struct payload_finding declared; /* what its hint calls it; PAYLOAD_UNKNOWN: nothing */
	bool base64, deflate;            /* by its hint */
	bool film;          /* a JPEG in it is a picture of a film: parts that replace each other */
	bool sampling;      /* the front is told: window is a sample's */
	uint64_t waiting;   /* bytes that are counted as PAYLOAD_UNKNOWN until it is told */
	uint64_t idle;      /* bytes until the next sample */
	uint64_t gap, tail; /* the piece that it lies in; what of that is behind the sample */
	uint64_t random;    /* where samples fall */
	uint8_t *window;    /* owned; window_bytes, PAYLOAD_WINDOW at most */
	size_t window_bytes;
	size_t used;
	size_t looked; /* so much of the front was looked at; what that found is in seen */
	struct payload_finding seen;
	struct watch watch; /* of its bytes between the samples */
};

/* before: bytes of framing that wait with it, counted as PAYLOAD_UNKNOWN.  hint:
 * may be NULL.  random: any number but 0, other for each connection. */
void message_begin(struct message *message, enum direction direction,
    const struct payload_hint *hint, uint64_t before, uint64_t random);

void message_feed(struct message *message, struct bytes piece, struct payload_facts *facts);
void message_skip(struct message *message, uint64_t count, struct payload_facts *facts);
uint64_t message_idle(const struct message *message);

/* What waited is told by what there is.  last: the finding before this message,
 * under which a message of spaces alone is counted; becomes this one's.  row: of
 * this direction's short messages (inspect/row.h). */
void message_end(struct message *message, struct payload_finding *last, struct row **row,
    struct payload_facts *facts);

#endif
