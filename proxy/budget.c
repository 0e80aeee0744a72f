/* SPDX-License-Identifier: MIT */
#include "proxy/budget.h"

#include "base/clock.h"
#include "base/err.h"
#include "config/judge.h"
#include "config/rules.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC UINT64_C(0x3130746764756c62) /* "bludgt01" as the machine writes it */

enum {
	FILE_MODE = 0600,
	HEAD_BYTES = 4096,
	PROBES = 8, /* rows that a key may be in */
	/* The period's number in the upper bits, so that it changes with the count. */
	COUNT_BITS = 48,
	WAIT_MAX_S = 120, /* a longer one was told by a clock before the last boot */
	ASK_AGAIN_US = 1000 * 1000,
	ENDED_S = 86400, /* more than a clock's daylight saving time */
};

#define COUNT_MAX ((UINT64_C(1) << COUNT_BITS) - 1)

/* One count.  key 0: never used. */
struct row {
	_Atomic uint64_t key, used;
	_Atomic uint64_t ends_s;  /* clock_wall, when its period is over */
	_Atomic uint64_t next_us; /* clock_mono_us, when what is limited may go on */
};

struct budgets {
	_Atomic uint64_t magic;
	uint8_t unused[HEAD_BYTES - 8];
	struct row rows[BUDGET_ROWS];
};

/* What is asked of a budget with every piece. */
struct terms {
	uint64_t up_over;
	uint32_t per_s, shift_s;
	uint32_t rule; /* hash of the rule's names */
};

struct draw {
	uint64_t key;
	struct terms terms;
	uint32_t row;
	uint8_t index; /* of the budget among the rules' */
};

struct spending {
	struct budgets *budgets;
	size_t count;
	struct draw draws[];
};

/* ---- the file ---- */

static int
fill(int fd, const char *path, struct err *err)
{
	const uint64_t magic = MAGIC;
	int error;

	/* Its blocks are taken now: a full disk would kill who maps it. */
	if (ftruncate(fd, 0) != 0)
		return err_sys(err, "%s", path);
	error = posix_fallocate(fd, 0, (off_t)sizeof(struct budgets));
	if (error != 0) {
		errno = error;
		return err_sys(err, "%s", path);
	}
	if (pwrite(fd, &magic, sizeof(magic), 0) != (ssize_t)sizeof(magic))
		return err_sys(err, "%s", path);
	return 0;
}

static bool
is_ours(int fd, const struct stat *st)
{
	uint64_t magic = 0;

	return st->st_size == (off_t)sizeof(struct budgets) &&
	       pread(fd, &magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) && magic == MAGIC;
}

int
budgets_open(const char *path, struct err *err)
{
	const char *name = path != NULL ? path : "budgets";
	int fd = path != NULL
		     ? open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, FILE_MODE)
		     : memfd_create(name, MFD_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return err_sys(err, "%s", name);
	if (fstat(fd, &st) != 0) {
		(void)err_sys(err, "%s", name);
		goto fail;
	}
	if (!S_ISREG(st.st_mode)) {
		(void)err_set(err, ERR_INPUT, "%s is no file", name);
		goto fail;
	}
	if (!is_ours(fd, &st) && fill(fd, name, err) != 0)
		goto fail;
	return fd;
fail:
	(void)close(fd);
	return -1;
}

struct budgets *
budgets_map(int fd, struct err *err)
{
	void *at = mmap(NULL, sizeof(struct budgets), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED) {
		(void)err_sys(err, "map the budgets");
		return NULL;
	}
	return at;
}

void
budgets_unmap(struct budgets *budgets)
{
	if (budgets != NULL)
		(void)munmap(budgets, sizeof(*budgets));
}

/* ---- periods ---- */

/* Seconds since the first period began, by the site's clock. */
static uint64_t
site_s(const struct terms *terms, uint64_t wall_us)
{
	return (uint64_t)((int64_t)(wall_us / 1000000) + clock_utc_offset_s(wall_us)) +
	       terms->shift_s;
}

static uint16_t
period_at(const struct terms *terms, uint64_t wall_us)
{
	return (uint16_t)(site_s(terms, wall_us) / terms->per_s);
}

static uint64_t
period_left_s(const struct terms *terms, uint64_t wall_us)
{
	return terms->per_s - site_s(terms, wall_us) % terms->per_s;
}

/* ---- rows ---- */

static bool
begin_row(struct row *row, uint64_t old, uint64_t key, const struct terms *terms, uint64_t wall_us)
{
	if (!atomic_compare_exchange_strong(&row->key, &old, key))
		return false;
	atomic_store(&row->ends_s, wall_us / 1000000 + period_left_s(terms, wall_us));
	atomic_store(&row->used, (uint64_t)period_at(terms, wall_us) << COUNT_BITS);
	atomic_store(&row->next_us, 0);
	return true;
}

/* Where key is, or would begin: the first of its rows that is free; *old is the
 * key that stands there.  Where none is free it is counted in the first. */
static struct row *
find_row(struct budgets *budgets, uint64_t key, uint64_t wall_us, uint64_t *old)
{
	struct row *free_row = NULL;

	for (size_t i = 0; i < PROBES; i++) {
		struct row *row = &budgets->rows[(key + i) % BUDGET_ROWS];
		uint64_t there = atomic_load(&row->key);

		if (there == key)
			return row;
		if (free_row == NULL &&
		    (there == 0 || atomic_load(&row->ends_s) < wall_us / 1000000)) {
			free_row = row;
			*old = there;
		}
	}
	return free_row;
}

/* The row of key, which is begun where there is none. */
static uint32_t
take_row(struct budgets *budgets, uint64_t key, const struct terms *terms, uint64_t wall_us)
{
	for (size_t tries = 0; tries < PROBES; tries++) {
		uint64_t old = 0;
		struct row *row = find_row(budgets, key, wall_us, &old);

		if (row == NULL)
			break;
		if (atomic_load(&row->key) == key || begin_row(row, old, key, terms, wall_us))
			return (uint32_t)(row - budgets->rows);
	}
	return (uint32_t)(key % BUDGET_ROWS);
}

/* Whether the period that used is of is over.  Of short periods the number comes
 * again: one that seems to be ahead is where a clock was set back, or over for long. */
static bool
is_over(const struct row *row, uint64_t used, uint16_t period, uint64_t wall_us)
{
	int16_t ahead = (int16_t)((uint16_t)(used >> COUNT_BITS) - period);

	return ahead < 0 || (ahead > 0 && atomic_load(&row->ends_s) + ENDED_S < wall_us / 1000000);
}

static uint64_t
used_now(const struct row *row, uint64_t used, uint16_t period, uint64_t wall_us)
{
	return is_over(row, used, period, wall_us) ? 0 : used & COUNT_MAX;
}

static void
add_row(struct row *row, const struct terms *terms, uint64_t count, uint64_t wall_us)
{
	uint16_t period = period_at(terms, wall_us);
	uint64_t old = atomic_load(&row->used), used, kept;

	do {
		kept = is_over(row, old, period, wall_us) ? period : old >> COUNT_BITS;
		used = used_now(row, old, period, wall_us) + count;
		if (used > COUNT_MAX)
			used = COUNT_MAX;
	} while (!atomic_compare_exchange_weak(&row->used, &old, kept << COUNT_BITS | used));
	atomic_store(&row->ends_s, wall_us / 1000000 + period_left_s(terms, wall_us));
}

/* ---- spending ---- */

/* The same for the same rule and the same camera or destination at any time. */
static uint64_t
make_key(const struct rules_budget *budget, const struct facts *facts)
{
	uint8_t seed[4 * FACTS_LABEL_MAX] = {0}, digest[SHA256_DIGEST_LENGTH];
	uint64_t key;

	memcpy(seed, budget->ruleset, strnlen(budget->ruleset, FACTS_LABEL_MAX));
	memcpy(seed + FACTS_LABEL_MAX, budget->rule, strnlen(budget->rule, FACTS_LABEL_MAX));
	seed[2 * (size_t)FACTS_LABEL_MAX] = (uint8_t)budget->number;
	seed[2 * (size_t)FACTS_LABEL_MAX + 1] = budget->by_device;
	if (budget->by_device)
		memcpy(seed + 3 * (size_t)FACTS_LABEL_MAX, facts->device,
		    strnlen(facts->device, FACTS_LABEL_MAX));
	else
		memcpy(seed + 3 * (size_t)FACTS_LABEL_MAX, facts->dst.ip, sizeof(facts->dst.ip));
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
	    .per_s = budget->per_s,
	    .shift_s = budget->shift_s,
	    .rule = hash_rule(budget->ruleset, budget->rule)};
	draw->key = make_key(budget, facts);
	draw->row = take_row(spending->budgets, draw->key, &draw->terms, clock_wall_us());
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

/* Its row: another took it where it was not used for a period. */
static struct row *
row_of(const struct spending *spending, const struct draw *draw, uint64_t wall_us)
{
	struct budgets *budgets = spending->budgets;
	struct row *row = &budgets->rows[draw->row];

	if (atomic_load(&row->key) == draw->key)
		return row;
	return &budgets->rows[take_row(budgets, draw->key, &draw->terms, wall_us)];
}

uint64_t
spending_over(const struct spending *spending, uint64_t count, uint64_t wall_us)
{
	uint64_t over = 0;

	for (size_t i = 0; spending != NULL && i < spending->count; i++) {
		const struct draw *draw = &spending->draws[i];
		const struct row *row = row_of(spending, draw, wall_us);
		uint64_t used = used_now(row, atomic_load(&row->used),
		    period_at(&draw->terms, wall_us), wall_us);

		if (used > draw->terms.up_over || count > draw->terms.up_over - used)
			over |= UINT64_C(1) << draw->index;
	}
	return over;
}

void
spending_add(struct spending *spending, uint64_t count, uint64_t wall_us)
{
	for (size_t i = 0; spending != NULL && i < spending->count; i++) {
		const struct draw *draw = &spending->draws[i];

		add_row(row_of(spending, draw, wall_us), &draw->terms, count, wall_us);
	}
}

/* ---- limits ---- */

static uint64_t
wait_of(const struct row *row, const struct terms *terms, uint32_t rate, uint64_t wall_us,
    uint64_t mono_us)
{
	uint64_t next_us = atomic_load(&row->next_us);

	if (rate == 0)
		return period_left_s(terms, wall_us) * 1000000;
	if (next_us <= mono_us || next_us - mono_us > UINT64_C(1000000) * WAIT_MAX_S)
		return 0;
	return next_us - mono_us;
}

uint64_t
spending_wait_us(const struct spending *spending, const struct verdict *verdict, uint64_t wall_us,
    uint64_t mono_us)
{
	uint32_t rule = hash_rule(verdict->ruleset, verdict->rule);
	uint64_t longest = 0;
	bool found = false;

	for (size_t i = 0; spending != NULL && i < spending->count; i++) {
		const struct draw *draw = &spending->draws[i];
		uint64_t wait;

		if (draw->terms.rule != rule)
			continue;
		found = true;
		wait = wait_of(row_of(spending, draw, wall_us), &draw->terms, verdict->rate,
		    wall_us, mono_us);
		if (wait > longest)
			longest = wait;
	}
	/* What limits is no budget that it draws on any more: ask again soon. */
	return found ? longest : ASK_AGAIN_US;
}

static void
pace_row(struct row *row, uint64_t us, uint64_t mono_us)
{
	uint64_t old = atomic_load(&row->next_us), from;

	do {
		from = old > mono_us && old - mono_us <= UINT64_C(1000000) * WAIT_MAX_S ? old
											: mono_us;
	} while (!atomic_compare_exchange_weak(&row->next_us, &old, from + us));
}

void
spending_pace(struct spending *spending, const struct verdict *verdict, uint64_t count,
    uint64_t mono_us)
{
	uint32_t rule = hash_rule(verdict->ruleset, verdict->rule);

	for (size_t i = 0; spending != NULL && verdict->rate > 0 && i < spending->count; i++) {
		const struct draw *draw = &spending->draws[i];

		if (draw->terms.rule == rule)
			pace_row(row_of(spending, draw, clock_wall_us()),
			    count * 1000000 / verdict->rate, mono_us);
	}
}
