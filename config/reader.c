/* SPDX-License-Identifier: MIT */
#include "config/reader.h"

#include "base/text.h"
#include "config/places.h"
#include "config/problems.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	TEXT_MAX = 256,
	FIELDS_MAX = 64,
	LIST_MAX = 120, /* words that are told beside a suggestion */
};

static void __attribute__((format(printf, 3, 0)))
fill(char *out, size_t size, const char *fmt, va_list ap)
{
	(void)vsnprintf(out, size, fmt, ap);
}

void
reader_error(const struct reader *reader, const struct yaml_node *node, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	fill(text, sizeof(text), fmt, ap);
	va_end(ap);
	problems_error(reader->problems, reader->file, node->line, node->column, "%s", text);
}

void
reader_warning(const struct reader *reader, const struct yaml_node *node, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	fill(text, sizeof(text), fmt, ap);
	va_end(ap);
	problems_warning(reader->problems, reader->file, node->line, node->column, "%s", text);
}

/* What a value is called in a message: its key, where it has one. */
static const char *
name_of(const struct yaml_node *node)
{
	return node->key != NULL && node->key->kind == YAML_TEXT ? node->key->text : "the value";
}

static const char *
kind_name(const struct yaml_node *node)
{
	static const char *const names[] = {"text", "a list", "a mapping"};

	if (node->kind == YAML_TEXT && node->text[0] == '\0')
		return "empty";
	return names[node->kind];
}

void
reader_unknown_key(const struct reader *reader, const struct yaml_node *node,
    const char *const *known, size_t count)
{
	char line[LIST_MAX];
	struct text elsewhere = text_in(line, sizeof(line));
	const char *near;
	bool same;

	if (node->key->kind != YAML_TEXT)
		return; /* refused already */
	near = text_nearest(node->key->text, known, count);
	same = near != NULL && text_same_parts(near, node->key->text);
	if (near == NULL && strchr(node->key->text, '.') != NULL)
		reader_error(reader, node->key,
		    "unknown key '%.60s': each part before a dot is a mapping of its own, as in "
		    "tls: {ca: auto}",
		    node->key->text);
	else if (!same && places_tell(node->key->text, &elsewhere))
		reader_error(reader, node->key, "unknown key '%.60s' here: did you mean %s?",
		    node->key->text, line);
	else if (near != NULL)
		reader_error(reader, node->key, "unknown key '%.60s': did you mean '%s'?",
		    node->key->text, near);
	else
		reader_error(reader, node->key, "unknown key '%.60s'", node->key->text);
}

static void
refuse_unknown(const struct reader *reader, const struct yaml_node *map, const struct field *fields,
    size_t count)
{
	const char *known[FIELDS_MAX];
	const struct yaml_node *child;

	assert(count <= FIELDS_MAX);
	for (size_t i = 0; i < count; i++)
		known[i] = fields[i].name;
	for (child = map->first; child != NULL; child = child->next) {
		size_t i = 0;

		while (i < count && strcmp(child->key->text, known[i]) != 0)
			i++;
		if (i == count)
			reader_unknown_key(reader, child, known, count);
	}
}

void
reader_fields(const struct reader *reader, const struct yaml_node *map, const char *what,
    const struct field *fields, size_t count, void *into)
{
	if (map->kind != YAML_MAP) {
		reader_error(reader, map, "%s must be a mapping (key: value), and is %s", what,
		    kind_name(map));
		return;
	}
	refuse_unknown(reader, map, fields, count);
	for (size_t i = 0; i < count; i++) {
		const struct yaml_node *child = yaml_child(map, fields[i].name);

		if (child == NULL && fields[i].required)
			reader_error(reader, map, "%s needs '%s'", what, fields[i].name);
		else if (child != NULL && fields[i].read == NULL)
			reader_error(reader, child->key, "'%s' is not available in this version",
			    fields[i].name);
		else if (child != NULL)
			fields[i].read(reader, child, into);
	}
}

const char *
reader_text(const struct reader *reader, const struct yaml_node *node)
{
	if (node->kind == YAML_TEXT && node->text[0] != '\0')
		return node->text;
	reader_error(reader, node, "%s must be text, and is %s", name_of(node), kind_name(node));
	return NULL;
}

bool
reader_line(const struct reader *reader, const struct yaml_node *node, char *out, size_t size)
{
	const char *text = reader_text(reader, node);

	if (text == NULL)
		return false;
	if (strpbrk(text, "\n\t") != NULL) {
		reader_error(reader, node, "%s must be one line", name_of(node));
		return false;
	}
	if (strlen(text) >= size) {
		reader_error(reader, node, "%s is longer than %zu bytes", name_of(node), size - 1);
		return false;
	}
	text_copy(out, size, text);
	return true;
}

bool
reader_label(const struct reader *reader, const struct yaml_node *node, char *out, size_t size)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	char text[TEXT_MAX];

	if (!reader_line(reader, node, text, size < sizeof(text) ? size : sizeof(text)))
		return false;
	if (text[strspn(text, letters)] != '\0') {
		reader_error(reader, node,
		    "%s '%.60s' may hold letters, digits, '.', '_' and '-' only", name_of(node),
		    text);
		return false;
	}
	text_copy(out, size, text);
	return true;
}

bool
reader_bool(const struct reader *reader, const struct yaml_node *node, bool *out)
{
	static const char *const words[] = {"true", "false"};
	int word;

	if (node->kind == YAML_TEXT && node->quoted) {
		reader_error(reader, node, "%s must be true or false, without quotes",
		    name_of(node));
		return false;
	}
	word = reader_word(reader, node, words, 2);
	if (word < 0)
		return false;
	*out = word == 0;
	return true;
}

int
reader_word(const struct reader *reader, const struct yaml_node *node, const char *const *words,
    size_t count)
{
	const char *text = reader_text(reader, node);
	char list[TEXT_MAX];
	struct text allowed = text_in(list, sizeof(list));
	const char *near;

	if (text == NULL)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(text, words[i]) == 0)
			return (int)i;
		text_add(&allowed, "%s%s", i == 0 ? "" : i + 1 == count ? " or " : ", ", words[i]);
	}
	near = text_nearest(text, words, count);
	if (near != NULL && allowed.used > LIST_MAX)
		reader_error(reader, node, "%s is no such word as '%.40s': did you mean '%s'?",
		    name_of(node), text, near);
	else if (near != NULL && count > 2 && strlen(text) > 3)
		reader_error(reader, node, "%s must be %s, not '%.40s': did you mean '%s'?",
		    name_of(node), list, text, near);
	else
		reader_error(reader, node, "%s must be %s, not '%.40s'", name_of(node), list, text);
	return -1;
}

const struct yaml_node *
reader_next(const struct reader *reader, const struct yaml_node *list,
    const struct yaml_node *element)
{
	if (list->kind == YAML_MAP) {
		reader_error(reader, list, "%s must be a list, and is a mapping", name_of(list));
		return NULL;
	}
	if (list->kind == YAML_TEXT)
		return element == NULL ? list : NULL;
	return element == NULL ? list->first : element->next;
}
