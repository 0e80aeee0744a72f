/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_RULES_H
#define CONFIG_RULES_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct problems;

/*
 * The rule sets of a configuration, in its order.  Made with the config and
 * read-only from then on; what they mean is judge's (config/judge.h), how they
 * are written stands in docs/rules.md.
 */
struct rules;

struct rules *rules_new(void); /* NULL: no memory */
void rules_free(struct rules *rules);

/*
 * Read one rule set from text, which is file's content.  Everything wrong is
 * added to problems; a set with an error is not added.  0, or -1.
 */
int rules_add(struct rules *rules, const char *file, struct bytes text, struct problems *problems);

/*
 * Prepare for judging fast, once all sets are added.  Without it, and where
 * there is no memory for it or too much to prepare, judging is slower and the
 * same.
 */
void rules_prepare(struct rules *rules);

/* What a set says of itself; borrowed from rules. "" what it does not say. */
struct ruleset_about {
	const char *file;
	const char *id, *version, *title, *jurisdiction;
	const char *reviewed, *expires; /* "2026-11-22" */
	const char *mode;               /* "enforce", "shadow" or "observe" */
	const uint8_t *sha256;          /* 32 bytes: of the file */
	size_t rules;
};

/* A key of `match`, as `rules keywords` tells it; all are literals. */
struct rules_keyword {
	const char *name, *value, *meaning;
	const char *stage; /* from which on it can be asked, as verdict_stage_name */
};

/* Fill at most size of them; returns how many there are. */
size_t rules_keywords(struct rules_keyword *out, size_t size);

/* A name that a rule asks for; borrowed. */
struct rules_name {
	const char *file;
	unsigned line, column;
	const char *name;
};
typedef void rules_name_tell(const struct rules_name *name, void *arg);

/* Call tell for each name that stands behind key, which is "device", "group" or
 * "vendor", inside `any` and `not` too. */
void rules_names(const struct rules *rules, const char *key, rules_name_tell *tell, void *arg);

/* What a rule counts by `bytes` in its match: what goes up by connections that
 * come as far as this rule and fulfil the rest of it.  Borrowed. */
enum { RULES_BUDGETS_MAX = 64 }; /* of all sets; each has a bit in facts.budgets_over */
struct rules_budget {
	const char *ruleset, *rule;
	unsigned number;  /* among those of the same rule, from 0 */
	bool by_device;   /* a count for each camera; else for each destination's address */
	uint64_t up_over; /* bytes */
	/* A period is per_s long, and one begins shift_s before the site's clock
	 * says 1970-01-01 00:00. */
	uint32_t per_s, shift_s;
};

/* Those of all sets; index is that of its bit. */
size_t rules_budgets(const struct rules *rules);
struct rules_budget rules_budget(const struct rules *rules, size_t index);

/* Whether any rule asks for what is sent, budgets too; rules may be NULL. */
bool rules_ask_for_payload(const struct rules *rules);

/*
 * The countries of an expression as rules write it ("DE", "@eea+CH-@listed"), by
 * the sets that the rule sets define, as "/AT/BE/.../" into out.  -1 with err: it is
 * none, no rule set knows it, two have different countries under it, or out
 * is too small (all that there are take 750 bytes).
 */
int rules_countries(const struct rules *rules, const char *text, char *out, size_t size,
    struct err *err);

size_t rules_count(const struct rules *rules);
struct ruleset_about rules_about(const struct rules *rules, size_t index);

/* Whether a rule of any set has this key of `match`, at any depth; rules may
 * be NULL. */
bool rules_ask_for(const struct rules *rules, const char *key);

#endif
