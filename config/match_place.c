/* SPDX-License-Identifier: MIT */
/* The keys that are about where the destination is, and whose. */
#include "config/match_private.h"

#include <string.h>

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
	return sets_read_countries(reader, set, node, &condition->value.place.countries);
}

/* What a fact may be beside countries; PLACE_ORDINARY: nobody knows. */
static const char *
kind_word(enum place_kind kind)
{
	return kind == PLACE_ORDINARY ? "unknown" : place_kind_name(kind);
}

/* The kind that a word stands for, or -1. */
static int
kind_of(const char *text)
{
	for (int i = 0; i < PLACE_KIND_COUNT; i++) {
		if (strcmp(text, kind_word((enum place_kind)i)) == 0)
			return i;
	}
	return -1;
}

/* Countries, and the words for what is none, of which the first `kinds` count. */
static bool
parse_place(const struct reader *reader, const struct ruleset *set, const struct yaml_node *node,
    int kinds, struct condition *condition)
{
	const struct yaml_node *element = NULL;
	bool good = node->kind != YAML_MAP;

	if (match_refuse_empty(reader, node))
		return false;
	while ((element = reader_next(reader, node, element)) != NULL) {
		struct country_set countries = {0};
		int kind = kind_of(element->text);

		if (kind >= 0 && kind < kinds)
			condition->value.place.kinds |= 1U << kind;
		else if (reader_text(reader, element) != NULL &&
			 sets_read_countries(reader, set, element, &countries))
			country_set_join(&condition->value.place.countries, &countries);
		else
			good = false;
	}
	return good;
}

static bool
parse_located(const struct reader *reader, const struct ruleset *set, const struct yaml_node *node,
    struct condition *condition)
{
	return parse_place(reader, set, node, PLACE_KIND_COUNT, condition);
}

static bool
parse_fact(const struct reader *reader, const struct ruleset *set, const struct yaml_node *node,
    struct condition *condition)
{
	return parse_place(reader, set, node, PLACE_ORDINARY + 1, condition);
}

/*
 * Two databases that disagree are both judged: a rule that blocks holds when
 * either says so, one that lets through only when both do.
 */
static bool
test_fact(const struct condition *condition, const struct asked *asked,
    const struct countries *countries, enum place_kind kind)
{
	if (countries->count == 0)
		return (condition->value.place.kinds & 1U << kind) != 0 || asked_doubts(asked);
	if (asked->strict)
		return country_set_has_any(&condition->value.place.countries, countries);
	return country_set_has_all(&condition->value.place.countries, countries);
}

static bool
test_located(const struct condition *condition, const struct asked *asked)
{
	const struct place *place = &asked->facts->place;

	return test_fact(condition, asked, &place->located, place->kind);
}

static bool
test_registered(const struct condition *condition, const struct asked *asked)
{
	return test_fact(condition, asked, &asked->facts->place.registered, PLACE_ORDINARY);
}

static bool
test_operator(const struct condition *condition, const struct asked *asked)
{
	return test_fact(condition, asked, &asked->facts->place.operator, PLACE_ORDINARY);
}

static void
add_located(struct text *out, const struct place *place)
{
	char text[COUNTRIES_TEXT_MAX];

	text_add(out, "%s", located_text(place, text));
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
	add_located(out, &facts->place);
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

/* All known and inside; where doubt counts, what is not shown to be outside. */
static bool
is_inside(const struct condition *condition, const struct asked *asked,
    const struct countries *countries)
{
	if (asked_doubts(asked))
		return test_fact(condition, asked, countries, PLACE_ORDINARY);
	return country_set_has_all(&condition->value.place.countries, countries);
}

static bool
test_within(const struct condition *condition, const struct asked *asked)
{
	const struct place *place = &asked->facts->place;

	return is_inside(condition, asked, &place->located) &&
	       is_inside(condition, asked, &place->registered) &&
	       is_inside(condition, asked, &place->operator);
}

static bool
test_touches(const struct condition *condition, const struct asked *asked)
{
	const struct country_set *set = &condition->value.place.countries;
	const struct place *place = &asked->facts->place;

	if (asked_doubts(asked) && place_unknown(place) != 0)
		return true;
	return country_set_has_any(set, &place->located) ||
	       country_set_has_any(set, &place->registered) ||
	       country_set_has_any(set, &place->operator);
}

static void
tell_place(const struct condition *condition, const struct facts *facts, struct text *out)
{
	(void)condition;
	text_add(out, "located ");
	add_located(out, &facts->place);
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
parse_continent(const struct reader *reader, const struct ruleset *set,
    const struct yaml_node *node, struct condition *condition)
{
	const struct yaml_node *element = NULL;
	bool good = node->kind != YAML_MAP;

	(void)set;
	if (match_refuse_empty(reader, node))
		return false;
	while ((element = reader_next(reader, node, element)) != NULL) {
		const char *text = reader_text(reader, element);

		if (text == NULL) {
			good = false;
		} else if (!country_set_add_continent(&condition->value.place.countries, text)) {
			reader_error(reader, element,
			    "'%.40s' is no continent: write AF, AN, AS, EU, NA, OC or SA", text);
			good = false;
		}
	}
	return good;
}

static bool
test_unknown(const struct condition *condition, const struct asked *asked)
{
	return (place_unknown(&asked->facts->place) & condition->value.facts) != 0;
}

const struct match_key match_located = {
    .name = "located",
    .value = "countries, unknown, anycast, private, satellite",
    .meaning = "the server is in one of them, or its address is of such a kind",
    .stage = VERDICT_ADDRESS,
    .parse = parse_located,
    .test = test_located,
    .tell = tell_located,
};
const struct match_key match_registered = {
    .name = "registered",
    .value = "countries, unknown",
    .meaning = "the server's address is registered in one of them",
    .stage = VERDICT_ADDRESS,
    .parse = parse_fact,
    .test = test_registered,
    .tell = tell_registered,
};
const struct match_key match_operator = {
    .name = "operator",
    .value = "countries, unknown",
    .meaning = "the network's operator is controlled from one of them",
    .stage = VERDICT_ADDRESS,
    .parse = parse_fact,
    .test = test_operator,
    .tell = tell_operator,
};
const struct match_key match_continent = {
    .name = "continent",
    .value = "AF, AN, AS, EU, NA, OC, SA",
    .meaning = "the server is on one of them",
    .stage = VERDICT_ADDRESS,
    .parse = parse_continent,
    .test = test_located,
    .tell = tell_located,
};
const struct match_key match_within = {
    .name = "within",
    .value = "countries",
    .meaning = "located, registered and operator are all known and inside",
    .stage = VERDICT_ADDRESS,
    .parse = parse_countries,
    .test = test_within,
    .tell = tell_place,
};
const struct match_key match_touches = {
    .name = "touches",
    .value = "countries",
    .meaning = "any of located, registered and operator is inside",
    .stage = VERDICT_ADDRESS,
    .parse = parse_countries,
    .test = test_touches,
    .tell = tell_place,
};
const struct match_key match_unknown = {
    .name = "unknown",
    .value = "located, registered, operator",
    .meaning = "any of these facts is unknown",
    .stage = VERDICT_ADDRESS,
    .parse = parse_unknown,
    .test = test_unknown,
    .tell = tell_place,
};
