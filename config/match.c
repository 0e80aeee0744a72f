/* SPDX-License-Identifier: MIT */
#include "config/match_private.h"

#include <stdlib.h>
#include <string.h>

static const struct match_key *const keys[] = {&match_device, &match_ip, &match_port,
    &match_located, &match_registered, &match_operator, &match_within, &match_touches,
    &match_unknown, &match_sni, &match_sni_missing, &match_vendor};
enum { KEYS = sizeof(keys) / sizeof(keys[0]) };

/* Of the language, but their facts are not there yet: said so, not guessed at. */
static const char *const later[] = {"group", "proto", "continent", "asn", "ech", "tls", "ja4",
    "class", "direction", "bytes", "time", "inspect", "not", "any"};
enum { LATER = sizeof(later) / sizeof(later[0]) };

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

static const struct match_key *
find_key(const struct reader *reader, const struct yaml_node *node)
{
	const char *names[KEYS + LATER];

	for (size_t i = 0; i < KEYS; i++) {
		names[i] = keys[i]->name;
		if (strcmp(node->key->text, names[i]) == 0)
			return keys[i];
	}
	for (size_t i = 0; i < LATER; i++) {
		names[KEYS + i] = later[i];
		if (strcmp(node->key->text, later[i]) == 0) {
			reader_error(reader, node->key, "'%s' is not available in this version",
			    later[i]);
			return NULL;
		}
	}
	reader_unknown_key(reader, node, names, KEYS + LATER);
	return NULL;
}

static void
write_value(const struct yaml_node *node, char out[CONDITION_TEXT_MAX])
{
	struct text text = text_in(out, CONDITION_TEXT_MAX);

	if (node->kind == YAML_TEXT) {
		text_add_untrusted(&text, node->text, strlen(node->text));
		return;
	}
	text_add(&text, "[");
	for (const struct yaml_node *element = node->first; element != NULL;
	     element = element->next) {
		if (text.used + strlen(element->text) + sizeof(", ...]") > CONDITION_TEXT_MAX) {
			text_add(&text, "...");
			break;
		}
		text_add_untrusted(&text, element->text, strlen(element->text));
		if (element->next != NULL)
			text_add(&text, ", ");
	}
	text_add(&text, "]");
}

bool
match_read(const struct reader *reader, const struct ruleset *set, const struct yaml_node *node,
    struct rule *rule)
{
	bool good = true;

	if (node->kind != YAML_MAP) {
		reader_error(reader, node,
		    "match must be a mapping (key: value); {} matches everything");
		return false;
	}
	rule->conditions = calloc(node->count + 1, sizeof(*rule->conditions));
	if (rule->conditions == NULL) {
		reader_error(reader, node, "no memory for the rule");
		return false;
	}
	for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
		struct condition *condition = &rule->conditions[rule->count];
		const struct match_key *key = find_key(reader, child);

		if (key == NULL) {
			good = false;
			continue;
		}
		condition->key = key;
		write_value(child, condition->written);
		good = key->parse(reader, set, child, condition) && good;
		rule->by_name = rule->by_name || key->stage == VERDICT_NAME;
		rule->count++;
	}
	return good;
}
