/* SPDX-License-Identifier: MIT */
#include "record/filter.h"

#include "base/country.h"
#include "base/err.h"
#include "base/text.h"
#include "record/columns.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { US_PER_S = 1000000, COLUMNS_MAX = 128 };

enum token_kind {
	TOKEN_END = 0,
	TOKEN_WORD,
	TOKEN_QUOTED,
	TOKEN_OPERATOR,
	TOKEN_OPEN,
	TOKEN_CLOSE
};

struct token {
	enum token_kind kind;
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

static const char *const operator_names[OP_COUNT] = {"=", "!=", "<", "<=", ">", ">=", "~", "under"};

struct parser {
	struct filter *filter;
	struct text sql;
	const char *text;
	size_t at; /* of the next sign */
	struct token token;
	uint64_t now_us;
	struct err *err;
};

/* ---- words ---- */

static int
fail(const struct parser *parser, size_t at, const char *what, const char *found)
{
	char line[FILTER_WORD_MAX];
	struct text safe = text_in(line, sizeof(line));

	text_add_untrusted(&safe, found, strlen(found));
	return err_set(parser->err, ERR_INPUT, "at sign %zu: %s%s%.80s%s", at + 1, what,
	    found[0] != '\0' ? " '" : "", line, found[0] != '\0' ? "'" : "");
}

static bool
is_word_sign(char sign)
{
	return sign != '\0' && strchr(" \t\r\n()=!<>~\"'", sign) == NULL;
}

static int
take_quoted(struct parser *parser, char quote)
{
	const char *from = parser->text + parser->at + 1;
	const char *end = strchr(from, quote);

	if (end == NULL)
		return fail(parser, parser->at, "a quote is not closed", "");
	if ((size_t)(end - from) >= sizeof(parser->token.text))
		return fail(parser, parser->at, "this value is too long", "");
	parser->token.kind = TOKEN_QUOTED;
	memcpy(parser->token.text, from, (size_t)(end - from));
	parser->token.text[end - from] = '\0';
	parser->at = (size_t)(end + 1 - parser->text);
	return 0;
}

static int
take_operator(struct parser *parser)
{
	const char *from = parser->text + parser->at;
	size_t count = from[1] == '=' && from[0] != '~' ? 2 : 1;

	if (from[0] == '!' && count == 1)
		return fail(parser, parser->at, "expected '!='", "");
	if (from[0] == '=' && count == 2)
		return fail(parser, parser->at, "'=' is written once", "");
	parser->token.kind = TOKEN_OPERATOR;
	memcpy(parser->token.text, from, count);
	parser->token.text[count] = '\0';
	parser->at += count;
	return 0;
}

static int
take_word(struct parser *parser)
{
	size_t count = 0;

	while (is_word_sign(parser->text[parser->at + count]))
		count++;
	if (count >= sizeof(parser->token.text))
		return fail(parser, parser->at, "this word is too long", "");
	parser->token.kind = TOKEN_WORD;
	memcpy(parser->token.text, parser->text + parser->at, count);
	parser->token.text[count] = '\0';
	parser->at += count;
	return 0;
}

/* Read the next token into parser->token. */
static int
next(struct parser *parser)
{
	char sign;

	parser->at += strspn(parser->text + parser->at, " \t\r\n");
	sign = parser->text[parser->at];
	parser->token.at = parser->at;
	parser->token.text[0] = '\0';
	switch (sign) {
	case '\0':
		parser->token.kind = TOKEN_END;
		return 0;
	case '(':
	case ')':
		parser->token.kind = sign == '(' ? TOKEN_OPEN : TOKEN_CLOSE;
		parser->token.text[0] = sign;
		parser->token.text[1] = '\0';
		parser->at++;
		return 0;
	case '"':
	case '\'':
		return take_quoted(parser, sign);
	case '=':
	case '!':
	case '<':
	case '>':
	case '~':
		return take_operator(parser);
	default:
		return take_word(parser);
	}
}

static bool
is_keyword(const struct token *token, const char *word)
{
	return token->kind == TOKEN_WORD && strcasecmp(token->text, word) == 0;
}

/* ---- values ---- */

static int
parse_number(const char *text, int64_t *out)
{
	static const struct {
		const char *name;
		int64_t factor;
	} units[] = {{"", 1}, {"k", 1000}, {"M", 1000000}, {"G", 1000000000}, {"KB", 1 << 10},
	    {"MB", 1 << 20}, {"GB", 1 << 30}, {"TB", INT64_C(1) << 40}};
	char *end;
	int64_t factor = 0;
	double value = strtod(text, &end);

	if (end == text || text[0] == '\0' || strpbrk(text, "xXnN") != NULL)
		return -1;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].name) == 0)
			factor = units[i].factor;
	}
	if (factor == 0 || value < -9e15 / (double)factor || value > 9e15 / (double)factor)
		return -1;
	*out = (int64_t)(value * (double)factor);
	return 0;
}

/* "10m": microseconds before now. */
static int
parse_age(const char *text, uint64_t now_us, uint64_t *out)
{
	static const char signs[] = "smhdw";
	static const uint64_t seconds[] = {1, 60, 3600, 86400, 604800};
	const char *sign;
	char *end;
	unsigned long value;

	if (text[0] < '0' || text[0] > '9')
		return -1;
	value = strtoul(text, &end, 10);
	sign = *end != '\0' ? strchr(signs, *end) : NULL;
	if (sign == NULL || end[1] != '\0' || value > UINT32_MAX)
		return -1;
	value *= seconds[sign - signs]; /* at most 2^52 */
	*out = value < now_us / US_PER_S ? now_us - value * US_PER_S : 0;
	return 0;
}

/* What may stand behind the seconds, as EVE and JSON have it: a fraction and
 * UTC.  False: something else. */
static bool
read_time_end(const char *text, uint64_t *fraction_us)
{
	static const char *const zones[] = {"", "Z", "+0000", "+00:00"};
	uint64_t unit_us = US_PER_S;

	*fraction_us = 0;
	if (text[0] == '.' && text[1] >= '0' && text[1] <= '9') {
		for (text++; *text >= '0' && *text <= '9'; text++) {
			unit_us /= 10;
			*fraction_us += unit_us * (uint64_t)(*text - '0');
		}
	}
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		if (strcmp(text, zones[i]) == 0)
			return true;
	}
	return false;
}

int
filter_time(const char *text, uint64_t now_us, uint64_t *out, struct err *err)
{
	/* The longer ones first: strptime is content with a beginning. */
	static const char *const forms[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S",
	    "%Y-%m-%dT%H:%M", "%Y-%m-%d"};

	if (parse_age(text, now_us, out) == 0)
		return 0;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = {0};
		const char *end = strptime(text, forms[i], &tm);
		bool has_seconds = i < 2;
		uint64_t fraction_us = 0;
		int day = tm.tm_mday;
		time_t seconds;

		if (end == NULL || (has_seconds ? !read_time_end(end, &fraction_us) : *end != '\0'))
			continue;
		/* What is no day of the calendar becomes another one. */
		seconds = timegm(&tm);
		if (seconds < 0 || tm.tm_mday != day)
			break;
		*out = (uint64_t)seconds * US_PER_S + fraction_us;
		return 0;
	}
	return err_set(err, ERR_INPUT,
	    "'%.40s' is no time; write 2026-11-22, 2026-11-22T10:00:00 or an age such as 2h", text);
}

static int
read_bool(const char *text, int64_t *out)
{
	bool yes =
	    strcasecmp(text, "true") == 0 || strcasecmp(text, "yes") == 0 || strcmp(text, "1") == 0;
	bool no =
	    strcasecmp(text, "false") == 0 || strcasecmp(text, "no") == 0 || strcmp(text, "0") == 0;

	*out = yes ? 1 : 0;
	return yes || no ? 0 : -1;
}

static bool
is_ordered(enum operator_kind op)
{
	return op == OP_LESS || op == OP_LESS_EQUAL || op == OP_MORE || op == OP_MORE_EQUAL;
}

/* A word that the column never holds would find nothing, and say nothing. */
static int
check_word(const struct parser *parser, const struct column *column)
{
	const char *words[COLUMN_WORDS_MAX], *near;
	char line[160];
	struct text what = text_in(line, sizeof(line));
	size_t count = 0;

	for (; count < COLUMN_WORDS_MAX && column->word(count) != NULL; count++) {
		words[count] = column->word(count);
		if (strcasecmp(words[count], parser->token.text) == 0)
			return 0;
	}
	near = text_nearest(parser->token.text, words, count);
	if (near != NULL && near[0] != '\0') {
		text_add(&what, "did you mean '%s'? '%s' never is", near, column->name);
		return fail(parser, parser->token.at, line, parser->token.text);
	}
	text_add(&what, "'%s' is one of", column->name);
	for (size_t i = 0; i < count; i++) {
		if (words[i][0] != '\0')
			text_add(&what, " %s,", words[i]);
	}
	text_add(&what, " and found");
	return fail(parser, parser->token.at, what.cut ? "this column never is" : line,
	    parser->token.text);
}

/* whole: it is compared with all that the column holds. */
static int
read_value(const struct parser *parser, const struct column *column, bool whole,
    struct filter_value *value)
{
	const struct token *token = &parser->token;
	uint64_t time_us = 0;
	int ret = 0;

	if (column->word != NULL && whole && check_word(parser, column) != 0)
		return -1;
	value->kind = FILTER_IS_NUMBER;
	switch (column->type) {
	case COLUMN_NUMBER:
		ret = parse_number(token->text, &value->number);
		break;
	case COLUMN_BOOL:
		ret = read_bool(token->text, &value->number);
		break;
	case COLUMN_TIME:
		if (filter_time(token->text, parser->now_us, &time_us, parser->err) != 0)
			return -1;
		value->number = (int64_t)time_us;
		break;
	case COLUMN_TEXT:
	case COLUMN_ADDR:
	case COLUMN_COUNTRIES:
	case COLUMN_WORD:
		value->kind = FILTER_IS_TEXT;
		text_copy(value->text, sizeof(value->text), token->text);
		break;
	}
	if (ret != 0)
		return fail(parser, token->at,
		    column->type == COLUMN_BOOL ? "expected true or false, found"
						: "expected a number (10000, 10k, 1MB), found",
		    token->text);
	return 0;
}

/* ---- terms ---- */

/* The parameter of the value that was read last has its number. */
static void
add_condition(struct parser *parser, const struct column *column, enum operator_kind op)
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

/* What a fact of countries may say: registries have codes of no country, too. */
static bool
is_country_word(const char *text)
{
	static const char *const others[] = {"unknown", "anycast", "private", "satellite", "EU",
	    "AP", ""};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (strcmp(text, others[i]) == 0)
			return true;
	}
	return country_known(text);
}

/* It would hold for nothing, without a word. */
static int
fail_country(const struct parser *parser)
{
	const char *hint = country_hint(parser->token.text);
	char line[120];
	struct text what = text_in(line, sizeof(line));

	text_add(&what, "expected a country (DE, unknown, anycast)%s%s, found",
	    hint != NULL ? "; " : "", hint != NULL ? hint : "");
	return fail(parser, parser->token.at, line, parser->token.text);
}

/* Countries are kept in capitals; what is none ("unknown", "anycast") is not. */
static int
fit_country(const struct parser *parser, struct filter_value *value, enum operator_kind op)
{
	bool country = strlen(value->text) == 2;

	for (char *at = value->text; *at != '\0'; at++) {
		if (country && *at >= 'a' && *at <= 'z')
			*at = (char)(*at - 'a' + 'A');
		else if (!country && *at >= 'A' && *at <= 'Z')
			*at = (char)(*at - 'A' + 'a');
	}
	if (op == OP_HOLDS || is_country_word(value->text))
		return 0;
	return fail_country(parser);
}

/* The column that the token names; NULL with the parser's err. */
static const struct column *
find_column(const struct parser *parser)
{
	const struct column *column;
	const char *names[COLUMNS_MAX];
	const char *near;
	char line[80];
	struct text what = text_in(line, sizeof(line));
	size_t count = 0;

	if (parser->token.kind != TOKEN_WORD) {
		(void)fail(parser, parser->token.at, "expected the name of a column, found",
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
	(void)fail(parser, parser->token.at, line, parser->token.text);
	return NULL;
}

static int
find_operator(const struct parser *parser, const struct column *column, enum operator_kind *out)
{
	bool number = column->type == COLUMN_NUMBER || column->type == COLUMN_TIME;
	bool found = false;

	for (size_t i = 0; i < OP_COUNT && !found; i++) {
		found = strcasecmp(parser->token.text, operator_names[i]) == 0 &&
			parser->token.kind != TOKEN_QUOTED;
		*out = (enum operator_kind)i;
	}
	if (!found)
		return fail(parser, parser->token.at, "expected = != < <= > >= ~ or under, found",
		    parser->token.kind == TOKEN_END ? "the end" : parser->token.text);
	if (is_ordered(*out) && !number)
		return fail(parser, parser->token.at, "this column has no order for",
		    parser->token.text);
	if ((*out == OP_HOLDS || *out == OP_UNDER) && (number || column->type == COLUMN_BOOL))
		return fail(parser, parser->token.at, "this column is no text for",
		    parser->token.text);
	return 0;
}

/* `column op value` */
static int
parse_term(struct parser *parser)
{
	struct filter *filter = parser->filter;
	const struct column *column;
	struct filter_value *value;
	enum operator_kind op = OP_EQUAL;

	if (filter->value_count == FILTER_TERMS_MAX)
		return fail(parser, parser->token.at, "there are too many terms", "");
	column = find_column(parser);
	if (column == NULL || next(parser) != 0 || find_operator(parser, column, &op) != 0 ||
	    next(parser) != 0)
		return -1;
	if (parser->token.kind != TOKEN_WORD && parser->token.kind != TOKEN_QUOTED)
		return fail(parser, parser->token.at, "expected a value, found",
		    parser->token.kind == TOKEN_END ? "the end" : parser->token.text);
	value = &filter->values[filter->value_count];
	if (read_value(parser, column, op == OP_EQUAL || op == OP_NOT_EQUAL, value) != 0)
		return -1;
	filter->value_count++;
	if (column->type == COLUMN_COUNTRIES && fit_country(parser, value, op) != 0)
		return -1;
	add_condition(parser, column, op);
	return next(parser);
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
open_group(struct parser *parser, struct nesting *nesting)
{
	if (++nesting->open > FILTER_DEPTH_MAX)
		return fail(parser, parser->token.at, "too many parentheses within each other", "");
	text_add(&parser->sql, "(");
	return next(parser);
}

static int
take_before_term(struct parser *parser, struct nesting *nesting)
{
	if (parser->token.kind == TOKEN_OPEN)
		return open_group(parser, nesting);
	if (is_keyword(&parser->token, "not")) {
		text_add(&parser->sql, "NOT ");
		return next(parser);
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
take_after_term(struct parser *parser, struct nesting *nesting)
{
	if (parser->token.kind == TOKEN_CLOSE && nesting->open > 0) {
		nesting->open--;
		text_add(&parser->sql, ")");
		return next(parser);
	}
	if (!is_keyword(&parser->token, "and") && !is_keyword(&parser->token, "or"))
		return fail(parser, parser->token.at, "expected and, or, or the end, found",
		    parser->token.text);
	text_add(&parser->sql, is_keyword(&parser->token, "and") ? " AND " : " OR ");
	nesting->expects_term = true;
	return next(parser);
}

static int
parse(struct parser *parser)
{
	struct nesting nesting = {.expects_term = true};

	while (parser->token.kind != TOKEN_END || nesting.expects_term) {
		int ret = nesting.expects_term ? take_before_term(parser, &nesting)
					       : take_after_term(parser, &nesting);

		if (ret != 0)
			return -1;
		if (parser->sql.cut)
			return fail(parser, parser->token.at, "this expression is too long", "");
	}
	if (nesting.open > 0)
		return fail(parser, parser->token.at, "a parenthesis is not closed", "");
	return 0;
}

int
filter_parse(struct filter *filter, const char *text, uint64_t now_us, struct err *err)
{
	struct parser parser = {.filter = filter, .text = text, .now_us = now_us, .err = err};

	memset(filter, 0, sizeof(*filter));
	parser.sql = text_in(filter->sql, sizeof(filter->sql));
	if (strnlen(text, FILTER_TEXT_MAX) == FILTER_TEXT_MAX)
		return err_set(err, ERR_INPUT, "an expression has less than %d signs",
		    FILTER_TEXT_MAX);
	if (next(&parser) != 0)
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
