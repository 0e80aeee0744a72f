/* SPDX-License-Identifier: MIT */
#ifndef TESTS_GEO_TELLS_H
#define TESTS_GEO_TELLS_H

#include "base/bytes.h"

#include <stdio.h>
#include <string.h>

/* Errors as they were told: "file:line: text\n" each. */
struct tells {
	char text[2048];
	size_t count;
};

static inline void
tells_note(const char *file, unsigned line, const char *text, void *arg)
{
	struct tells *tells = arg;
	size_t used = strlen(tells->text);

	(void)snprintf(tells->text + used, sizeof(tells->text) - used, "%s:%u: %s\n", file, line,
	    text);
	tells->count++;
}

static inline struct bytes
bytes_of(const char *text)
{
	return (struct bytes){.at = (const uint8_t *)text, .left = strlen(text)};
}

#endif
