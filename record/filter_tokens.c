/* SPDX-License-Identifier: MIT */
#include "record/filter_private.h"

#include "base/err.h"

#include <string.h>

int
filter_fail(const struct filter_parser *parser, size_t at, const char *what, const char *found)
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
take_quoted(struct filter_parser *parser, char quote)
{
	const char *from = parser->text + parser->at + 1;
	const char *end = strchr(from, quote);

	if (end == NULL)
		return filter_fail(parser, parser->at, "a quote is not closed", "");
	if ((size_t)(end - from) >= sizeof(parser->token.text))
		return filter_fail(parser, parser->at, "this value is too long", "");
	parser->token.kind = TOKEN_QUOTED;
	memcpy(parser->token.text, from, (size_t)(end - from));
	parser->token.text[end - from] = '\0';
	parser->at = (size_t)(end + 1 - parser->text);
	return 0;
}

static int
take_operator(struct filter_parser *parser)
{
	const char *from = parser->text + parser->at;
	size_t count = from[1] == '=' && from[0] != '~' ? 2 : 1;

	if (from[0] == '!' && count == 1)
		return filter_fail(parser, parser->at, "expected '!='", "");
	if (from[0] == '=' && count == 2)
		return filter_fail(parser, parser->at, "'=' is written once", "");
	parser->token.kind = TOKEN_OPERATOR;
	memcpy(parser->token.text, from, count);
	parser->token.text[count] = '\0';
	parser->at += count;
	return 0;
}

static int
take_word(struct filter_parser *parser)
{
	size_t count = 0;

	while (is_word_sign(parser->text[parser->at + count]))
		count++;
	if (count >= sizeof(parser->token.text))
		return filter_fail(parser, parser->at, "this word is too long", "");
	parser->token.kind = TOKEN_WORD;
	memcpy(parser->token.text, parser->text + parser->at, count);
	parser->token.text[count] = '\0';
	parser->at += count;
	return 0;
}

int
filter_next(struct filter_parser *parser)
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
