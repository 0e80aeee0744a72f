/* SPDX-License-Identifier: MIT */
#ifndef TESTS_INSPECT_METER_H
#define TESTS_INSPECT_METER_H

#include "inspect/payload.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* One message through a meter of its own: what became of it. */

static inline uint64_t
meter_sum(const uint64_t *counts)
{
	uint64_t sum = 0;

	for (enum payload_class class = PAYLOAD_UNKNOWN; class < PAYLOAD_COUNT; class ++)
		sum += counts[class];
	return sum;
}

/* In pieces of at most `piece` bytes, each in memory of just its size. */
static inline struct payload_facts
meter_message(const void *bytes, size_t size, size_t piece, const struct payload_hint *hint)
{
	struct payload_facts facts = {0};
	struct payload_meter *meter = payload_open(7);

	cr_assert_not_null(meter);
	payload_begin(meter, DIRECTION_UP, hint, &facts);
	for (size_t at = 0; at < size;) {
		size_t count = size - at < piece ? size - at : piece;
		uint8_t *copy = malloc(count);

		cr_assert_not_null(copy);
		memcpy(copy, (const uint8_t *)bytes + at, count);
		payload_feed(meter, DIRECTION_UP, (struct bytes){copy, count}, &facts);
		free(copy);
		at += count;
		cr_assert_eq(meter_sum(facts.up), at, "every byte is counted once");
	}
	payload_end(meter, DIRECTION_UP, &facts);
	payload_free(meter);
	cr_assert_eq(meter_sum(facts.up), size);
	cr_assert_eq(facts.up[PAYLOAD_UNKNOWN], 0, "nothing waits behind the end");
	cr_assert_eq(facts.pending, 0);
	return facts;
}

#endif
