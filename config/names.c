/* SPDX-License-Identifier: MIT */
/* The names that rules ask for, so that who knows the names can look at them. */
#include "config/match_private.h"
#include "config/rules.h"

#include <string.h>

struct search {
	const char *key;
	struct rules_name name;
	rules_name_tell *tell;
	void *arg;
};

static void
tell_words(const struct condition *condition, struct search *search)
{
	const char *word = condition->value.words.list;

	search->name.line = condition->line;
	search->name.column = condition->column;
	for (size_t i = 0; i < condition->value.words.count; i++) {
		search->name.name = word;
		search->tell(&search->name, search->arg);
		word += strlen(word) + 1;
	}
}

static void
/* NOLINTNEXTLINE(misc-no-recursion): no deeper than a file can be */
search_group(const struct group *group, struct search *search)
{
	for (size_t i = 0; i < group->count; i++) {
		const struct condition *condition = &group->conditions[i];

		if (strcmp(condition->key->name, search->key) == 0)
			tell_words(condition, search);
		for (size_t j = 0; condition->key->ask != NULL && j < condition->value.groups.count;
		     j++)
			search_group(&condition->value.groups.list[j], search);
	}
}

void
rules_names(const struct rules *rules, const char *key, rules_name_tell *tell, void *arg)
{
	struct search search = {.key = key, .tell = tell, .arg = arg};

	for (size_t i = 0; i < rules->count; i++) {
		const struct ruleset *set = rules->list[i];

		search.name.file = set->file;
		for (size_t j = 0; j < set->rule_count; j++)
			search_group(&set->rules[j].match, &search);
	}
}
