/* SPDX-License-Identifier: MIT */
#ifndef TESTS_CONFIG_MEMORY_H
#define TESTS_CONFIG_MEMORY_H

#include "base/bytes.h"
#include "base/err.h"
#include "config/problems.h"
#include "config/source.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* What the suites of config share: files in memory, and problems as text. */

static inline struct bytes
text_of(const char *text)
{
	return (struct bytes){.at = (const uint8_t *)text, .left = strlen(text)};
}

static inline void
put(struct source *source, const char *path, const char *text)
{
	struct err err;

	cr_assert_eq(source_put(source, path, text_of(text), &err), 0);
}

/* All problems as "line:column text" lines, warnings with a "?" before. */
static inline const char *
told(const struct problems *problems, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < problems->count && used < size; i++) {
		const struct problem *problem = &problems->list[i];
		int count = snprintf(out + used, size - used, "%s%u:%u %s\n",
		    problem->warning ? "?" : "", problem->line, problem->column, problem->text);

		used += count > 0 ? (size_t)count : 0;
	}
	return out;
}

/* Whether one error stands at line:column and its text holds words. */
static inline bool
has_error(const struct problems *problems, unsigned line, unsigned column, const char *words)
{
	for (size_t i = 0; i < problems->count; i++) {
		const struct problem *problem = &problems->list[i];

		if (!problem->warning && problem->line == line && problem->column == column &&
		    strstr(problem->text, words) != NULL)
			return true;
	}
	return false;
}

#endif
