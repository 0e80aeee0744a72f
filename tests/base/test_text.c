/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <criterion/criterion.h>
#include <string.h>

Test(text, grows_until_it_is_full_and_says_so)
{
	char line[8];
	struct text text = text_in(line, sizeof(line));

	cr_expect_str_eq(line, "");
	text_add(&text, "%s-%d", "ab", 3);
	cr_expect_str_eq(line, "ab-3");
	cr_expect_eq(text.used, 4);
	text_add(&text, "%s", "567");
	cr_expect_not(text.cut, "all of its room can be used");
	cr_expect_str_eq(line, "ab-3567");
	text_add(&text, "%s", "");
	cr_expect_not(text.cut);
	text_add(&text, "x");
	cr_expect(text.cut);
	cr_expect_str_eq(line, "ab-3567");
	cr_expect_eq(text.used, 7);
	text_add_untrusted(&text, "y", 1);
	cr_expect_str_eq(line, "ab-3567");
}

Test(text, a_text_of_one_byte_is_empty)
{
	char line[1] = {'x'};
	struct text text = text_in(line, 1);

	text_add(&text, "a");
	text_add_untrusted(&text, "b", 1);
	cr_expect_eq(line[0], '\0');
	cr_expect(text.cut);
}

Test(text, what_is_untrusted_is_made_safe)
{
	static const struct {
		const char *bytes, *safe;
		size_t count;
	} rows[] = {
	    {"plain.example", "plain.example", 13},
	    {"a\\b", "a\\\\b", 3},
	    {"a\0b", "a\\x00b", 3},
	    {"\r\n\t\033", "\\x0d\\x0a\\x09\\x1b", 4},
	    {"\x7f", "\\x7f", 1},
	    {"sch\xc3\xb6n", "sch\xc3\xb6n", 6},
	    {"\xf0\x9f\x93\xb7", "\xf0\x9f\x93\xb7", 4},
	    {"\xc2\x85", "\\xc2\\x85", 2},          /* NEL, a C1 control */
	    {"\xc2\xa0", "\xc2\xa0", 2},            /* the first behind C1 */
	    {"\xe2\x80\xa8", "\\xe2\\x80\\xa8", 3}, /* line separator */
	    {"\xe2\x80\xae", "\\xe2\\x80\\xae", 3}, /* right-to-left override */
	    {"\xe2\x81\xa6", "\\xe2\\x81\\xa6", 3}, /* isolate */
	    {"\xe2\x81\xa9", "\\xe2\\x81\\xa9", 3}, /* its end */
	    {"\xe2\x80\xa6", "\xe2\x80\xa6", 3},    /* an ellipsis is none of these */
	    {"\xff\xc0\x80", "\\xff\\xc0\\x80", 3}, /* no UTF-8 */
	    {"\xed\xa0\x80", "\\xed\\xa0\\x80", 3}, /* a surrogate */
	    {"x\xe6\x91", "x\\xe6\\x91", 3},        /* cut short */
	    {"", "", 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char line[80];
		struct text text = text_in(line, sizeof(line));

		text_add_untrusted(&text, rows[i].bytes, rows[i].count);
		cr_expect_str_eq(line, rows[i].safe, "row %zu: %s", i, line);
		cr_expect_not(text.cut);
	}
}

Test(text, an_escape_is_never_cut_in_two)
{
	for (size_t size = 1; size < 12; size++) {
		char line[12];
		struct text text = text_in(line, size);

		text_add_untrusted(&text, "a\nb\xc3\xb6", 5);
		cr_expect_eq(strlen(line), text.used);
		cr_expect_lt(text.used, size);
		cr_expect_eq(strncmp("a\\x0ab\xc3\xb6", line, text.used), 0, "%s", line);
		cr_expect(text.used == 0 || text.used == 1 || text.used == 5 || text.used == 6 ||
			      text.used == 8,
		    "%zu", text.used);
		cr_expect_eq(text.cut, size < 9);
	}
}

Test(text, copies_cut_where_it_does_not_fit)
{
	char to[4] = "xxx";

	text_copy(to, sizeof(to), "abcdef");
	cr_expect_str_eq(to, "abc");
	text_copy(to, sizeof(to), "ab");
	cr_expect_str_eq(to, "ab");
	text_copy(to, 1, "ab");
	cr_expect_str_eq(to, "");
}

Test(text_utf8, knows_every_border)
{
	static const struct {
		const char *bytes;
		size_t count, length;
	} rows[] = {
	    {"", 0, 0},
	    {"\0", 1, 1},
	    {"\x7f", 1, 1},
	    {"\x80", 1, 0},
	    {"\xbf\x80", 2, 0},
	    {"\xc0\x80", 2, 0},
	    {"\xc1\xbf", 2, 0},
	    {"\xc2\x80", 2, 2},
	    {"\xdf\xbf", 2, 2},
	    {"\xc2\x7f", 2, 0},
	    {"\xc2\xc0", 2, 0},
	    {"\xe0\x9f\xbf", 3, 0},
	    {"\xe0\xa0\x80", 3, 3},
	    {"\xed\x9f\xbf", 3, 3},
	    {"\xed\xa0\x80", 3, 0},
	    {"\xed\xbf\xbf", 3, 0},
	    {"\xee\x80\x80", 3, 3},
	    {"\xef\xbf\xbf", 3, 3},
	    {"\xf0\x8f\xbf\xbf", 4, 0},
	    {"\xf0\x90\x80\x80", 4, 4},
	    {"\xf4\x8f\xbf\xbf", 4, 4},
	    {"\xf4\x90\x80\x80", 4, 0},
	    {"\xf5\x80\x80\x80", 4, 0},
	    {"\xf8\x88\x80\x80\x80", 5, 0},
	    {"\xfe", 1, 0},
	    {"\xff", 1, 0},
	    {"\xc2", 1, 0},
	    {"\xe0\xa0", 2, 0},
	    {"\xf0\x90\x80", 3, 0},
	    {"\xf0\x90\x80\xc0", 4, 0},
	    {"\xc2\x80\x80", 3, 2},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_eq(text_utf8(rows[i].bytes, rows[i].count), rows[i].length, "row %zu", i);
}

Test(text_under, is_by_whole_labels)
{
	static const struct {
		const char *name, *suffix;
		bool under;
	} rows[] = {
	    {"example.com", "example.com", true},
	    {"a.example.com", "example.com", true},
	    {"A.EXAMPLE.com", "example.COM", true},
	    {"badexample.com", "example.com", false},
	    {"example.com.evil", "example.com", false},
	    {"com", "example.com", false},
	    {"example.com", "", false},
	    {"", "", false},
	    {"", "com", false},
	    {".com", "com", true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_eq(text_under(rows[i].name, rows[i].suffix), rows[i].under, "%s under %s",
		    rows[i].name, rows[i].suffix);
}

Test(text_nearest, suggests_what_was_meant_and_nothing_else)
{
	static const char *const keys[] = {"located", "registered", "operator", "within", "touches",
	    "up_over", "per", "time",
	    "a-candidate-that-is-longer-than-any-word-which-is-worth-a-suggestion-at-all"};
	static const struct {
		const char *word, *nearest;
	} rows[] = {
	    {"locatd", "located"},
	    {"loacted", "located"},
	    {"operators", "operator"},
	    {"withn", "within"},
	    {"located", "located"},
	    {"over", "up_over"},
	    {"over_up", "up_over"},
	    {"over_op", NULL},
	    {"_______", NULL},
	    {"pre", NULL},
	    {"tim", "time"},
	    {"ver", "per"},
	    {"vendor", NULL},
	    {"", NULL},
	    {"zzzzzzzzzzzz", NULL},
	    {"a-candidate-that-is-longer-than-any-word-which-is-worth-a-suggestion-at-al", NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *near = text_nearest(rows[i].word, keys, sizeof(keys) / sizeof(keys[0]));

		if (rows[i].nearest == NULL)
			cr_expect_null(near, "%s: %s", rows[i].word, near);
		else
			cr_expect_str_eq(near, rows[i].nearest);
	}
	cr_expect_null(text_nearest("x", keys, 0));
}

Test(text_hex, writes_two_digits_a_byte)
{
	char out[9];

	text_hex(out, "\x00\x0f\xa0\xff", 4);
	cr_expect_str_eq(out, "000fa0ff");
	text_hex(out, "", 0);
	cr_expect_str_eq(out, "");
}
