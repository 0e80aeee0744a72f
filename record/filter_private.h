/* SPDX-License-Identifier: MIT */
#ifndef RECORD_FILTER_PRIVATE_H
#define RECORD_FILTER_PRIVATE_H

/* For filter.c (the grammar), filter_tokens.c and filter_values.c only. */

#include "base/text.h"
#include "record/columns.h"
#include "record/filter.h"

#include <stdbool.h>

enum filter_token_kind {
	TOKEN_END = 0,
	TOKEN_WORD,
	TOKEN_QUOTED,
	TOKEN_OPERATOR,
	TOKEN_OPEN,
	TOKEN_CLOSE
};

struct filter_token {
	enum filter_token_kind kind;
	size_t at; /* where it begins in the expression */
	char text[FILTER_WORD_MAX];
};

enum operator_kind {
	OP_EQUAL = 0,
	OP_NOT_EQUAL,
	OP_LESS,
	OP_LESS_EQUAL,
	OP_MORE,
	OP_MORE_EQUAL,
	OP_HOLDS,
	OP_UNDER,
	OP_COUNT,
};

struct filter_parser {
	struct filter *filter;
	struct text sql;
	const char *text;
	size_t at; /* of the next sign */
	struct filter_token token;
	const struct filter_about *about;
	struct err *err;
};

/* ---- filter_tokens.c ---- */

/* -1 with the parser's err: what is wrong at a sign, and what was found there. */
int filter_fail(const struct filter_parser *parser, size_t at, const char *what, const char *found);

/* Read the next token into parser->token. */
int filter_next(struct filter_parser *parser);

/* ---- filter_values.c ---- */

/* The token as a value that the column is compared with by op. */
int filter_read_value(const struct filter_parser *parser, const struct column *column,
    enum operator_kind op, struct filter_value *value);

/* Whether a value that was read is the countries of a set. */
bool filter_is_set(const struct column *column, const struct filter_value *value);

#endif
