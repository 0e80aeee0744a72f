/* SPDX-License-Identifier: MIT */
#include "inspect/tally.h"

#include "base/text.h"

#include <assert.h>

static uint64_t *
counters(struct payload_facts *facts, enum direction direction)
{
	assert(direction == DIRECTION_UP || direction == DIRECTION_DOWN);
	return direction == DIRECTION_UP ? facts->up : facts->down;
}

void
tally_count(struct payload_facts *facts, enum direction direction, enum payload_class class,
    uint64_t count)
{
	counters(facts, direction)[class] += count;
}

void
tally_move(struct payload_facts *facts, enum direction direction, enum payload_class from,
    enum payload_class to, uint64_t count)
{
	uint64_t *counts = counters(facts, direction);

	assert(counts[from] >= count);
	counts[from] -= count;
	counts[to] += count;
}

void
tally_take_back(struct payload_facts *facts, enum direction direction, uint64_t count)
{
	uint64_t *counts = counters(facts, direction);

	assert(counts[PAYLOAD_UNKNOWN] >= count);
	counts[PAYLOAD_UNKNOWN] -= count;
}

int payload_gravity(enum payload_class class)
{
	static const int gravities[PAYLOAD_COUNT] = {
	    [PAYLOAD_UNKNOWN] = 0,
	    [PAYLOAD_CONTROL] = 1,
	    [PAYLOAD_TELEMETRY] = 2,
	    [PAYLOAD_FIRMWARE] = 3,
	    [PAYLOAD_OPAQUE] = 4,
	    [PAYLOAD_CREDENTIALS] = 5,
	    [PAYLOAD_METADATA] = 6,
	    [PAYLOAD_AUDIO] = 7,
	    [PAYLOAD_IMAGE] = 8,
	    [PAYLOAD_VIDEO] = 9,
	};

	return gravities[class];
}

static bool
replaces(const struct payload_facts *facts, enum direction direction,
    const struct payload_finding *finding)
{
	int before = payload_gravity(facts->class), now = payload_gravity(finding->class);

	if (now != before)
		return now > before;
	if (finding->confidence != facts->confidence)
		return finding->confidence > facts->confidence;
	return direction == DIRECTION_UP && facts->direction != DIRECTION_UP;
}

void
tally_saw(struct payload_facts *facts, enum direction direction,
    const struct payload_finding *finding)
{
	uint8_t *seen = direction == DIRECTION_UP ? &facts->seen_up[finding->class]
						  : &facts->seen_down[finding->class];

	if (finding->class == PAYLOAD_UNKNOWN)
		return;
	if (*seen < finding->confidence)
		*seen = (uint8_t)finding->confidence;
	facts->high_entropy |= finding->high_entropy && facts->class == PAYLOAD_OPAQUE;
	if (!replaces(facts, direction, finding))
		return;
	facts->class = finding->class;
	facts->confidence = finding->confidence;
	facts->direction = direction;
	facts->high_entropy = finding->high_entropy;
	text_copy(facts->format, sizeof(facts->format), finding->format);
}
