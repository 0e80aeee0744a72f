/* SPDX-License-Identifier: MIT */
/* Rules that are never reached, because one above them matches all that they do. */
#include "config/match_private.h"

enum { REACH_RULES_MAX = 1000 }; /* compared with all above them; of more, with what matches all */

/* Doubt counts otherwise for a rule that blocks: what one does not match, the
 * same match may in the other. */
static bool
are_as_strict(const struct rule *a, const struct rule *b)
{
	return (a->then.result == RESULT_BLOCK) == (b->then.result == RESULT_BLOCK);
}

/* Whether all that above asks for is asked by below as well, in the same words. */
static bool
asks_no_more(const struct yaml_node *above, const struct yaml_node *below)
{
	if (above == NULL || below == NULL || above->count > below->count)
		return false;
	for (const struct yaml_node *child = above->first; child != NULL; child = child->next) {
		const struct yaml_node *other = yaml_child(below, child->key->text);

		if (other == NULL || !yaml_same(child, other))
			return false;
	}
	return true;
}

static bool
hides(const struct rule *above, const struct yaml_node *above_node, const struct rule *below,
    const struct yaml_node *below_node)
{
	return are_as_strict(above, below) &&
	       asks_no_more(yaml_child(above_node, "match"), yaml_child(below_node, "match"));
}

static void
warn_of(const struct reader *reader, const struct ruleset *set, const struct yaml_node *rules,
    const struct yaml_node *below_node, size_t below)
{
	const struct yaml_node *node = rules->first;

	for (size_t i = 0; i < below; i++, node = node->next) {
		const struct rule *above = &set->rules[i];
		bool all = above->match.count == 0;

		if (!all && (below >= REACH_RULES_MAX ||
				!hides(above, node, &set->rules[below], below_node)))
			continue;
		reader_warning(reader, below_node,
		    "rule '%s' is never reached: '%s' on line %u matches %s", set->rules[below].id,
		    above->id, above->line, all ? "everything" : "all that it does");
		return;
	}
}

void
rules_warn_unreached(const struct reader *reader, const struct ruleset *set,
    const struct yaml_node *rules)
{
	const struct yaml_node *node = rules->first;

	for (size_t i = 0; i < set->rule_count; i++, node = node->next)
		warn_of(reader, set, rules, node, i);
}
