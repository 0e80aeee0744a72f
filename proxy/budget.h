/* SPDX-License-Identifier: MIT */
#ifndef PROXY_BUDGET_H
#define PROXY_BUDGET_H

#include "base/facts.h"

#include <stdint.h>

struct err;
struct rules;

/*
 * What was sent up, counted for the budgets that rules name (config/rules.h): a
 * count for each budget and camera, or each budget and destination.
 *
 * The counts are a file that all workers map, so they are the same in all of
 * them and outlive any of these, and the appliance.  A count belongs to a period
 * by the site's clock, and begins anew with the next.  A clock that is set back
 * begins no period again.
 *
 * There are BUDGET_ROWS counts.  One whose period is over makes way; where none
 * does, all that have none share one for their budget, which allows less and
 * never more; and where a budget finds not even that, it counts as used up.
 */
struct budgets;

enum { BUDGET_ROWS = 65536, BUDGETS_PATH_MAX = 4096 };

/*
 * Supervisor: open or make the file, whole on the disk.  What is there and is no
 * file of ours, or damaged, is renamed to `aside`, "" where there was nothing of
 * the kind; the counts are lost then, and budgets_take_loss says so once.  Returns a
 * descriptor, the caller's to close, or -1.  budgets_memory: one without a file.
 */
int budgets_open(const char *path, char aside[BUDGETS_PATH_MAX], struct err *err);
int budgets_memory(struct err *err);

/* When counts were lost, clock_wall_us, where nobody has taken it yet; else 0.  Who
 * cannot tell it puts it back. */
uint64_t budgets_take_loss(struct budgets *budgets);
void budgets_put_loss(struct budgets *budgets, uint64_t wall_us);

/* Map what is behind fd for the rest of the process, or until budgets_unmap;
 * NULL with err. */
struct budgets *budgets_map(int fd, struct err *err);
void budgets_unmap(struct budgets *budgets); /* accepts NULL */

/*
 * What one connection or flow draws on.  Made when it begins to carry, and anew
 * when more is known of it or its verdict's rules are others; it borrows nothing of
 * either.  Small: 16 bytes, and 56 for each budget.
 */
struct spending;

/* *out becomes NULL where it draws on no budget.  -1: no memory. */
int spending_open(struct budgets *budgets, const struct rules *rules, const struct facts *facts,
    struct spending **out);
void spending_free(struct spending *spending); /* accepts NULL */

/*
 * The budgets that count more bytes up would go over, as facts.budgets_over has
 * them; the caller judges when that changes, and counts what it lets go.  Two
 * workers that ask at the same time may each let go a last piece.  spending may
 * be NULL: none, and nothing is counted.
 */
uint64_t spending_over(struct spending *spending, uint64_t count, uint64_t wall_us);
void spending_add(struct spending *spending, uint64_t count, uint64_t wall_us);

/*
 * How long from now on nothing may go up, by a verdict of RESULT_LIMIT: 0 when
 * something may.  With a rate that is shared by all that draw on the deciding
 * rule's budget; else until its period is over.  mono_us: clock_mono_us.
 */
uint64_t spending_wait_us(struct spending *spending, const struct verdict *verdict,
    uint64_t wall_us, uint64_t mono_us);

/* So many bytes went up by such a verdict. */
void spending_pace(struct spending *spending, const struct verdict *verdict, uint64_t count,
    uint64_t mono_us);

/*
 * For the record: the budget of the deciding rule, or else the one of those that it
 * draws on of which most is used, and how much that is now.  rules: those that it was
 * opened for.  out is left as it is where it draws on none.
 */
void spending_tell(struct spending *spending, const struct rules *rules,
    const struct verdict *verdict, uint64_t wall_us, struct budget_facts *out);

#endif
