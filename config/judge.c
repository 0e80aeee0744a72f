/* SPDX-License-Identifier: MIT */
#include "config/judge.h"

#include "config/index.h"
#include "config/judge_private.h"

#include <string.h>

enum { REASON_MAX = 256 };

/* What waits for what is sent, and how much is held for it. */
struct held {
	bool open;
	uint32_t bytes, ms;
};

/* What a set says. */
struct outcome {
	const struct ruleset *set;
	const struct rule *rule; /* NULL: by the set's own line */
	enum result result;
	enum result strictest; /* that may still come of it */
	bool by_unknown;
	bool pending; /* a later stage may change it */
	bool waits;   /* rule is not the deciding one: it waits for a fact, and is milder */
	bool in_vain; /* rule decides by what its hold says of what did not become known */
	struct held held;
};

static void
add_condition(struct text *out, const struct session *session, const struct condition *condition)
{
	const struct match_key *key = condition->key;

	text_add(out, "%s(%s): ", key->name, condition->written);
	if (session->lookup && key->ask == NULL &&
	    (key->at_lookup == NULL || !key->at_lookup(session->facts)))
		text_add(out, "not known of a lookup");
	else if (key->stage > session->stage)
		text_add(out, "not known yet");
	else if (key->known != NULL && !key->known(session->facts))
		text_add(out, "not known");
	else
		key->tell(condition, session->facts, out);
}

/* The first condition that is so. */
static void
add_failing(struct text *out, const struct session *session, const struct rule *rule,
    const struct asked *asked, enum answer answer)
{
	for (size_t i = 0; i < rule->match.count; i++) {
		if (condition_ask(&rule->match.conditions[i], asked) != answer)
			continue;
		add_condition(out, session, &rule->match.conditions[i]);
		text_add(out, answer == ANSWER_NO ? " does not match" : "");
		return;
	}
}

static void
add_all(struct text *out, const struct session *session, const struct rule *rule)
{
	if (rule->match.count == 0)
		text_add(out, "matches everything");
	for (size_t i = 0; i < rule->match.count; i++) {
		text_add(out, "%s", i > 0 ? "; " : "");
		add_condition(out, session, &rule->match.conditions[i]);
	}
}

static void
tell_rule(const struct session *session, const struct ruleset *set, const struct rule *rule,
    enum answer answer, bool in_vain)
{
	struct asked asked = session_question(session, set, rule);
	char line[REASON_MAX];
	struct text reason = text_in(line, sizeof(line));

	if (answer == ANSWER_NO || answer == ANSWER_UNKNOWN)
		add_failing(&reason, session, rule, &asked, answer);
	else
		add_all(&reason, session, rule);
	if (answer == ANSWER_TENTATIVE)
		text_add(&reason, "; holds if the server's certificate proves the name");
	if (answer == ANSWER_UNPROVEN)
		text_add(&reason,
		    "; the name is not proven by a certificate, so it allows nothing");
	if (in_vain)
		text_add(&reason, "; nothing is waited for any more, so its hold decides");
	session->tell(
	    &(struct judge_step){
		.ruleset = set->id,
		.version = set->version,
		.mode = ruleset_mode_name(set->mode),
		.rule = rule->id,
		.by = rule->id,
		.matched = answer == ANSWER_YES || in_vain,
		.pending = answer == ANSWER_LATER || answer == ANSWER_TENTATIVE,
		.result = in_vain ? rule->then.hold_unknown : rule->then.result,
		.strictest = in_vain ? rule->then.hold_unknown : rule->then.result,
		.reason = line,
	    },
	    session->arg);
}

static const char *
outcome_by(const struct outcome *outcome)
{
	if (outcome->rule != NULL)
		return outcome->rule->id;
	return outcome->by_unknown ? "unknown" : "default";
}

static const struct action *
outcome_action(const struct outcome *outcome)
{
	if (outcome->rule != NULL)
		return &outcome->rule->then;
	return outcome->by_unknown ? &outcome->set->unknown : &outcome->set->otherwise;
}

static void
add_place(struct text *text, const struct place *place)
{
	char located[COUNTRIES_TEXT_MAX], registered[COUNTRIES_TEXT_MAX];
	char operator[COUNTRIES_TEXT_MAX];

	text_add(text, "located %s, registered %s, operator %s", located_text(place, located),
	    countries_text(&place->registered, registered),
	    countries_text(&place->operator, operator));
}

static void
outcome_why(const struct session *session, const struct outcome *outcome, char out[FACTS_TEXT_MAX])
{
	const struct action *action = outcome_action(outcome);
	struct text text = text_in(out, FACTS_TEXT_MAX);

	if (outcome->waits && session->stage >= VERDICT_CERTIFICATE) {
		text_add(&text, "Open until it is known what is sent: rule %s may hold",
		    outcome->rule->id);
	} else if (outcome->waits) {
		text_add(&text, "Open until the server's %s is known: rule %s may hold",
		    session->stage < VERDICT_NAME ? "name" : "certificate", outcome->rule->id);
	} else if (outcome->in_vain) {
		text_add(&text, "Not known in time what is sent: %s", action->why);
	} else if (action->why[0] != '\0') {
		text_copy(out, FACTS_TEXT_MAX, action->why);
	} else if (outcome->by_unknown) {
		text_add(&text, "Unknown: ");
		place_facts_text(place_unknown(&session->facts->place), &text);
		text_add(&text, "; no rule matched");
	} else {
		text_add(&text, "No rule matched: ");
		add_place(&text, &session->facts->place);
	}
}

static void
tell_outcome(const struct session *session, const struct outcome *outcome)
{
	char why[FACTS_TEXT_MAX];

	outcome_why(session, outcome, why);
	session->tell(
	    &(struct judge_step){
		.ruleset = outcome->set->id,
		.version = outcome->set->version,
		.mode = ruleset_mode_name(outcome->set->mode),
		.by = outcome_by(outcome),
		.matched = true,
		.pending = outcome->pending,
		.result = outcome->result,
		.strictest = outcome->strictest,
		.reason = why,
	    },
	    session->arg);
}

/* How far a result lets a connection go: observe and allow alike all the way. */
static unsigned
restriction(enum result result)
{
	switch (result) {
	case RESULT_OBSERVE:
	case RESULT_ALLOW:
		return 0;
	case RESULT_LIMIT:
		return 1;
	case RESULT_BLOCK:
		break;
	}
	return 2;
}

/* The rules before the deciding one that a later stage may still make hold. */
struct waiting {
	const struct rule *mildest; /* NULL: none waits */
	enum answer answer;         /* of it */
	enum result strictest;
	struct held held;
	bool in_vain; /* the rule that ended the walk waited, and nothing came of it */
};

static enum result
stricter(enum result a, enum result b)
{
	return restriction(a) >= restriction(b) ? a : b;
}

static uint32_t
larger(uint32_t a, uint32_t b)
{
	return a >= b ? a : b;
}

/* From the certificate on, what is waited for is what is sent.  A budget is
 * known with every byte: nothing is held for it. */
static void
note_held(const struct session *session, const struct rule *rule, struct held *held)
{
	if (session->stage < VERDICT_CERTIFICATE)
		return;
	held->open = true;
	if (!rule->waits)
		return;
	held->bytes = larger(held->bytes, rule->then.hold_bytes);
	held->ms = larger(held->ms, rule->then.hold_ms);
}

static void
note_waiting(struct waiting *waiting, const struct rule *rule, enum answer answer)
{
	waiting->strictest = stricter(waiting->strictest, rule->then.result);
	if (waiting->mildest != NULL &&
	    restriction(rule->then.result) >= restriction(waiting->mildest->then.result))
		return;
	waiting->mildest = rule;
	waiting->answer = answer;
}

/* Whether all that keeps the rule from holding is that something is not known of
 * what is sent, and it says what then is to be done. */
static bool
waited_in_vain(const struct session *session, const struct rule *rule, const struct asked *asked)
{
	struct asked again = *asked;

	if (session->stage < VERDICT_PAYLOAD || !rule->then.hold_decides || !rule->waits)
		return false;
	again.waits = true;
	return group_ask(&rule->match, &again) == ANSWER_LATER;
}

/* Ask one rule; true when it ends the walk. */
static bool
ask_rule(const struct session *session, const struct ruleset *set, const struct rule *rule,
    struct waiting *waiting)
{
	struct asked asked = session_question(session, set, rule);
	enum answer answer = group_ask(&rule->match, &asked);

	waiting->in_vain = answer == ANSWER_UNKNOWN && waited_in_vain(session, rule, &asked);
	if (session->tell != NULL)
		tell_rule(session, set, rule, answer, waiting->in_vain);
	if (answer == ANSWER_LATER)
		note_held(session, rule, &waiting->held);
	if (answer == ANSWER_LATER || answer == ANSWER_TENTATIVE)
		note_waiting(waiting, rule, answer);
	return answer == ANSWER_YES || waiting->in_vain;
}

/* The first rule that holds, or NULL. */
static const struct rule *
first_match(const struct session *session, const struct ruleset *set, struct waiting *waiting)
{
	for (size_t i = 0; i < set->rule_count; i++) {
		if (ask_rule(session, set, &set->rules[i], waiting))
			return &set->rules[i];
	}
	return NULL;
}

/* The same, of the rules whose bits are set. */
static const struct rule *
first_candidate(const struct session *session, const struct ruleset *set, const uint64_t *bits,
    struct waiting *waiting)
{
	size_t words = index_words(set->rule_count);

	for (size_t i = 0; i < words; i++) {
		for (uint64_t left = bits[i]; left != 0; left &= left - 1) {
			const struct rule *rule =
			    &set->rules[64 * i + (size_t)__builtin_ctzll(left)];

			if (ask_rule(session, set, rule, waiting))
				return rule;
		}
	}
	return NULL;
}

/*
 * A rule that waits may still take the deciding one's place.  As long as one
 * of these would be milder, the milder one is what the set says for now, so
 * that a later stage is reached and decides.
 */
static void
give_way(struct outcome *outcome, const struct waiting *waiting)
{
	const struct rule *mildest = waiting->mildest;
	unsigned milder, decided = restriction(outcome->result);

	outcome->held = waiting->held;

	/* All that may come is a block as well: it is one already. */
	if (mildest == NULL ||
	    (mildest->then.result == RESULT_BLOCK && outcome->result == RESULT_BLOCK))
		return;
	outcome->pending = true;
	outcome->strictest = stricter(outcome->result, waiting->strictest);
	milder = restriction(mildest->then.result);
	if (milder > decided || (milder == decided && waiting->answer == ANSWER_LATER))
		return;
	outcome->rule = mildest;
	outcome->result = mildest->then.result;
	outcome->by_unknown = outcome->in_vain = false;
	outcome->waits = waiting->answer == ANSWER_LATER;
}

static struct outcome
ask_set(const struct session *session, const struct ruleset *set, const uint64_t *bits)
{
	struct waiting waiting = {0};
	struct outcome outcome = {.set = set};
	const struct action *action;

	outcome.rule = bits != NULL ? first_candidate(session, set, bits, &waiting)
				    : first_match(session, set, &waiting);
	outcome.by_unknown = outcome.rule == NULL && place_unknown(&session->facts->place) != 0;
	action = outcome_action(&outcome);
	outcome.in_vain = outcome.rule != NULL && waiting.in_vain;
	outcome.result = outcome.in_vain ? action->hold_unknown : action->result;
	outcome.strictest = outcome.result;
	give_way(&outcome, &waiting);
	return outcome;
}

/* What a set's result does to the connection, by its mode. */
static enum result
effective(const struct outcome *outcome)
{
	if (outcome->set->mode == MODE_OBSERVE)
		return RESULT_OBSERVE;
	if (outcome->set->mode == MODE_SHADOW && outcome->result > RESULT_ALLOW)
		return RESULT_OBSERVE;
	return outcome->result;
}

static void
write_verdict(const struct session *session, const struct outcome *outcome, enum result result,
    struct verdict *verdict)
{
	const struct ruleset *set = outcome->set;

	*verdict = (struct verdict){.result = result, .stage = session->stage};
	verdict->how = outcome_action(outcome)->how;
	verdict->detail = outcome_action(outcome)->detail;
	verdict->rate = result == RESULT_LIMIT ? outcome_action(outcome)->rate : 0;
	verdict->by_tls = outcome->rule != NULL && outcome->rule->by_tls;
	verdict->shadow = set->mode == MODE_SHADOW && outcome->result == RESULT_BLOCK;
	text_copy(verdict->ruleset, sizeof(verdict->ruleset), set->id);
	text_copy(verdict->ruleset_version, sizeof(verdict->ruleset_version), set->version);
	memcpy(verdict->ruleset_sha256, set->sha256, sizeof(set->sha256));
	text_copy(verdict->rule, sizeof(verdict->rule), outcome_by(outcome));
	outcome_why(session, outcome, verdict->why);
}

/* Whether it is graver than what is to be looked at so far. */
static bool
is_graver(const struct outcome *outcome, const struct outcome *flagged)
{
	enum severity severity = outcome_action(outcome)->severity;

	return severity != SEVERITY_NONE && !outcome->waits &&
	       (flagged->set == NULL || severity > outcome_action(flagged)->severity);
}

static void
write_flag(const struct session *session, const struct outcome *outcome, struct flag *flag)
{
	if (outcome->set == NULL)
		return;
	flag->severity = outcome_action(outcome)->severity;
	text_copy(flag->ruleset, sizeof(flag->ruleset), outcome->set->id);
	text_copy(flag->rule, sizeof(flag->rule), outcome_by(outcome));
	outcome_why(session, outcome, flag->why);
}

/* A set that says nothing of bad servers leaves it to those that do; one that
 * only records has no say. */
static enum servers
stricter_servers(enum servers servers, const struct outcome *outcome)
{
	enum servers own = outcome_action(outcome)->servers;

	if (outcome->set->mode != MODE_ENFORCE || outcome->waits)
		return servers;
	return own > servers ? own : servers;
}

/* What is let through may still be blocked by a set that counts: then it is
 * held back.  One that only records waits for what is sent, and holds nothing. */
static void
join_held(struct held *held, const struct outcome *outcome)
{
	held->open = held->open || outcome->held.open;
	if (outcome->set->mode != MODE_ENFORCE || !outcome->pending ||
	    outcome->strictest != RESULT_BLOCK)
		return;
	held->bytes = larger(held->bytes, outcome->held.bytes);
	held->ms = larger(held->ms, outcome->held.ms);
}

static void
ask_all(const struct session *session, const struct rules *rules, struct verdict *verdict)
{
	struct outcome strongest = {0}, shadow = {0}, flagged = {0};
	enum servers servers = SERVERS_UNSAID;
	struct held held = {.open = session->stage == VERDICT_PAYLOAD && rules->payload};
	uint64_t candidates[INDEX_WORDS_MAX];
	/* Who is told wants to hear of every rule. */
	const uint64_t *bits = rules->index != NULL && session->tell == NULL ? candidates : NULL;
	enum result result;

	if (bits != NULL)
		index_ask(rules->index, session->facts, session->stage, session->name, candidates);
	for (size_t i = 0; i < rules->count; i++) {
		struct outcome outcome = ask_set(session, rules->list[i], bits);

		if (bits != NULL)
			bits += index_words(rules->list[i]->rule_count);
		if (session->tell != NULL)
			tell_outcome(session, &outcome);
		if (strongest.set == NULL || effective(&outcome) > effective(&strongest))
			strongest = outcome;
		if (shadow.set == NULL && outcome.set->mode == MODE_SHADOW &&
		    outcome.result == RESULT_BLOCK)
			shadow = outcome;
		servers = stricter_servers(servers, &outcome);
		join_held(&held, &outcome);
		if (is_graver(&outcome, &flagged))
			flagged = outcome;
	}
	/* What would have been blocked is told where nothing was. */
	result = effective(&strongest);
	if (result != RESULT_BLOCK && shadow.set != NULL)
		strongest = shadow;
	write_verdict(session, &strongest, result, verdict);
	verdict->servers = servers;
	if (result != RESULT_BLOCK) {
		verdict->open = held.open;
		verdict->hold_bytes = held.bytes;
		verdict->hold_ms = held.ms;
	}
	write_flag(session, &flagged, &verdict->flag);
}

void
judge_explain(const struct rules *rules, enum verdict_stage stage, const struct facts *facts,
    struct verdict *verdict, judge_tell *tell, void *arg)
{
	char name[FACTS_NAME_MAX];
	struct session session = session_about(facts, stage, name);

	session.tell = tell;
	session.arg = arg;
	if (rules != NULL && rules->count > 0) {
		ask_all(&session, rules, verdict);
		return;
	}
	*verdict = (struct verdict){.result = RESULT_BLOCK, .stage = stage};
	text_copy(verdict->ruleset, sizeof(verdict->ruleset), "appliance");
	text_copy(verdict->rule, sizeof(verdict->rule), "no-rules");
	text_copy(verdict->why, sizeof(verdict->why), "No rule set is loaded");
}

void
judge(const struct rules *rules, enum verdict_stage stage, const struct facts *facts,
    struct verdict *verdict)
{
	judge_explain(rules, stage, facts, verdict, NULL, NULL);
}

static void
lookup_why(const struct outcome *outcome, bool refuses, char out[FACTS_TEXT_MAX])
{
	struct text text = text_in(out, FACTS_TEXT_MAX);

	if (refuses)
		text_add(&text, "%s", outcome_action(outcome)->why);
	else if (outcome->rule != NULL && outcome->waits)
		text_add(&text, "rule %s may let through what it leads to", outcome->rule->id);
	else
		text_add(&text, "no rule refuses it by its name alone");
}

/* What a set says of a lookup, told as a step. */
static void
tell_lookup(const struct session *session, const struct outcome *outcome, bool refuses)
{
	char why[FACTS_TEXT_MAX];

	lookup_why(outcome, refuses, why);
	session->tell(
	    &(struct judge_step){
		.ruleset = outcome->set->id,
		.version = outcome->set->version,
		.mode = ruleset_mode_name(outcome->set->mode),
		.by = refuses ? outcome->rule->id : "none",
		.matched = true,
		.result = refuses ? RESULT_BLOCK : RESULT_OBSERVE,
		.strictest = refuses ? RESULT_BLOCK : RESULT_OBSERVE,
		.reason = why,
	    },
	    session->arg);
}

bool
judge_lookup_explain(const struct rules *rules, const struct facts *facts, struct verdict *verdict,
    judge_tell *tell, void *arg)
{
	char name[FACTS_NAME_MAX];
	struct session session = session_of_lookup(facts, name);
	bool refused = false;

	session.tell = tell;
	session.arg = arg;
	/* Who is told wants to hear of every set. */
	for (size_t i = 0; rules != NULL && i < rules->count && (!refused || tell != NULL); i++) {
		struct outcome outcome = ask_set(&session, rules->list[i], NULL);
		bool refuses =
		    outcome.rule != NULL && !outcome.waits && effective(&outcome) == RESULT_BLOCK;

		if (tell != NULL)
			tell_lookup(&session, &outcome, refuses);
		if (!refuses || refused)
			continue;
		refused = true;
		write_verdict(&session, &outcome, RESULT_BLOCK, verdict);
		if (outcome_action(&outcome)->severity != SEVERITY_NONE)
			write_flag(&session, &outcome, &verdict->flag);
	}
	return refused;
}

bool
judge_lookup(const struct rules *rules, const struct facts *facts, struct verdict *verdict)
{
	return judge_lookup_explain(rules, facts, verdict, NULL, NULL);
}
