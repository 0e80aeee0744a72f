/* SPDX-License-Identifier: MIT */
#ifndef RECORD_FILTER_H
#define RECORD_FILTER_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct sqlite3_stmt;

/*
 * A question about recorded connections, as a person writes it:
 *
 *	verdict = block and (located = CN or operator = CN)
 *	sni under hik-connect.com and up > 1000000
 *	not device = lobby-3 and vendor ~ hik
 *
 * Terms are `column op value`, joined by `and`, `or`, `not` and parentheses
 * (`and` binds tighter).  Columns are those of record/columns.h.  Operators:
 *
 *	= !=         the same; of countries: is one of them
 *	< <= > >=    of numbers and times
 *	~            holds the text, whatever the case
 *	under        is the name, or ends in "." and it
 *
 * A value is a word, or anything in quotes ("..." or '...').  Numbers may end
 * in k, M or G (1000), or as amounts in rules do in KB, MB, GB or TB (1024); a
 * network is 45102 or AS45102; times are "2026-11-22", "2026-11-22T10:00:00" (UTC)
 * or an age ("10m", "2h", "7d").  `unknown` is a country of its own; what is no code
 * of ISO 3166-1, and no word that a fact can be, is an error.  `@eea` and
 * "@eea+CH" are the countries of rule sets' sets: = means any of them.
 *
 * It becomes an SQL condition whose values are all parameters.
 */
enum {
	FILTER_TEXT_MAX = 1024, /* bytes of an expression */
	FILTER_TERMS_MAX = 32,
	FILTER_DEPTH_MAX = 16, /* parentheses and nots within each other */
	FILTER_SQL_MAX = 4096,
	FILTER_WORD_MAX = 256,
	FILTER_VALUE_MAX = 1024, /* all countries */
};

struct filter_value {
	enum { FILTER_IS_TEXT = 0, FILTER_IS_NUMBER } kind;
	char text[FILTER_VALUE_MAX];
	int64_t number;
};

struct filter {
	char sql[FILTER_SQL_MAX]; /* "1" for an empty expression */
	struct filter_value values[FILTER_TERMS_MAX];
	size_t value_count;
};

/* What an expression is read with. */
struct filter_about {
	uint64_t now_us; /* that ages are counted back from */
	/* The countries that "@eea+CH-@listed" means as "/AT/BE/", into out; -1 with
	 * err.  NULL: there are no sets. */
	int (*set)(const void *arg, const char *text, char *out, size_t size, struct err *err);
	const void *arg;
};

/*
 * -1 with ERR_INPUT; the text says at which sign of the expression, what stands there, and
 * what might have been meant.
 */
int filter_parse(struct filter *filter, const char *text, const struct filter_about *about,
    struct err *err);

/* Bind the values; SQLite's code.  Their parameters are ?1 to ?value_count, so
 * a statement's own begin behind ?FILTER_TERMS_MAX. */
int filter_bind(const struct filter *filter, struct sqlite3_stmt *statement);

/* "10m", "2h", "7d", "2026-11-22", "2026-11-22T10:00:00", all UTC, or as EVE
 * writes it: a time in microseconds since 1970. */
int filter_time(const char *text, uint64_t now_us, uint64_t *out, struct err *err);

#endif
