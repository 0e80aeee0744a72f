/* SPDX-License-Identifier: MIT */
#ifndef TESTS_RECORD_MAKE_FACTS_H
#define TESTS_RECORD_MAKE_FACTS_H

#include "base/facts.h"

#include <stdint.h>

/* An opened TLS connection to a cloud, as a worker tells it at its end. */
void make_facts(struct facts *facts, uint64_t flow_id);

/* Every field at its largest. */
void make_full_facts(struct facts *facts);

#endif
