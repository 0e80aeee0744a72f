/* SPDX-License-Identifier: MIT */
/* The keys that are about where the destination is, and whose. */
#include "config/match_private.h"

static const char *const place_fact_names[] = {"located", "registered", "operator"};
enum { PLACE_FACTS = 3 };

unsigned
place_unknown(const struct place *place)
{
	return (place->located.count == 0 ? FACT_LOCATED : 0U) |
	       (place->registered.count == 0 ? FACT_REGISTERED : 0U) |
	       (place->operator.count == 0 ? FACT_OPERATOR : 0U);
}

void
place_facts_text(unsigned facts, struct text *out)
{
	bool first = true;

	for (unsigned i = 0; i < PLACE_FACTS; i++) {
		if ((facts & 1U << i) == 0)
			continue;
		text_add(out, "%s%s", first ? "" : ", ", place_fact_names[i]);
		first = false;
	}
}

static bool
parse_countries(const struct reader *reader, const struct ruleset *set,
    const struct yaml_node *node, struct condition *condition)
{
	if (match_refuse_empty(reader, node))
		return false;
	return sets_read_countries(reader, set, node, &condition->value.countries);
}

/*
 * Two databases that disagree are both judged: a rule that blocks holds when
 * either says so, one that lets through only when both do.
 */
static bool
test_fact(const struct condition *condition, const struct asked *asked,
    const struct countries *countries)
{
	if (asked->strict)
		return country_set_has_any(&condition->value.countries, countries);
	return country_set_has_all(&condition->value.countries, countries);
}

static bool
test_located(const struct condition *condition, const struct asked *asked)
{
	return test_fact(condition, asked, &asked->facts->place.located);
}

static bool
test_registered(const struct condition *condition, const struct asked *asked)
{
	return test_fact(condition, asked, &asked->facts->place.registered);
}

static bool
test_operator(const struct condition *condition, const struct asked *asked)
{
	return test_fact(condition, asked, &asked->facts->place.operator);
}

static void
add_countries(struct text *out, const struct countries *countries)
{
	char text[COUNTRIES_TEXT_MAX];

	text_add(out, "%s", countries_text(countries, text));
}

static void
tell_located(const struct condition *condition, const struct facts *facts, struct text *out)
{
	(void)condition;
	add_countries(out, &facts->place.located);
}

static void
tell_registered(const struct condition *condition, const struct facts *facts, struct text *out)
{
	(void)condition;
	add_countries(out, &facts->place.registered);
}

static void
tell_operator(const struct condition *condition, const struct facts *facts, struct text *out)
{
	(void)condition;
	add_countries(out, &facts->place.operator);
}

static bool
test_within(const struct condition *condition, const struct asked *asked)
{
	const struct country_set *set = &condition->value.countries;
	const struct place *place = &asked->facts->place;

	return country_set_has_all(set, &place->located) &&
	       country_set_has_all(set, &place->registered) &&
	       country_set_has_all(set, &place->operator);
}

static bool
test_touches(const struct condition *condition, const struct asked *asked)
{
	const struct country_set *set = &condition->value.countries;
	const struct place *place = &asked->facts->place;

	return country_set_has_any(set, &place->located) ||
	       country_set_has_any(set, &place->registered) ||
	       country_set_has_any(set, &place->operator);
}

static void
tell_place(const struct condition *condition, const struct facts *facts, struct text *out)
{
	(void)condition;
	text_add(out, "located ");
	add_countries(out, &facts->place.located);
	text_add(out, ", registered ");
	add_countries(out, &facts->place.registered);
	text_add(out, ", operator ");
	add_countries(out, &facts->place.operator);
}

static bool
parse_unknown(const struct reader *reader, const struct ruleset *set, const struct yaml_node *node,
    struct condition *condition)
{
	const struct yaml_node *element = NULL;
	bool good = node->kind != YAML_MAP;

	(void)set;
	if (match_refuse_empty(reader, node))
		return false;
	while ((element = reader_next(reader, node, element)) != NULL) {
		int fact = reader_word(reader, element, place_fact_names, PLACE_FACTS);

		if (fact < 0)
			good = false;
		else
			condition->value.facts |= 1U << fact;
	}
	return good;
}

static bool
test_unknown(const struct condition *condition, const struct asked *asked)
{
	return (place_unknown(&asked->facts->place) & condition->value.facts) != 0;
}

const struct match_key match_located = {"located", VERDICT_ADDRESS, parse_countries, test_located,
    tell_located};
const struct match_key match_registered = {"registered", VERDICT_ADDRESS, parse_countries,
    test_registered, tell_registered};
const struct match_key match_operator = {"operator", VERDICT_ADDRESS, parse_countries,
    test_operator, tell_operator};
const struct match_key match_within = {"within", VERDICT_ADDRESS, parse_countries, test_within,
    tell_place};
const struct match_key match_touches = {"touches", VERDICT_ADDRESS, parse_countries, test_touches,
    tell_place};
const struct match_key match_unknown = {"unknown", VERDICT_ADDRESS, parse_unknown, test_unknown,
    tell_place};
