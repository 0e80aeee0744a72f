/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_RULES_PRIVATE_H
#define CONFIG_RULES_PRIVATE_H

#include "base/addr.h"
#include "base/facts.h"
#include "base/text.h"
#include "config/config.h"
#include "config/countries.h"
#include "config/reader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What rules.c, sets.c, match.c and judge.c share. */

enum {
	RULES_MAX = 10000, /* of one set: finding a duplicate id compares all with all */
	SETS_MAX = 500,    /* of one set, for the same reason */
	RULE_WHY_MAX = 121,
	CONDITION_TEXT_MAX = 64,
};

enum ruleset_mode { MODE_ENFORCE = 0, MODE_SHADOW, MODE_OBSERVE };

/* Which facts an `unknown` condition asks for. */
enum place_fact { FACT_LOCATED = 1, FACT_REGISTERED = 2, FACT_OPERATOR = 4 };

struct port_range {
	uint16_t first, last;
};

/* What a judge reads stands first, what a reader reads last: many rules are
 * looked at for each that is told. */
struct condition {
	const struct match_key *key;
	union {
		struct country_set countries;
		unsigned facts; /* of enum place_fact */
		bool wanted;
		struct {
			size_t count;
			struct prefix *list;
		} prefixes;
		struct {
			size_t count;
			struct port_range *list;
		} ports;
		struct {
			size_t count;
			char *list; /* one after the other, each with its terminator */
		} words;
	} value;
	void *owned;                      /* the list of value, or NULL */
	char written[CONDITION_TEXT_MAX]; /* the value as the file has it */
};

struct rule {
	size_t count;
	struct condition *conditions; /* owned; all must hold */
	enum result result;
	bool by_name; /* a condition asks for what the camera's hello says */
	unsigned line;
	char id[FACTS_LABEL_MAX];
	char why[RULE_WHY_MAX];
};

/* What a set does where no rule matched. */
struct fallback {
	enum result result;
	char why[RULE_WHY_MAX]; /* "": the judge says it in its own words */
};

struct named_set {
	char name[FACTS_LABEL_MAX];
	struct country_set countries;
};

struct ruleset {
	char file[CONFIG_PATH_MAX];
	char id[FACTS_LABEL_MAX];
	char version[24];
	char title[FACTS_TEXT_MAX];
	char jurisdiction[64];
	char reviewed[12], expires[12];
	uint8_t sha256[32];
	enum ruleset_mode mode;
	struct fallback unknown, otherwise;
	size_t set_count, rule_count;
	struct named_set *sets; /* owned */
	struct rule *rules;     /* owned */
};

struct rules {
	size_t count;
	struct ruleset *list[CONFIG_RULESETS_MAX]; /* owned */
};

const char *ruleset_mode_name(enum ruleset_mode mode);

/* What a condition is asked about. */
struct asked {
	const struct facts *facts;
	enum verdict_stage stage;
	const char *name; /* the server's, without a dot at its end */
	bool strict;      /* the rule blocks: a fact of two countries matches by either */
};

/*
 * A key of `match`.  To add one is such a row beside its functions, and its
 * name in match.c's list.
 * parse fills value and owned; test is asked only from `stage` on, when the
 * fact is there; tell writes the fact as it was found, for `explain`.
 */
struct match_key {
	const char *name;
	enum verdict_stage stage;
	bool (*parse)(const struct reader *reader, const struct ruleset *set,
	    const struct yaml_node *node, struct condition *condition);
	bool (*test)(const struct condition *condition, const struct asked *asked);
	void (
	    *tell)(const struct condition *condition, const struct facts *facts, struct text *out);
};

/* Read a rule's `match` into rule; told when false. */
bool match_read(const struct reader *reader, const struct ruleset *set,
    const struct yaml_node *node, struct rule *rule);

/* The facts that a place lacks, of enum place_fact; and their names. */
unsigned place_unknown(const struct place *place);
void place_facts_text(unsigned facts, struct text *out);

/* Read `sets`, in the file's order: a set may use those above it. */
void sets_read(const struct reader *reader, const struct yaml_node *node, struct ruleset *set);

/* Read a value that is countries: codes, "@set", or sums of them; a list of
 * these is their union.  Told when false. */
bool sets_read_countries(const struct reader *reader, const struct ruleset *set,
    const struct yaml_node *node, struct country_set *out);

#endif
