/* SPDX-License-Identifier: MIT */
#include "proxy/udp_private.h"

#include "base/clock.h"
#include "config/config.h"
#include "config/rules.h"
#include "proxy/broker.h"
#include "proxy/inventory.h"
#include "proxy/snapshot.h"

enum {
	TURN_US = 1000,
	TURN_MS = 250, /* a wish may be lost, with a broker that dies */
	FLOWS_A_LOOK = 16,
};

/* ---- the addresses that are looked for ---- */

static struct udp_card *
card_of(struct udp_cards *cards, const struct addr *camera)
{
	for (size_t i = 0; i < cards->used; i++) {
		struct udp_card *card = &cards->list[i];

		if (card->asked_ms != 0 && addr_same_host(&card->camera, camera))
			return card;
	}
	return NULL;
}

static bool
is_awaited(const struct udp_relay *relay, const struct udp_card *card)
{
	return card->asked_ms != 0 && !card->found && relay->now_ms - card->asked_ms < UDP_CARD_MS;
}

/* A free place, else the one that was looked for in vain longest ago; NULL: all
 * are looked for now. */
static struct udp_card *
free_card(struct udp_relay *relay)
{
	struct udp_cards *cards = &relay->cards;
	struct udp_card *oldest = NULL;

	for (size_t i = 0; i < cards->used; i++) {
		struct udp_card *card = &cards->list[i];

		if (card->asked_ms == 0)
			return card;
		/* Of one that is found its flows are to be let on yet. */
		if (!card->found && !is_awaited(relay, card) &&
		    (oldest == NULL || card->asked_ms < oldest->asked_ms))
			oldest = card;
	}
	return cards->used < UDP_CARDS_MAX ? &cards->list[cards->used++] : oldest;
}

static void
plan_turn(struct udp_cards *cards, uint32_t ms)
{
	const struct timeval delay = clock_span(ms);

	(void)evtimer_add(&cards->turn, &delay);
}

static enum udp_card_state
look_for(struct udp_relay *relay, struct udp_card *card, const struct udp_flow *flow)
{
	if (card == NULL)
		card = free_card(relay);
	if (card == NULL || relay->stopped)
		return UDP_CARD_CROWDED;
	*card = (struct udp_card){.camera = flow->camera,
	    .ifindex = flow->ifindex,
	    .asked_ms = relay->now_ms};
	broker_find_card(relay->broker, card->ifindex, &card->camera);
	if (!evtimer_pending(&relay->cards.turn, NULL))
		plan_turn(&relay->cards, TURN_MS);
	return UDP_CARD_AWAITED;
}

/* What is counted by `bytes` is counted by camera. */
static bool
rules_ask_who(const struct rules *rules)
{
	return rules_ask_for(rules, "device") || rules_ask_for(rules, "group") ||
	       rules_ask_for(rules, "bytes");
}

static bool
card_matters(struct udp_relay *relay)
{
	struct udp_cards *cards = &relay->cards;
	const struct snapshot *snapshot;

	if (relay->broker == NULL)
		return false;
	snapshot = relay->worker->snapshot;
	if (cards->under != snapshot->generation) {
		cards->under = snapshot->generation;
		cards->matter = rules_ask_who(snapshot->config->rules);
	}
	return cards->matter;
}

enum udp_card_state
udp_card_look(struct udp_relay *relay, const struct udp_flow *flow)
{
	struct udp_card *card;

	if (!card_matters(relay))
		return UDP_CARD_SURE;
	card = card_of(&relay->cards, &flow->camera);
	if (card != NULL && is_awaited(relay, card))
		return card->flows < UDP_CARD_FLOWS_MAX ? UDP_CARD_AWAITED : UDP_CARD_CROWDED;
	if (card != NULL && relay->now_ms - card->asked_ms < UDP_CARD_AGAIN_MS)
		return UDP_CARD_SURE;
	if (inventory_knows(relay->worker->inventory, &flow->camera))
		return UDP_CARD_SURE;
	return look_for(relay, card, flow);
}

/* ---- what waits ---- */

void
udp_card_wait(struct udp_relay *relay, struct udp_flow *flow, struct bytes datagram)
{
	struct udp_card *card = card_of(&relay->cards, &flow->camera);
	bool waited = flow->waiting != NULL && flow->waiting->told;

	if (card == NULL || (!waited && card->flows == UDP_CARD_FLOWS_MAX) ||
	    !udp_tell_keep(relay, flow, datagram)) {
		udp_flow_end(relay, flow, END_OVERLOAD);
		return;
	}
	card->flows += !waited;
}

static bool
still_waits(struct udp_relay *relay, const struct udp_flow *flow)
{
	const struct udp_card *card = card_of(&relay->cards, &flow->camera);

	return card != NULL && is_awaited(relay, card);
}

/* False: there was no time for all of them. */
static bool
let_on(struct udp_relay *relay)
{
	struct udp_flow *flow = udp_table_oldest(relay->table, UDP_TELLING), *next;
	uint64_t until_us = clock_mono_us() + TURN_US;
	int looks = 0;

	for (; flow != NULL; flow = next) {
		next = udp_table_next(flow);
		if (flow->waiting == NULL || !flow->waiting->told || still_waits(relay, flow))
			continue;
		if (++looks % FLOWS_A_LOOK == 0 && clock_mono_us() >= until_us)
			return false;
		udp_tell_give_up(relay, flow);
		(void)udp_flow_decide(relay, flow);
	}
	return true;
}

/* Whether one is looked for yet. */
static bool
look_again(struct udp_relay *relay)
{
	bool any = false;

	for (size_t i = 0; i < relay->cards.used; i++) {
		struct udp_card *card = &relay->cards.list[i];

		if (card->found)
			*card = (struct udp_card){0};
		if (!is_awaited(relay, card))
			continue;
		broker_find_card(relay->broker, card->ifindex, &card->camera);
		any = true;
	}
	return any;
}

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct udp_relay *relay = arg;

	(void)fd;
	(void)what;
	relay->now_ms = clock_mono_ms();
	if (!let_on(relay))
		plan_turn(&relay->cards, 0);
	else if (look_again(relay))
		plan_turn(&relay->cards, TURN_MS);
}

/* It comes from within what judges, too: the flows have their turn after that. */
static void
on_news(void *arg, const struct addr *camera)
{
	struct udp_relay *relay = arg;
	struct udp_card *card = card_of(&relay->cards, camera);

	if (card == NULL)
		return;
	card->found = true;
	plan_turn(&relay->cards, 0);
}

/* ---- life ---- */

int
udp_cards_open(struct udp_relay *relay)
{
	if (evtimer_assign(&relay->cards.turn, relay->worker->base, on_turn, relay) != 0)
		return -1;
	inventory_watch(relay->worker->inventory, on_news, relay);
	return 0;
}

void
udp_cards_close(struct udp_relay *relay)
{
	inventory_watch(relay->worker->inventory, NULL, NULL);
	(void)event_del(&relay->cards.turn);
}
