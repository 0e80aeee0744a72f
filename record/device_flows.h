/* SPDX-License-Identifier: MIT */
#ifndef RECORD_DEVICE_FLOWS_H
#define RECORD_DEVICE_FLOWS_H

#include "base/addr.h"
#include "base/facts.h"
#include "base/mac.h"

#include <stdbool.h>
#include <stdint.h>

struct err;
struct store;

/* What one camera, by its MAC and address, did with one destination, summed
 * over the recorded connections. */
struct device_flow {
	uint8_t mac[MAC_BYTES]; /* all 0: it was not known */
	struct addr camera, dst;
	enum transport transport;
	char sni[FACTS_NAME_MAX];
	char looked_up[FACTS_NAME_MAX];   /* "" where sni is not */
	char located[COUNTRIES_TEXT_MAX]; /* of the last connection */
	char verdict[16];                 /* the same */
	uint64_t flows, blocked;
	uint64_t up, down, left_up; /* payload bytes */
	uint64_t last_us;           /* when the last one was opened */
	/* Whether it takes our certificate there, by camera_verdict_name: how
	 * often each, and what was seen last ("" nothing). */
	uint64_t ok, rejected, probable;
	uint64_t passed; /* of the last two those that passed: it was not shown then */
	char camera_verdict[16];
	uint64_t refused_us; /* when it was last shown and not taken; 0: never */
};

/* Call each, a camera's together, until it returns false. */
typedef bool device_flow_each(void *context, const struct device_flow *flow);
int device_flows_read(struct store *store, device_flow_each *each, void *context, struct err *err);

#endif
