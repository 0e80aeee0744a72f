/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/text.h"
#include "config/judge.h"
#include "config/rules.h"
#include "proxy/budget_private.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ASK_AGAIN_US = 1000 * 1000 };

struct draw {
	uint64_t key;
	struct terms terms;
	uint32_t row;  /* where it was last */
	uint8_t index; /* of the budget among the rules' */
};

struct spending {
	struct budgets *budgets;
	size_t count;
	struct draw draws[];
};

/* The same for the same rule and the same camera or destination at any time;
 * facts NULL: of all that have no row of their own. */
static uint64_t
make_key(const struct rules_budget *budget, const struct facts *facts)
{
	uint8_t seed[4 * FACTS_LABEL_MAX] = {0}, digest[SHA256_DIGEST_LENGTH];
	uint8_t *whose = seed + 3 * (size_t)FACTS_LABEL_MAX;
	uint64_t key;

	memcpy(seed, budget->ruleset, strnlen(budget->ruleset, FACTS_LABEL_MAX));
	memcpy(seed + FACTS_LABEL_MAX, budget->rule, strnlen(budget->rule, FACTS_LABEL_MAX));
	seed[2 * (size_t)FACTS_LABEL_MAX] = (uint8_t)budget->number;
	seed[2 * (size_t)FACTS_LABEL_MAX + 1] = budget->by_device;
	seed[2 * (size_t)FACTS_LABEL_MAX + 2] = facts == NULL;
	if (facts != NULL && budget->by_device)
		memcpy(whose, facts->device, strnlen(facts->device, FACTS_LABEL_MAX));
	else if (facts != NULL)
		memcpy(whose, facts->dst.ip, sizeof(facts->dst.ip));
	(void)SHA256(seed, sizeof(seed), digest);
	memcpy(&key, digest, sizeof(key));
	return key != 0 ? key : 1;
}

static uint32_t
hash_rule(const char *ruleset, const char *rule)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	char names[2 * FACTS_LABEL_MAX + 1] = {0};
	uint32_t hash;

	(void)snprintf(names, sizeof(names), "%s\n%s", ruleset, rule);
	(void)SHA256((const uint8_t *)names, strlen(names), digest);
	memcpy(&hash, digest, sizeof(hash));
	return hash;
}

static void
begin_draw(struct spending *spending, const struct rules_budget *budget, unsigned index,
    const struct facts *facts)
{
	struct draw *draw = &spending->draws[spending->count++];

	draw->index = (uint8_t)index;
	draw->terms = (struct terms){.up_over = budget->up_over,
	    .shared = make_key(budget, NULL),
	    .per_s = budget->per_s,
	    .shift_s = budget->shift_s,
	    .rule = hash_rule(budget->ruleset, budget->rule)};
	draw->key = make_key(budget, facts);
	(void)budgets_row(spending->budgets, draw->key, &draw->terms, clock_wall_us(), &draw->row);
}

int
spending_open(struct budgets *budgets, const struct rules *rules, const struct facts *facts,
    struct spending **out)
{
	uint64_t bits = judge_budgets(rules, facts);
	size_t count = (size_t)__builtin_popcountll(bits);
	struct spending *spending;

	*out = NULL;
	if (count == 0)
		return 0;
	spending = calloc(1, sizeof(*spending) + count * sizeof(spending->draws[0]));
	if (spending == NULL)
		return -1;
	spending->budgets = budgets;
	for (; bits != 0; bits &= bits - 1) {
		unsigned index = (unsigned)__builtin_ctzll(bits);
		struct rules_budget budget = rules_budget(rules, index);

		begin_draw(spending, &budget, index, facts);
	}
	*out = spending;
	return 0;
}

void
spending_free(struct spending *spending)
{
	free(spending);
}

/* Its row: another took it where it was not used for a period.  NULL: there is none. */
static struct row *
row_of(struct spending *spending, struct draw *draw, uint64_t wall_us)
{
	return budgets_row(spending->budgets, draw->key, &draw->terms, wall_us, &draw->row);
}

uint64_t
spending_over(struct spending *spending, uint64_t count, uint64_t wall_us)
{
	uint64_t over = 0;

	for (size_t i = 0; spending != NULL && i < spending->count; i++) {
		struct draw *draw = &spending->draws[i];
		const struct row *row = row_of(spending, draw, wall_us);
		uint64_t used = row != NULL ? budget_used(row, &draw->terms, wall_us) : UINT64_MAX;

		if (used > draw->terms.up_over || count > draw->terms.up_over - used)
			over |= UINT64_C(1) << draw->index;
	}
	return over;
}

void
spending_add(struct spending *spending, uint64_t count, uint64_t wall_us)
{
	for (size_t i = 0; spending != NULL && i < spending->count; i++) {
		struct draw *draw = &spending->draws[i];
		struct row *row = row_of(spending, draw, wall_us);

		if (row != NULL)
			budget_add(row, &draw->terms, count, wall_us);
	}
}

/* ---- limits ---- */

uint64_t
spending_wait_us(struct spending *spending, const struct verdict *verdict, uint64_t wall_us,
    uint64_t mono_us)
{
	uint32_t rule = hash_rule(verdict->ruleset, verdict->rule);
	uint64_t longest = 0;
	bool found = false;

	for (size_t i = 0; spending != NULL && i < spending->count; i++) {
		struct draw *draw = &spending->draws[i];
		const struct row *row;
		uint64_t wait;

		if (draw->terms.rule != rule)
			continue;
		found = true;
		row = row_of(spending, draw, wall_us);
		wait = row != NULL && verdict->rate > 0
			   ? budget_wait_us(row, mono_us)
			   : terms_left_s(&draw->terms, wall_us) * 1000000;
		if (wait > longest)
			longest = wait;
	}
	/* What limits is no budget that it draws on any more: ask again soon. */
	return found ? longest : ASK_AGAIN_US;
}

void
spending_pace(struct spending *spending, const struct verdict *verdict, uint64_t count,
    uint64_t mono_us)
{
	uint32_t rule = hash_rule(verdict->ruleset, verdict->rule);

	for (size_t i = 0; spending != NULL && verdict->rate > 0 && i < spending->count; i++) {
		struct draw *draw = &spending->draws[i];
		struct row *row;

		if (draw->terms.rule != rule)
			continue;
		row = row_of(spending, draw, clock_wall_us());
		if (row != NULL)
			budget_pace(row, count * 1000000 / verdict->rate, mono_us);
	}
}

/* ---- the record ---- */

/* Whether one tells more than another: what the deciding rule counts before
 * others, and the one of which more is used. */
static bool
tells_more(const struct budget_facts *one, const struct budget_facts *than, const char *rule)
{
	bool decides = strcmp(one->rule, rule) == 0, other = strcmp(than->rule, rule) == 0;

	if (decides != other)
		return decides;
	return (double)one->used / (double)one->up_over >
	       (double)than->used / (double)than->up_over;
}

void
spending_tell(struct spending *spending, const struct rules *rules, const struct verdict *verdict,
    uint64_t wall_us, struct budget_facts *out)
{
	struct budget_facts fullest = {0};

	for (size_t i = 0; spending != NULL && i < spending->count; i++) {
		struct draw *draw = &spending->draws[i];
		const struct row *row = row_of(spending, draw, wall_us);
		struct rules_budget budget;
		struct budget_facts one;

		if (draw->index >= rules_budgets(rules) || row == NULL)
			continue;
		budget = rules_budget(rules, draw->index);
		one = (struct budget_facts){.used = budget_used(row, &draw->terms, wall_us),
		    .up_over = budget.up_over,
		    .per_s = budget.per_s,
		    .by_device = budget.by_device};
		text_copy(one.ruleset, sizeof(one.ruleset), budget.ruleset);
		text_copy(one.rule, sizeof(one.rule), budget.rule);
		if (fullest.rule[0] == '\0' || tells_more(&one, &fullest, verdict->rule))
			fullest = one;
	}
	if (fullest.rule[0] != '\0')
		*out = fullest;
}
