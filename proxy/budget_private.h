/* SPDX-License-Identifier: MIT */
#ifndef PROXY_BUDGET_PRIVATE_H
#define PROXY_BUDGET_PRIVATE_H

#include "proxy/budget.h"

#include <stdint.h>

/* What the counts (budget.c) are to those that draw on them (spending.c). */

/* One count. */
struct row;

/* What is asked of a budget with every piece. */
struct terms {
	uint64_t up_over;
	uint64_t shared; /* key of the row for all that have none of their own; not 0 */
	uint32_t per_s, shift_s;
	uint32_t rule; /* hash of the rule's names */
};

/*
 * The row of key, which is not 0; it is begun where there is none.  Where no row
 * is free it is that of terms->shared; what gets one of its own after all begins
 * it with what stands there.  hint is where it was last, any number at first, and
 * is set.  NULL: not even for that one is there a row, and nothing may leave.
 */
struct row *budgets_row(struct budgets *budgets, uint64_t key, const struct terms *terms,
    uint64_t wall_us, uint32_t *hint);

/* What is counted in the period that wall_us lies in; and count more of it. */
uint64_t budget_used(const struct row *row, const struct terms *terms, uint64_t wall_us);
void budget_add(struct row *row, const struct terms *terms, uint64_t count, uint64_t wall_us);

/* How long the period that wall_us lies in goes on. */
uint64_t terms_left_s(const struct terms *terms, uint64_t wall_us);

/* How long what is limited waits; and that it waits us longer.  mono_us:
 * clock_mono_us. */
uint64_t budget_wait_us(const struct row *row, uint64_t mono_us);
void budget_pace(struct row *row, uint64_t us, uint64_t mono_us);

#endif
