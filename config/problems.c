/* SPDX-License-Identifier: MIT */
#include "config/problems.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than anybody reads; a file of 16 MiB may hold a million mistakes. */
enum { PROBLEMS_KEPT = 500, PROBLEMS_STEP = 16 };

static struct problem *
next_problem(struct problems *problems)
{
	if (problems->count >= PROBLEMS_KEPT)
		return NULL;
	if (problems->count % PROBLEMS_STEP == 0) {
		size_t room = problems->count + PROBLEMS_STEP;
		struct problem *list = realloc(problems->list, room * sizeof(*list));

		if (list == NULL)
			return NULL;
		problems->list = list;
	}
	return &problems->list[problems->count++];
}

/* What a file says stands in the text, so none of it may reach a terminal raw. */
static void __attribute__((format(printf, 3, 0)))
fill_text(char *out, size_t size, const char *fmt, va_list ap)
{
	char raw[512];
	struct text text = text_in(out, size);

	(void)vsnprintf(raw, sizeof(raw), fmt, ap);
	text_add_untrusted(&text, raw, strlen(raw));
}

static void
fill_file(char *out, size_t size, const char *file)
{
	struct text text = text_in(out, size);

	text_add_untrusted(&text, file, strlen(file));
}

void
problems_error(struct problems *problems, const char *file, unsigned line, unsigned column,
    const char *fmt, ...)
{
	struct problem *problem = next_problem(problems);
	va_list ap;

	problems->errors++;
	if (problem == NULL)
		return;
	*problem = (struct problem){.line = line, .column = column};
	fill_file(problem->file, sizeof(problem->file), file);
	va_start(ap, fmt);
	fill_text(problem->text, sizeof(problem->text), fmt, ap);
	va_end(ap);
}

void
problems_warning(struct problems *problems, const char *file, unsigned line, unsigned column,
    const char *fmt, ...)
{
	struct problem *problem = next_problem(problems);
	va_list ap;

	if (problem == NULL)
		return;
	*problem = (struct problem){.line = line, .column = column, .warning = true};
	fill_file(problem->file, sizeof(problem->file), file);
	va_start(ap, fmt);
	fill_text(problem->text, sizeof(problem->text), fmt, ap);
	va_end(ap);
}

void
problems_copy(struct problems *problems, const struct problem *problem)
{
	struct problem *copy = next_problem(problems);

	problems->errors += !problem->warning;
	if (copy != NULL)
		*copy = *problem;
}

static int
by_place(const void *left, const void *right)
{
	const struct problem *a = left, *b = right;
	int files = strcmp(a->file, b->file);

	if (files != 0)
		return files;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return a->column < b->column ? -1 : a->column > b->column;
}

void
problems_sort(struct problems *problems)
{
	if (problems->count > 1)
		qsort(problems->list, problems->count, sizeof(*problems->list), by_place);
}

void
problems_free(struct problems *problems)
{
	free(problems->list);
	*problems = (struct problems){0};
}
