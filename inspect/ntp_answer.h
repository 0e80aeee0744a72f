/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_NTP_ANSWER_H
#define INSPECT_NTP_ANSWER_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The answer of a server of SNTP to a camera that asks for the time.
 *
 * What the clock itself was set by nobody here knows: the stratum is
 * NTP_ANSWER_STRATUM, further than any good server and near enough for every
 * client.  A clock that is not synchronised says so (leap 3, stratum 16), and no
 * client takes its time.
 *
 * Source: RFC 5905 sections 6, 7.3 and 9.2; RFC 4330 sections 4 and 6.
 */
struct ntp_clock {
	uint64_t received_us, sent_us; /* clock_wall_us */
	bool synchronised;             /* as the kernel has it (adjtimex(2)) */
	uint64_t error_us;             /* by how much it may be wrong */
};

enum { NTP_ANSWER_BYTES = 48, NTP_ANSWER_STRATUM = 8 };

/* False: request is none, and gets no answer.  What follows its first 48 bytes
 * (a signature, extension fields) is not answered. */
bool ntp_answer(struct bytes request, const struct ntp_clock *clock, uint8_t out[NTP_ANSWER_BYTES]);

#endif
