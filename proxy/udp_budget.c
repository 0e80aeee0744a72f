/* SPDX-License-Identifier: MIT */
/* Budgets and limits of flows of datagrams: what may not leave is dropped. */
#include "base/clock.h"
#include "config/config.h"
#include "config/judge.h"
#include "config/rules.h"
#include "proxy/budget.h"
#include "proxy/snapshot.h"
#include "proxy/udp_private.h"

/* What it draws on under the rules that hold now.  False: no memory. */
static bool
renew(struct udp_relay *relay, struct udp_flow *flow)
{
	const struct snapshot *now = relay->worker->snapshot;

	if (flow->spends_under == now->generation)
		return true;
	spending_free(flow->spending);
	flow->budgets_over = 0;
	if (spending_open(relay->worker->budgets, now->config->rules, udp_flow_gather(relay, flow),
		&flow->spending) != 0)
		return false;
	flow->spends_under = now->generation;
	return true;
}

/* What the rules say of a datagram that goes over these budgets. */
static void
judge_over(struct udp_relay *relay, struct udp_flow *flow, uint64_t over)
{
	struct facts *facts = udp_flow_gather(relay, flow);
	struct udp_case *judged;

	facts->budgeted = true;
	facts->budgets_over = over;
	judge(relay->worker->snapshot->config->rules, VERDICT_PAYLOAD, facts, &facts->verdict);
	if (over == flow->budgets_over)
		return;
	flow->budgets_over = over;
	judged = udp_case_take(relay->cases, facts);
	if (judged == NULL)
		return; /* the record keeps the verdict before this one */
	udp_case_give(relay->cases, flow->judged);
	flow->judged = judged;
}

bool
udp_budget_lets(struct udp_relay *relay, struct udp_flow *flow, size_t size)
{
	const struct verdict *verdict = &relay->facts.verdict;
	uint64_t wall_us, over;

	if (rules_budgets(relay->worker->snapshot->config->rules) == 0)
		return true;
	if (flow->state == UDP_BLOCKED || !renew(relay, flow))
		return false;
	if (flow->spending == NULL)
		return true;
	wall_us = clock_wall_us();
	over = spending_over(flow->spending, size, wall_us);
	if (over != 0 || flow->budgets_over != 0) {
		judge_over(relay, flow, over);
		if (verdict->result == RESULT_BLOCK) {
			udp_table_file(relay->table, flow, UDP_BLOCKED, relay->now_ms);
			return false;
		}
		if (verdict->result == RESULT_LIMIT) {
			if (spending_wait_us(flow->spending, verdict, wall_us, clock_mono_us()) > 0)
				return false;
			spending_pace(flow->spending, verdict, size, clock_mono_us());
		}
	}
	spending_add(flow->spending, size, wall_us);
	return true;
}

void
udp_budget_tell(const struct udp_relay *relay, const struct udp_flow *flow, struct facts *facts)
{
	const struct snapshot *now = relay->worker->snapshot;

	if (flow->spending != NULL && flow->spends_under == now->generation)
		spending_tell(flow->spending, now->config->rules, &facts->verdict, clock_wall_us(),
		    &facts->budget);
}

void
udp_budget_drop(struct udp_flow *flow)
{
	spending_free(flow->spending);
	flow->spending = NULL;
}
