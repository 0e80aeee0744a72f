/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_PROBLEMS_H
#define CONFIG_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Everything that is wrong with a configuration, each with its place, so that
 * a writer mends it in one go.  Readers add and go on; a configuration with
 * an error is not used.
 */
struct problem {
	char file[512];
	unsigned line, column; /* from 1; 0: the file as a whole */
	bool warning;          /* odd, but usable */
	char text[256];        /* one line, safe to print */
};

/* Starts as {0}.  The first 500 are kept; errors counts all of them. */
struct problems {
	struct problem *list; /* owned */
	size_t count;         /* of list */
	size_t errors;        /* seen, warnings left out */
};

void problems_error(struct problems *problems, const char *file, unsigned line, unsigned column,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void problems_warning(struct problems *problems, const char *file, unsigned line, unsigned column,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* One more, as another list has it: what stands in it is not escaped again. */
void problems_copy(struct problems *problems, const struct problem *problem);

/* By file, line and column. */
void problems_sort(struct problems *problems);
void problems_free(struct problems *problems);

#endif
