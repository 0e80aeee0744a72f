/* SPDX-License-Identifier: MIT */
/* Flows that ask for the time where the box answers: nothing of them leaves. */
#include "base/clock.h"
#include "base/text.h"
#include "inspect/ntp_answer.h"
#include "proxy/snapshot.h"
#include "proxy/udp_private.h"

#include <sys/timex.h>

/* A worker may look at the clock and not set it. */
static struct ntp_clock
clock_now(uint64_t received_us)
{
	struct timex state = {0};
	int got = adjtimex(&state);
	bool synchronised = got >= 0 && got != TIME_ERROR && (state.status & STA_UNSYNC) == 0;

	return (struct ntp_clock){.received_us = received_us,
	    .synchronised = synchronised,
	    .error_us = state.maxerror > 0 ? (uint64_t)state.maxerror : 0,
	    .sent_us = clock_wall_us()};
}

void
udp_ntp_up(struct udp_relay *relay, struct udp_flow *flow, struct bytes datagram)
{
	const struct ntp_clock now = clock_now(clock_wall_us());
	uint8_t answer[NTP_ANSWER_BYTES];

	if (ntp_answer(datagram, &now, answer))
		udp_flow_answer(relay, flow, (struct bytes){answer, sizeof(answer)});
}
