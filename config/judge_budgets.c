/* SPDX-License-Identifier: MIT */
/* Which budgets what is sent counts for. */
#include "config/judge_private.h"

/* The bits of the budgets of one rule. */
static uint64_t
rule_budgets(const struct rules *rules, const struct rule *rule)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < rules->budget_count; i++) {
		if (rules->budgets[i].rule == rule)
			bits |= UINT64_C(1) << i;
	}
	return bits;
}

/* Those of a set, of the rules that nothing above keeps from being asked. */
static uint64_t
set_budgets(const struct session *none, const struct session *all, const struct rules *rules,
    const struct ruleset *set)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < set->counting; i++) {
		const struct rule *rule = &set->rules[i];
		struct asked below = session_question(none, set, rule);
		struct asked above = session_question(all, set, rule);
		bool holds = group_ask(&rule->match, &below) == ANSWER_YES;

		if (rule->counts && (holds || group_ask(&rule->match, &above) == ANSWER_YES))
			bits |= rule_budgets(rules, rule);
		if (holds)
			break;
	}
	return bits;
}

uint64_t
judge_budgets(const struct rules *rules, const struct facts *facts)
{
	char name[FACTS_NAME_MAX];
	struct facts below, above;
	struct session none, all;
	uint64_t bits = 0;

	if (rules_budgets(rules) == 0)
		return 0;
	below = above = *facts;
	below.budgeted = above.budgeted = true;
	below.budgets_over = 0;
	above.budgets_over = UINT64_MAX;
	none = session_about(&below, VERDICT_PAYLOAD, name);
	all = none;
	all.facts = &above;
	for (size_t i = 0; i < rules->count; i++)
		bits |= set_budgets(&none, &all, rules, rules->list[i]);
	return bits;
}
