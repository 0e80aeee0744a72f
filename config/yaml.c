/* SPDX-License-Identifier: MIT */
#include "config/yaml.h"

#include "base/text.h"
#include "config/problems.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* A list or a map whose end has not come yet. */
struct open_node {
	struct yaml_node *node;
	struct yaml_node *last;      /* its last child */
	const struct yaml_node *key; /* of the child to come */
};

struct build {
	struct yaml_tree *tree;
	struct problems *problems;
	const char *file;
	struct open_node open[YAML_DEPTH_MAX];
	size_t depth;
	size_t nodes;
	unsigned documents;
};

static unsigned
from_1(size_t from_0)
{
	return from_0 < UINT32_MAX ? (unsigned)from_0 + 1 : UINT32_MAX;
}

static void
error_at(const struct build *build, yaml_mark_t mark, const char *text)
{
	problems_error(build->problems, build->file, from_1(mark.line), from_1(mark.column), "%s",
	    text);
}

/* libyaml tells a bad byte by its offset alone, and leaves the mark at 0:0. */
static yaml_mark_t
mark_of_offset(struct bytes text, size_t offset)
{
	yaml_mark_t mark = {.index = offset};
	struct bytes front;

	if (!bytes_take(&text, offset, &front))
		return mark;
	for (size_t i = 0; i < front.left; i++) {
		if (front.at[i] == '\n') {
			mark.line++;
			mark.column = 0;
		} else if ((front.at[i] & 0xc0) != 0x80) {
			mark.column++;
		}
	}
	return mark;
}

static unsigned
byte_at(struct bytes text, size_t offset)
{
	struct bytes front;
	uint8_t byte = 0;

	if (bytes_take(&text, offset, &front))
		(void)bytes_u8(&text, &byte);
	return byte;
}

/* The byte that a mark points at: it counts letters. */
static unsigned
byte_at_mark(struct bytes text, yaml_mark_t mark)
{
	size_t line = 0, column = 0, offset = 0;

	while (offset < text.left && (line < mark.line || column < mark.column)) {
		unsigned next = byte_at(text, offset + 1);

		if (byte_at(text, offset) == '\n') {
			line++;
			column = 0;
		} else if ((next & 0xc0) != 0x80) {
			column++;
		}
		offset++;
	}
	return byte_at(text, offset);
}

static bool
is_utf16(struct bytes text)
{
	unsigned first = byte_at(text, 0), second = byte_at(text, 1);

	return (first == 0xff && second == 0xfe) || (first == 0xfe && second == 0xff);
}

struct bytes
yaml_behind_mark(struct bytes text)
{
	static const uint8_t utf8[] = {0xef, 0xbb, 0xbf};
	struct bytes mark;

	if (text.left >= sizeof(utf8) && memcmp(text.at, utf8, sizeof(utf8)) == 0)
		(void)bytes_take(&text, sizeof(utf8), &mark);
	return text;
}

static void
syntax_error(const struct build *build, const yaml_parser_t *parser, struct bytes text)
{
	const char *problem = parser->problem != NULL ? parser->problem : "not YAML";
	yaml_mark_t mark = parser->problem_mark;

	if (parser->error == YAML_MEMORY_ERROR) {
		problems_error(build->problems, build->file, 0, 0, "no memory to read it");
		return;
	}
	if (parser->error == YAML_READER_ERROR) {
		mark = mark_of_offset(text, parser->problem_offset);
		problems_error(build->problems, build->file, from_1(mark.line), from_1(mark.column),
		    "not YAML: %s (byte %zu is 0x%02x)", problem, parser->problem_offset + 1,
		    byte_at(text, parser->problem_offset));
		return;
	}
	if (strstr(problem, "cannot start any token") != NULL)
		problem = byte_at_mark(text, mark) == '\t'
			      ? "a tab cannot indent: use spaces"
			      : "a word that begins with this sign must be quoted";
	if (parser->context != NULL && mark.line == 0 && mark.column == 0)
		mark = parser->context_mark;
	if (parser->context != NULL) {
		problems_error(build->problems, build->file, from_1(mark.line), from_1(mark.column),
		    "not YAML: %s (%s at %u:%u)", problem, parser->context,
		    from_1(parser->context_mark.line), from_1(parser->context_mark.column));
		return;
	}
	problems_error(build->problems, build->file, from_1(mark.line), from_1(mark.column),
	    "not YAML: %s", problem);
}

static struct yaml_node *
new_node(struct build *build, enum yaml_kind kind, yaml_mark_t mark, struct bytes text)
{
	struct yaml_node *node;
	char *copy;

	if (build->nodes >= YAML_NODES_MAX) {
		error_at(build, mark, "more than 2,000,000 values in one file");
		return NULL;
	}
	node = malloc(sizeof(*node) + text.left + 1);
	if (node == NULL) {
		error_at(build, mark, "no memory to read further");
		return NULL;
	}
	copy = (char *)(node + 1);
	if (text.left > 0)
		memcpy(copy, text.at, text.left);
	copy[text.left] = '\0';
	*node = (struct yaml_node){
	    .kind = kind,
	    .line = from_1(mark.line),
	    .column = from_1(mark.column),
	    .text = copy,
	    .all = build->tree->all,
	};
	build->tree->all = node;
	build->nodes++;
	return node;
}

static void
attach_key(const struct build *build, struct open_node *parent, struct yaml_node *node)
{
	if (node->kind != YAML_TEXT)
		problems_error(build->problems, build->file, node->line, node->column,
		    "a list or a mapping cannot be a key");
	else if (strcmp(node->text, "<<") == 0 && !node->quoted)
		problems_error(build->problems, build->file, node->line, node->column,
		    "merge keys are not taken: write out what is meant");
	parent->key = node;
}

static void
attach(struct build *build, struct yaml_node *node)
{
	struct open_node *parent;

	if (build->depth == 0) {
		build->tree->root = node;
		return;
	}
	parent = &build->open[build->depth - 1];
	assert(parent->node != NULL);
	if (parent->node->kind == YAML_MAP && parent->key == NULL) {
		attach_key(build, parent, node);
		return;
	}
	node->key = parent->key;
	parent->key = NULL;
	if (parent->last == NULL)
		parent->node->first = node;
	else
		parent->last->next = node;
	parent->last = node;
	parent->node->count++;
}

static void
refuse_marks(const struct build *build, yaml_mark_t mark, const yaml_char_t *anchor,
    const yaml_char_t *tag)
{
	if (anchor != NULL)
		error_at(build, mark, "anchors are not taken: write out what is meant");
	if (tag != NULL)
		error_at(build, mark, "tags are not taken: every value is text");
}

/* A line feed or a tab may stand in a block of text, nothing else that moves
 * a terminal or ends a C string. */
static bool
has_control(struct bytes text)
{
	uint8_t byte;

	while (bytes_u8(&text, &byte)) {
		if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f)
			return true;
	}
	return false;
}

static bool
on_scalar(struct build *build, const yaml_event_t *event)
{
	struct bytes text = {.at = event->data.scalar.value, .left = event->data.scalar.length};
	struct yaml_node *node;

	refuse_marks(build, event->start_mark, event->data.scalar.anchor, event->data.scalar.tag);
	if (has_control(text)) {
		error_at(build, event->start_mark, "the text holds a control character");
		text.left = 0;
	}
	node = new_node(build, YAML_TEXT, event->start_mark, text);
	if (node == NULL)
		return false;
	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	attach(build, node);
	return true;
}

static bool
on_open(struct build *build, enum yaml_kind kind, yaml_mark_t mark)
{
	struct yaml_node *node;

	if (build->depth == YAML_DEPTH_MAX) {
		error_at(build, mark, "nested too deep (at most 16 levels)");
		return false;
	}
	node = new_node(build, kind, mark, (struct bytes){0});
	if (node == NULL)
		return false;
	attach(build, node);
	build->open[build->depth++] = (struct open_node){.node = node};
	return true;
}

static int
by_key(const void *left, const void *right)
{
	const struct yaml_node *a = *(const struct yaml_node *const *)left;
	const struct yaml_node *b = *(const struct yaml_node *const *)right;
	int texts = strcmp(a->key->text, b->key->text);

	if (texts != 0)
		return texts;
	if (a->key->line != b->key->line)
		return a->key->line < b->key->line ? -1 : 1;
	return a->key->column < b->key->column ? -1 : a->key->column > b->key->column;
}

static bool
refuse_duplicates(const struct build *build, const struct yaml_node *map)
{
	const struct yaml_node **sorted;
	size_t count = 0;

	if (map->count < 2)
		return true;
	sorted = malloc(map->count * sizeof(*sorted)); /* NOLINT(bugprone-sizeof-expression) */
	if (sorted == NULL) {
		problems_error(build->problems, build->file, map->line, map->column,
		    "no memory to read further");
		return false;
	}
	for (const struct yaml_node *child = map->first; child != NULL; child = child->next)
		sorted[count++] = child;
	qsort(sorted, count, sizeof(*sorted), by_key); /* NOLINT(bugprone-sizeof-expression) */
	for (size_t i = 1; i < count; i++) {
		const struct yaml_node *key = sorted[i]->key;

		if (key->kind == YAML_TEXT && sorted[i - 1]->key->kind == YAML_TEXT &&
		    strcmp(key->text, sorted[i - 1]->key->text) == 0)
			problems_error(build->problems, build->file, key->line, key->column,
			    "'%s' is here twice (first on line %u)", key->text,
			    sorted[i - 1]->key->line);
	}
	free(sorted);
	return true;
}

/* Whether reading goes on. */
static bool
on_event(struct build *build, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (++build->documents > 1)
			error_at(build, event->start_mark, "a second document in one file");
		return build->documents == 1;
	case YAML_ALIAS_EVENT:
		error_at(build, event->start_mark,
		    "aliases are not taken: write out what is meant");
		return false;
	case YAML_SCALAR_EVENT:
		return on_scalar(build, event);
	case YAML_SEQUENCE_START_EVENT:
		refuse_marks(build, event->start_mark, event->data.sequence_start.anchor,
		    event->data.sequence_start.tag);
		return on_open(build, YAML_LIST, event->start_mark);
	case YAML_MAPPING_START_EVENT:
		refuse_marks(build, event->start_mark, event->data.mapping_start.anchor,
		    event->data.mapping_start.tag);
		return on_open(build, YAML_MAP, event->start_mark);
	case YAML_MAPPING_END_EVENT:
		return refuse_duplicates(build, build->open[--build->depth].node);
	case YAML_SEQUENCE_END_EVENT:
		build->depth--;
		return true;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return true;
	case YAML_STREAM_END_EVENT:
		break;
	}
	return false;
}

static void
read_events(struct build *build, yaml_parser_t *parser, struct bytes text)
{
	bool more = true;

	while (more) {
		yaml_event_t event;
		bool ended;

		if (yaml_parser_parse(parser, &event) == 0) {
			syntax_error(build, parser, text);
			return;
		}
		ended = event.type == YAML_STREAM_END_EVENT;
		more = on_event(build, &event);
		yaml_event_delete(&event);
		if (ended && build->documents == 0)
			problems_error(build->problems, build->file, 1, 1, "the file is empty");
	}
}

int
yaml_tree_read(struct yaml_tree *tree, const char *file, struct bytes text,
    struct problems *problems)
{
	struct build build = {.tree = tree, .problems = problems, .file = file};
	yaml_parser_t parser;

	*tree = (struct yaml_tree){0};
	if (is_utf16(text)) {
		problems_error(problems, file, 1, 1, "not YAML: this is UTF-16: save it as UTF-8");
		return -1;
	}
	text = yaml_behind_mark(text);
	if (yaml_parser_initialize(&parser) == 0) {
		problems_error(problems, file, 0, 0, "no memory to read it");
		return -1;
	}
	/* Said, not guessed: a file that begins like UTF-16 is a broken file. */
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, text.at != NULL ? text.at : (const uint8_t *)"",
	    text.left);
	read_events(&build, &parser, text);
	yaml_parser_delete(&parser);
	/* What broke off in the middle would only lead to errors that are none. */
	return build.depth == 0 && tree->root != NULL ? 0 : -1;
}

void
yaml_tree_free(struct yaml_tree *tree)
{
	struct yaml_node *node, *next;

	for (node = tree->all; node != NULL; node = next) {
		next = node->all;
		free(node);
	}
	*tree = (struct yaml_tree){0};
}

void
/* NOLINTNEXTLINE(misc-no-recursion): no deeper than a file can be */
yaml_flow(const struct yaml_node *node, struct text *out)
{
	const char *between = "";

	if (node->kind == YAML_TEXT) {
		text_add_untrusted(out, node->text, strlen(node->text));
		return;
	}
	text_add(out, node->kind == YAML_LIST ? "[" : "{");
	for (const struct yaml_node *child = node->first; child != NULL && !out->cut;
	     child = child->next) {
		text_add(out, "%s", between);
		between = ", ";
		if (node->kind == YAML_MAP) {
			text_add_untrusted(out, child->key->text, strlen(child->key->text));
			text_add(out, ": ");
		}
		yaml_flow(child, out);
	}
	text_add(out, node->kind == YAML_LIST ? "]" : "}");
}

bool
/* NOLINTNEXTLINE(misc-no-recursion): no deeper than a file can be */
yaml_same(const struct yaml_node *a, const struct yaml_node *b)
{
	const struct yaml_node *other = b->first;

	if (a->kind != b->kind || a->count != b->count || strcmp(a->text, b->text) != 0)
		return false;
	for (const struct yaml_node *child = a->first; child != NULL; child = child->next) {
		if (a->kind == YAML_MAP)
			other = yaml_child(b, child->key->text);
		if (other == NULL || !yaml_same(child, other))
			return false;
		other = other->next;
	}
	return true;
}

const struct yaml_node *
yaml_child(const struct yaml_node *node, const char *key)
{
	const struct yaml_node *child;

	if (node == NULL || node->kind != YAML_MAP)
		return NULL;
	for (child = node->first; child != NULL; child = child->next) {
		if (child->key->kind == YAML_TEXT && strcmp(child->key->text, key) == 0)
			return child;
	}
	return NULL;
}
