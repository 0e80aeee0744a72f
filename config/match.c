/* SPDX-License-Identifier: MIT */
#include "config/match_private.h"
#include "config/places.h"
#include "config/rules.h"

#include <stdlib.h>
#include <string.h>

/* In the order in which they are taught. */
static const struct match_key *const keys[] = {&match_device, &match_group, &match_ip, &match_port,
    &match_proto, &match_asn, &match_located, &match_registered, &match_operator, &match_continent,
    &match_within, &match_touches, &match_unknown, &match_sni, &match_sni_missing, &match_vendor,
    &match_ech, &match_ja4, &match_tls, &match_inspect, &match_time, &match_app,
    &match_opaque_inner, &match_host_mismatch, &match_class, &match_confidence, &match_direction,
    &match_bytes, &match_any, &match_not};
enum { KEYS = sizeof(keys) / sizeof(keys[0]) };

const char *
match_key_name(size_t index)
{
	return index < KEYS ? keys[index]->name : NULL;
}

size_t
match_count(const struct yaml_node *node)
{
	return node->kind == YAML_LIST ? node->count : 1;
}

bool
match_refuse_empty(const struct reader *reader, const struct yaml_node *node)
{
	if (node->kind != YAML_LIST || node->count > 0)
		return false;
	reader_error(reader, node, "%s is an empty list: the rule could never match",
	    node->key->text);
	return true;
}

bool
match_read_list(const struct reader *reader, const struct yaml_node *node, match_element *read,
    size_t size, struct condition *condition, size_t *count)
{
	const struct yaml_node *element = NULL;
	bool good = node->kind != YAML_MAP;
	char *list;

	*count = 0;
	if (match_refuse_empty(reader, node))
		return false;
	list = calloc(match_count(node) + 1, size);
	if (list == NULL) {
		reader_error(reader, node, "no memory for the list");
		return false;
	}
	condition->owned = list;
	while ((element = reader_next(reader, node, element)) != NULL) {
		if (read(reader, element, list + *count * size))
			(*count)++;
		else
			good = false;
	}
	return good;
}

bool
match_parse_wanted(const struct reader *reader, const struct ruleset *set,
    const struct yaml_node *node, struct condition *condition)
{
	(void)set;
	return reader_bool(reader, node, &condition->value.wanted);
}

bool
match_read_words(const struct reader *reader, const struct yaml_node *node,
    const char *const *words, size_t count, uint32_t *out)
{
	const struct yaml_node *element = NULL;
	bool good = node->kind != YAML_MAP;

	while ((element = reader_next(reader, node, element)) != NULL) {
		int word = reader_word(reader, element, words, count);

		if (word < 0)
			good = false;
		else
			*out |= 1U << word;
	}
	return good;
}

size_t
rules_keywords(struct rules_keyword *out, size_t size)
{
	for (size_t i = 0; i < KEYS && i < size; i++)
		out[i] = (struct rules_keyword){
		    .name = keys[i]->name,
		    .value = keys[i]->value,
		    .meaning = keys[i]->meaning,
		    .stage = verdict_stage_name(keys[i]->stage),
		};
	return KEYS;
}

static const struct match_key *
find_key(const struct reader *reader, const struct yaml_node *node)
{
	const char *names[KEYS];

	for (size_t i = 0; i < KEYS; i++) {
		names[i] = keys[i]->name;
		if (strcmp(node->key->text, names[i]) == 0)
			return keys[i];
	}
	reader_unknown_key(reader, node, names, KEYS);
	return NULL;
}

static void
write_value(const struct yaml_node *node, char out[CONDITION_TEXT_MAX])
{
	struct text text = text_in(out, CONDITION_TEXT_MAX);
	size_t end = CONDITION_TEXT_MAX - sizeof("...");

	yaml_flow(node, &text);
	if (!text.cut)
		return;
	if (end > text.used)
		end = text.used;
	while (end > 0 && ((unsigned char)out[end] & 0xc0) == 0x80)
		end--; /* between letters */
	while (end > 0 && strchr(", ", out[end - 1]) != NULL)
		end--;
	text_copy(out + end, CONDITION_TEXT_MAX - end, "...");
}

static bool
read_condition(const struct reader *reader, const struct ruleset *set, const struct yaml_node *node,
    struct condition *condition)
{
	write_value(node, condition->written);
	condition->line = node->line;
	condition->column = node->column;
	return condition->key->parse(reader, set, node, condition);
}

bool
group_read(const struct reader *reader, const struct ruleset *set, const struct yaml_node *node,
    struct group *group)
{
	bool good = true;

	if (node->kind != YAML_MAP) {
		reader_error(reader, node,
		    "match must be a mapping (key: value); {} matches everything");
		return false;
	}
	group->conditions = calloc(node->count + 1, sizeof(*group->conditions));
	if (group->conditions == NULL) {
		reader_error(reader, node, "no memory for the rule");
		return false;
	}
	for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
		struct condition *condition = &group->conditions[group->count];

		condition->key = find_key(reader, child);
		if (condition->key == NULL) {
			good = false;
			continue;
		}
		group->count++;
		good = read_condition(reader, set, child, condition) && good;
		if (condition->key == &match_direction)
			group->directions = (uint8_t)(condition->value.words_set << DIRECTION_UP);
		if (condition->key == &match_confidence)
			group->confidence = (uint8_t)condition->value.words_set;
	}
	return good;
}

static bool
has_groups(const struct condition *condition)
{
	return condition->key->ask != NULL;
}

void
/* NOLINTNEXTLINE(misc-no-recursion): no deeper than a file can be */
group_free(struct group *group)
{
	for (size_t i = 0; i < group->count; i++) {
		struct condition *condition = &group->conditions[i];

		for (size_t j = 0; has_groups(condition) && j < condition->value.groups.count; j++)
			group_free(&condition->value.groups.list[j]);
		free(condition->owned);
	}
	free(group->conditions);
}

bool
/* NOLINTNEXTLINE(misc-no-recursion): no deeper than a file can be */
group_by_name(const struct group *group)
{
	for (size_t i = 0; i < group->count; i++) {
		const struct condition *condition = &group->conditions[i];

		if (condition->key->by_name)
			return true;
		for (size_t j = 0; has_groups(condition) && j < condition->value.groups.count;
		     j++) {
			if (group_by_name(&condition->value.groups.list[j]))
				return true;
		}
	}
	return false;
}

bool
group_asks_for(const struct group *group, const struct match_key *key)
{
	for (size_t i = 0; i < group->count; i++) {
		if (group->conditions[i].key == key)
			return true;
	}
	return false;
}

bool
/* NOLINTNEXTLINE(misc-no-recursion): no deeper than a file can be */
group_mentions(const struct group *group, const char *key)
{
	for (size_t i = 0; i < group->count; i++) {
		const struct condition *condition = &group->conditions[i];

		if (strcmp(condition->key->name, key) == 0)
			return true;
		for (size_t j = 0; has_groups(condition) && j < condition->value.groups.count;
		     j++) {
			if (group_mentions(&condition->value.groups.list[j], key))
				return true;
		}
	}
	return false;
}

void
/* NOLINTNEXTLINE(misc-no-recursion): no deeper than a file can be */
group_walk(const struct group *group, group_tell *tell, void *arg)
{
	for (size_t i = 0; i < group->count; i++) {
		struct condition *condition = &group->conditions[i];

		if (!has_groups(condition))
			tell(condition, arg);
		for (size_t j = 0; has_groups(condition) && j < condition->value.groups.count; j++)
			group_walk(&condition->value.groups.list[j], tell, arg);
	}
}

bool
asked_doubts(const struct asked *asked)
{
	return asked->negated && asked->strict;
}

enum answer
condition_ask(const struct condition *condition, const struct asked *asked)
{
	const struct match_key *key = condition->key;
	bool holds;

	if (key->ask != NULL)
		return key->ask(condition, asked);
	if (key->stage > asked->stage)
		return ANSWER_LATER;
	if (asked->lookup && (key->at_lookup == NULL || !key->at_lookup(asked->facts)))
		return ANSWER_LATER;
	if (key->known != NULL && !key->known(asked->facts))
		return key->stage == VERDICT_PAYLOAD && asked->waits ? ANSWER_LATER
								     : ANSWER_UNKNOWN;
	holds = key->test(condition, asked);
	/* One message of the kind is enough for a block, and one that is not of the
	 * kind against the rest; until either came, what is not told yet may be it. */
	if (key->by_message && holds != asked->strict && asked->facts->payload.pending > 0)
		return asked->waits ? ANSWER_LATER : ANSWER_UNKNOWN;
	if (!holds)
		return ANSWER_NO;
	return key->by_name ? asked->proof : ANSWER_YES;
}

enum answer
group_ask(const struct group *group, const struct asked *asked)
{
	enum answer least = ANSWER_YES;
	struct asked inner;

	if (group->directions != 0 || group->confidence != 0) {
		inner = *asked;
		inner.directions = group->directions;
		inner.confidence = group->confidence;
		asked = &inner;
	}
	for (size_t i = 0; i < group->count && least != ANSWER_NO; i++) {
		enum answer answer = condition_ask(&group->conditions[i], asked);

		if (answer < least)
			least = answer;
	}
	return least;
}
