/* SPDX-License-Identifier: MIT */
#include "config/rules_private.h"

#include <stdlib.h>
#include <string.h>

static const struct named_set *
find_set(const struct ruleset *set, const char *name)
{
	for (size_t i = 0; i < set->set_count; i++) {
		if (strcmp(set->sets[i].name, name) == 0)
			return &set->sets[i];
	}
	return NULL;
}

static void
tell_unknown_set(const struct reader *reader, const struct ruleset *set,
    const struct yaml_node *node, const char *name)
{
	const char *names[SETS_MAX];
	const char *near;

	for (size_t i = 0; i < set->set_count; i++)
		names[i] = set->sets[i].name;
	near = text_nearest(name, names, set->set_count);
	if (near != NULL)
		reader_error(reader, node, "no set @%.48s is defined above: did you mean '@%s'?",
		    name, near);
	else
		reader_error(reader, node, "no set @%.48s is defined above", name);
}

static bool
read_term(const struct reader *reader, const struct ruleset *set, const struct yaml_node *node,
    const char *term, struct country_set *out)
{
	const struct named_set *named;
	const char *hint;

	*out = (struct country_set){0};
	if (term[0] == '@') {
		named = find_set(set, term + 1);
		if (named == NULL) {
			tell_unknown_set(reader, set, node, term + 1);
			return false;
		}
		*out = named->countries;
		return true;
	}
	if (country_known(term)) {
		country_set_add(out, term);
		return true;
	}
	hint = country_hint(term);
	if (hint != NULL)
		reader_error(reader, node, "'%.40s' in a country list: %s", term, hint);
	else
		reader_error(reader, node, "'%.40s' is no country (ISO 3166-1, two capitals)",
		    term);
	return false;
}

/* Take the next term of "@a + @b - XK" into term, with the sign before it. */
static bool
next_term(const char **at, char *sign, char term[FACTS_LABEL_MAX + 2])
{
	const char *end;
	size_t size;

	*sign = '+';
	*at += strspn(*at, " ");
	if (**at == '+' || **at == '-')
		*sign = *(*at)++;
	*at += strspn(*at, " ");
	end = *at + strcspn(*at, "+- ");
	size = (size_t)(end - *at);
	if (size == 0 || size >= FACTS_LABEL_MAX + 2)
		return false;
	memcpy(term, *at, size);
	term[size] = '\0';
	*at = end + strspn(end, " ");
	return true;
}

static bool
read_expression(const struct reader *reader, const struct ruleset *set,
    const struct yaml_node *node, struct country_set *out)
{
	const char *text = reader_text(reader, node);
	const char *at = text;

	if (text == NULL)
		return false;
	while (*at != '\0') {
		char term[FACTS_LABEL_MAX + 2];
		struct country_set one;
		char sign;

		if (!next_term(&at, &sign, term) || (*at != '\0' && *at != '+' && *at != '-')) {
			reader_error(reader, node,
			    "'%.60s' is not countries: write codes and sets as \"@a+@b-XK\"", text);
			return false;
		}
		if (!read_term(reader, set, node, term, &one))
			return false;
		if (sign == '-')
			country_set_drop(out, &one);
		else
			country_set_join(out, &one);
	}
	return true;
}

bool
sets_read_countries(const struct reader *reader, const struct ruleset *set,
    const struct yaml_node *node, struct country_set *out)
{
	const struct yaml_node *element = NULL;
	struct country_set all = {0};
	bool good = node->kind != YAML_MAP;

	while ((element = reader_next(reader, node, element)) != NULL) {
		struct country_set one = {0};

		if (read_expression(reader, set, element, &one))
			country_set_join(&all, &one);
		else
			good = false;
	}
	if (good)
		*out = all;
	return good;
}

void
sets_read(const struct reader *reader, const struct yaml_node *node, struct ruleset *set)
{
	if (node->kind != YAML_MAP) {
		reader_error(reader, node, "sets must be a mapping (name: countries)");
		return;
	}
	if (node->count > SETS_MAX) {
		reader_error(reader, node, "more than %d sets", SETS_MAX);
		return;
	}
	set->sets = calloc(node->count + 1, sizeof(*set->sets));
	if (set->sets == NULL) {
		reader_error(reader, node, "no memory for the sets");
		return;
	}
	for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
		struct named_set named = {0};

		if (!reader_label(reader, child->key, named.name, sizeof(named.name)))
			continue;
		if (strpbrk(named.name, "-.") != NULL) {
			reader_error(reader, child->key,
			    "the set's name '%s' may not hold '-' or '.': @a-@b takes b away from a",
			    named.name);
			continue;
		}
		/* One that is wrong is defined all the same, so that its users are not told too. */
		(void)sets_read_countries(reader, set, child, &named.countries);
		set->sets[set->set_count++] = named;
	}
}
