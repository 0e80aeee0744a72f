/* SPDX-License-Identifier: MIT */
#include "config/rules_private.h"

#include "base/err.h"
#include "base/text.h"
#include "config/problems.h"

#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {"countries", "networks", "names"};

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

/* "AS16509", or 16509 where plain; 0: it is none. */
static uint32_t
network_of(const char *text, bool plain)
{
	unsigned long asn;
	bool marked = text[0] == 'A' && text[1] == 'S';

	if (marked)
		text += 2;
	else if (!plain)
		return 0;
	if (text[0] == '\0' || strlen(text) > 10 || text[strspn(text, "0123456789")] != '\0')
		return 0;
	asn = strtoul(text, NULL, 10);
	return asn <= UINT32_MAX ? (uint32_t)asn : 0;
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
		if (named->kind != SET_COUNTRIES) {
			reader_error(reader, node, "@%s holds %s, not countries", named->name,
			    kind_names[named->kind]);
			return false;
		}
		*out = named->countries;
		return true;
	}
	if (country_known(term)) {
		country_set_add(out, term);
		return true;
	}
	if (network_of(term, false) != 0) {
		reader_error(reader, node, "'%.40s' in a country list: it is a network", term);
		return false;
	}
	hint = country_hint(term);
	if (find_set(set, term) != NULL)
		reader_error(reader, node, "'%.40s' in a country list: a set is written \"@%.40s\"",
		    term, term);
	else if (hint != NULL)
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

/* ---- networks ---- */

/* Where asn stands in the list, or would. */
static size_t
network_place(const struct network_set *set, uint32_t asn)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (set->list[middle] < asn)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool
network_set_has(const struct network_set *set, uint32_t asn)
{
	size_t at = network_place(set, asn);

	return at < set->count && set->list[at] == asn;
}

/* Room for one more: what is full is a power of two. */
static bool
has_room(struct network_set *set)
{
	uint32_t *list = set->list;

	if (set->count == 0 && list != NULL)
		return true;
	if ((set->count & (set->count - 1)) == 0)
		list = realloc(list, (set->count > 0 ? 2 * set->count : 1) * sizeof(*list));
	if (list != NULL)
		set->list = list;
	return list != NULL;
}

/* False: no room. */
static bool
network_add(struct network_set *set, uint32_t asn)
{
	size_t at = network_place(set, asn);

	if (at < set->count && set->list[at] == asn)
		return true;
	if (set->count == NETWORKS_MAX)
		return false;
	if (!has_room(set))
		return false;
	memmove(&set->list[at + 1], &set->list[at], (set->count - at) * sizeof(*set->list));
	set->list[at] = asn;
	set->count++;
	return true;
}

static void
network_drop(struct network_set *set, uint32_t asn)
{
	size_t at = network_place(set, asn);

	if (at == set->count || set->list[at] != asn)
		return;
	memmove(&set->list[at], &set->list[at + 1], (set->count - at - 1) * sizeof(*set->list));
	set->count--;
}

/* Add or take away one network, or those of a set; told when false. */
static bool
apply_term(const struct reader *reader, const struct ruleset *set, const struct yaml_node *node,
    const char *term, char sign, struct network_set *out)
{
	uint32_t one = network_of(term, true);
	const struct network_set single = {.count = 1, .list = &one}, *from = &single;
	const struct named_set *named = term[0] == '@' ? find_set(set, term + 1) : NULL;

	if (term[0] == '@' && named == NULL) {
		tell_unknown_set(reader, set, node, term + 1);
		return false;
	}
	if (named != NULL && named->kind != SET_NETWORKS) {
		reader_error(reader, node, "@%s holds %s, not networks", named->name,
		    kind_names[named->kind]);
		return false;
	}
	if (named == NULL && one == 0) {
		reader_error(reader, node, "'%.40s' is no network: write AS16509", term);
		return false;
	}
	if (named != NULL)
		from = &named->networks;
	for (size_t i = 0; i < from->count; i++) {
		if (sign == '-') {
			network_drop(out, from->list[i]);
		} else if (!network_add(out, from->list[i])) {
			reader_error(reader, node, "more than %d networks", NETWORKS_MAX);
			return false;
		}
	}
	return true;
}

static bool
read_networks(const struct reader *reader, const struct ruleset *set, const struct yaml_node *node,
    struct network_set *out)
{
	const char *text = reader_text(reader, node);
	const char *at = text;

	if (text == NULL)
		return false;
	while (*at != '\0') {
		char term[FACTS_LABEL_MAX + 2];
		char sign;

		if (!next_term(&at, &sign, term) || (*at != '\0' && *at != '+' && *at != '-')) {
			reader_error(reader, node,
			    "'%.60s' is not networks: write \"@a+AS16509-@b\"", text);
			return false;
		}
		if (!apply_term(reader, set, node, term, sign, out))
			return false;
	}
	return true;
}

bool
sets_read_networks(const struct reader *reader, const struct ruleset *set,
    const struct yaml_node *node, struct network_set *out)
{
	const struct yaml_node *element = NULL;
	bool good = node->kind != YAML_MAP;

	while ((element = reader_next(reader, node, element)) != NULL)
		good = read_networks(reader, set, element, out) && good;
	return good;
}

/* ---- words ---- */

bool
word_set_add(struct word_set *words, const char *word)
{
	size_t size = strlen(word) + 1;

	if (words->used + size > words->room) {
		size_t room = 2 * (words->room + size);
		char *list = realloc(words->list, room);

		if (list == NULL)
			return false;
		words->list = list;
		words->room = room;
	}
	memcpy(words->list + words->used, word, size);
	words->used += size;
	words->count++;
	return true;
}

const struct word_set *
sets_words(const struct reader *reader, const struct ruleset *set, const struct yaml_node *node)
{
	const struct named_set *named = find_set(set, node->text + 1);

	if (named == NULL) {
		tell_unknown_set(reader, set, node, node->text + 1);
		return NULL;
	}
	if (named->kind == SET_WORDS)
		return &named->words;
	reader_error(reader, node, "@%s holds %s, not names", named->name, kind_names[named->kind]);
	return NULL;
}

static void
add_word(const struct reader *reader, const struct yaml_node *node, const char *word,
    struct word_set *out)
{
	if (!word_set_add(out, word))
		reader_error(reader, node, "no memory for the set");
}

/* A word, or those of a set above. */
static void
add_words(const struct reader *reader, const struct ruleset *set, const struct yaml_node *node,
    struct word_set *out)
{
	const struct word_set *other;
	const char *from;
	char word[WORD_MAX];

	if (!reader_line(reader, node, word, sizeof(word)))
		return;
	if (word[0] != '@') {
		add_word(reader, node, word, out);
		return;
	}
	other = sets_words(reader, set, node);
	from = other != NULL ? other->list : NULL;
	for (size_t i = 0; other != NULL && i < other->count; i++, from += strlen(from) + 1)
		add_word(reader, node, from, out);
}

static void
read_words(const struct reader *reader, const struct ruleset *set, const struct yaml_node *node,
    struct word_set *out)
{
	const struct yaml_node *element = NULL;

	while ((element = reader_next(reader, node, element)) != NULL)
		add_words(reader, set, element, out);
}

/* What a set is of, by its first word.  What could be meant for a country is
 * taken for one, so that it is told. */
static enum set_kind
kind_of(const struct ruleset *set, const struct yaml_node *node)
{
	enum { CODE_LETTERS = 2 };
	const struct yaml_node *first = node->kind == YAML_LIST ? node->first : node;
	const char *at = first != NULL ? first->text : "";
	char term[FACTS_LABEL_MAX + 2], sign;

	if (!next_term(&at, &sign, term))
		return SET_COUNTRIES;
	if (term[0] == '@') {
		const struct named_set *named = find_set(set, term + 1);

		return named != NULL ? named->kind : SET_COUNTRIES;
	}
	if (network_of(term, false) != 0)
		return SET_NETWORKS;
	return strlen(term) <= CODE_LETTERS || country_hint(term) != NULL ? SET_COUNTRIES
									  : SET_WORDS;
}

/* By the sets of one rule set; what is wrong otherwise is left in err. */
static bool
read_alone(const struct ruleset *set, const char *text, struct country_set *out, struct err *err)
{
	const struct yaml_node node = {.kind = YAML_TEXT, .text = text};
	struct problems problems = {0};
	const struct reader reader = {.file = set->file, .problems = &problems};
	bool good;

	*out = (struct country_set){0};
	good = read_expression(&reader, set, &node, out);
	if (!good && problems.count > 0)
		(void)err_set(err, ERR_INPUT, "%s", problems.list[0].text);
	problems_free(&problems);
	return good;
}

static int
write_countries(const struct country_set *set, char *out, size_t size, struct err *err)
{
	struct text text = text_in(out, size);
	char iso[3] = "";

	text_add(&text, "/");
	for (iso[0] = 'A'; iso[0] <= 'Z'; iso[0]++) {
		for (iso[1] = 'A'; iso[1] <= 'Z'; iso[1]++) {
			if (country_set_has(set, iso))
				text_add(&text, "%s/", iso);
		}
	}
	return text.cut ? err_set(err, ERR_LIMIT, "these are too many countries") : 0;
}

int
rules_countries(const struct rules *rules, const char *text, char *out, size_t size,
    struct err *err)
{
	const struct ruleset *first = NULL;
	struct country_set all, one;

	(void)err_set(err, ERR_INPUT, "no rule set defines any set");
	for (size_t i = 0; i < rules->count; i++) {
		const struct ruleset *set = rules->list[i];

		if (!read_alone(set, text, &one, err))
			continue;
		if (first != NULL && memcmp(&all, &one, sizeof(all)) != 0)
			return err_set(err, ERR_INPUT,
			    "'%.60s' is not the same in rule sets '%s' and '%s'", text, first->id,
			    set->id);
		first = set;
		all = one;
	}
	return first != NULL ? write_countries(&all, out, size, err) : -1;
}

void
sets_free(struct ruleset *set)
{
	for (size_t i = 0; i < set->set_count; i++) {
		free(set->sets[i].networks.list);
		free(set->sets[i].words.list);
	}
	free(set->sets);
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
		named.kind = kind_of(set, child);
		if (named.kind == SET_NETWORKS)
			(void)sets_read_networks(reader, set, child, &named.networks);
		else if (named.kind == SET_WORDS)
			read_words(reader, set, child, &named.words);
		else
			(void)sets_read_countries(reader, set, child, &named.countries);
		set->sets[set->set_count++] = named;
	}
}
