/* SPDX-License-Identifier: MIT */
#ifndef TESTS_INSPECT_TALK_H
#define TESTS_INSPECT_TALK_H

#include "inspect/inspection.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/*
 * A conversation as a table: who says what, in order.  It is observed whole, a
 * byte at a time and in pieces of any size: the facts are the same each time,
 * and every byte is counted once.
 */
struct said {
	enum direction direction; /* DIRECTION_UNKNOWN: TLS starts here */
	const char *bytes;
	size_t size;
};

#define UP(literal)                                                                                \
	{                                                                                          \
		DIRECTION_UP, literal, sizeof(literal) - 1                                         \
	}
#define DOWN(literal)                                                                              \
	{                                                                                          \
		DIRECTION_DOWN, literal, sizeof(literal) - 1                                       \
	}
#define TLS                                                                                        \
	{                                                                                          \
		DIRECTION_UNKNOWN, "", 0                                                           \
	}
#define TALK(...) ((const struct said[]){__VA_ARGS__, {0}})

struct heard {
	struct app_facts app;
	struct payload_facts payload;
	size_t forwarded[2]; /* from the camera, from the server */
	bool asked_for_tls;
};

static struct inspection_about about_plain = {.port = 4711};

static inline uint64_t
counted(const uint64_t by_class[PAYLOAD_COUNT])
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < PAYLOAD_COUNT; i++)
		sum += by_class[i];
	return sum;
}

/* Say one line of the table, in pieces of 1 to `most` bytes. */
static inline void
say(struct inspection *inspection, const struct said *said, size_t most, struct heard *heard)
{
	size_t at = 0;

	if (said->direction == DIRECTION_UNKNOWN) {
		heard->asked_for_tls = inspection_starts_tls(inspection);
		if (heard->asked_for_tls)
			inspection_tls_started(inspection, true);
		return;
	}
	while (at < said->size) {
		size_t count = most == 1 ? 1 : 1 + (size_t)rand() % most, taken;
		uint8_t *piece;

		if (count > said->size - at)
			count = said->size - at;
		/* A copy of its own, so that a sanitizer sees who keeps it. */
		piece = malloc(count);
		cr_assert_not_null(piece);
		memcpy(piece, said->bytes + at, count);
		taken = inspection_feed(inspection, said->direction, (struct bytes){piece, count},
		    &heard->app, &heard->payload);
		free(piece);
		cr_assert_leq(taken, count);
		heard->forwarded[said->direction == DIRECTION_UP ? 0 : 1] += taken;
		at += count;
	}
}

static inline void
hear(const struct said *talk, size_t most, const struct inspection_about *about,
    struct heard *heard)
{
	struct inspection *inspection = inspection_open(about);

	cr_assert_not_null(inspection);
	memset(heard, 0, sizeof(*heard));
	for (; talk->bytes != NULL; talk++)
		say(inspection, talk, most, heard);
	inspection_end(inspection, DIRECTION_UP, &heard->app, &heard->payload);
	inspection_end(inspection, DIRECTION_DOWN, &heard->app, &heard->payload);
	cr_assert_eq(counted(heard->payload.up), heard->forwarded[0]);
	cr_assert_eq(counted(heard->payload.down), heard->forwarded[1]);
	inspection_close(inspection);
}

/* Whatever the pieces are, what is heard is the same. */
static inline void
hear_about(const struct said *talk, const struct inspection_about *about, struct heard *heard)
{
	static const size_t mosts[] = {1, 2, 3, 5, 8, 13, 21, 64, 200, 1500};

	srand(1);
	hear(talk, (size_t)1 << 30, about, heard);
	for (size_t i = 0; i < sizeof(mosts) / sizeof(mosts[0]); i++) {
		struct heard other;

		hear(talk, mosts[i], about, &other);
		cr_assert(memcmp(&other.app, &heard->app, sizeof(other.app)) == 0,
		    "in pieces of at most %zu", mosts[i]);
		cr_assert_eq(other.forwarded[0], heard->forwarded[0]);
		cr_assert_eq(other.forwarded[1], heard->forwarded[1]);
		cr_assert_eq(other.asked_for_tls, heard->asked_for_tls);
	}
}

static inline struct heard
hear_all(const struct said *talk)
{
	struct heard heard;

	hear_about(talk, &about_plain, &heard);
	return heard;
}

/* Every prefix of it, and every byte of it changed in some ways: nothing but the
 * sanitizers' silence and the counts is asked for. */
static inline void
hear_broken(const struct said *talk)
{
	static const uint8_t flips[] = {0x01, 0x80, 0xff, 0x20};
	struct said copy[32] = {0};
	size_t lines = 0;
	struct heard heard;

	while (talk[lines].bytes != NULL)
		lines++;
	cr_assert_lt(lines, 31);
	for (size_t line = 0; line < lines; line++) {
		char *bytes = malloc(talk[line].size + 1);

		cr_assert_not_null(bytes);
		memcpy(copy, talk, lines * sizeof(*copy));
		memcpy(bytes, talk[line].bytes, talk[line].size);
		copy[line].bytes = bytes;
		for (size_t at = 0; at < talk[line].size; at++) {
			for (size_t i = 0; i < sizeof(flips); i++) {
				bytes[at] = (char)((uint8_t)talk[line].bytes[at] ^ flips[i]);
				hear(copy, (size_t)1 << 30, &about_plain, &heard);
			}
			bytes[at] = talk[line].bytes[at];
			copy[line].size = at;
			hear(copy, (size_t)1 << 30, &about_plain, &heard);
			copy[line].size = talk[line].size;
		}
		free(bytes);
	}
}

#endif
