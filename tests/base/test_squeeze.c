/* SPDX-License-Identifier: MIT */
#include "base/squeeze.h"

#include "base/facts.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Squeeze size bytes and look whether they come back; returns what they took. */
static size_t
there_and_back(const uint8_t *from, size_t size)
{
	struct squeezed *squeezed = squeeze(from, size);
	uint8_t *again = malloc(size > 0 ? size : 1);
	size_t took;

	cr_assert_not_null(squeezed);
	cr_assert_not_null(again);
	memset(again, 0xa5, size);
	squeezed_restore(squeezed, again, size);
	cr_expect_arr_eq(again, from, size);
	took = squeezed_size(squeezed);
	cr_expect_leq(took, size + 16);
	free(again);
	free(squeezed);
	return took;
}

Test(squeeze, zeros_anywhere_come_back)
{
	enum { SIZE = 48 };
	uint8_t at[SIZE];

	for (size_t from = 0; from <= SIZE; from++) {
		for (size_t to = from; to <= SIZE; to++) {
			memset(at, 7, sizeof(at));
			memset(at + from, 0, to - from);
			(void)there_and_back(at, SIZE);
			(void)there_and_back(at, to);
		}
	}
}

Test(squeeze, bytes_among_zeros_come_back)
{
	enum { SIZE = 40 };
	uint8_t at[SIZE];

	for (size_t one = 0; one < SIZE; one++) {
		for (size_t other = one; other < SIZE; other++) {
			memset(at, 0, sizeof(at));
			at[one] = 1;
			at[other] = 255;
			(void)there_and_back(at, SIZE);
		}
	}
}

Test(squeeze, the_greatest_there_may_be_comes_back)
{
	uint8_t *at = calloc(1, SQUEEZE_MAX);

	cr_assert_not_null(at);
	cr_expect_leq(there_and_back(at, SQUEEZE_MAX), 16);
	memset(at, 1, SQUEEZE_MAX);
	(void)there_and_back(at, SQUEEZE_MAX);
	/* A run at every ninth byte. */
	for (size_t i = 0; i < SQUEEZE_MAX; i++)
		at[i] = i % 9 == 0;
	(void)there_and_back(at, SQUEEZE_MAX);
	free(at);
}

Test(squeeze, facts_take_little_more_than_what_they_tell)
{
	struct facts facts;

	memset(&facts, 0, sizeof(facts));
	facts.flow_id = UINT64_MAX;
	(void)strcpy(facts.hello.sni, "media.cameras.example");
	(void)strcpy(facts.verdict.why, "Located in Germany");
	(void)strcpy(facts.end_text, "both sides closed");
	cr_expect_lt(there_and_back((const uint8_t *)&facts, sizeof(facts)), 128);
	memset(&facts, 1, sizeof(facts));
	(void)there_and_back((const uint8_t *)&facts, sizeof(facts));
}
