/* SPDX-License-Identifier: MIT */
/* The keys that are words: the camera, and what its hello says. */
#include "config/match_private.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef bool word_check(const struct reader *reader, const struct yaml_node *node, char *word);

/* A word of the value, or of a set in it, in its checked form. */
static bool
add_word(const struct reader *reader, const struct yaml_node *node, word_check *check,
    const char *from, struct word_set *words)
{
	char word[WORD_MAX];

	text_copy(word, sizeof(word), from);
	if (!check(reader, node, word))
		return false;
	if (word_set_add(words, word))
		return true;
	reader_error(reader, node, "no memory for the list");
	return false;
}

static bool
add_set(const struct reader *reader, const struct ruleset *set, const struct yaml_node *node,
    word_check *check, struct word_set *words)
{
	const struct word_set *other = sets_words(reader, set, node);
	const char *from = other != NULL ? other->list : NULL;

	for (size_t i = 0; other != NULL && i < other->count; i++, from += strlen(from) + 1) {
		if (!add_word(reader, node, check, from, words))
			return false;
	}
	return other != NULL;
}

/* Words, and sets of words, one after the other. */
static bool
parse_words(const struct reader *reader, const struct ruleset *set, const struct yaml_node *node,
    word_check *check, struct condition *condition)
{
	const struct yaml_node *element = NULL;
	struct word_set words = {0};
	bool good = node->kind != YAML_MAP;

	if (match_refuse_empty(reader, node))
		return false;
	while ((element = reader_next(reader, node, element)) != NULL) {
		char line[WORD_MAX];

		if (!reader_line(reader, element, line, sizeof(line)))
			good = false;
		else if (line[0] == '@')
			good = add_set(reader, set, element, check, &words) && good;
		else
			good = add_word(reader, element, check, line, &words) && good;
	}
	condition->owned = words.list;
	condition->value.words.list = words.list;
	condition->value.words.count = words.count;
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

/* Who asks is known whatever is asked. */
static bool
always(const struct facts *facts)
{
	(void)facts;
	return true;
}

/* A name that is nobody's may lead to an address that is somebody's. */
static bool
knows_vendor(const struct facts *facts)
{
	return facts->place.vendor[0] != '\0';
}

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
	return parse_words(reader, set, node, any_line, condition);
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
test_group(const struct condition *condition, const struct asked *asked)
{
	return any_word(condition, asked->facts->group, same_exactly);
}

static void
tell_group(const struct condition *condition, const struct facts *facts, struct text *out)
{
	(void)condition;
	text_add(out, "%s", facts->group[0] == '\0' ? "none" : facts->group);
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
	return parse_words(reader, set, node, name_suffix, condition);
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
	if (facts->hello.sni[0] != '\0') {
		text_add_untrusted(out, facts->hello.sni, strlen(facts->hello.sni));
	} else if (facts->looked_up[0] != '\0') {
		text_add_untrusted(out, facts->looked_up, strlen(facts->looked_up));
		text_add(out, " (looked up)");
	} else {
		text_add(out, "none");
	}
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

/* ---- ech, ja4 ---- */

static bool
test_ech(const struct condition *condition, const struct asked *asked)
{
	return asked->facts->hello.ech == condition->value.wanted;
}

static void
tell_ech(const struct condition *condition, const struct facts *facts, struct text *out)
{
	(void)condition;
	text_add(out, facts->hello.ech ? "true" : "false");
}

static bool
is_hex(const char *text, size_t size)
{
	return strspn(text, "0123456789abcdef") >= size;
}

/* "t13d1516h2_8daaf6152771_b186095e22b6": 10, 12 and 12 signs.
 * Source: FoxIO, technical details of JA4. */
static bool
fingerprint(const struct reader *reader, const struct yaml_node *node, char *word)
{
	enum { SIZE = 36, FIRST = 10, SECOND = 23 };

	if (strlen(word) == SIZE && word[FIRST] == '_' && word[SECOND] == '_' &&
	    strchr("tqd", word[0]) != NULL && is_hex(word + FIRST + 1, SECOND - FIRST - 1) &&
	    is_hex(word + SECOND + 1, SIZE - SECOND - 1))
		return true;
	reader_error(reader, node,
	    "'%.40s' is no JA4 fingerprint: write t13d1516h2_8daaf6152771_b186095e22b6", word);
	return false;
}

static bool
parse_ja4(const struct reader *reader, const struct ruleset *set, const struct yaml_node *node,
    struct condition *condition)
{
	return parse_words(reader, set, node, fingerprint, condition);
}

static bool
knows_ja4(const struct facts *facts)
{
	return facts->hello.ja4[0] != '\0';
}

static bool
test_ja4(const struct condition *condition, const struct asked *asked)
{
	return any_word(condition, asked->facts->hello.ja4, same_exactly);
}

static void
tell_ja4(const struct condition *condition, const struct facts *facts, struct text *out)
{
	(void)condition;
	tell_word(facts->hello.ja4, out);
}

const struct match_key match_device = {
    .name = "device",
    .value = "name",
    .meaning = "the camera has this name; without one its MAC, or its address behind a router",
    .stage = VERDICT_ADDRESS,
    .at_lookup = always,
    .parse = parse_names,
    .test = test_device,
    .tell = tell_device,
};
const struct match_key match_group = {
    .name = "group",
    .value = "name",
    .meaning = "the camera is in this group in devices.yaml",
    .stage = VERDICT_ADDRESS,
    .at_lookup = always,
    .parse = parse_names,
    .test = test_group,
    .tell = tell_group,
};
const struct match_key match_sni = {
    .name = "sni",
    .value = "suffix",
    .meaning = "the server's name is this, or ends in it on a label's border",
    .stage = VERDICT_NAME,
    .at_lookup = always,
    .parse = parse_sni,
    .test = test_sni,
    .tell = tell_sni,
    .by_name = true,
};
const struct match_key match_sni_missing = {
    .name = "sni_missing",
    .value = "true, false",
    .meaning = "the camera sent no server name, or did",
    .stage = VERDICT_NAME,
    .parse = match_parse_wanted,
    .test = test_sni_missing,
    .tell = tell_sni_missing,
    .by_name = true,
};
const struct match_key match_vendor = {
    .name = "vendor",
    .value = "name",
    .meaning = "the name belongs to this vendor",
    .stage = VERDICT_NAME,
    .at_lookup = knows_vendor,
    .parse = parse_names,
    .test = test_vendor,
    .tell = tell_vendor,
    .by_name = true,
};
const struct match_key match_ech = {
    .name = "ech",
    .value = "true, false",
    .meaning = "the camera's hello holds an encrypted one, or not",
    .stage = VERDICT_NAME,
    .parse = match_parse_wanted,
    .test = test_ech,
    .tell = tell_ech,
};
const struct match_key match_ja4 = {
    .name = "ja4",
    .value = "fingerprint",
    .meaning = "the fingerprint of the camera's hello",
    .stage = VERDICT_NAME,
    .parse = parse_ja4,
    .test = test_ja4,
    .tell = tell_ja4,
    .known = knows_ja4,
};
