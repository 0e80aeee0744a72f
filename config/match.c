/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "config/rules_private.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { WORD_MAX = 254 }; /* a DNS name (RFC 1035 section 2.3.4) and its terminator */

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

/* ---- lists of words ---- */

static size_t
count_elements(const struct yaml_node *node)
{
	return node->kind == YAML_LIST ? node->count : 1;
}

/* A list that is empty matches nothing, which nobody means. */
static bool
refuse_empty(const struct reader *reader, const struct yaml_node *node)
{
	if (node->kind != YAML_LIST || node->count > 0)
		return false;
	reader_error(reader, node, "%s is an empty list: the rule could never match",
	    node->key->text);
	return true;
}

typedef bool word_check(const struct reader *reader, const struct yaml_node *node, char *word);

/* Read one line each into one block, one after the other. */
static bool
parse_words(const struct reader *reader, const struct yaml_node *node, word_check *check,
    struct condition *condition)
{
	const struct yaml_node *element = NULL;
	size_t count = count_elements(node), used = 0, size = 0;
	bool good = node->kind != YAML_MAP;
	char *list;

	if (refuse_empty(reader, node))
		return false;
	for (element = node->kind == YAML_LIST ? node->first : node; element != NULL;
	     element = node->kind == YAML_LIST ? element->next : NULL)
		size += strnlen(element->text, WORD_MAX) + 1;
	list = calloc(size + 1, 1);
	if (list == NULL) {
		reader_error(reader, node, "no memory for the list");
		return false;
	}
	condition->owned = list;
	while ((element = reader_next(reader, node, element)) != NULL) {
		char word[WORD_MAX];

		if (!reader_line(reader, element, word, sizeof(word)) ||
		    !check(reader, element, word)) {
			good = false;
			continue;
		}
		text_copy(list + used, size + 1 - used, word);
		used += strlen(word) + 1;
	}
	condition->value.words.list = list;
	condition->value.words.count = count;
	return good;
}

static bool
any_word(const struct condition *condition, const char *text,
    bool (*same)(const char *text, const char *word))
{
	const char *word = condition->value.words.list;

	for (size_t i = 0; i < condition->value.words.count; i++) {
		if (same(text, word))
			return true;
		word += strlen(word) + 1;
	}
	return false;
}

static void
tell_word(const char *text, struct text *out)
{
	if (text[0] == '\0')
		text_add(out, "unknown");
	else
		text_add_untrusted(out, text, strlen(text));
}

/* ---- device, vendor ---- */

static bool
any_line(const struct reader *reader, const struct yaml_node *node, char *word)
{
	(void)reader;
	(void)node;
	(void)word;
	return true;
}

static bool
parse_names(const struct reader *reader, const struct ruleset *set, const struct yaml_node *node,
    struct condition *condition)
{
	(void)set;
	return parse_words(reader, node, any_line, condition);
}

static bool
same_exactly(const char *text, const char *word)
{
	return strcmp(text, word) == 0;
}

static bool
test_device(const struct condition *condition, const struct asked *asked)
{
	return any_word(condition, asked->facts->device, same_exactly);
}

static void
tell_device(const struct condition *condition, const struct facts *facts, struct text *out)
{
	(void)condition;
	tell_word(facts->device, out);
}

static bool
same_in_any_case(const char *text, const char *word)
{
	return strcasecmp(text, word) == 0;
}

static bool
test_vendor(const struct condition *condition, const struct asked *asked)
{
	return any_word(condition, asked->facts->place.vendor, same_in_any_case);
}

static void
tell_vendor(const struct condition *condition, const struct facts *facts, struct text *out)
{
	(void)condition;
	tell_word(facts->place.vendor, out);
}

/* ---- sni, sni_missing ---- */

static bool
name_suffix(const struct reader *reader, const struct yaml_node *node, char *word)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	const char *from = word[0] == '.' ? word + 1 : word;
	size_t size = strlen(from);

	if (word[0] == '*') {
		reader_error(reader, node,
		    "'%.60s': write the suffix alone; it covers the name and all below it", word);
		return false;
	}
	if (size == 0 || from[0] == '.' || from[size - 1] == '.' || strstr(from, "..") != NULL ||
	    from[strspn(from, letters)] != '\0') {
		reader_error(reader, node, "'%.60s' is no host name or suffix of one", word);
		return false;
	}
	memmove(word, from, size + 1);
	return true;
}

static bool
parse_sni(const struct reader *reader, const struct ruleset *set, const struct yaml_node *node,
    struct condition *condition)
{
	(void)set;
	return parse_words(reader, node, name_suffix, condition);
}

static bool
test_sni(const struct condition *condition, const struct asked *asked)
{
	return any_word(condition, asked->name, text_under);
}

static void
tell_sni(const struct condition *condition, const struct facts *facts, struct text *out)
{
	(void)condition;
	if (facts->hello.sni[0] == '\0')
		text_add(out, "none");
	else
		text_add_untrusted(out, facts->hello.sni, strlen(facts->hello.sni));
}

static bool
parse_wanted(const struct reader *reader, const struct ruleset *set, const struct yaml_node *node,
    struct condition *condition)
{
	(void)set;
	return reader_bool(reader, node, &condition->value.wanted);
}

static bool
test_sni_missing(const struct condition *condition, const struct asked *asked)
{
	return (asked->facts->hello.sni[0] == '\0') == condition->value.wanted;
}

static void
tell_sni_missing(const struct condition *condition, const struct facts *facts, struct text *out)
{
	(void)condition;
	text_add(out, facts->hello.sni[0] == '\0' ? "true" : "false");
}

/* ---- ip, port ---- */

static bool
parse_ip(const struct reader *reader, const struct ruleset *set, const struct yaml_node *node,
    struct condition *condition)
{
	const struct yaml_node *element = NULL;
	bool good = node->kind != YAML_MAP;
	struct prefix *list;
	size_t count = 0;

	(void)set;
	if (refuse_empty(reader, node))
		return false;
	list = calloc(count_elements(node) + 1, sizeof(*list));
	if (list == NULL) {
		reader_error(reader, node, "no memory for the list");
		return false;
	}
	condition->owned = list;
	while ((element = reader_next(reader, node, element)) != NULL) {
		const char *text = reader_text(reader, element);
		struct err err;

		if (text == NULL || prefix_parse(&list[count], text, &err) != 0) {
			if (text != NULL)
				reader_error(reader, element, "%s", err.text);
			good = false;
			continue;
		}
		count++;
	}
	condition->value.prefixes.list = list;
	condition->value.prefixes.count = count;
	return good;
}

static bool
test_ip(const struct condition *condition, const struct asked *asked)
{
	for (size_t i = 0; i < condition->value.prefixes.count; i++) {
		if (prefix_holds(&condition->value.prefixes.list[i], asked->facts->dst.ip))
			return true;
	}
	return false;
}

static void
tell_ip(const struct condition *condition, const struct facts *facts, struct text *out)
{
	char text[ADDR_TEXT_MAX];

	(void)condition;
	text_add(out, "%s", addr_text(&facts->dst, text));
}

/* Take a port from the front of text; 0 when there is none. */
static unsigned
take_port(const char **text)
{
	unsigned long port = 0;
	size_t digits = strspn(*text, "0123456789");

	if (digits == 0 || digits > 5)
		return 0;
	port = strtoul(*text, NULL, 10);
	*text += digits;
	return port <= UINT16_MAX ? (unsigned)port : 0;
}

static bool
read_ports(const char *text, struct port_range *out)
{
	unsigned first = take_port(&text), last = first;

	if (first != 0 && *text == '-') {
		text++;
		last = take_port(&text);
	}
	if (first == 0 || last < first || *text != '\0')
		return false;
	*out = (struct port_range){(uint16_t)first, (uint16_t)last};
	return true;
}

static bool
parse_port(const struct reader *reader, const struct ruleset *set, const struct yaml_node *node,
    struct condition *condition)
{
	const struct yaml_node *element = NULL;
	bool good = node->kind != YAML_MAP;
	struct port_range *list;
	size_t count = 0;

	(void)set;
	if (refuse_empty(reader, node))
		return false;
	list = calloc(count_elements(node) + 1, sizeof(*list));
	if (list == NULL) {
		reader_error(reader, node, "no memory for the list");
		return false;
	}
	condition->owned = list;
	while ((element = reader_next(reader, node, element)) != NULL) {
		const char *text = reader_text(reader, element);

		if (text == NULL || !read_ports(text, &list[count])) {
			if (text != NULL)
				reader_error(reader, element,
				    "'%.40s' is no port: write 443 or \"8000-8100\" (1 to 65535)",
				    text);
			good = false;
			continue;
		}
		count++;
	}
	condition->value.ports.list = list;
	condition->value.ports.count = count;
	return good;
}

static bool
test_port(const struct condition *condition, const struct asked *asked)
{
	uint16_t port = asked->facts->dst.port;

	for (size_t i = 0; i < condition->value.ports.count; i++) {
		const struct port_range *range = &condition->value.ports.list[i];

		if (port >= range->first && port <= range->last)
			return true;
	}
	return false;
}

static void
tell_port(const struct condition *condition, const struct facts *facts, struct text *out)
{
	(void)condition;
	text_add(out, "%u", facts->dst.port);
}

/* ---- located, registered, operator, within, touches, unknown ---- */

static bool
parse_countries(const struct reader *reader, const struct ruleset *set,
    const struct yaml_node *node, struct condition *condition)
{
	if (refuse_empty(reader, node))
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
	if (refuse_empty(reader, node))
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

/* ---- the table ---- */

static const struct match_key keys[] = {
    {"device", VERDICT_ADDRESS, parse_names, test_device, tell_device},
    {"ip", VERDICT_ADDRESS, parse_ip, test_ip, tell_ip},
    {"port", VERDICT_ADDRESS, parse_port, test_port, tell_port},
    {"located", VERDICT_ADDRESS, parse_countries, test_located, tell_located},
    {"registered", VERDICT_ADDRESS, parse_countries, test_registered, tell_registered},
    {"operator", VERDICT_ADDRESS, parse_countries, test_operator, tell_operator},
    {"within", VERDICT_ADDRESS, parse_countries, test_within, tell_place},
    {"touches", VERDICT_ADDRESS, parse_countries, test_touches, tell_place},
    {"unknown", VERDICT_ADDRESS, parse_unknown, test_unknown, tell_place},
    {"sni", VERDICT_NAME, parse_sni, test_sni, tell_sni},
    {"sni_missing", VERDICT_NAME, parse_wanted, test_sni_missing, tell_sni_missing},
    {"vendor", VERDICT_NAME, parse_names, test_vendor, tell_vendor},
};
enum { KEYS = sizeof(keys) / sizeof(keys[0]) };

/* Of the language, but their facts are not there yet: said so, not guessed at. */
static const char *const later[] = {"group", "proto", "continent", "asn", "ech", "tls", "ja4",
    "class", "direction", "bytes", "time", "inspect", "not", "any"};
enum { LATER = sizeof(later) / sizeof(later[0]) };

static const struct match_key *
find_key(const struct reader *reader, const struct yaml_node *node)
{
	const char *names[KEYS + LATER];

	for (size_t i = 0; i < KEYS; i++) {
		names[i] = keys[i].name;
		if (strcmp(node->key->text, names[i]) == 0)
			return &keys[i];
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
