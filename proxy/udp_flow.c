/* SPDX-License-Identifier: MIT */
#include "proxy/udp_private.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "config/config.h"
#include "inspect/datagram_hello.h"
#include "proxy/board.h"
#include "proxy/broker.h"
#include "proxy/snapshot.h"
#include "proxy/udp_judge.h"
#include "record/spool.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

enum {
	/* One way, or blocked, that is unused for so long makes way where there is no
	 * room: who invents addresses has thousands, who was answered is not among
	 * them. */
	STALE_MS = 5000,
	CAMERA_PART = 4,        /* of the sockets, one camera's flows may have one in so many */
	REFUSE_EVERY_MS = 1000, /* of one flow: the camera has it or does not listen */
	/* So often may what goes between the same ports become something else; who says
	 * another name with each datagram would fill the spool for all. */
	TURNS_MAX = 8,
	TURNS_EVERY_MS = 10000,
	BLOCKS_A_SECOND = 100, /* whose record begins before they end, of one worker */
};

static void
count(_Atomic uint64_t *counter, uint64_t by)
{
	atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

/* ---- the beginning ---- */

static bool
end_if_stale(struct udp_relay *relay, enum udp_state state, enum end end)
{
	struct udp_flow *stale = udp_table_oldest(relay->table, state);

	if (stale == NULL || relay->now_ms - stale->used_ms < STALE_MS)
		return false;
	udp_flow_end(relay, stale, end);
	return true;
}

/* One more end that cannot be recorded now would take as much room as its flow. */
static bool
make_room(struct udp_relay *relay)
{
	return udp_table_count_of(relay->table, UDP_ENDED) == 0 &&
	       (end_if_stale(relay, UDP_BLOCKED, END_REFUSED) ||
		   end_if_stale(relay, UDP_ONE_WAY, END_OVERLOAD));
}

/* For what a new one needs besides itself. */
static void
make_room_beside(struct udp_relay *relay)
{
	if (udp_cases_are_full(relay->cases))
		(void)make_room(relay);
	if (udp_outlets_count(relay->outlets) >= relay->sockets_max)
		(void)end_if_stale(relay, UDP_ONE_WAY, END_OVERLOAD);
}

/* Where descriptors are few, one camera's ports may not be all that have one. */
static struct udp_limits
limits_now(const struct udp_relay *relay)
{
	const struct config *config = relay->worker->snapshot->config;
	struct udp_limits limits = {config->limit.udp_flows, config->limit.udp_per_camera};

	if (limits.per_camera > relay->sockets_max / CAMERA_PART)
		limits.per_camera = relay->sockets_max / CAMERA_PART;
	return limits;
}

static void
drop(struct udp_relay *relay, const struct udp_excess *what)
{
	udp_table_drop(relay->table, what, relay->now_ms);
	count(&relay->worker->counters->overload, what->packets);
}

static void
drop_message(struct udp_relay *relay, const struct udp_message *message, bool hello)
{
	const struct udp_excess one = {.camera = message->from,
	    .hellos = hello ? 1 : 0,
	    .dst = message->to,
	    .ifindex = message->ifindex,
	    .packets = 1,
	    .bytes = message->payload.left,
	    .since_wall_us = clock_wall_us()};

	drop(relay, &one);
}

struct udp_flow *
udp_flow_begin(struct udp_relay *relay, const struct udp_message *message)
{
	const struct udp_limits limits = limits_now(relay);
	enum udp_room room;
	struct udp_flow *flow;

	make_room_beside(relay);
	flow = udp_table_add(relay->table, &message->from, &message->to, &limits, &room);
	if (flow == NULL && room == UDP_TABLE_FULL && make_room(relay))
		flow = udp_table_add(relay->table, &message->from, &message->to, &limits, &room);
	if (flow == NULL) {
		drop_message(relay, message, false);
		return NULL;
	}
	flow->ifindex = message->ifindex;
	flow->opened_wall_us = clock_wall_us();
	flow->opened_us = clock_mono_us();
	flow->used_ms = relay->now_ms;
	flow->filed_ms = relay->now_ms;
	return flow;
}

/* ---- what is written down ---- */

struct facts *
udp_flow_gather(struct udp_relay *relay, const struct udp_flow *flow)
{
	struct facts *facts = &relay->facts;

	udp_case_read(flow->judged, facts);
	facts->flow_id = flow->flow_id;
	facts->opened_wall_us = flow->opened_wall_us;
	facts->camera = flow->camera;
	facts->traffic = flow->traffic;
	facts->app.first_size = flow->first_size;
	memcpy(facts->app.first, flow->first, sizeof(facts->app.first));
	return facts;
}

static void
say_end(struct facts *facts, enum end end, const char *text)
{
	facts->end = end;
	text_copy(facts->end_text, sizeof(facts->end_text), text);
}

static void
tell_end(const struct udp_flow *flow, struct facts *facts)
{
	char text[FACTS_TEXT_MAX];

	switch (flow->end) {
	case END_REFUSED:
		say_end(facts, END_REFUSED, facts->verdict.why);
		break;
	case END_IDLE:
		if (flow->unreachable && flow->traffic.packets_down == 0)
			say_end(facts, END_UNREACHABLE, "nobody listens at the server's port");
		else
			say_end(facts, END_IDLE, "no datagram either way");
		break;
	case END_RULE_CHANGE:
		(void)snprintf(text, sizeof(text), "blocked since a reload by %s rule %s",
		    facts->verdict.ruleset, facts->verdict.rule);
		say_end(facts, END_RULE_CHANGE, text);
		break;
	case END_DONE:
		say_end(facts, END_DONE, "something else goes on between the same ports");
		break;
	case END_SHUTDOWN:
		say_end(facts, END_SHUTDOWN, "the appliance ends");
		break;
	default:
		say_end(facts, (enum end)flow->end, "the appliance has no room for more flows");
		break;
	}
}

bool
udp_flow_record(struct udp_relay *relay, struct udp_flow *flow)
{
	struct spool *spool = relay->worker->spool;
	struct facts *facts = udp_flow_gather(relay, flow);

	facts->closed_wall_us = clock_wall_us();
	facts->duration_us = clock_mono_us() - flow->opened_us;
	tell_end(flow, facts);
	udp_budget_tell(relay, flow, facts);
	if (flow->live != NULL) {
		if (spool_write_brief(spool, facts, NULL) != 0)
			return false;
	} else if (spool_write(spool, EVENT_CLOSE, facts, NULL) != 0) {
		return false;
	}
	spool_live_drop(spool, flow->live);
	udp_case_give(relay->cases, flow->judged);
	udp_budget_drop(flow);
	udp_table_remove(relay->table, flow);
	return true;
}

/* ---- judging ---- */

static void
keep_first(struct udp_flow *flow, const struct app_facts *app)
{
	flow->first_size = app->first_size;
	memcpy(flow->first, app->first, sizeof(flow->first));
}

/* The counter stands before the record, so that whatever is open is told as lost
 * when this worker dies. */
static bool
open_record(struct udp_relay *relay, struct udp_flow *flow)
{
	struct spool *spool = relay->worker->spool;

	flow->live = spool_live_take_brief(spool, flow->flow_id);
	if (flow->live != NULL && spool_write(spool, EVENT_OPEN, &relay->facts, NULL) == 0)
		return true;
	spool_live_drop(spool, flow->live);
	flow->live = NULL;
	return false;
}

/* Of what is blocked too, but not of each of a flood: the others have their record
 * when they end. */
static void
open_record_of_blocked(struct udp_relay *relay, struct udp_flow *flow)
{
	uint64_t second = relay->now_ms / 1000;

	if (second != relay->blocks_second) {
		relay->blocks_second = second;
		relay->blocks = 0;
	}
	if (relay->blocks < BLOCKS_A_SECOND && open_record(relay, flow))
		relay->blocks++;
}

/* It never was: nothing of it left, and there is nowhere to say so. */
static void
forget(struct udp_relay *relay, struct udp_flow *flow)
{
	udp_tell_forget(relay, flow);
	udp_outlet_give(relay->outlets, flow->outlet);
	udp_case_give(relay->cases, flow->judged);
	udp_budget_drop(flow);
	udp_table_remove(relay->table, flow);
}

static void
tell_sent(void *arg, const struct udp_message *message)
{
	struct udp_flow *flow = arg;

	flow->traffic.left_up += message->payload.left;
}

struct udp_reply *
udp_flow_reply(struct udp_relay *relay, struct udp_flow *flow)
{
	if (flow->reply == NULL)
		flow->reply =
		    udp_reply_take(relay->replies, flow->ifindex, &flow->dst, relay->sockets_max);
	return flow->reply;
}

void
udp_flow_note_answer(struct udp_relay *relay, struct udp_flow *flow, size_t size)
{
	flow->traffic.down += size;
	flow->traffic.packets_down++;
	if (flow->state == UDP_ONE_WAY)
		udp_table_file(relay->table, flow,
		    flow->dns || flow->ntp ? UDP_LOOKED_UP : UDP_TWO_WAY, relay->now_ms);
	udp_table_use(relay->table, flow, relay->now_ms);
}

void
udp_flow_answer(struct udp_relay *relay, struct udp_flow *flow, struct bytes answer)
{
	struct udp_message message = {.to = flow->camera, .payload = answer, .owner = flow};
	struct udp_reply *reply = udp_flow_reply(relay, flow);

	udp_flow_note_answer(relay, flow, answer.left);
	if (reply == NULL)
		return;
	udp_flow_add_leaving_down(flow, &message);
	udp_reply_send(reply, &message);
	udp_flow_note_left_down(flow);
}

bool
udp_flow_leaves(struct udp_relay *relay, struct udp_flow *flow, struct bytes datagram)
{
	if (flow->ntp)
		udp_ntp_up(relay, flow, datagram);
	return !flow->ntp && (!flow->dns || udp_dns_up(relay, flow, datagram)) &&
	       udp_budget_lets(relay, flow, datagram.left);
}

static void
send_waiting(struct udp_relay *relay, struct udp_flow *flow)
{
	for (size_t i = 0; i < flow->waiting->count; i++) {
		const struct udp_message message = {.to = flow->dst,
		    .payload = flow->waiting->datagrams[i]};

		if (!udp_flow_leaves(relay, flow, message.payload))
			continue;
		flow->live->left_up += message.payload.left;
		udp_send(flow->outlet->fd, &message, tell_sent, flow);
	}
	udp_flow_note_left_up(flow);
}

/* The drop comes first: by what is told of it its camera is known when its last flow
 * is gone. */
void
udp_flow_drop_hello(struct udp_relay *relay, struct udp_flow *flow,
    const struct udp_message *message)
{
	drop_message(relay, message, true);
	if (flow->traffic.packets_up == 0)
		forget(relay, flow);
}

/* There is no room for it after all. */
static void
drop_flow(struct udp_relay *relay, struct udp_flow *flow)
{
	const struct udp_excess one = {.camera = flow->camera,
	    .dst = flow->dst,
	    .ifindex = flow->ifindex,
	    .packets = flow->traffic.packets_up,
	    .bytes = flow->traffic.up,
	    .since_wall_us = flow->opened_wall_us};

	drop(relay, &one);
	forget(relay, flow);
}

static bool
open_flow(struct udp_relay *relay, struct udp_flow *flow)
{
	if (flow->outlet == NULL) /* of one that turned it is there */
		flow->outlet =
		    udp_outlet_take(relay->outlets, &flow->camera, relay->sockets_max, NULL);
	if (flow->outlet == NULL) {
		drop_flow(relay, flow);
		return false;
	}
	/* It stands before the first byte leaves. */
	if (!open_record(relay, flow)) {
		count(&relay->worker->counters->unrecordable, 1);
		forget(relay, flow);
		return false;
	}
	count(&relay->worker->counters->accepted, 1);
	count(&relay->worker->counters->open, 1);
	udp_table_file(relay->table, flow, UDP_ONE_WAY, relay->now_ms);
	if (flow->waiting != NULL)
		send_waiting(relay, flow);
	udp_tell_forget(relay, flow);
	return true;
}

static void
block_flow(struct udp_relay *relay, struct udp_flow *flow)
{
	count(&relay->worker->counters->accepted, 1);
	count(&relay->worker->counters->open, 1);
	count(&relay->worker->counters->blocked, 1);
	open_record_of_blocked(relay, flow);
	udp_outlet_give(relay->outlets, flow->outlet);
	flow->outlet = NULL;
	udp_table_file(relay->table, flow, UDP_BLOCKED, relay->now_ms);
	if (flow->waiting != NULL)
		udp_flow_refuse(relay, flow, flow->waiting->datagrams[0]);
	udp_tell_forget(relay, flow);
}

bool
udp_flow_decide(struct udp_relay *relay, struct udp_flow *flow)
{
	struct facts *facts = &relay->facts;

	if (RAND_bytes((unsigned char *)&flow->flow_id, sizeof(flow->flow_id)) != 1) {
		forget(relay, flow);
		return false;
	}
	flow->flow_id = (flow->flow_id >> 1) | 1; /* 63 bits, and never 0 */
	facts->flow_id = flow->flow_id;
	facts->camera = flow->camera;
	facts->dst = flow->dst;
	facts->opened_wall_us = flow->opened_wall_us;
	keep_first(flow, &facts->app);
	udp_tell_class(relay, flow);
	udp_judge(relay->worker, facts);
	flow->dns = relay->worker->dns != NULL && udp_dns_speaks(facts);
	flow->ntp = udp_judge_answers_time(relay->worker, facts);
	flow->watch = (struct datagram_watch){.proto = (uint8_t)facts->app.proto,
	    .footage = facts->payload.class != PAYLOAD_UNKNOWN,
	    .hello = datagram_hello_mark(&facts->hello)};
	flow->judged = udp_case_take(relay->cases, facts);
	if (flow->judged == NULL) {
		drop_flow(relay, flow);
		return false;
	}
	if (udp_case_is_blocked(flow->judged)) {
		block_flow(relay, flow);
		return true;
	}
	return open_flow(relay, flow);
}

/* ---- the end ---- */

static void
count_end(struct udp_relay *relay, const struct udp_flow *flow)
{
	struct board_worker *row = relay->worker->counters;
	const struct traffic *traffic = &flow->traffic;
	struct traffic *total = &relay->worker->total;

	total->up += traffic->up;
	total->down += traffic->down;
	total->left_up += traffic->left_up;
	total->left_down += traffic->left_down;
	atomic_fetch_sub_explicit(&row->open, 1, memory_order_relaxed);
	count(&row->up, traffic->left_up);
	count(&row->down, traffic->left_down);
}

void
udp_flow_end(struct udp_relay *relay, struct udp_flow *flow, enum end end)
{
	if (flow->state == UDP_TELLING) {
		drop_flow(relay, flow);
		return;
	}
	udp_outlet_give(relay->outlets, flow->outlet);
	udp_reply_give(relay->replies, flow->reply);
	flow->outlet = NULL;
	flow->reply = NULL;
	flow->end = (uint8_t)end;
	count_end(relay, flow);
	udp_table_file(relay->table, flow, UDP_ENDED, relay->now_ms);
	(void)udp_flow_record(relay, flow);
}

void
udp_flow_add_leaving_down(const struct udp_flow *flow, const struct udp_message *message)
{
	flow->live->left_down += message->payload.left;
}

void
udp_flow_note_left_up(const struct udp_flow *flow)
{
	flow->live->left_up = flow->traffic.left_up;
}

void
udp_flow_note_left_down(const struct udp_flow *flow)
{
	flow->live->left_down = flow->traffic.left_down;
}

static bool
turns_too_often(const struct udp_relay *relay, const struct udp_flow *flow)
{
	return flow->turns >= TURNS_MAX && relay->now_ms - flow->turning_ms < TURNS_EVERY_MS;
}

static void
count_turn(struct udp_flow *next, uint8_t turns, uint64_t turning_ms)
{
	bool again = turns > 0 && next->used_ms - turning_ms < TURNS_EVERY_MS;

	next->turns = again ? (uint8_t)(turns + 1) : 1;
	next->turning_ms = again ? turning_ms : next->used_ms;
}

/* Who answers knows the camera by that socket's port. */
struct udp_flow *
udp_flow_turn(struct udp_relay *relay, struct udp_flow *flow, const struct udp_message *message)
{
	uint64_t turning_ms = flow->turning_ms;
	uint8_t turns = flow->turns;
	struct udp_outlet *outlet;
	struct udp_flow *next;

	if (turns_too_often(relay, flow)) {
		drop_message(relay, message, false);
		return NULL;
	}
	outlet = udp_outlet_take(relay->outlets, &flow->camera, SIZE_MAX, NULL);
	udp_flow_end(relay, flow, END_DONE);
	next = udp_flow_begin(relay, message);
	if (next == NULL) {
		udp_outlet_give(relay->outlets, outlet);
		return NULL;
	}
	next->outlet = outlet;
	count_turn(next, turns, turning_ms);
	return next;
}

/* ---- others ---- */

void
udp_flow_refuse(struct udp_relay *relay, struct udp_flow *flow, struct bytes datagram)
{
	if (relay->broker == NULL || udp_case_how(flow->judged) == HOW_DROP ||
	    (flow->refused_ms != 0 && relay->now_ms - flow->refused_ms < REFUSE_EVERY_MS))
		return;
	flow->refused_ms = relay->now_ms;
	broker_refuse(relay->broker, flow->ifindex, &flow->camera, &flow->dst, datagram);
}

void
udp_flow_review(struct udp_relay *relay, struct udp_flow *flow)
{
	struct udp_case *judged;

	/* What is blocked may not be any more: its next datagram is judged anew. */
	if (flow->state == UDP_BLOCKED) {
		udp_flow_end(relay, flow, END_REFUSED);
		return;
	}
	if (flow->outlet == NULL || flow->state == UDP_TELLING)
		return;
	if (!udp_judge_again(relay->worker, udp_flow_gather(relay, flow)))
		return;
	judged = udp_case_take(relay->cases, &relay->facts);
	if (judged != NULL) {
		udp_case_give(relay->cases, flow->judged);
		flow->judged = judged;
	}
	count(&relay->worker->counters->blocked, 1);
	udp_flow_end(relay, flow, END_RULE_CHANGE);
}
