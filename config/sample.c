/* SPDX-License-Identifier: MIT */
#include "config/sample.h"

#include "config/options.h"

#include <string.h>

enum { LINE_WIDTH = 78, INDENT = 2 };

static size_t
depth_of(const char *path)
{
	size_t depth = 0;

	for (const char *at = path; *at != '\0'; at++)
		depth += *at == '.';
	return depth;
}

static void
indent(FILE *to, size_t depth)
{
	for (size_t i = 0; i < depth * INDENT; i++)
		(void)fputc(' ', to);
}

/* Words of text as comment lines of bounded width. */
static void
write_comment(FILE *to, size_t depth, const char *text)
{
	size_t used = 0;

	while (*text != '\0') {
		size_t size = strcspn(text, " ");

		if (used > 0 && depth * INDENT + used + 1 + size > LINE_WIDTH) {
			(void)fputc('\n', to);
			used = 0;
		}
		if (used == 0) {
			indent(to, depth);
			(void)fputc('#', to);
			used = 1;
		}
		(void)fprintf(to, " %.*s", (int)size, text);
		used += size + 1;
		text += size;
		text += strspn(text, " ");
	}
	(void)fputc('\n', to);
}

/* Open the sections of path that the last one was not in. */
static void
write_sections(FILE *to, const char *path, const char *last)
{
	size_t same = 0, depth = 0;
	const char *at = path, *dot;

	while (path[same] != '\0' && path[same] == last[same])
		same++;
	while ((dot = strchr(at, '.')) != NULL) {
		if ((size_t)(dot - path) >= same) {
			if (depth == 0)
				(void)fputc('\n', to);
			indent(to, depth);
			(void)fprintf(to, "%.*s:\n", (int)(dot - at), at);
		}
		at = dot + 1;
		depth++;
	}
}

/* Whether path lies under an option that takes a mapping in place of a word. */
static bool
is_alternative(const struct option *table, size_t count, const char *path)
{
	for (size_t i = 0; i < count; i++) {
		size_t size = strlen(table[i].path);

		if (strncmp(table[i].path, path, size) == 0 && path[size] == '.')
			return true;
	}
	return false;
}

void
sample_write(FILE *to)
{
	size_t count;
	const struct option *table = options_table(&count);
	const char *last = "";

	(void)fputs(
	    "# Every key of borderlens.yaml, as `borderlens check --sample` prints it.  A key\n"
	    "# that is left out has its default, which docs/config.md names.\n",
	    to);
	for (size_t i = 0; i < count; i++) {
		const struct option *option = &table[i];
		const char *value = option->example != NULL ? option->example : option->fallback;
		const char *dot = strrchr(option->path, '.');
		size_t depth = depth_of(option->path);
		bool quoted = option->type == OPTION_TLS || option->type == OPTION_LISTEN ||
			      option->type == OPTION_SERVER;

		if (value == NULL || is_alternative(table, count, option->path))
			continue;
		write_sections(to, option->path, last);
		if (depth == 0)
			(void)fputc('\n', to);
		write_comment(to, depth, option->help);
		indent(to, depth);
		(void)fprintf(to, "%s: %s%s%s\n", dot == NULL ? option->path : dot + 1,
		    quoted ? "\"" : "", value, quoted ? "\"" : "");
		last = option->path;
	}
}
