/* SPDX-License-Identifier: MIT */
#ifndef RECORD_REPLAY_H
#define RECORD_REPLAY_H

#include "base/bytes.h"
#include "record/event.h"

#include <stdbool.h>
#include <stdint.h>

struct err;
struct store;

/*
 * Recorded connections as the facts that they were judged by, so that they can
 * be judged again: what the last event of each says, which is all that was
 * recorded of it, with its verdict.
 *
 * What no event has is for the caller to fill in: the device's group, the
 * clock of the site (utc_offset_s) and what the address carries (inner).
 */
struct replay_wish {
	uint64_t since_us;  /* opened then or later */
	uint64_t until_us;  /* and before; 0: to the end */
	const char *device; /* of this one alone; NULL: of all */
};

struct replay_count {
	uint64_t flows;   /* given back */
	uint64_t open;    /* of these, those that have not ended: their bytes are not known yet */
	uint64_t damaged; /* not given back: their event is altered, or retention took it */
};

/* How many there are, damaged ones too. */
int replay_count(struct store *store, const struct replay_wish *wish, uint64_t *out,
    struct err *err);

/*
 * A connection; good for the call that it is given to.  Most repeat another
 * one: the gist tells without decoding, which takes several times as long.
 */
struct replayed {
	const struct event_gist *gist;
	struct bytes frame;
};

/* All of its facts: 0, or -1 where they cannot be read, which the count of
 * damaged ones then has in place of the flows. */
int replayed_facts(const struct replayed *replayed, struct facts *out);

/* What a callback says of the connection that it was given. */
enum replay_answer { REPLAY_TAKEN = 0, REPLAY_DAMAGED, REPLAY_STOP };

/*
 * Call each with every connection that is wished for, in the order in which
 * they were opened, until it says REPLAY_STOP.  It sees one state of the
 * store, whatever is written meanwhile.
 */
typedef enum replay_answer replay_each(void *context, const struct replayed *replayed);
int replay_read(struct store *store, const struct replay_wish *wish, replay_each *each,
    void *context, struct replay_count *count, struct err *err);

#endif
