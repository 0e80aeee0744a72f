/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_TALLY_H
#define INSPECT_TALLY_H

#include "base/facts.h"
#include "inspect/payload.h"

/*
 * Keeps struct payload_facts: bytes by class and direction, and the gravest
 * class that was seen.  The sum of a direction's bytes is what was given here.
 */
void tally_count(struct payload_facts *facts, enum direction direction, enum payload_class class,
    uint64_t count);

/* Bytes that were counted as one class are another's. */
void tally_move(struct payload_facts *facts, enum direction direction, enum payload_class from,
    enum payload_class to, uint64_t count);

/* Bytes that were counted as PAYLOAD_UNKNOWN are about to be counted anew. */
void tally_take_back(struct payload_facts *facts, enum direction direction, uint64_t count);

/* Something was seen; it replaces what is told of the connection where it is
 * graver, or as grave and surer, or the same from the camera and not to it. */
void tally_saw(struct payload_facts *facts, enum direction direction,
    const struct payload_finding *finding);

#endif
