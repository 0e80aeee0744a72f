/* SPDX-License-Identifier: MIT */
#include "base/jsonw.h"
#include "tests/base/json_reader.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What we wrote is one line, and what somebody else reads of it. */
static void
expect_document(const struct jsonw *json)
{
	cr_assert_not(json->failed);
	cr_assert_eq(strlen(json->at), json->used);
	cr_assert_null(strpbrk(json->at, "\r\n"), "more than one line");
	cr_assert(json_reader_accepts(json->at, json->used), "%s", json->at);
}

/* Write bytes as a string; the reader must see expected. */
static void
expect_string(const void *bytes, size_t count, const char *expected, size_t expected_size)
{
	static char seen[256];
	struct jsonw json = {0};

	jsonw_open_array(&json, NULL);
	jsonw_bytes(&json, NULL, bytes, count);
	jsonw_close_array(&json);
	expect_document(&json);
	cr_expect_eq(json_reader_string(json.at, json.used, seen, sizeof(seen)), expected_size,
	    "%s", json.at);
	cr_expect_eq(memcmp(seen, expected, expected_size), 0, "%s", json.at);
	jsonw_free(&json);
}

Test(jsonw, every_byte_is_valid_and_visible)
{
	for (unsigned value = 0; value < 256; value++) {
		uint8_t byte = (uint8_t)value;
		char utf8[2] = {(char)(0xc0 | value >> 6), (char)(0x80 | (value & 0x3f))};
		char ascii = (char)value;

		if (value < 0x80)
			expect_string(&byte, 1, &ascii, 1);
		else /* a byte that is no UTF-8 reads as U+00NN */
			expect_string(&byte, 1, utf8, 2);
	}
}

Test(jsonw, every_pair_of_bytes_is_valid)
{
	uint8_t pair[2];
	struct jsonw json = {0};

	for (unsigned value = 0; value < 65536; value++) {
		pair[0] = (uint8_t)(value >> 8);
		pair[1] = (uint8_t)value;
		jsonw_clear(&json);
		jsonw_bytes(&json, NULL, pair, sizeof(pair));
		expect_document(&json);
	}
	jsonw_free(&json);
}

Test(jsonw, well_formed_utf8_stays)
{
	static const char *const rows[] = {"", "plain", "sch\xc3\xb6n", "\xe6\x91\x84\xe5\x83\x8f",
	    "\xf0\x9f\x93\xb7", "\xf4\x8f\xbf\xbf", "\xef\xbf\xbd", "\xc2\x80", "\xe2\x80\xa8",
	    "a\"b\\c/d\b\f\n\r\t\x1f\x7f"};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_string(rows[i], strlen(rows[i]), rows[i], strlen(rows[i]));
}

Test(jsonw, hostile_strings_become_what_they_are_byte_by_byte)
{
	/* Overlong, surrogate, beyond U+10FFFF, cut short. */
	expect_string("\xc0\x80", 2, "\xc3\x80\xc2\x80", 4);
	expect_string("\xed\xa0\x80", 3, "\xc3\xad\xc2\xa0\xc2\x80", 6);
	expect_string("\xf4\x90\x80\x80", 4, "\xc3\xb4\xc2\x90\xc2\x80\xc2\x80", 8);
	expect_string("a\xe6\x91", 3, "a\xc3\xa6\xc2\x91", 5);
	expect_string("a\0b", 3, "a\0b", 3);
	expect_string("\",\"verdict\":\"allow", 18, "\",\"verdict\":\"allow", 18);
}

Test(jsonw, a_long_string_of_junk_is_written_whole)
{
	enum { JUNK = 64 << 10 };
	uint8_t *junk = malloc(JUNK);
	struct jsonw json = {0};

	cr_assert_not_null(junk);
	memset(junk, 0xff, JUNK);
	jsonw_bytes(&json, NULL, junk, JUNK);
	expect_document(&json);
	cr_expect_eq(json.used, 2 + 6 * JUNK, "as \\u00ff each");
	jsonw_free(&json);
	free(junk);
}

Test(jsonw, values_nest_and_have_their_commas)
{
	struct jsonw json = {0};

	jsonw_open(&json, NULL);
	jsonw_string(&json, "s", "x");
	jsonw_number(&json, "n", 7);
	jsonw_open_array(&json, "a");
	jsonw_number(&json, NULL, 1);
	jsonw_open(&json, NULL);
	jsonw_close(&json);
	jsonw_open_array(&json, NULL);
	jsonw_close_array(&json);
	jsonw_null(&json, NULL);
	jsonw_close_array(&json);
	jsonw_open(&json, "o");
	jsonw_bool(&json, "t", true);
	jsonw_bool(&json, "f", false);
	jsonw_close(&json);
	jsonw_real(&json, "r", 0.5);
	jsonw_close(&json);
	cr_expect_str_eq(json.at, "{\"s\":\"x\",\"n\":7,\"a\":[1,{},[],null],"
				  "\"o\":{\"t\":true,\"f\":false},\"r\":0.5}");
	expect_document(&json);
	jsonw_free(&json);
}

Test(jsonw, numbers_are_exact)
{
	struct jsonw json = {0};

	jsonw_open_array(&json, NULL);
	jsonw_number(&json, NULL, 0);
	jsonw_number(&json, NULL, UINT64_MAX);
	jsonw_real(&json, NULL, NAN);
	jsonw_real(&json, NULL, -INFINITY);
	jsonw_real(&json, NULL, 1e300);
	jsonw_real(&json, NULL, -0.125);
	jsonw_close_array(&json);
	cr_expect_str_eq(json.at, "[0,18446744073709551615,0,0,1e+300,-0.125]");
	jsonw_free(&json);
}

Test(jsonw, a_key_is_escaped_too)
{
	struct jsonw json = {0};

	jsonw_open(&json, NULL);
	jsonw_number(&json, "a\"\n\xff", 1);
	jsonw_close(&json);
	cr_expect_str_eq(json.at, "{\"a\\\"\\n\\u00ff\":1}");
	expect_document(&json);
	jsonw_free(&json);
}

Test(jsonw, a_cleared_writer_keeps_its_buffer_and_begins_anew)
{
	struct jsonw json = {0};
	const char *at;

	jsonw_string(&json, NULL, "first");
	at = json.at;
	jsonw_clear(&json);
	cr_expect_str_eq(json.at, "");
	jsonw_string(&json, NULL, "second");
	cr_expect_eq(json.at, at);
	cr_expect_str_eq(json.at, "\"second\"");
	jsonw_free(&json);
	cr_expect_null(json.at);
	jsonw_free(&json);
}

Test(jsonw, documents_can_stand_on_lines)
{
	struct jsonw json = {0};

	for (uint64_t i = 0; i < 2; i++) {
		jsonw_open(&json, NULL);
		jsonw_number(&json, "i", i);
		jsonw_close(&json);
		jsonw_end_line(&json);
	}
	cr_expect_str_eq(json.at, "{\"i\":0}\n{\"i\":1}\n");
	jsonw_free(&json);
}
