/* SPDX-License-Identifier: MIT */
#include "config/format.h"

#include "config/countries.h"
#include "config/problems.h"
#include "config/yaml.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- what needs quotes ---- */

static bool
is_number_of(const char *text, char mark)
{
	size_t digits = strspn(text, "0123456789");

	const char *rest = text + digits + 1;

	return digits > 0 && text[digits] == mark && *rest != '\0' &&
	       rest[strspn(rest, mark == ':' ? "0123456789:" : "0123456789")] == '\0';
}

/* Source: YAML 1.1, types bool, null, float and int (octal, base 60). */
static bool
is_misread(const char *text)
{
	static const char *const words[] = {"y", "n", "yes", "no", "on", "off", "null", "~"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(text, words[i]) == 0)
			return true;
	}
	if (text[0] == '0' && text[1] != '\0' && text[strspn(text, "0123456789")] == '\0')
		return true;
	return is_number_of(text, ':') || is_number_of(text, '.');
}

static bool
needs_quotes(const struct yaml_node *node)
{
	return node->kind == YAML_TEXT && !node->quoted &&
	       (country_known(node->text) || is_misread(node->text));
}

/* ---- where they stand ---- */

struct places {
	size_t count;
	const struct yaml_node **list; /* owned; in the file's order */
};

static int
by_place(const void *left, const void *right)
{
	const struct yaml_node *a = *(const struct yaml_node *const *)left;
	const struct yaml_node *b = *(const struct yaml_node *const *)right;

	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return a->column < b->column ? -1 : a->column > b->column;
}

static bool
find_places(const struct yaml_tree *tree, struct places *places)
{
	size_t count = 0;

	for (const struct yaml_node *node = tree->all; node != NULL; node = node->all)
		count++;
	/* NOLINTNEXTLINE(bugprone-sizeof-expression) */
	places->list = calloc(count + 1, sizeof(*places->list));
	if (places->list == NULL)
		return false;
	for (const struct yaml_node *node = tree->all; node != NULL; node = node->all) {
		if (needs_quotes(node))
			places->list[places->count++] = node;
	}
	/* NOLINTNEXTLINE(bugprone-sizeof-expression) */
	qsort(places->list, places->count, sizeof(*places->list), by_place);
	return true;
}

/* ---- writing ---- */

/* The first size bytes of a line, with quotes around the words that want them.
 * Columns count letters, not bytes. */
static size_t
write_line(const char *line, size_t size, unsigned number, const struct places *places, size_t next,
    FILE *out)
{
	unsigned column = 1;

	for (size_t i = 0; i < size; i++) {
		const struct yaml_node *node = next < places->count ? places->list[next] : NULL;
		size_t length = node != NULL ? strlen(node->text) : 0;

		if (node != NULL && node->line == number && node->column == column &&
		    length <= size - i && memcmp(line + i, node->text, length) == 0) {
			(void)fprintf(out, "\"%s\"", node->text);
			column += (unsigned)length;
			i += length - 1;
			next++;
			continue;
		}
		(void)fputc(line[i], out);
		if (i + 1 == size || ((unsigned char)line[i + 1] & 0xc0) != 0x80)
			column++;
	}
	while (next < places->count && places->list[next]->line <= number)
		next++; /* one that is written otherwise than it reads */
	return next;
}

static void
write_all(struct bytes text, const struct places *places, FILE *out)
{
	unsigned number = 1;
	size_t next = 0;
	struct bytes line;

	while (text.left > 0) {
		const uint8_t *end = memchr(text.at, '\n', text.left);
		size_t size = end != NULL ? (size_t)(end - text.at) : text.left, used;

		(void)bytes_take(&text, size, &line);
		if (end != NULL)
			(void)bytes_take(&text, 1, &(struct bytes){0});
		used = size;
		while (used > 0 && strchr(" \t\r", line.at[used - 1]) != NULL)
			used--;
		next = write_line((const char *)line.at, used, number++, places, next, out);
		(void)fputc('\n', out);
	}
}

/* Whether the new text says what the old one says. */
static bool
says_the_same(const struct yaml_tree *tree, const char *file, struct bytes text)
{
	struct problems problems = {0};
	struct yaml_tree other;
	bool same = yaml_tree_read(&other, file, text, &problems) == 0 && problems.errors == 0 &&
		    yaml_same(tree->root, other.root);

	yaml_tree_free(&other);
	problems_free(&problems);
	return same;
}

int
rules_format(const char *file, struct bytes text, FILE *out, struct problems *problems)
{
	size_t errors = problems->errors, size = 0;
	struct places places = {0};
	struct yaml_tree tree = {0};
	char *written = NULL;
	FILE *memory = NULL;
	int ret = -1;

	if (yaml_tree_read(&tree, file, text, problems) != 0 || problems->errors != errors)
		goto out;
	memory = open_memstream(&written, &size);
	if (memory == NULL || !find_places(&tree, &places)) {
		problems_error(problems, file, 0, 0, "no memory to format it");
		goto out;
	}
	write_all(yaml_behind_mark(text), &places, memory);
	if (fflush(memory) != 0 ||
	    !says_the_same(&tree, file, (struct bytes){(const uint8_t *)written, size})) {
		problems_error(problems, file, 0, 0,
		    "not formatted: it would say something else afterwards");
		goto out;
	}
	(void)fwrite(written, 1, size, out);
	ret = 0;
out:
	if (memory != NULL)
		(void)fclose(memory);
	free(written);
	free(places.list);
	yaml_tree_free(&tree);
	return ret;
}
