/* SPDX-License-Identifier: MIT */
#include "proxy/budget.h"

#include "base/clock.h"
#include "base/err.h"
#include "proxy/budget_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC UINT64_C(0x3130746764756c62) /* "bludgt01" as the machine writes it */

enum {
	FILE_MODE = 0600,
	HEAD_BYTES = 4096,
	PROBES = 8, /* rows that a key may be in */
	/* One for each budget of the rules, and as many of rules that held before. */
	SHARED_ROWS = 127,
	/* The period's number in the upper bits, so that it changes with the count. */
	COUNT_BITS = 48,
	WAIT_MAX_S = 120, /* a longer one was told by a clock before the last boot */
	ENDED_S = 86400,  /* more than a clock's daylight saving time */
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
	_Atomic uint64_t lost_us; /* when counts were lost, and nobody was told; 0: none were */
	uint64_t unused[2];
	struct row shared[SHARED_ROWS]; /* of what found no room among rows */
	struct row rows[BUDGET_ROWS];
};

_Static_assert(offsetof(struct budgets, rows) == HEAD_BYTES, "the file's head");

/* ---- the file ---- */

static int
fill(int fd, const char *path, bool lost, struct err *err)
{
	const uint64_t head[] = {MAGIC, lost ? clock_wall_us() : 0};
	int error;

	/* Its blocks are taken now: a full disk would kill who maps it. */
	if (ftruncate(fd, 0) != 0)
		return err_sys(err, "%s", path);
	error = posix_fallocate(fd, 0, (off_t)sizeof(struct budgets));
	if (error != 0) {
		errno = error;
		return err_sys(err, "%s", path);
	}
	if (pwrite(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head))
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

static int
open_file(const char *path, struct stat *st, struct err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, FILE_MODE);

	if (fd < 0)
		return err_sys(err, "%s", path);
	if (fstat(fd, st) != 0)
		(void)err_sys(err, "%s", path);
	else if (!S_ISREG(st->st_mode))
		(void)err_set(err, ERR_INPUT, "%s is no file", path);
	else
		return fd;
	(void)close(fd);
	return -1;
}

/* What is no file of ours, or not any more, may yet tell somebody something. */
static int
set_aside(const char *path, char aside[BUDGETS_PATH_MAX], struct err *err)
{
	unsigned long long now_s = clock_wall_us() / 1000000;

	if (snprintf(aside, BUDGETS_PATH_MAX, "%s.damaged-%llu", path, now_s) >= BUDGETS_PATH_MAX)
		return err_set(err, ERR_LIMIT, "%s: too long a path", path);
	return rename(path, aside) == 0 ? 0 : err_sys(err, "%s", path);
}

int
budgets_open(const char *path, char aside[BUDGETS_PATH_MAX], struct err *err)
{
	struct stat st = {0};
	int fd = open_file(path, &st, err);

	aside[0] = '\0';
	if (fd < 0 || is_ours(fd, &st))
		return fd;
	/* An empty one lost nothing: it was being made. */
	if (st.st_size > 0) {
		(void)close(fd);
		if (set_aside(path, aside, err) != 0)
			return -1;
		fd = open_file(path, &st, err);
	}
	if (fd < 0 || fill(fd, path, aside[0] != '\0', err) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

int
budgets_memory(struct err *err)
{
	int fd = memfd_create("budgets", MFD_CLOEXEC);

	if (fd < 0)
		return err_sys(err, "memfd_create");
	if (fill(fd, "budgets", false, err) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

uint64_t
budgets_take_loss(struct budgets *budgets)
{
	return atomic_exchange(&budgets->lost_us, 0);
}

void
budgets_put_loss(struct budgets *budgets, uint64_t wall_us)
{
	atomic_store(&budgets->lost_us, wall_us);
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

uint64_t
terms_left_s(const struct terms *terms, uint64_t wall_us)
{
	return terms->per_s - site_s(terms, wall_us) % terms->per_s;
}

/* ---- one row ---- */

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

uint64_t
budget_used(const struct row *row, const struct terms *terms, uint64_t wall_us)
{
	return used_now(row, atomic_load(&row->used), period_at(terms, wall_us), wall_us);
}

void
budget_add(struct row *row, const struct terms *terms, uint64_t count, uint64_t wall_us)
{
	uint16_t period = period_at(terms, wall_us);
	uint64_t old = atomic_load(&row->used), used, kept;

	do {
		kept = is_over(row, old, period, wall_us) ? period : old >> COUNT_BITS;
		used = used_now(row, old, period, wall_us) + count;
		if (used > COUNT_MAX)
			used = COUNT_MAX;
	} while (!atomic_compare_exchange_weak(&row->used, &old, kept << COUNT_BITS | used));
	atomic_store(&row->ends_s, wall_us / 1000000 + terms_left_s(terms, wall_us));
}

uint64_t
budget_wait_us(const struct row *row, uint64_t mono_us)
{
	uint64_t next_us = atomic_load(&row->next_us);

	if (next_us <= mono_us || next_us - mono_us > UINT64_C(1000000) * WAIT_MAX_S)
		return 0;
	return next_us - mono_us;
}

void
budget_pace(struct row *row, uint64_t us, uint64_t mono_us)
{
	uint64_t old = atomic_load(&row->next_us), from;

	do {
		from = old > mono_us && old - mono_us <= UINT64_C(1000000) * WAIT_MAX_S ? old
											: mono_us;
	} while (!atomic_compare_exchange_weak(&row->next_us, &old, from + us));
}

/* ---- rows ---- */

/* Rows, of which a key may be in some that follow each other. */
struct table {
	struct row *rows;
	size_t count, probes;
};

static bool
begin_row(struct row *row, uint64_t old, uint64_t key, const struct terms *terms, uint64_t wall_us)
{
	if (!atomic_compare_exchange_strong(&row->key, &old, key))
		return false;
	atomic_store(&row->ends_s, wall_us / 1000000 + terms_left_s(terms, wall_us));
	atomic_store(&row->used, (uint64_t)period_at(terms, wall_us) << COUNT_BITS);
	atomic_store(&row->next_us, 0);
	return true;
}

/* Where key is, or would begin: the first of its rows that is free, of which *old is
 * the key that stands there.  NULL: none is. */
static struct row *
find_row(const struct table *table, uint64_t key, uint64_t wall_us, uint64_t *old)
{
	struct row *free_row = NULL;

	for (size_t i = 0; i < table->probes; i++) {
		struct row *row = &table->rows[(key + i) % table->count];
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

/* *begun: it was not there before. */
static struct row *
take_row(const struct table *table, uint64_t key, const struct terms *terms, uint64_t wall_us,
    bool *begun)
{
	*begun = false;
	for (size_t tries = 0; tries < table->probes; tries++) {
		uint64_t old = 0;
		struct row *row = find_row(table, key, wall_us, &old);

		if (row == NULL || atomic_load(&row->key) == key)
			return row;
		*begun = begin_row(row, old, key, terms, wall_us);
		if (*begun)
			return row;
	}
	return NULL;
}

/* That of all that have none: what it has now, who gets one begins with. */
static const struct row *
find_shared(const struct table *shared, uint64_t key, uint64_t wall_us)
{
	uint64_t old;
	const struct row *row = find_row(shared, key, wall_us, &old);

	return row != NULL && atomic_load(&row->key) == key ? row : NULL;
}

struct row *
budgets_row(struct budgets *budgets, uint64_t key, const struct terms *terms, uint64_t wall_us,
    uint32_t *hint)
{
	const struct table own = {budgets->rows, BUDGET_ROWS, PROBES};
	const struct table shared = {budgets->shared, SHARED_ROWS, SHARED_ROWS};
	struct row *row = &budgets->rows[*hint % BUDGET_ROWS];
	const struct row *others;
	bool begun;

	if (atomic_load(&row->key) == key)
		return row;
	row = take_row(&own, key, terms, wall_us, &begun);
	if (row == NULL)
		return take_row(&shared, terms->shared, terms, wall_us, &begun);
	*hint = (uint32_t)(row - budgets->rows);
	others = begun ? find_shared(&shared, terms->shared, wall_us) : NULL;
	if (others != NULL)
		budget_add(row, terms, budget_used(others, terms, wall_us), wall_us);
	return row;
}
