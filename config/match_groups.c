/* SPDX-License-Identifier: MIT */
/* The keys that are made of conditions: `any` and `not`. */
#include "config/match_private.h"

#include <stdlib.h>

/* Room for the groups of a list, or of one mapping. */
static bool
make_groups(const struct reader *reader, const struct yaml_node *node, struct condition *condition)
{
	if (node->kind == YAML_TEXT) {
		reader_error(reader, node,
		    "%s must be a mapping of conditions, or a list of mappings", node->key->text);
		return false;
	}
	if (match_refuse_empty(reader, node))
		return false;
	condition->value.groups.list = calloc(match_count(node), sizeof(struct group));
	condition->owned = condition->value.groups.list;
	if (condition->owned == NULL)
		reader_error(reader, node, "no memory for the conditions");
	return condition->owned != NULL;
}

static bool
parse_groups(const struct reader *reader, const struct ruleset *set, const struct yaml_node *node,
    struct condition *condition)
{
	const struct yaml_node *element = node->kind == YAML_LIST ? node->first : node;
	bool good = make_groups(reader, node, condition);

	if (!good)
		return false;
	for (; element != NULL; element = node->kind == YAML_LIST ? element->next : NULL) {
		struct group *group = &condition->value.groups.list[condition->value.groups.count];

		condition->value.groups.count++;
		if (element->kind == YAML_MAP && element->count == 0) {
			reader_error(reader, element, "an empty mapping matches everything");
			good = false;
			continue;
		}
		good = group_read(reader, set, element, group) && good;
	}
	return good;
}

static bool
parse_not(const struct reader *reader, const struct ruleset *set, const struct yaml_node *node,
    struct condition *condition)
{
	if (!parse_groups(reader, set, node, condition))
		return false;
	for (size_t i = 0; i < condition->value.groups.count; i++) {
		if (condition->value.groups.list[i].count < 2)
			continue;
		/* Not both, or neither?  Readers differ. */
		reader_error(reader, node,
		    "not takes one key: for neither of two write a list, not: [{...}, {...}]");
		return false;
	}
	return true;
}

static enum answer
ask_groups(const struct condition *condition, const struct asked *asked)
{
	enum answer best = ANSWER_NO;

	for (size_t i = 0; i < condition->value.groups.count && best != ANSWER_YES; i++) {
		enum answer answer = group_ask(&condition->value.groups.list[i], asked);

		if (answer > best)
			best = answer;
	}
	return best;
}

static bool
is_by_name(const struct condition *condition)
{
	for (size_t i = 0; i < condition->value.groups.count; i++) {
		if (group_by_name(&condition->value.groups.list[i]))
			return true;
	}
	return false;
}

/* That a name is another one must be proven as well. */
static enum answer
ask_not(const struct condition *condition, const struct asked *asked)
{
	struct asked inner = *asked;
	enum answer answer;

	inner.proof = ANSWER_YES;
	inner.strict = !asked->strict;
	inner.negated = !asked->negated;
	answer = ask_groups(condition, &inner);
	if (answer == ANSWER_YES)
		return ANSWER_NO;
	if (answer == ANSWER_NO)
		return is_by_name(condition) ? asked->proof : ANSWER_YES;
	return answer;
}

static void
tell_one(const struct condition *condition, const struct facts *facts, struct text *out)
{
	const struct match_key *key = condition->key;

	if (key->known != NULL && !key->known(facts)) {
		text_add(out, "%s not known", key->name);
		return;
	}
	if (key->ask == NULL)
		text_add(out, "%s ", key->name);
	key->tell(condition, facts, out);
}

/* The keys inside, each with its fact. */
static void
tell_groups(const struct condition *condition, const struct facts *facts, struct text *out)
{
	for (size_t i = 0; i < condition->value.groups.count; i++) {
		const struct group *group = &condition->value.groups.list[i];

		for (size_t j = 0; j < group->count; j++) {
			text_add(out, "%s", i + j > 0 ? ", " : "");
			tell_one(&group->conditions[j], facts, out);
		}
	}
}

const struct match_key match_any = {
    .name = "any",
    .value = "[{KEY: VALUE}, {KEY: VALUE}]",
    .meaning = "one of the mappings holds, all of its keys",
    .stage = VERDICT_ADDRESS,
    .parse = parse_groups,
    .ask = ask_groups,
    .tell = tell_groups,
};
const struct match_key match_not = {
    .name = "not",
    .value = "{KEY: VALUE}, [{KEY: VALUE}, {KEY: VALUE}]",
    .meaning = "none of the mappings holds",
    .stage = VERDICT_ADDRESS,
    .parse = parse_not,
    .ask = ask_not,
    .tell = tell_groups,
};
