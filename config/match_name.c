/* SPDX-License-Identifier: MIT */
/* The keys that are words: the camera, and what its hello says. */
#include "config/match_private.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { WORD_MAX = 254 }; /* a DNS name (RFC 1035 section 2.3.4) and its terminator */

typedef bool word_check(const struct reader *reader, const struct yaml_node *node, char *word);

/* Read one line each into one block, one after the other. */
static bool
parse_words(const struct reader *reader, const struct yaml_node *node, word_check *check,
    struct condition *condition)
{
	const struct yaml_node *element = NULL;
	size_t count = match_count(node), used = 0, size = 0;
	bool good = node->kind != YAML_MAP;
	char *list;

	if (match_refuse_empty(reader, node))
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

const struct match_key match_device = {"device", VERDICT_ADDRESS, parse_names, test_device,
    tell_device};
const struct match_key match_sni = {"sni", VERDICT_NAME, parse_sni, test_sni, tell_sni};
const struct match_key match_sni_missing = {"sni_missing", VERDICT_NAME, parse_wanted,
    test_sni_missing, tell_sni_missing};
const struct match_key match_vendor = {"vendor", VERDICT_NAME, parse_names, test_vendor,
    tell_vendor};
