/* SPDX-License-Identifier: MIT */
#ifndef PROXY_OUTCOME_H
#define PROXY_OUTCOME_H

#include "base/bytes.h"
#include "config/problems.h"

#include <stdint.h>

struct err;
struct jsonw;
struct text;

/* What a reload came to, and how it is told: by the log, `status`, `borderlens
 * reload` and an event. */
enum outcome_result {
	OUTCOME_NONE = 0, /* there was none yet */
	OUTCOME_RELOADED,
	OUTCOME_REFUSED, /* the configuration has errors */
	OUTCOME_FAILED,  /* it could not be read, or not be taken over */
};

struct outcome {
	enum outcome_result result;
	uint64_t generation; /* that holds now */
	uint64_t wall_us;    /* when it was known */
	uint64_t took_ms;
	char why[256];            /* of one that failed; "" otherwise */
	struct problems problems; /* owned; warnings too */
};

const char *outcome_name(enum outcome_result result); /* "reloaded", "refused", "failed" */

/* One sentence, without a line's end: "reloaded: generation 3 holds, read in 120 ms". */
void outcome_sentence(const struct outcome *outcome, struct text *out);

/* The first error as "file:line:col: text", or why; "" for one that is good. */
void outcome_first(const struct outcome *outcome, struct text *out);

/* The sentence and a line for each problem, as `check` has them. */
void outcome_text(const struct outcome *outcome, struct text *out);
void outcome_json(const struct outcome *outcome, struct jsonw *json);

void outcome_clear(struct outcome *outcome);

/*
 * Problems between processes: a sealed memfd (the caller's to close), and back.
 * Bytes that are no list of problems are refused with ERR_INPUT; problems is as
 * it was then.
 */
int outcome_seal(const struct problems *problems, struct err *err);
int outcome_unseal(int fd, struct problems *problems, struct err *err);
int outcome_read(struct bytes in, struct problems *problems, struct err *err);

#endif
