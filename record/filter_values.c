/* SPDX-License-Identifier: MIT */
#include "record/filter_private.h"

#include "base/country.h"
#include "base/err.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { US_PER_S = 1000000 };

/* ---- numbers and times ---- */

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

/* A word that the column never holds would find nothing, and say nothing. */
static int
check_word(const struct filter_parser *parser, const struct column *column)
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
		return filter_fail(parser, parser->token.at, line, parser->token.text);
	}
	text_add(&what, "'%s' is one of", column->name);
	for (size_t i = 0; i < count; i++) {
		if (words[i][0] != '\0')
			text_add(&what, " %s,", words[i]);
	}
	text_add(&what, " and found");
	return filter_fail(parser, parser->token.at, what.cut ? "this column never is" : line,
	    parser->token.text);
}

/* ---- countries ---- */

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
fail_country(const struct filter_parser *parser)
{
	const char *hint = country_hint(parser->token.text);
	char line[120];
	struct text what = text_in(line, sizeof(line));

	text_add(&what, "expected a country (DE, unknown, anycast)%s%s, found",
	    hint != NULL ? "; " : "", hint != NULL ? hint : "");
	return filter_fail(parser, parser->token.at, line, parser->token.text);
}

/* Countries are kept in capitals; what is none ("unknown", "anycast") is not. */
static int
fit_country(const struct filter_parser *parser, struct filter_value *value, enum operator_kind op)
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

/* As rule sets define it; compared as a whole only. */
static int
read_set(const struct filter_parser *parser, enum operator_kind op, struct filter_value *value)
{
	const struct filter_about *about = parser->about;
	struct err err = {0};

	if (op != OP_EQUAL && op != OP_NOT_EQUAL)
		return filter_fail(parser, parser->token.at,
		    "a set is compared by = or != and not with", parser->token.text);
	if (about->set == NULL)
		return filter_fail(parser, parser->token.at, "there are no sets here, as",
		    parser->token.text);
	if (about->set(about->arg, parser->token.text, value->text, sizeof(value->text), &err) == 0)
		return 0;
	return err_set(parser->err, ERR_INPUT, "at sign %zu: %s", parser->token.at + 1, err.text);
}

static int
read_countries(const struct filter_parser *parser, enum operator_kind op,
    struct filter_value *value)
{
	value->kind = FILTER_IS_TEXT;
	if (parser->token.text[strcspn(parser->token.text, "@+")] != '\0')
		return read_set(parser, op, value);
	text_copy(value->text, sizeof(value->text), parser->token.text);
	return fit_country(parser, value, op);
}

bool
filter_is_set(const struct column *column, const struct filter_value *value)
{
	return column->type == COLUMN_COUNTRIES && value->text[0] == '/';
}

/* ---- all of them ---- */

/* A network is written as rules have it, too. */
static const char *
number_text(const struct column *column, const char *text)
{
	bool marked = strcmp(column->name, "asn") == 0 && strncasecmp(text, "AS", 2) == 0;

	return marked && text[2] >= '0' && text[2] <= '9' ? text + 2 : text;
}

int
filter_read_value(const struct filter_parser *parser, const struct column *column,
    enum operator_kind op, struct filter_value *value)
{
	const bool whole = op == OP_EQUAL || op == OP_NOT_EQUAL;
	const struct filter_token *token = &parser->token;
	uint64_t time_us = 0;
	int ret = 0;

	if (column->word != NULL && whole && check_word(parser, column) != 0)
		return -1;
	value->kind = FILTER_IS_NUMBER;
	switch (column->type) {
	case COLUMN_NUMBER:
		ret = parse_number(number_text(column, token->text), &value->number);
		break;
	case COLUMN_BOOL:
		ret = read_bool(token->text, &value->number);
		break;
	case COLUMN_TIME:
		if (filter_time(token->text, parser->about->now_us, &time_us, parser->err) != 0)
			return -1;
		value->number = (int64_t)time_us;
		break;
	case COLUMN_COUNTRIES:
		return read_countries(parser, op, value);
	case COLUMN_TEXT:
	case COLUMN_ADDR:
	case COLUMN_WORD:
		value->kind = FILTER_IS_TEXT;
		text_copy(value->text, sizeof(value->text), token->text);
		break;
	}
	if (ret != 0)
		return filter_fail(parser, token->at,
		    column->type == COLUMN_BOOL ? "expected true or false, found"
						: "expected a number (10000, 10k, 1MB), found",
		    token->text);
	return 0;
}
