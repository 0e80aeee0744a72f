/* SPDX-License-Identifier: MIT */
#include "proxy/udp_private.h"

#include "inspect/payload.h"

#include <stdlib.h>
#include <string.h>

static void
free_datagrams(struct udp_relay *relay, struct udp_waiting *waiting)
{
	for (size_t i = 0; i < waiting->count; i++) {
		relay->waiting_bytes -= waiting->datagrams[i].left;
		free((void *)(uintptr_t)waiting->datagrams[i].at);
	}
	waiting->count = 0;
}

void
udp_tell_forget(struct udp_relay *relay, struct udp_flow *flow)
{
	if (flow->waiting == NULL)
		return;
	datagram_teller_free(&flow->waiting->teller);
	free_datagrams(relay, flow->waiting);
	relay->waiting_bytes -= sizeof(*flow->waiting);
	free(flow->waiting);
	flow->waiting = NULL;
}

static bool
keep(struct udp_relay *relay, struct udp_waiting *waiting, struct bytes datagram)
{
	struct bytes *kept = &waiting->datagrams[waiting->count];
	uint8_t *copy;

	if (waiting->count == DATAGRAM_TELL_MAX ||
	    relay->waiting_bytes + datagram.left > UDP_WAITING_BYTES_MAX)
		return false;
	copy = malloc(datagram.left + 1); /* an empty one is one too */
	if (copy == NULL)
		return false;
	memcpy(copy, datagram.at, datagram.left);
	kept->at = copy;
	kept->left = datagram.left;
	waiting->count++;
	relay->waiting_bytes += datagram.left;
	return true;
}

/*
 * Where too much waits, what began first is judged by what there is of it: a
 * hello's datagrams come together, and who sends halves of them by the thousand
 * pushes out his own.
 */
static void
make_room(struct udp_relay *relay, const struct udp_flow *flow, size_t size)
{
	while (udp_table_count_of(relay->table, UDP_TELLING) > DATAGRAM_TELLERS_MAX ||
	       relay->waiting_bytes + sizeof(struct udp_waiting) + size > UDP_WAITING_BYTES_MAX) {
		struct udp_flow *oldest = udp_table_oldest(relay->table, UDP_TELLING);

		if (oldest == NULL || oldest == flow)
			return;
		if (oldest->waiting == NULL || udp_card_look(relay, oldest) != UDP_CARD_SURE) {
			udp_flow_end(relay, oldest, END_OVERLOAD);
			continue;
		}
		udp_tell_give_up(relay, oldest);
		(void)udp_flow_decide(relay, oldest);
	}
}

/* Who invents ports begins many: what they hold counts as their datagrams do. */
static struct udp_waiting *
new_waiting(struct udp_relay *relay, struct bytes datagram)
{
	struct udp_waiting *waiting;

	if (relay->waiting_bytes + sizeof(*waiting) > UDP_WAITING_BYTES_MAX)
		return NULL;
	waiting = calloc(1, sizeof(*waiting));
	if (waiting == NULL || !keep(relay, waiting, datagram)) {
		free(waiting);
		return NULL;
	}
	relay->waiting_bytes += sizeof(*waiting);
	return waiting;
}

/* Into facts; a rule on what is sent is asked of it before it leaves. */
static void
tell_footage(struct facts *facts, struct bytes datagram)
{
	struct payload_finding finding;
	bool bare = facts->app.proto == APP_UNKNOWN || facts->app.proto == APP_P2P;

	if (bare && datagram_is_footage(datagram, &finding))
		payload_note(DIRECTION_UP, &finding, 0, &facts->payload);
}

/* One datagram is enough for most: nothing is kept for these. */
static bool
tell_first(struct udp_relay *relay, struct udp_flow *flow, struct bytes datagram)
{
	struct facts *facts = &relay->facts;
	struct datagram_teller *teller = NULL;
	struct udp_waiting *waiting;

	memset(facts, 0, sizeof(*facts));
	if (datagram_tell(&teller, datagram, flow->dst.port, &facts->app, &facts->hello) ==
	    DATAGRAM_DONE) {
		tell_footage(facts, datagram);
		return true;
	}
	waiting = new_waiting(relay, datagram);
	if (waiting == NULL) {
		datagram_teller_free(&teller);
		return false;
	}
	waiting->teller = teller;
	waiting->app = facts->app;
	waiting->hello = facts->hello;
	flow->waiting = waiting;
	return false;
}

static void
take_told(struct udp_relay *relay, const struct udp_flow *flow)
{
	memset(&relay->facts, 0, sizeof(relay->facts));
	relay->facts.app = flow->waiting->app;
	relay->facts.hello = flow->waiting->hello;
}

bool
udp_tell(struct udp_relay *relay, struct udp_flow *flow, struct bytes datagram)
{
	struct udp_waiting *waiting = flow->waiting;

	make_room(relay, flow, datagram.left);
	if (waiting == NULL)
		return tell_first(relay, flow, datagram);
	/* What is looked at is what is sent: one that is lost was not seen. */
	if (!keep(relay, waiting, datagram))
		return false;
	if (!waiting->told && datagram_tell(&waiting->teller, datagram, flow->dst.port,
				  &waiting->app, &waiting->hello) == DATAGRAM_MORE)
		return false;
	take_told(relay, flow);
	return true;
}

bool
udp_tell_keep(struct udp_relay *relay, struct udp_flow *flow, struct bytes datagram)
{
	if (flow->waiting == NULL)
		flow->waiting = new_waiting(relay, datagram);
	if (flow->waiting == NULL)
		return false;
	flow->waiting->app = relay->facts.app;
	flow->waiting->hello = relay->facts.hello;
	flow->waiting->told = true;
	return true;
}

void
udp_tell_class(struct udp_relay *relay, const struct udp_flow *flow)
{
	static const struct payload_hint hint = {.framing = PAYLOAD_RTP};
	struct payload_facts *facts = &relay->facts.payload;
	struct payload_meter *meter;

	if (flow->waiting == NULL)
		return;
	for (size_t i = 0; i < flow->waiting->count; i++)
		tell_footage(&relay->facts, flow->waiting->datagrams[i]);
	if (relay->facts.app.proto != APP_RTP)
		return;
	meter = payload_open(0);
	for (size_t i = 0; meter != NULL && i < flow->waiting->count; i++) {
		payload_begin(meter, DIRECTION_UP, &hint, facts);
		payload_feed(meter, DIRECTION_UP, flow->waiting->datagrams[i], facts);
		payload_end(meter, DIRECTION_UP, facts);
	}
	payload_free(meter);
	/* The rest of the flow is not looked at, so these are not its counts. */
	memset(facts->up, 0, sizeof(facts->up));
}

void
udp_tell_give_up(struct udp_relay *relay, struct udp_flow *flow)
{
	struct udp_waiting *waiting = flow->waiting;

	if (waiting == NULL) {
		memset(&relay->facts, 0, sizeof(relay->facts));
		return;
	}
	datagram_give_up(&waiting->teller, &waiting->app, &waiting->hello);
	take_told(relay, flow);
}
