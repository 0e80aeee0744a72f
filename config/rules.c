/* SPDX-License-Identifier: MIT */
#include "config/rules.h"

#include "base/err.h"
#include "config/index.h"
#include "config/match_private.h"
#include "config/places.h"
#include "config/problems.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

static const char *const mode_names[] = {"enforce", "shadow", "observe"};

const char *
ruleset_mode_name(enum ruleset_mode mode)
{
	return mode_names[mode];
}

/* ---- one rule ---- */

static void
read_id(const struct reader *reader, const struct yaml_node *node, void *into)
{
	const struct draft *draft = into;
	struct rule *rule = draft->rule;

	if (!reader_label(reader, node, rule->id, sizeof(rule->id)))
		return;
	if (strcmp(rule->id, "default") == 0 || strcmp(rule->id, "unknown") == 0) {
		reader_error(reader, node, "'%s' is what the set's own line is called", rule->id);
		return;
	}
	for (const struct rule *other = draft->set->rules; other < rule; other++) {
		if (strcmp(other->id, rule->id) == 0) {
			reader_error(reader, node, "rule '%s' is here twice (first on line %u)",
			    rule->id, other->line);
			return;
		}
	}
}

static void
read_match(const struct reader *reader, const struct yaml_node *node, void *into)
{
	const struct draft *draft = into;

	(void)group_read(reader, draft->set, node, &draft->rule->match);
}

static const struct field rule_fields[] = {
    {"id", true, read_id},
    {"match", true, read_match},
    {"then", true, action_read_then},
    {"why", true, action_read_why},
    {"how", false, action_read_how},
    {"rate", false, action_read_rate},
    {"hold", false, action_read_hold},
    {"log", false, action_read_log},
    {"alert", false, action_read_alert},
    {"servers", false, action_read_servers},
};
enum { RULE_FIELDS = sizeof(rule_fields) / sizeof(rule_fields[0]) };

const char *
rule_key(size_t index)
{
	return index < RULE_FIELDS ? rule_fields[index].name : NULL;
}

static void
note_condition(struct condition *condition, void *arg)
{
	struct rule *rule = arg;

	if (condition->key == &match_tls)
		rule->by_tls = true;
	else if (condition->key == &match_bytes)
		rule->counts = true;
	else if (condition->key->stage == VERDICT_PAYLOAD)
		rule->waits = true;
}

/* What is waited for is only held back for a rule that could be done by it. */
static void
note_conditions(struct rule *rule)
{
	struct action *then = &rule->then;

	group_walk(&rule->match, note_condition, rule);
	if (then->hold_written)
		return;
	then->hold_bytes = HOLD_BYTES;
	then->hold_ms = HOLD_MS;
}

static void
read_rules(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct ruleset *set = into;
	size_t errors = reader->problems->errors;

	if (node->kind != YAML_LIST || node->count > RULES_MAX) {
		reader_error(reader, node, "rules must be a list of at most %d rules", RULES_MAX);
		return;
	}
	set->rules = calloc(node->count + 1, sizeof(*set->rules));
	if (set->rules == NULL) {
		reader_error(reader, node, "no memory for the rules");
		return;
	}
	for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
		struct rule *rule = &set->rules[set->rule_count];
		struct draft draft = {.set = set, .rule = rule, .action = &rule->then};
		rule->line = child->line;
		reader_fields(reader, child, "a rule", rule_fields, RULE_FIELDS, &draft);
		note_conditions(rule);
		if (rule->then.hold_written && rule->then.hold_bytes > 0 && !rule->waits &&
		    !rule->counts)
			reader_warning(reader, child,
			    "rule '%s' holds nothing: its match asks for nothing that is sent (class, "
			    "app, ...)",
			    rule->id);
		set->rule_count++;
		if (rule->counts)
			set->counting = set->rule_count;
		if (set->mode == MODE_OBSERVE && rule->then.result == RESULT_BLOCK)
			reader_warning(reader, child,
			    "rule '%s' says block, but the set only observes", rule->id);
	}
	if (reader->problems->errors == errors)
		rules_warn_unreached(reader, set, node);
}

/* ---- the set's own lines ---- */

static const struct field line_fields[] = {
    {"then", true, action_read_then},
    {"why", true, action_read_why},
    {"how", false, action_read_how},
    {"log", false, action_read_log},
    {"alert", false, action_read_alert},
};

/* "block", or {then: block, why: "..."}. */
static void
read_line(const struct reader *reader, const struct yaml_node *node, struct ruleset *set,
    struct action *out)
{
	struct draft draft = {.set = set, .action = out};

	if (node->kind == YAML_MAP)
		reader_fields(reader, node, node->key->text, line_fields,
		    sizeof(line_fields) / sizeof(line_fields[0]), &draft);
	else
		action_read_then(reader, node, &draft);
}

static void
read_unknown(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct ruleset *set = into;

	read_line(reader, node, set, &set->unknown);
}

static void
read_default(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct ruleset *set = into;

	read_line(reader, node, set, &set->otherwise);
}

static void
read_ruleset(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct ruleset *set = into;

	if (!reader_label(reader, node, set->id, sizeof(set->id)))
		return;
	if (strcmp(set->id, "appliance") == 0)
		reader_error(reader, node, "'appliance' is what no rule may change is called");
}

static void
read_version(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct ruleset *set = into;

	(void)reader_label(reader, node, set->version, sizeof(set->version));
}

static void
read_title(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct ruleset *set = into;

	(void)reader_line(reader, node, set->title, sizeof(set->title));
}

static void
read_jurisdiction(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct ruleset *set = into;

	(void)reader_line(reader, node, set->jurisdiction, sizeof(set->jurisdiction));
}

/* References are for who reads the file; the file's hash is what is recorded. */
static void
read_references(const struct reader *reader, const struct yaml_node *node, void *into)
{
	const struct yaml_node *element = NULL;

	(void)into;
	while ((element = reader_next(reader, node, element)) != NULL)
		(void)reader_text(reader, element);
}

static bool
is_date(const char *text)
{
	static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	unsigned year, month, day, most;

	if (strlen(text) != 10 || strspn(text, "0123456789-") != 10 || text[4] != '-' ||
	    text[7] != '-' || strcspn(text, "-") != 4 || strcspn(text + 5, "-") != 2 ||
	    strchr(text + 8, '-') != NULL)
		return false;
	year = (unsigned)strtoul(text, NULL, 10);
	month = (unsigned)strtoul(text + 5, NULL, 10);
	day = (unsigned)strtoul(text + 8, NULL, 10);
	if (month < 1 || month > 12)
		return false;
	most = days[month - 1];
	if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
		most = 29;
	return day >= 1 && day <= most;
}

static void
read_date(const struct reader *reader, const struct yaml_node *node, char out[12])
{
	const char *text = reader_text(reader, node);

	if (text == NULL)
		return;
	if (!is_date(text)) {
		reader_error(reader, node, "%s: '%.40s' is no date: write 2026-11-22",
		    node->key->text, text);
		return;
	}
	text_copy(out, 12, text);
}

static void
read_reviewed(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct ruleset *set = into;

	read_date(reader, node, set->reviewed);
}

static void
read_expires(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct ruleset *set = into;

	read_date(reader, node, set->expires);
	/* The order is the text's own: year, month, day. */
	if (set->expires[0] != '\0' && set->reviewed[0] != '\0' &&
	    strcmp(set->expires, set->reviewed) < 0)
		reader_error(reader, node, "the set expires (%s) before it was reviewed (%s)",
		    set->expires, set->reviewed);
}

static void
read_mode(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct ruleset *set = into;
	int word = reader_word(reader, node, mode_names, 3);

	if (word >= 0)
		set->mode = (enum ruleset_mode)word;
}

static void
read_sets(const struct reader *reader, const struct yaml_node *node, void *into)
{
	sets_read(reader, node, into);
}

/* In the order of use: rules name sets, and ask for the mode. */
static const struct field ruleset_fields[] = {
    {"ruleset", true, read_ruleset},
    {"version", true, read_version},
    {"title", true, read_title},
    {"jurisdiction", false, read_jurisdiction},
    {"references", false, read_references},
    {"reviewed", false, read_reviewed},
    {"expires", false, read_expires},
    {"mode", false, read_mode},
    {"unknown", true, read_unknown},
    {"sets", false, read_sets},
    {"rules", false, read_rules},
    {"default", true, read_default},
    {"retention", false, NULL},
    {"capture", false, NULL},
};
enum { RULESET_FIELDS = sizeof(ruleset_fields) / sizeof(ruleset_fields[0]) };

const char *
ruleset_key(size_t index)
{
	return index < RULESET_FIELDS ? ruleset_fields[index].name : NULL;
}

static void
ruleset_free(struct ruleset *set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; i < set->rule_count; i++)
		group_free(&set->rules[i].match);
	free(set->rules);
	sets_free(set);
	free(set);
}

static void
refuse_twin(const struct rules *rules, const struct ruleset *set, const struct yaml_node *root,
    const struct reader *reader)
{
	const struct yaml_node *node = yaml_child(root, "ruleset");

	for (size_t i = 0; i < rules->count && node != NULL; i++) {
		if (strcmp(rules->list[i]->id, set->id) == 0)
			reader_error(reader, node, "rule set '%s' is loaded already, from %s",
			    set->id, rules->list[i]->file);
	}
}

/* Where the budgets of a set are put. */
struct taking {
	struct rules *rules;
	const struct ruleset *set;
	const struct rule *rule;
	size_t count;
};

static void
take_budget(struct condition *condition, void *arg)
{
	struct taking *taking = arg;
	struct budget *budgets = taking->rules->budgets;

	if (condition->key != &match_bytes)
		return;
	if (taking->count < RULES_BUDGETS_MAX) {
		condition->value.budget.index = (unsigned)taking->count;
		budgets[taking->count] = (struct budget){taking->set, taking->rule, condition};
	}
	taking->count++;
}

/* The set, which has no error, is added next; false: told. */
static bool
take_budgets(struct rules *rules, const struct ruleset *set, const struct reader *reader)
{
	struct taking taking = {.rules = rules, .set = set, .count = rules->budget_count};

	for (size_t i = 0; i < set->counting; i++) {
		taking.rule = &set->rules[i];
		group_walk(&taking.rule->match, take_budget, &taking);
	}
	if (taking.count > RULES_BUDGETS_MAX) {
		problems_error(reader->problems, set->file, 0, 0,
		    "more than %d budgets ('bytes') in all rule sets", RULES_BUDGETS_MAX);
		return false;
	}
	rules->budget_count = taking.count;
	for (size_t i = 0; i < set->rule_count; i++)
		rules->payload = rules->payload || set->rules[i].waits || set->rules[i].counts;
	return true;
}

size_t
rules_budgets(const struct rules *rules)
{
	return rules == NULL ? 0 : rules->budget_count;
}

struct rules_budget
rules_budget(const struct rules *rules, size_t index)
{
	const struct budget *budget = &rules->budgets[index];
	const struct condition *condition = budget->condition;
	unsigned number = 0;

	while (number < index && budget[-1 - (int)number].rule == budget->rule)
		number++;
	return (struct rules_budget){
	    .ruleset = budget->set->id,
	    .rule = budget->rule->id,
	    .number = number,
	    .by_device = condition->value.budget.by_device,
	    .up_over = condition->value.budget.up_over,
	    .per_s = condition->value.budget.per_s,
	    .shift_s = condition->value.budget.shift_s,
	};
}

bool
rules_ask_for_payload(const struct rules *rules)
{
	return rules != NULL && rules->payload;
}

int
rules_add(struct rules *rules, const char *file, struct bytes text, struct problems *problems)
{
	struct reader reader = {.file = file, .problems = problems};
	size_t errors = problems->errors;
	struct yaml_tree tree = {0};
	struct ruleset *set = calloc(1, sizeof(*set));
	int ret = -1;

	if (set == NULL || rules->count == CONFIG_RULESETS_MAX ||
	    EVP_Digest(text.at, text.left, set->sha256, NULL, EVP_sha256(), NULL) != 1) {
		problems_error(problems, file, 0, 0, "no room for another rule set");
		goto out;
	}
	text_copy(set->file, sizeof(set->file), file);
	if (yaml_tree_read(&tree, file, text, problems) != 0)
		goto out;
	reader_fields(&reader, tree.root, "a rule set", ruleset_fields, RULESET_FIELDS, set);
	refuse_twin(rules, set, tree.root, &reader);
	if (problems->errors > errors || !take_budgets(rules, set, &reader))
		goto out;
	rules->list[rules->count++] = set;
	index_free(rules->index); /* of fewer sets */
	rules->index = NULL;
	set = NULL; /* handed to rules */
	ret = 0;
out:
	yaml_tree_free(&tree);
	ruleset_free(set);
	return ret;
}

void
rules_prepare(struct rules *rules)
{
	index_free(rules->index);
	rules->index = index_new(rules);
}

struct rules *
rules_new(void)
{
	return calloc(1, sizeof(struct rules));
}

void
rules_free(struct rules *rules)
{
	if (rules == NULL)
		return;
	for (size_t i = 0; i < rules->count; i++)
		ruleset_free(rules->list[i]);
	index_free(rules->index);
	free(rules);
}

size_t
rules_count(const struct rules *rules)
{
	return rules == NULL ? 0 : rules->count;
}

struct ruleset_about
rules_about(const struct rules *rules, size_t index)
{
	const struct ruleset *set = rules->list[index];

	return (struct ruleset_about){
	    .file = set->file,
	    .id = set->id,
	    .version = set->version,
	    .title = set->title,
	    .jurisdiction = set->jurisdiction,
	    .reviewed = set->reviewed,
	    .expires = set->expires,
	    .mode = ruleset_mode_name(set->mode),
	    .sha256 = set->sha256,
	    .rules = set->rule_count,
	};
}

bool
rules_ask_for(const struct rules *rules, const char *key)
{
	for (size_t i = 0; i < rules_count(rules); i++) {
		const struct ruleset *set = rules->list[i];

		for (size_t j = 0; j < set->rule_count; j++) {
			if (group_mentions(&set->rules[j].match, key))
				return true;
		}
	}
	return false;
}
