/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FUZZ_METERED_H
#define TESTS_FUZZ_METERED_H

#include "inspect/content.h"
#include "inspect/payload.h"

#include <assert.h>
#include <string.h>

/* One message given to a meter (inspect/payload.h) in pieces, and what must hold
 * of any. */
static inline uint64_t
metered_sum(const uint64_t *counts)
{
	uint64_t all = 0;

	for (enum payload_class class = PAYLOAD_UNKNOWN; class < PAYLOAD_COUNT; class ++)
		all += counts[class];
	return all;
}

static inline void
metered_check(const struct payload_facts *facts, size_t size)
{
	assert(metered_sum(facts->up) == size && metered_sum(facts->down) == 0);
	assert(facts->up[PAYLOAD_UNKNOWN] == 0 && facts->pending == 0);
	assert(facts->examined <= size);
	assert(facts->class < PAYLOAD_COUNT && (facts->class != PAYLOAD_UNKNOWN || size == 0));
	assert(memchr(facts->format, '\0', sizeof(facts->format)) != NULL);
	for (enum payload_class class = PAYLOAD_VIDEO; class < PAYLOAD_COUNT; class ++) {
		assert(facts->seen_up[class] <= CONFIDENCE_IDENTIFIED);
		assert(facts->up[class] == 0 || facts->seen_up[class] != CONFIDENCE_NONE ||
		       class == PAYLOAD_CONTROL);
	}
	assert(size == 0 || facts->seen_up[facts->class] == facts->confidence);
}

/* A packet for each piece where they are packets, else one message. */
static inline void
metered_feed(const struct payload_hint *hint, struct bytes in, size_t piece)
{
	struct payload_facts facts = {0};
	struct payload_meter *meter = payload_open(7);

	assert(meter != NULL);
	for (size_t at = 0; at < in.left;) {
		size_t count = in.left - at < piece ? in.left - at : piece;

		if (at == 0 || hint->framing == PAYLOAD_RTP)
			payload_begin(meter, DIRECTION_UP, hint, &facts);
		if (at % 7 == 6 && hint->type == NULL)
			payload_skip(meter, DIRECTION_UP, count, &facts);
		else
			payload_feed(meter, DIRECTION_UP, (struct bytes){in.at + at, count},
			    &facts);
		at += count;
		assert(metered_sum(facts.up) == at);
	}
	payload_end(meter, DIRECTION_UP, &facts);
	payload_free(meter);
	metered_check(&facts, in.left);
}

/* As one look sees them, from the beginning and from the middle of a message. */
static inline void
metered_look(struct bytes in)
{
	struct content_look look = {.in = in, .begins = true};
	struct payload_finding finding;

	(void)content_tell(&look, &finding);
	look.begins = false;
	(void)content_tell(&look, &finding);
	assert(finding.confidence != CONFIDENCE_IDENTIFIED || finding.class != PAYLOAD_OPAQUE);
}

/* Of the first byte: the low bits choose what is said of the message, the others
 * how it is cut. */
static inline int
metered_try(const struct payload_hint *hints, size_t count, struct bytes in)
{
	enum { HINT_BITS = 3 };
	uint8_t how;

	if (!bytes_u8(&in, &how))
		return 0;
	metered_feed(&hints[(how & ((1 << HINT_BITS) - 1)) % count], in,
	    1 + (size_t)(how >> HINT_BITS) * 37);
	metered_look(in);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
