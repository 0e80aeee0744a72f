/* SPDX-License-Identifier: MIT */
#ifndef PROXY_BACKTEST_H
#define PROXY_BACKTEST_H

#include "base/facts.h"
#include "record/replay.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct devices;
struct err;
struct geo;
struct rules;
struct store;

/*
 * Judges recorded connections twice and gathers those that are judged
 * differently: by other rules (`backtest`), by other databases (`geo update`).
 */
struct backtest_side {
	const struct rules *rules; /* NULL: the verdict is the recorded one */
	const struct geo *geo;     /* the place is looked up anew; NULL: the recorded one */
};

/* Called now and then with how many of how many connections are done. */
typedef void backtest_progress(void *context, uint64_t done, uint64_t total);

struct backtest_wish {
	struct replay_wish flows;
	struct backtest_side before, after;
	const struct devices *devices; /* they tell the group of each; may be NULL */
	backtest_progress *progress;   /* NULL: nobody looks */
	void *context;
};

/* What another verdict means; a verdict's rule set, rule and sentence do not
 * count, nor does an observe in place of an allow: both let through. */
enum backtest_change {
	BACKTEST_SAME = 0,
	BACKTEST_BLOCKED, /* is now, was not */
	BACKTEST_FREED,   /* was blocked, is not now */
	BACKTEST_OPEN,    /* was blocked, and would go on to a fact that the record has not:
			   * most of all the server's certificate */
	BACKTEST_UNTOLD,  /* not judged: `log: meta` kept names out of the record that a rule may
			   * look at; no difference, and in no row */
	BACKTEST_OTHER,   /* limit, or what a set in shadow would have blocked */
	BACKTEST_CHANGE_COUNT,
};

const char *backtest_change_name(enum backtest_change change); /* "blocked", "freed" ... */

struct backtest_total {
	uint64_t flows;
	uint64_t up, down; /* payload bytes that left towards the server, the camera */
};

/* The connections of a device to a destination whose verdict changed in one way. */
struct backtest_row {
	enum backtest_change change;
	char device[FACTS_LABEL_MAX];
	struct addr dst;
	char sni[FACTS_NAME_MAX]; /* as it was sent; "" none */
	struct place place;       /* after; of the first of them */
	struct verdict before, after;
	struct backtest_total total;
	uint64_t first_us, last_us; /* opened */
};

enum { BACKTEST_ROWS_MAX = 32768 };

struct backtest {
	struct replay_count count;
	struct backtest_total all;
	struct backtest_total changed[BACKTEST_CHANGE_COUNT];
	uint64_t same_by_other;    /* of BACKTEST_SAME: by another rule or rule set */
	uint64_t unknown_place;    /* located, registered or operator was not known (after) */
	uint64_t judged;           /* that differ in facts: the rest repeats one of these */
	uint64_t unlisted;         /* connections that had no room in rows; the totals have them */
	struct backtest_row *rows; /* owned; most bytes up first */
	size_t row_count;
};

/*
 * Fill *out, which is the caller's to backtest_free either way.  Reads the
 * store alone, which may be in use.  -1 when it cannot be read to its end.
 */
int backtest_run(struct store *store, const struct backtest_wish *wish, struct backtest *out,
    struct err *err);
void backtest_free(struct backtest *backtest);

/* Connections that would be decided otherwise. */
uint64_t backtest_differences(const struct backtest *backtest);

#endif
