/* SPDX-License-Identifier: MIT */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A bounded string that is being written.  It is always terminated; what does
 * not fit is left out and `cut` says so.  The bytes are the caller's.
 *
 *	char line[80];
 *	struct text text = text_in(line, sizeof(line));
 *	text_add(&text, "%s:%u", name, port);
 */
struct text {
	char *at;
	size_t size; /* of the bytes at `at`, at least 1 */
	size_t used; /* without the terminator */
	bool cut;
};

struct text text_in(char *at, size_t size);
void text_add(struct text *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Add count bytes from outside, safe to print on one line of a terminal or a
 * log: well-formed UTF-8 without control characters stays, every other byte
 * becomes \xNN, and a backslash is doubled, so the original can be read back.
 * Bidirectional controls (U+202A..202E, U+2066..2069) count as control
 * characters: they make a line read otherwise than it is.
 */
void text_add_untrusted(struct text *text, const void *bytes, size_t count);

/* Copy a string into size bytes, cutting it where it does not fit. */
void text_copy(char *to, size_t size, const char *from);

/*
 * The length of the UTF-8 sequence (RFC 3629) at the front of count bytes, or
 * 0 when there is none: overlong forms, surrogates and values beyond U+10FFFF
 * are none.
 */
size_t text_utf8(const void *bytes, size_t count);

/* Whether name is suffix or ends in "." suffix; ASCII case does not matter. */
bool text_under(const char *name, const char *suffix);

/*
 * The candidate nearest to word, or NULL when none is near enough to be what
 * the writer meant: an edit distance of at most a third of the longer one.
 * Where none is off by one alone, the one that has word as a part between "_"
 * ("over" of "up_over").  Before all, the one that has the same parts in another order.
 */
const char *text_nearest(const char *word, const char *const *candidates, size_t count);

/* Whether the two are the same, or have the same parts between "_" in another
 * order ("up_over", "over_up"). */
bool text_same_parts(const char *one, const char *other);

/* Write count bytes as 2 * count hex digits and a terminator. */
void text_hex(char *out, const void *bytes, size_t count);

#endif
