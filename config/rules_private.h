/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_RULES_PRIVATE_H
#define CONFIG_RULES_PRIVATE_H

#include "base/addr.h"
#include "base/facts.h"
#include "base/text.h"
#include "config/config.h"
#include "config/countries.h"
#include "config/reader.h"
#include "config/rules.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What rules.c, sets.c, match.c and judge.c share. */

enum {
	RULES_MAX = 10000, /* of one set: finding a duplicate id compares all with all */
	SETS_MAX = 500,    /* of one set, for the same reason */
	RULE_WHY_MAX = 121,
	CONDITION_TEXT_MAX = 64,
	HOLD_BYTES = 64 << 10, /* how much waits, and how long, where a rule does not say it */
	HOLD_MS = 3000,
	HOLD_BYTES_MAX = 16 << 20,
	NETWORKS_MAX = 10000, /* of one list: each is put in its place by moving those behind it */
};

enum ruleset_mode { MODE_ENFORCE = 0, MODE_SHADOW, MODE_OBSERVE };

/* Which facts an `unknown` condition asks for. */
enum place_fact { FACT_LOCATED = 1, FACT_REGISTERED = 2, FACT_OPERATOR = 4 };

struct port_range {
	uint16_t first, last;
};

/* Autonomous systems, rising; starts as {0}. */
struct network_set {
	size_t count;
	uint32_t *list; /* owned */
};

/* When in a week: from a minute of the day up to, and without, another one; up
 * to the next day's where that is not later. */
struct time_window {
	unsigned days; /* that it begins on: bit 0 is Monday */
	uint16_t from_min, to_min;
	bool site;        /* by the site's clock */
	int32_t offset_s; /* else: before UTC by this */
};

/* What is wanted of the TLS with the server; 0: no matter. */
struct tls_wanted {
	uint16_t min, max;
	uint32_t errors; /* any of enum cert_error */
	bool asks_verified, verified;
};

/* Conditions that must all hold. */
struct group {
	size_t count;
	uint8_t directions; /* that what its class was seen in: 1 << enum direction; 0: either */
	uint8_t confidence; /* of its class, at least */
	struct condition *conditions; /* owned */
};

/* What a judge reads stands first, what a reader reads last: many rules are
 * looked at for each that is told. */
struct condition {
	const struct match_key *key;
	union {
		struct {
			struct country_set countries;
			unsigned kinds; /* what is no country: 1 << enum place_kind */
		} place;
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
		struct network_set networks;
		struct time_window time;
		struct tls_wanted tls;
		uint32_t words_set; /* a bit for each of a table's words */
		struct {
			uint64_t up_over; /* bytes */
			uint32_t per_s,
			    shift_s;    /* periods begin at multiples of per_s, less shift_s */
			bool by_device; /* else by destination */
			unsigned index; /* its bit in facts.budgets_over */
		} budget;
		struct {
			size_t count;
			struct group *list;
		} groups;
		struct {
			size_t count;
			char *list; /* one after the other, each with its terminator */
		} words;
	} value;
	void *owned;                      /* the list of value, or NULL */
	char written[CONDITION_TEXT_MAX]; /* the value as the file has it */
	unsigned line, column;            /* of the value */
};

/* What is done where a rule decides, or a set's own line. */
struct action {
	enum result result;
	enum how how;
	enum detail detail;
	enum severity severity;
	enum servers servers; /* of a rule only, as all down to why */
	uint32_t rate;        /* of RESULT_LIMIT: bytes a second; 0: it stops */
	bool hold_written;
	uint32_t hold_bytes, hold_ms;
	bool hold_decides; /* hold_unknown is what is done when the wait was in vain */
	enum result hold_unknown;
	char why[RULE_WHY_MAX]; /* of a set's line "": the judge says it in its own words */
};

struct rule {
	struct group match;
	struct action then;
	bool waits;  /* it asks for what is sent, which takes a while to be known */
	bool counts; /* it has a budget */
	bool by_tls; /* it asks for the TLS with the server */
	unsigned line;
	char id[FACTS_LABEL_MAX];
};

/* Words, one after the other, each with its terminator; starts as {0}. */
struct word_set {
	size_t count, used, room;
	char *list; /* owned */
};

struct named_set {
	char name[FACTS_LABEL_MAX];
	enum set_kind { SET_COUNTRIES = 0, SET_NETWORKS, SET_WORDS } kind;
	struct country_set countries;
	struct network_set networks;
	struct word_set words;
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
	struct action unknown, otherwise; /* where no rule matched */
	size_t set_count, rule_count;
	struct named_set *sets; /* owned */
	struct rule *rules;     /* owned */
	size_t counting;        /* rules up to the last that has a budget */
};

/* What one `bytes` counts. */
struct budget {
	const struct ruleset *set;
	const struct rule *rule;
	const struct condition *condition; /* of it */
};

struct rules {
	size_t count;
	struct ruleset *list[CONFIG_RULESETS_MAX]; /* owned */
	struct rule_index *index;                  /* owned; NULL: every rule is asked */
	bool payload;                              /* a rule asks for what is sent */
	size_t budget_count;
	struct budget budgets[RULES_BUDGETS_MAX];
};

const char *ruleset_mode_name(enum ruleset_mode mode);

/*
 * Whether conditions hold, by rising hope: of all that must hold it is the
 * least, of those of which one must hold the greatest.
 */
enum answer {
	ANSWER_NO = 0,
	ANSWER_UNKNOWN,   /* the fact is not known, and no later stage tells it */
	ANSWER_UNPROVEN,  /* they hold by a name that was not proven, so it may not let through */
	ANSWER_LATER,     /* one waits for a fact of a later stage */
	ANSWER_TENTATIVE, /* they hold by a name that is not proven yet */
	ANSWER_YES,
};

/* What a condition is asked about. */
struct asked {
	const struct facts *facts;
	enum verdict_stage stage;
	const char *name;  /* the server's, without a dot at its end */
	enum answer proof; /* what a name that fits is worth */
	bool strict;       /* a fact of two countries matches by either, else by both alone */
	bool waits;        /* what is not known of what is sent may be known soon */
	bool lookup;       /* about a name alone, before it is known where it leads to */
	uint8_t directions, confidence; /* of the group that the condition stands in */
	bool negated;                   /* inside a `not`, or an odd number of them */
};

/* Whether an unknown country or network counts as one of the list: inside the
 * `not` of a rule that lets through, for what is in doubt allows nothing. */
bool asked_doubts(const struct asked *asked);

/*
 * A key of `match`.  To add one is such a row beside its functions, and its
 * name in match.c's list.
 * parse fills value and owned; test is asked only from `stage` on, when the
 * fact is there; tell writes the fact as it was found, for `explain`.
 */
struct match_key {
	const char *name;
	const char *value;   /* how it is written; for `rules keywords` */
	const char *meaning; /* "holds when ..." */
	enum verdict_stage stage;
	bool by_name;    /* rests on the server's name, which a certificate must prove */
	bool by_message; /* of what is sent at all: the next message may be another */
	bool (*parse)(const struct reader *reader, const struct ruleset *set,
	    const struct yaml_node *node, struct condition *condition);
	bool (*known)(const struct facts *facts);     /* NULL: from `stage` on */
	bool (*at_lookup)(const struct facts *facts); /* known of a lookup; NULL: never */
	bool (*test)(const struct condition *condition, const struct asked *asked);
	/* In place of stage, known and test: for keys made of conditions. */
	enum answer (*ask)(const struct condition *condition, const struct asked *asked);
	void (
	    *tell)(const struct condition *condition, const struct facts *facts, struct text *out);
};

enum answer condition_ask(const struct condition *condition, const struct asked *asked);
enum answer group_ask(const struct group *group, const struct asked *asked);
bool group_by_name(const struct group *group); /* a condition in it is */
bool group_asks_for(const struct group *group, const struct match_key *key);
bool group_mentions(const struct group *group, const char *key); /* at any depth */

/* Call tell for each condition, at any depth, in the file's order; any and not
 * are none themselves. */
typedef void group_tell(struct condition *condition, void *arg);
void group_walk(const struct group *group, group_tell *tell, void *arg);
void group_free(struct group *group);

/* Read a mapping of conditions; told when false.  group is to be freed either way. */
bool group_read(const struct reader *reader, const struct ruleset *set,
    const struct yaml_node *node, struct group *group);

/* The facts that a place lacks, of enum place_fact; and their names. */
unsigned place_unknown(const struct place *place);
void place_facts_text(unsigned facts, struct text *out);

/* What the reader of a key of a rule, or of a set's own line, fills. */
struct draft {
	struct ruleset *set;
	struct rule *rule; /* NULL: the set's own line */
	struct action *action;
};

/* The keys that both have; into is a draft.  To be read in this order. */
void action_read_then(const struct reader *reader, const struct yaml_node *node, void *into);
void action_read_why(const struct reader *reader, const struct yaml_node *node, void *into);
void action_read_how(const struct reader *reader, const struct yaml_node *node, void *into);
void action_read_log(const struct reader *reader, const struct yaml_node *node, void *into);
void action_read_alert(const struct reader *reader, const struct yaml_node *node, void *into);
void action_read_servers(const struct reader *reader, const struct yaml_node *node, void *into);
void action_read_rate(const struct reader *reader, const struct yaml_node *node, void *into);
void action_read_hold(const struct reader *reader, const struct yaml_node *node, void *into);

/* A unit and how much of the smallest one it is; the last has no name. */
struct unit {
	const char *name;
	uint64_t times;
};

/* What amount_read takes: from 1 to most of the smallest unit. */
struct amount {
	const struct unit *units;
	uint64_t most;
	const char *wanted; /* "no time to hold: write 3s, at most 60s" */
};

/* Read a number and its unit, "64KB"; told when false. */
bool amount_read(const struct reader *reader, const struct yaml_node *node,
    const struct amount *amount, uint64_t *out);

/* Warn of each rule that one above it keeps from ever being reached; rules is
 * the list that set->rules were read from. */
void rules_warn_unreached(const struct reader *reader, const struct ruleset *set,
    const struct yaml_node *rules);

/* Read `sets`, in the file's order: a set may use those above it. */
void sets_read(const struct reader *reader, const struct yaml_node *node, struct ruleset *set);

/* Read a value that is countries: codes, "@set", or sums of them; a list of
 * these is their union.  Told when false. */
bool sets_read_countries(const struct reader *reader, const struct ruleset *set,
    const struct yaml_node *node, struct country_set *out);

/* The same for networks: AS16509, 16509, "@set", or sums of them.  out is to be
 * freed either way. */
bool sets_read_networks(const struct reader *reader, const struct ruleset *set,
    const struct yaml_node *node, struct network_set *out);

/* The words of "@set", a set of words; NULL, and told, when it is none. */
const struct word_set *sets_words(const struct reader *reader, const struct ruleset *set,
    const struct yaml_node *node);

enum { WORD_MAX = 254 }; /* a DNS name (RFC 1035 section 2.3.4) and its terminator */
bool word_set_add(struct word_set *words, const char *word); /* false: no memory */

bool network_set_has(const struct network_set *set, uint32_t asn);
void sets_free(struct ruleset *set);

#endif
