/* SPDX-License-Identifier: MIT */
#include "record/filter_private.h"

#include "base/err.h"

#include <sqlite3.h>
#include <string.h>
#include <strings.h>

enum { COLUMNS_MAX = 128 };

static const char *const operator_names[OP_COUNT] = {"=", "!=", "<", "<=", ">", ">=", "~", "under"};

static bool
is_keyword(const struct filter_token *token, const char *word)
{
	return token->kind == TOKEN_WORD && strcasecmp(token->text, word) == 0;
}

static bool
is_ordered(enum operator_kind op)
{
	return op == OP_LESS || op == OP_LESS_EQUAL || op == OP_MORE || op == OP_MORE_EQUAL;
}

/* ---- terms ---- */

/* The parameter of the value that was read last has its number. */
static void
add_condition(struct filter_parser *parser, const struct column *column, enum operator_kind op)
{
	const char *name = column->name, *sign = operator_names[op];
	const char *collate = column->type != COLUMN_TEXT ? " COLLATE NOCASE" : "";
	size_t parameter = parser->filter->value_count;

	if (op == OP_HOLDS)
		text_add(&parser->sql, "instr(lower(\"%s\"), lower(?%zu)) > 0", name, parameter);
	else if (op == OP_UNDER)
		/* A dot before both: a name is under itself, and only whole labels count. */
		text_add(&parser->sql,
		    "substr('.' || lower(\"%s\"), -length(?%zu) - 1) = '.' || lower(?%zu)", name,
		    parameter, parameter);
	else if (column->type == COLUMN_COUNTRIES)
		text_add(&parser->sql, "instr('/' || \"%s\" || '/', '/' || ?%zu || '/') %s 0", name,
		    parameter, op == OP_EQUAL ? ">" : "=");
	else if (is_ordered(op))
		text_add(&parser->sql, "ifnull(\"%s\" %s ?%zu, 0)", name, sign, parameter);
	else
		text_add(&parser->sql, "ifnull(\"%s\" %s ?%zu%s, 0)", name, sign, parameter,
		    collate);
}

/* A fact has up to four countries, as "DE/SG"; a word in their stead has small
 * letters, and no two of them are in a set. */
static void
add_set(struct filter_parser *parser, const struct column *column, enum operator_kind op)
{
	enum { CODE_SIGNS = 3 };
	const char *joint = "";

	text_add(&parser->sql, "(");
	for (int i = 0; i < FACTS_COUNTRIES_MAX; i++) {
		text_add(&parser->sql, "%sinstr(?%zu, '/' || substr(\"%s\", %d, 2) || '/') > 0",
		    joint, parser->filter->value_count, column->name, 1 + i * CODE_SIGNS);
		joint = " OR ";
	}
	text_add(&parser->sql, ") = %d", op == OP_EQUAL);
}

/* The column that the token names; NULL with the parser's err. */
static const struct column *
find_column(const struct filter_parser *parser)
{
	const struct column *column;
	const char *names[COLUMNS_MAX];
	const char *near;
	char line[80];
	struct text what = text_in(line, sizeof(line));
	size_t count = 0;

	if (parser->token.kind != TOKEN_WORD) {
		(void)filter_fail(parser, parser->token.at, "expected the name of a column, found",
		    parser->token.kind == TOKEN_END ? "the end" : parser->token.text);
		return NULL;
	}
	column = column_find(parser->token.text);
	if (column != NULL)
		return column;
	for (; count < column_count && count < COLUMNS_MAX; count++)
		names[count] = columns[count].name;
	near = text_nearest(parser->token.text, names, count);
	if (near != NULL)
		text_add(&what, "did you mean '%s'? There is no column", near);
	else
		text_add(&what, "there is no column");
	(void)filter_fail(parser, parser->token.at, line, parser->token.text);
	return NULL;
}

static int
find_operator(const struct filter_parser *parser, const struct column *column,
    enum operator_kind *out)
{
	bool number = column->type == COLUMN_NUMBER || column->type == COLUMN_TIME;
	bool found = false;

	for (size_t i = 0; i < OP_COUNT && !found; i++) {
		found = strcasecmp(parser->token.text, operator_names[i]) == 0 &&
			parser->token.kind != TOKEN_QUOTED;
		*out = (enum operator_kind)i;
	}
	if (!found)
		return filter_fail(parser, parser->token.at,
		    "expected = != < <= > >= ~ or under, found",
		    parser->token.kind == TOKEN_END ? "the end" : parser->token.text);
	if (is_ordered(*out) && !number)
		return filter_fail(parser, parser->token.at, "this column has no order for",
		    parser->token.text);
	if ((*out == OP_HOLDS || *out == OP_UNDER) && (number || column->type == COLUMN_BOOL))
		return filter_fail(parser, parser->token.at, "this column is no text for",
		    parser->token.text);
	return 0;
}

/* `column op value` */
static int
parse_term(struct filter_parser *parser)
{
	struct filter *filter = parser->filter;
	const struct column *column;
	struct filter_value *value;
	enum operator_kind op = OP_EQUAL;

	if (filter->value_count == FILTER_TERMS_MAX)
		return filter_fail(parser, parser->token.at, "there are too many terms", "");
	column = find_column(parser);
	if (column == NULL || filter_next(parser) != 0 || find_operator(parser, column, &op) != 0 ||
	    filter_next(parser) != 0)
		return -1;
	if (parser->token.kind != TOKEN_WORD && parser->token.kind != TOKEN_QUOTED)
		return filter_fail(parser, parser->token.at, "expected a value, found",
		    parser->token.kind == TOKEN_END ? "the end" : parser->token.text);
	value = &filter->values[filter->value_count];
	if (filter_read_value(parser, column, op, value) != 0)
		return -1;
	filter->value_count++;
	if (filter_is_set(column, value))
		add_set(parser, column, op);
	else
		add_condition(parser, column, op);
	return filter_next(parser);
}

/*
 * The grammar is small enough to be turned into SQL token by token: `and`,
 * `or`, `not` and parentheses mean the same there.  What is checked is that
 * each stands where it may.
 */
struct nesting {
	size_t open;
	bool expects_term;
};

static int
open_group(struct filter_parser *parser, struct nesting *nesting)
{
	if (++nesting->open > FILTER_DEPTH_MAX)
		return filter_fail(parser, parser->token.at,
		    "too many parentheses within each other", "");
	text_add(&parser->sql, "(");
	return filter_next(parser);
}

static int
take_before_term(struct filter_parser *parser, struct nesting *nesting)
{
	if (parser->token.kind == TOKEN_OPEN)
		return open_group(parser, nesting);
	if (is_keyword(&parser->token, "not")) {
		text_add(&parser->sql, "NOT ");
		return filter_next(parser);
	}
	/* Whatever a condition is made of, NOT before it means all of it. */
	text_add(&parser->sql, "(");
	if (parse_term(parser) != 0)
		return -1;
	text_add(&parser->sql, ")");
	nesting->expects_term = false;
	return 0;
}

static int
take_after_term(struct filter_parser *parser, struct nesting *nesting)
{
	if (parser->token.kind == TOKEN_CLOSE && nesting->open > 0) {
		nesting->open--;
		text_add(&parser->sql, ")");
		return filter_next(parser);
	}
	if (!is_keyword(&parser->token, "and") && !is_keyword(&parser->token, "or"))
		return filter_fail(parser, parser->token.at, "expected and, or, or the end, found",
		    parser->token.text);
	text_add(&parser->sql, is_keyword(&parser->token, "and") ? " AND " : " OR ");
	nesting->expects_term = true;
	return filter_next(parser);
}

static int
parse(struct filter_parser *parser)
{
	struct nesting nesting = {.expects_term = true};

	while (parser->token.kind != TOKEN_END || nesting.expects_term) {
		int ret = nesting.expects_term ? take_before_term(parser, &nesting)
					       : take_after_term(parser, &nesting);

		if (ret != 0)
			return -1;
		if (parser->sql.cut)
			return filter_fail(parser, parser->token.at, "this expression is too long",
			    "");
	}
	if (nesting.open > 0)
		return filter_fail(parser, parser->token.at, "a parenthesis is not closed", "");
	return 0;
}

int
filter_parse(struct filter *filter, const char *text, const struct filter_about *about,
    struct err *err)
{
	struct filter_parser parser = {.filter = filter, .text = text, .about = about, .err = err};

	memset(filter, 0, sizeof(*filter));
	parser.sql = text_in(filter->sql, sizeof(filter->sql));
	if (strnlen(text, FILTER_TEXT_MAX) == FILTER_TEXT_MAX)
		return err_set(err, ERR_INPUT, "an expression has less than %d signs",
		    FILTER_TEXT_MAX);
	if (filter_next(&parser) != 0)
		return -1;
	if (parser.token.kind == TOKEN_END) {
		text_add(&parser.sql, "1");
		return 0;
	}
	return parse(&parser);
}

int
filter_bind(const struct filter *filter, struct sqlite3_stmt *statement)
{
	for (size_t i = 0; i < filter->value_count; i++) {
		const struct filter_value *value = &filter->values[i];
		int code =
		    value->kind == FILTER_IS_NUMBER
			? sqlite3_bind_int64(statement, (int)i + 1, value->number)
			: sqlite3_bind_text(statement, (int)i + 1, value->text, -1, SQLITE_STATIC);

		if (code != SQLITE_OK)
			return code;
	}
	return SQLITE_OK;
}
