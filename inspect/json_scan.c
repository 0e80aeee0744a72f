/* SPDX-License-Identifier: MIT */
#include "inspect/json_scan.h"

#include <string.h>

enum { DEPTH_MAX = 64 };

/* What may come next. */
enum expect {
	EXPECT_VALUE,
	EXPECT_VALUE_OR_END, /* of a list that has just begun */
	EXPECT_NAME,
	EXPECT_NAME_OR_END,
	EXPECT_COLON,
	EXPECT_COMMA_OR_END,
	EXPECT_NEXT, /* a text is over; another may follow */
};

struct walk {
	struct bytes in;
	struct words_seen *seen;
	struct bytes name; /* the last one */
	uint64_t objects;  /* a bit for each level: an object, and not a list */
	unsigned depth;
	enum expect expect;
	bool cut; /* a string or a word goes on behind the end */
};

static bool
in_object(const struct walk *walk)
{
	return (walk->objects & 1) != 0;
}

static void
skip_space(struct bytes *in)
{
	struct bytes front = *in;
	uint8_t byte;

	while (bytes_u8(&front, &byte) &&
	       (byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n'))
		*in = front;
}

/* Behind the opening quote: the text up to the closing one, as it stands. */
static bool
take_string(struct walk *walk, struct bytes *text)
{
	const uint8_t *begin = walk->in.at;
	uint8_t byte;

	while (bytes_u8(&walk->in, &byte)) {
		if (byte == '"') {
			*text = (struct bytes){begin, (size_t)(walk->in.at - begin) - 1};
			return true;
		}
		if (byte < 0x20)
			return false;
		if (byte == '\\' && bytes_u8(&walk->in, &byte) &&
		    (byte == 0 || strchr("\"\\/bfnrtu", byte) == NULL))
			return false;
	}
	*text = (struct bytes){begin, (size_t)(walk->in.at - begin)};
	walk->cut = true;
	return true;
}

/* A number or one of three words: what may stand in one, to its end. */
static bool
take_word(struct walk *walk)
{
	static const char *const words[] = {"true", "false", "null"};
	struct bytes front = walk->in, text = walk->in;
	uint8_t byte;

	while (bytes_u8(&front, &byte) && byte != 0 &&
	       strchr("+-.0123456789abcdefghijklmnopqrstuvwxyzE", byte) != NULL)
		walk->in = front;
	text.left -= walk->in.left;
	walk->cut = walk->in.left == 0;
	if (text.left == 0)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (text.left <= strlen(words[i]) && memcmp(text.at, words[i], text.left) == 0)
			return text.left == strlen(words[i]) || walk->cut;
	}
	while (bytes_u8(&text, &byte)) {
		if (strchr("+-.0123456789eE", byte) == NULL)
			return false;
	}
	return true;
}

static bool
open_level(struct walk *walk, bool object)
{
	if (walk->depth == DEPTH_MAX)
		return false;
	if (walk->depth > 0)
		words_note(walk->seen, walk->name, WORDS_MANY, (struct bytes){0});
	walk->depth++;
	walk->objects = walk->objects << 1 | object;
	walk->expect = object ? EXPECT_NAME_OR_END : EXPECT_VALUE_OR_END;
	return true;
}

static bool
close_level(struct walk *walk, bool object)
{
	if (walk->depth == 0 || in_object(walk) != object)
		return false;
	walk->depth--;
	walk->objects >>= 1;
	walk->expect = walk->depth == 0 ? EXPECT_NEXT : EXPECT_COMMA_OR_END;
	return true;
}

static bool
take_value(struct walk *walk, uint8_t first)
{
	struct bytes text;

	if (first == '{' || first == '[')
		return bytes_skip(&walk->in, 1) && open_level(walk, first == '{');
	walk->expect = EXPECT_COMMA_OR_END;
	if (first == '"') {
		(void)bytes_skip(&walk->in, 1);
		if (!take_string(walk, &text))
			return false;
		words_note(walk->seen, walk->name, WORDS_TEXT, text);
		return true;
	}
	if (!take_word(walk))
		return false;
	words_note(walk->seen, walk->name, WORDS_PLAIN, (struct bytes){0});
	return true;
}

static bool
take_comma_or_end(struct walk *walk, uint8_t first)
{
	(void)bytes_skip(&walk->in, 1);
	if (first == ',') {
		walk->expect = in_object(walk) ? EXPECT_NAME : EXPECT_VALUE;
		return true;
	}
	return (first == '}' || first == ']') && close_level(walk, first == '}');
}

static bool
take_name(struct walk *walk, uint8_t first)
{
	bool may_end = walk->expect == EXPECT_NAME_OR_END;

	(void)bytes_skip(&walk->in, 1);
	if (may_end && first == '}')
		return close_level(walk, true);
	walk->expect = EXPECT_COLON;
	return first == '"' && take_string(walk, &walk->name);
}

static bool
step(struct walk *walk)
{
	uint8_t first = walk->in.at[0];

	switch (walk->expect) {
	case EXPECT_VALUE_OR_END:
		if (first == ']')
			return bytes_skip(&walk->in, 1) && close_level(walk, false);
		return take_value(walk, first);
	case EXPECT_VALUE:
		return take_value(walk, first);
	case EXPECT_NAME:
	case EXPECT_NAME_OR_END:
		return take_name(walk, first);
	case EXPECT_COLON:
		walk->expect = EXPECT_VALUE;
		return first == ':' && bytes_skip(&walk->in, 1);
	case EXPECT_COMMA_OR_END:
		return take_comma_or_end(walk, first);
	case EXPECT_NEXT:
		walk->name = (struct bytes){0};
		return (first == '{' || first == '[') && take_value(walk, first);
	}
	return false;
}

enum scan
json_scan(struct bytes in, struct words_seen *seen)
{
	struct walk walk = {.in = in, .seen = seen, .expect = EXPECT_NEXT};

	skip_space(&walk.in);
	if (walk.in.left < 2)
		return SCAN_NO;
	while (walk.in.left > 0) {
		if (!step(&walk))
			return SCAN_NO;
		skip_space(&walk.in);
	}
	return walk.expect == EXPECT_NEXT && !walk.cut ? SCAN_WHOLE : SCAN_CUT;
}
