/* SPDX-License-Identifier: MIT */
#include "config/compare.h"

#include "base/text.h"
#include "config/yaml.h"

#include <string.h>

enum { VALUE_MAX = 400 };

struct comparison {
	size_t lines;
	FILE *out;
};

static const char *
shown(const struct yaml_node *node, char out[VALUE_MAX])
{
	struct text text = text_in(out, VALUE_MAX);

	yaml_flow(node, &text);
	return out;
}

/* What: "sets.eea", "rule 10 match".  Either may be NULL. */
static void
compare_values(struct comparison *comparison, const char *what, const struct yaml_node *old,
    const struct yaml_node *new)
{
	char before[VALUE_MAX], after[VALUE_MAX];

	if (old != NULL && new != NULL && yaml_same(old, new))
		return;
	comparison->lines++;
	if (old == NULL)
		(void)fprintf(comparison->out, "%s: added: %s\n", what, shown(new, after));
	else if (new == NULL)
		(void)fprintf(comparison->out, "%s: removed: %s\n", what, shown(old, before));
	else
		(void)fprintf(comparison->out, "%s: %s -> %s\n", what, shown(old, before),
		    shown(new, after));
}

/* What is compared in parts of its own. */
static bool
has_parts(const char *prefix, const char *key)
{
	return prefix[0] == '\0' && (strcmp(key, "sets") == 0 || strcmp(key, "rules") == 0);
}

/* The keys of one map, each with the other's; missing: only those that it lacks. */
static void
compare_keys(struct comparison *comparison, const char *prefix, const struct yaml_node *from,
    const struct yaml_node *to, bool missing)
{
	char what[160];

	if (from == NULL || from->kind != YAML_MAP)
		return;
	for (const struct yaml_node *child = from->first; child != NULL; child = child->next) {
		const struct yaml_node *other = yaml_child(to, child->key->text);

		if (has_parts(prefix, child->key->text) || (missing && other != NULL))
			continue;
		(void)snprintf(what, sizeof(what), "%s%.80s", prefix, child->key->text);
		compare_values(comparison, what, missing ? NULL : child, missing ? child : other);
	}
}

static void
compare_maps(struct comparison *comparison, const char *prefix, const struct yaml_node *old,
    const struct yaml_node *new)
{
	compare_keys(comparison, prefix, old, new, false);
	compare_keys(comparison, prefix, new, old, true);
}

static const char *
id_of(const struct yaml_node *rule)
{
	const struct yaml_node *id = yaml_child(rule, "id");

	return id != NULL ? id->text : "";
}

static const struct yaml_node *
first_rule(const struct yaml_node *root)
{
	const struct yaml_node *rules = yaml_child(root, "rules");

	return rules != NULL && rules->kind == YAML_LIST ? rules->first : NULL;
}

static const struct yaml_node *
find_rule(const struct yaml_node *root, const char *id)
{
	for (const struct yaml_node *rule = first_rule(root); rule != NULL; rule = rule->next) {
		if (strcmp(id_of(rule), id) == 0)
			return rule;
	}
	return NULL;
}

/* The next rule that root has too. */
static const struct yaml_node *
next_common(const struct yaml_node *rule, const struct yaml_node *root)
{
	while (rule != NULL && find_rule(root, id_of(rule)) == NULL)
		rule = rule->next;
	return rule;
}

static void
compare_order(struct comparison *comparison, const struct yaml_node *old,
    const struct yaml_node *new)
{
	const struct yaml_node *a = next_common(first_rule(old), new);
	const struct yaml_node *b = next_common(first_rule(new), old);

	while (a != NULL && b != NULL && strcmp(id_of(a), id_of(b)) == 0) {
		a = next_common(a->next, new);
		b = next_common(b->next, old);
	}
	if (a == NULL || b == NULL)
		return;
	comparison->lines++;
	(void)fprintf(comparison->out, "rules: order changed: %s stands where %s stood\n", id_of(b),
	    id_of(a));
}

static void
compare_rules(struct comparison *comparison, const struct yaml_node *old,
    const struct yaml_node *new)
{
	char what[80];

	for (const struct yaml_node *rule = first_rule(old); rule != NULL; rule = rule->next) {
		const struct yaml_node *other = find_rule(new, id_of(rule));

		(void)snprintf(what, sizeof(what), "rule %.60s", id_of(rule));
		if (other == NULL) {
			compare_values(comparison, what, rule, NULL);
			continue;
		}
		(void)snprintf(what, sizeof(what), "rule %.60s ", id_of(rule));
		compare_maps(comparison, what, rule, other);
	}
	for (const struct yaml_node *rule = first_rule(new); rule != NULL; rule = rule->next) {
		(void)snprintf(what, sizeof(what), "rule %.60s", id_of(rule));
		if (find_rule(old, id_of(rule)) == NULL)
			compare_values(comparison, what, NULL, rule);
	}
	compare_order(comparison, old, new);
}

size_t
rules_compare(const struct yaml_node *old, const struct yaml_node *new, FILE *out)
{
	struct comparison comparison = {.out = out};

	compare_maps(&comparison, "", old, new);
	compare_maps(&comparison, "sets.", yaml_child(old, "sets"), yaml_child(new, "sets"));
	compare_rules(&comparison, old, new);
	return comparison.lines;
}
