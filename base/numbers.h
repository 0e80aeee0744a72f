/* SPDX-License-Identifier: MIT */
#ifndef BASE_NUMBERS_H
#define BASE_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers (of networks), each with a value. */
struct number {
	uint32_t number, value;
};

struct numbers {
	struct number *list; /* owned; once sorted by number, then value */
	size_t count, room;
};

/* -1: no memory. */
int numbers_add(struct numbers *numbers, uint32_t number, uint32_t value);

/* Once, behind the last numbers_add and before the first question. */
void numbers_sort(struct numbers *numbers);

/* Whether the number at index is the one before it too. */
bool numbers_twin(const struct numbers *numbers, size_t index);

/* NULL: it is not there. */
const struct number *numbers_find(const struct numbers *numbers, uint32_t number);

void numbers_free(struct numbers *numbers);

/* Read "64496": an AS number, 1 to 4294967295 (RFC 6793), without a sign or
 * leading text. */
bool asn_parse(const char *text, uint32_t *out);

#endif
