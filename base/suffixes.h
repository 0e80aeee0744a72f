/* SPDX-License-Identifier: MIT */
#ifndef BASE_SUFFIXES_H
#define BASE_SUFFIXES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Suffixes of DNS names, each with a value: the longest one that covers a name,
 * found in one pass over the name.  ASCII case does not matter.
 */
struct suffix {
	char *text; /* owned */
	uint32_t hash;
	uint32_t value;
};

struct suffixes {
	struct suffix *list; /* owned */
	size_t count, room;
	uint32_t *slots;   /* owned; index + 1, 0: free */
	size_t slot_count; /* a power of two */
};

/* Whether text is one: letters, digits, hyphens, underscores and dots, in labels
 * of 1 to 63 bytes, 253 in all (RFC 1035 section 2.3.4). */
bool suffix_valid(const char *text);

enum { SUFFIX_NONE = -1, SUFFIX_NOMEM = -2 };

/* Add a valid suffix, which is copied.  SUFFIX_NONE, or the value of the same
 * suffix that is there already and stays; SUFFIX_NOMEM: no memory. */
int64_t suffixes_add(struct suffixes *suffixes, const char *text, uint32_t value);

/* The value of the longest suffix that name is, or ends in behind a dot; one
 * trailing dot of name is passed over.  SUFFIX_NONE: there is none. */
int64_t suffixes_find(const struct suffixes *suffixes, const char *name);

void suffixes_free(struct suffixes *suffixes);

#endif
