/* SPDX-License-Identifier: MIT */
#include "proxy/udp_private.h"

#include "base/clock.h"
#include "base/err.h"
#include "config/config.h"
#include "inspect/datagram_hello.h"
#include "proxy/dns_policy.h"
#include "proxy/inventory.h"
#include "proxy/snapshot.h"
#include "record/spool.h"

#include <stdlib.h>
#include <sys/resource.h>

enum {
	TURN_US = 1000, /* after which the connections have theirs */
	TICK_MS = 100,
	FLOWS_A_LOOK = 32, /* between two looks at the clock; and datagrams: */
	/* What the kernel gathers is thousands at once, and of each a tenth of a
	 * millisecond may be due, to open an Initial packet of QUIC. */
	DATAGRAMS_A_LOOK = 16,
	/* Of the process's descriptors each kind of flows' sockets may have one in
	 * so many; connections have the rest. */
	DESCRIPTORS_PART = 4,
	ERRORS_A_TURN = 16, /* of one socket */
};

/* ---- from cameras to servers ---- */

static void
tell_sent_up(void *arg, const struct udp_message *message)
{
	struct udp_flow *flow = message->owner;

	(void)arg;
	flow->traffic.left_up += message->payload.left;
}

/* The counters of what left stand before the bytes do: when this worker dies,
 * its successor tells of too much rather than too little. */
static void
add_leaving_up(struct udp_relay *relay, struct udp_flow *flow, struct udp_message *message)
{
	struct udp_outlet *outlet = flow->outlet;

	if (outlet->leaving == NULL) {
		outlet->leaving_end = &outlet->leaving;
		relay->leaving[relay->leaving_count++] = outlet;
	}
	message->owner = flow;
	*outlet->leaving_end = message;
	outlet->leaving_end = &message->next;
	flow->live->left_up += message->payload.left;
}

static void
send_up(struct udp_relay *relay)
{
	for (size_t i = 0; i < relay->leaving_count; i++) {
		struct udp_outlet *outlet = relay->leaving[i];
		struct udp_message *chain = outlet->leaving;

		outlet->leaving = NULL;
		udp_send(outlet->fd, chain, tell_sent_up, NULL);
		for (; chain != NULL; chain = chain->next)
			udp_flow_note_left_up(chain->owner);
	}
	relay->leaving_count = 0;
}

/* Whether its datagrams, this one with them, were left to it: they waited, and
 * went or are gone. */
static bool
is_told_now(struct udp_relay *relay, struct udp_flow *flow, const struct udp_message *message)
{
	bool waited = flow->waiting != NULL;
	enum udp_card_state card = udp_card_look(relay, flow);

	if (!udp_tell(relay, flow, message->payload))
		return true;
	if (card != UDP_CARD_SURE) {
		udp_card_wait(relay, flow, message->payload);
		return true;
	}
	return !udp_flow_decide(relay, flow) || waited;
}

/* Whether what was judged is what its camera sends now. */
static enum datagram_turn
turn_of(struct udp_flow *flow, struct bytes datagram)
{
	if (flow->outlet == NULL || flow->state == UDP_TELLING || flow->state == UDP_BLOCKED ||
	    flow->ntp)
		return DATAGRAM_STAYS;
	return datagram_watch_look(&flow->watch, datagram, flow->dst.port);
}

/* Whether it would have to be looked at for long, and its camera has had its share of
 * that: others wait meanwhile. */
static bool
is_beyond_share(struct udp_relay *relay, const struct udp_flow *flow, struct bytes datagram)
{
	const struct config *config = relay->worker->snapshot->config;

	return flow->state != UDP_BLOCKED && !flow->ntp && datagram_hello_is_costly(datagram) &&
	       !udp_table_may_look(relay->table, &flow->camera, config->limit.udp_hellos,
		   relay->now_ms);
}

/* The datagram's, which is counted by it; NULL: there is no room. */
static struct udp_flow *
flow_of(struct udp_relay *relay, const struct udp_message *message, bool *stops)
{
	struct udp_flow *flow = udp_table_find(relay->table, &message->from, &message->to);
	enum datagram_turn turn;

	if (flow == NULL)
		flow = udp_flow_begin(relay, message);
	if (flow == NULL)
		return NULL;
	if (is_beyond_share(relay, flow, message->payload)) {
		udp_flow_drop_hello(relay, flow, message);
		return NULL;
	}
	turn = turn_of(flow, message->payload);
	if (turn == DATAGRAM_TURNS) {
		send_up(relay);
		flow = udp_flow_turn(relay, flow, message);
	}
	*stops = turn == DATAGRAM_STOPS;
	if (flow == NULL)
		return NULL;
	flow->traffic.up += message->payload.left;
	flow->traffic.packets_up++;
	return flow;
}

/* The flow by which the datagram is to leave now, or NULL. */
static struct udp_flow *
route_up(struct udp_relay *relay, const struct udp_message *message)
{
	struct udp_flow *flow;
	bool stops;

	if (message->from.port == 0 || message->to.port == 0)
		return NULL;
	flow = flow_of(relay, message, &stops);
	if (flow == NULL || stops)
		return NULL;
	if (flow->state == UDP_TELLING && is_told_now(relay, flow, message))
		return NULL;
	udp_table_use(relay->table, flow, relay->now_ms);
	if (flow->state != UDP_BLOCKED)
		return udp_flow_leaves(relay, flow, message->payload) ? flow : NULL;
	if (flow->dns)
		udp_dns_note(relay, flow, message->payload);
	udp_flow_refuse(relay, flow, message->payload);
	/* One that was blocked in the middle may have datagrams of this batch on
	 * their way: it ends when it is silent. */
	if (flow->outlet == NULL && relay->now_ms >= flow->opened_us / 1000 + UDP_BLOCKED_MS)
		udp_flow_end(relay, flow, END_REFUSED);
	return NULL;
}

/* Take what has come, when nothing of before is left. */
static void
take_up(struct udp_relay *relay)
{
	if (relay->taken_left > 0)
		return;
	udp_batch_clear(relay->taken);
	relay->taken_left = udp_batch_receive(relay->taken, relay->fd, UDP_BATCH, &relay->taken_at);
}

/* Of what was taken, what there is time for. */
static void
route_taken(struct udp_relay *relay, uint64_t until_us)
{
	unsigned looks = 0;
	bool late = false;

	relay->now_ms = clock_mono_ms();
	while (relay->taken_left > 0 && !late) {
		struct udp_message *message = relay->taken_at++;
		struct udp_flow *flow = route_up(relay, message);

		relay->taken_left--;
		if (flow != NULL)
			add_leaving_up(relay, flow, message);
		late = ++looks % DATAGRAMS_A_LOOK == 0 && clock_mono_us() >= until_us;
	}
	send_up(relay);
}

/* The others have their turn before the rest of what was taken. */
static void
on_camera(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval next_turn = {0, 0};
	struct udp_relay *relay = arg;
	uint64_t until_us = clock_mono_us() + TURN_US;

	(void)fd;
	(void)what;
	do {
		take_up(relay);
		route_taken(relay, until_us);
	} while ((relay->taken_left > 0 || udp_batch_room(relay->taken) == 0) &&
		 clock_mono_us() < until_us);
	if (relay->taken_left > 0)
		(void)evtimer_add(&relay->rest, &next_turn);
}

/* ---- from servers to cameras ---- */

static void
tell_sent_down(void *arg, const struct udp_message *message, const struct addr *dst)
{
	struct udp_relay *relay = arg;
	struct udp_flow *flow = message->owner;

	if (flow != NULL) {
		flow->traffic.left_down += message->payload.left;
		return;
	}
	/* It waited for its socket, and so did its flow, perhaps in vain. */
	flow = udp_table_find(relay->table, &message->to, dst);
	if (flow == NULL || flow->live == NULL)
		return;
	flow->traffic.left_down += message->payload.left;
	udp_flow_note_left_down(flow);
}

static void
note_error(struct udp_relay *relay, const struct udp_outlet *outlet, const struct addr *dst)
{
	struct udp_flow *flow = udp_table_find(relay->table, &outlet->camera, dst);

	if (flow == NULL || flow->outlet != outlet || flow->state == UDP_TELLING)
		return;
	flow->unreachable = true;
	udp_flow_refuse(relay, flow, (struct bytes){NULL, 0});
}

static void
take_errors(struct udp_relay *relay, const struct udp_outlet *outlet)
{
	struct addr dst;
	bool refused;

	for (int i = 0; i < ERRORS_A_TURN && udp_outlet_error(outlet, &dst, &refused); i++) {
		if (refused)
			note_error(relay, outlet, &dst);
	}
}

/* The socket it goes by, or NULL: nobody asked the server for it. */
static struct udp_reply *
route_down(struct udp_relay *relay, const struct udp_outlet *outlet, struct udp_message *message)
{
	struct udp_flow *flow = udp_table_find(relay->table, &outlet->camera, &message->from);

	if (flow == NULL || flow->outlet != outlet || flow->state == UDP_BLOCKED ||
	    flow->state == UDP_TELLING)
		return NULL;
	udp_flow_note_answer(relay, flow, message->payload.left);
	if (flow->dns && !udp_dns_down(relay, flow, message->payload))
		return NULL;
	message->owner = flow;
	message->to = flow->camera;
	return udp_flow_reply(relay, flow);
}

static void
send_down(struct udp_reply **replies, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct udp_reply_leaving *leaving = udp_reply_leaving(replies[i]);
		struct udp_message *chain = leaving->first;

		leaving->first = NULL;
		udp_reply_send(replies[i], chain);
		for (; chain != NULL; chain = chain->next)
			udp_flow_note_left_down(chain->owner);
	}
}

/* Take what one server-side socket has into the batch. */
static void
take_answers(struct udp_relay *relay, const struct udp_outlet *outlet, struct udp_reply **replies,
    size_t *count)
{
	struct udp_message *messages;
	size_t got = udp_batch_receive(relay->batch, outlet->fd, UDP_BATCH, &messages);

	for (size_t i = 0; i < got; i++) {
		struct udp_reply *reply = route_down(relay, outlet, &messages[i]);
		struct udp_reply_leaving *leaving;

		if (reply == NULL)
			continue;
		leaving = udp_reply_leaving(reply);
		if (leaving->first == NULL) {
			leaving->end = &leaving->first;
			replies[(*count)++] = reply;
		}
		*leaving->end = &messages[i];
		leaving->end = &messages[i].next;
		udp_flow_add_leaving_down(messages[i].owner, &messages[i]);
	}
}

static void
on_servers(evutil_socket_t fd, short what, void *arg)
{
	struct udp_relay *relay = arg;
	uint64_t until_us = clock_mono_us() + TURN_US;
	struct udp_outlet_ready ready[UDP_OUTLETS_READY];
	struct udp_reply *replies[UDP_BATCH];
	size_t at = 0, end;

	(void)fd;
	(void)what;
	relay->now_ms = clock_mono_ms();
	end = udp_outlets_wait(relay->outlets, ready);
	while (at < end && clock_mono_us() < until_us) {
		size_t count = 0;

		udp_batch_clear(relay->batch);
		for (; at < end && udp_batch_room(relay->batch) > 0; at++) {
			if (ready[at].failed)
				take_errors(relay, ready[at].outlet);
			take_answers(relay, ready[at].outlet, replies, &count);
		}
		send_down(replies, count);
	}
}

/* ---- time ---- */

/* When the oldest of a state is over, if nothing comes for it. */
static uint64_t
over_ms(const struct udp_relay *relay, const struct udp_flow *flow)
{
	const struct config *config = relay->worker->snapshot->config;

	switch ((enum udp_state)flow->state) {
	case UDP_TELLING:
		return flow->opened_us / 1000 + DATAGRAM_TELL_MS;
	case UDP_TWO_WAY:
		return flow->used_ms + config->timeout.udp_two_way_ms;
	case UDP_LOOKED_UP:
		return flow->used_ms + (config->timeout.udp_idle_ms < UDP_LOOKED_UP_MS
					       ? config->timeout.udp_idle_ms
					       : UDP_LOOKED_UP_MS);
	case UDP_ONE_WAY:
	case UDP_BLOCKED:
		return flow->used_ms + config->timeout.udp_idle_ms;
	case UDP_ENDED:
	case UDP_STATES:
		break;
	}
	return relay->now_ms;
}

/* False: it has to stay. */
static bool
expire(struct udp_relay *relay, struct udp_flow *flow)
{
	switch ((enum udp_state)flow->state) {
	case UDP_TELLING:
		if (flow->waiting == NULL || udp_card_look(relay, flow) != UDP_CARD_SURE) {
			udp_flow_end(relay, flow, END_OVERLOAD);
			return true;
		}
		udp_tell_give_up(relay, flow);
		(void)udp_flow_decide(relay, flow);
		return true;
	case UDP_ENDED:
		return udp_flow_record(relay, flow);
	case UDP_ONE_WAY:
	case UDP_TWO_WAY:
	case UDP_LOOKED_UP:
		udp_flow_end(relay, flow, END_IDLE);
		return true;
	case UDP_BLOCKED:
	case UDP_STATES:
		break;
	}
	udp_flow_end(relay, flow, END_REFUSED);
	return true;
}

/* One that is filed a little late stands before others that are due. */
static bool
expire_oldest(struct udp_relay *relay, enum udp_state state)
{
	struct udp_flow *flow = udp_table_oldest(relay->table, state);

	return flow != NULL && over_ms(relay, flow) <= relay->now_ms && expire(relay, flow);
}

static void
plan_tick(struct udp_relay *relay, uint32_t ms)
{
	const struct timeval delay = clock_span(ms);

	(void)evtimer_add(&relay->tick, &delay);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct udp_relay *relay = arg;
	uint64_t until_us = clock_mono_us() + TURN_US;
	bool again = false;

	(void)fd;
	(void)what;
	relay->now_ms = clock_mono_ms();
	for (int state = 0; state < UDP_STATES && !again; state++) {
		int looks = 0;

		while (!again && expire_oldest(relay, (enum udp_state)state))
			again = ++looks % FLOWS_A_LOOK == 0 && clock_mono_us() >= until_us;
	}
	udp_excess_tell(relay);
	plan_tick(relay, again ? 0 : TICK_MS);
}

/* ---- reload ---- */

void
udp_relay_review(struct udp_relay *relay)
{
	if (relay != NULL)
		relay->review_at = 0;
}

static void
review(void *arg, struct udp_flow *flow)
{
	udp_flow_review(arg, flow);
}

bool
udp_relay_review_turn(struct udp_relay *relay, uint64_t until_us)
{
	if (relay == NULL)
		return true;
	relay->now_ms = clock_mono_ms();
	while (udp_table_walk(relay->table, &relay->review_at, review, relay)) {
		if (clock_mono_us() >= until_us)
			return false;
	}
	return true;
}

/* ---- life ---- */

static size_t
count_sockets(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return SIZE_MAX;
	return files.rlim_cur / DESCRIPTORS_PART;
}

static void
free_parts(struct udp_relay *relay)
{
	udp_table_free(relay->table);
	udp_cases_free(relay->cases);
	udp_batch_free(relay->batch);
	udp_batch_free(relay->taken);
	udp_outlets_free(relay->outlets);
	udp_replies_free(relay->replies);
	free(relay);
}

struct udp_relay *
udp_relay_open(struct worker *worker, int fd, struct err *err)
{
	struct udp_relay *relay = calloc(1, sizeof(*relay));

	if (relay == NULL)
		return (void)err_set(err, ERR_NOMEM, "no memory for the flows"), NULL;
	relay->worker = worker;
	relay->fd = fd;
	udp_batch_gather(fd);
	relay->broker = worker->broker;
	relay->sockets_max = count_sockets();
	relay->table = udp_table_new(err);
	relay->cases = udp_cases_new(err);
	relay->batch = udp_batch_new(err);
	relay->taken = udp_batch_new(err);
	relay->outlets = udp_outlets_new(worker->base, on_servers, relay, err);
	if (relay->table == NULL || relay->cases == NULL || relay->batch == NULL ||
	    relay->taken == NULL || relay->outlets == NULL)
		goto fail;
	relay->replies = udp_replies_new(worker->broker, tell_sent_down, relay);
	if (relay->replies == NULL || udp_cards_open(relay) != 0 ||
	    event_assign(&relay->event, worker->base, fd, EV_READ | EV_PERSIST, on_camera, relay) !=
		0 ||
	    evtimer_assign(&relay->rest, worker->base, on_camera, relay) != 0 ||
	    evtimer_assign(&relay->tick, worker->base, on_tick, relay) != 0 ||
	    event_add(&relay->event, NULL) != 0) {
		(void)err_set(err, ERR_NOMEM, "datagrams cannot be listened to");
		goto fail;
	}
	if (worker->dns != NULL)
		dns_policy_deliver_to(worker->dns, udp_dns_deliver, relay);
	plan_tick(relay, TICK_MS);
	return relay;
fail:
	free_parts(relay);
	return NULL;
}

static void
end_all(struct udp_relay *relay, enum udp_state state)
{
	struct udp_flow *flow;

	while ((flow = udp_table_oldest(relay->table, state)) != NULL)
		udp_flow_end(relay, flow, state == UDP_BLOCKED ? END_REFUSED : END_SHUTDOWN);
}

void
udp_relay_stop(struct udp_relay *relay)
{
	struct udp_flow *flow;

	if (relay == NULL || relay->stopped)
		return;
	relay->stopped = true;
	relay->now_ms = clock_mono_ms();
	(void)event_del(&relay->event);
	(void)event_del(&relay->rest);
	/* What waits is judged by what there is of it, and recorded as that. */
	while ((flow = udp_table_oldest(relay->table, UDP_TELLING)) != NULL)
		(void)expire(relay, flow);
	for (int state = UDP_ONE_WAY; state < UDP_ENDED; state++)
		end_all(relay, (enum udp_state)state);
	udp_cards_close(relay); /* judging has asked of cards until here */
	udp_excess_tell(relay);
}

bool
udp_relay_is_empty(const struct udp_relay *relay)
{
	return relay == NULL || udp_table_oldest(relay->table, UDP_ENDED) == NULL;
}

/* What the spool has no room for stays open in its counters, and is told as lost
 * by who takes these over. */
static void
forget_ended(struct udp_relay *relay)
{
	struct udp_flow *flow;

	while ((flow = udp_table_oldest(relay->table, UDP_ENDED)) != NULL) {
		udp_case_give(relay->cases, flow->judged);
		udp_budget_drop(flow);
		udp_table_remove(relay->table, flow);
	}
}

void
udp_relay_close(struct udp_relay *relay)
{
	if (relay == NULL)
		return;
	udp_relay_stop(relay);
	(void)event_del(&relay->tick);
	forget_ended(relay);
	free_parts(relay);
}
