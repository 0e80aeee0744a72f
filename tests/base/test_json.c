/* SPDX-License-Identifier: MIT */
#include "base/json.h"
#include "tests/base/json_reader.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What we wrote is one line, and what somebody else reads of it. */
static void
expect_document(const struct json *json)
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
	struct json json = {0};

	json_open_array(&json, NULL);
	json_bytes(&json, NULL, bytes, count);
	json_close_array(&json);
	expect_document(&json);
	cr_expect_eq(json_reader_string(json.at, json.used, seen, sizeof(seen)), expected_size,
	    "%s", json.at);
	cr_expect_eq(memcmp(seen, expected, expected_size), 0, "%s", json.at);
	json_free(&json);
}

Test(json, every_byte_is_valid_and_visible)
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

Test(json, every_pair_of_bytes_is_valid)
{
	uint8_t pair[2];
	struct json json = {0};

	for (unsigned value = 0; value < 65536; value++) {
		pair[0] = (uint8_t)(value >> 8);
		pair[1] = (uint8_t)value;
		json_clear(&json);
		json_bytes(&json, NULL, pair, sizeof(pair));
		expect_document(&json);
	}
	json_free(&json);
}

Test(json, well_formed_utf8_stays)
{
	static const char *const rows[] = {"", "plain", "sch\xc3\xb6n", "\xe6\x91\x84\xe5\x83\x8f",
	    "\xf0\x9f\x93\xb7", "\xf4\x8f\xbf\xbf", "\xef\xbf\xbd", "\xc2\x80", "\xe2\x80\xa8",
	    "a\"b\\c/d\b\f\n\r\t\x1f\x7f"};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_string(rows[i], strlen(rows[i]), rows[i], strlen(rows[i]));
}

Test(json, hostile_strings_become_what_they_are_byte_by_byte)
{
	/* Overlong, surrogate, beyond U+10FFFF, cut short. */
	expect_string("\xc0\x80", 2, "\xc3\x80\xc2\x80", 4);
	expect_string("\xed\xa0\x80", 3, "\xc3\xad\xc2\xa0\xc2\x80", 6);
	expect_string("\xf4\x90\x80\x80", 4, "\xc3\xb4\xc2\x90\xc2\x80\xc2\x80", 8);
	expect_string("a\xe6\x91", 3, "a\xc3\xa6\xc2\x91", 5);
	expect_string("a\0b", 3, "a\0b", 3);
	expect_string("\",\"verdict\":\"allow", 18, "\",\"verdict\":\"allow", 18);
}

Test(json, a_long_string_of_junk_is_written_whole)
{
	enum { JUNK = 64 << 10 };
	uint8_t *junk = malloc(JUNK);
	struct json json = {0};

	cr_assert_not_null(junk);
	memset(junk, 0xff, JUNK);
	json_bytes(&json, NULL, junk, JUNK);
	expect_document(&json);
	cr_expect_eq(json.used, 2 + 6 * JUNK, "as \\u00ff each");
	json_free(&json);
	free(junk);
}

Test(json, values_nest_and_have_their_commas)
{
	struct json json = {0};

	json_open(&json, NULL);
	json_string(&json, "s", "x");
	json_number(&json, "n", 7);
	json_open_array(&json, "a");
	json_number(&json, NULL, 1);
	json_open(&json, NULL);
	json_close(&json);
	json_open_array(&json, NULL);
	json_close_array(&json);
	json_null(&json, NULL);
	json_close_array(&json);
	json_open(&json, "o");
	json_bool(&json, "t", true);
	json_bool(&json, "f", false);
	json_close(&json);
	json_real(&json, "r", 0.5);
	json_close(&json);
	cr_expect_str_eq(json.at, "{\"s\":\"x\",\"n\":7,\"a\":[1,{},[],null],"
				  "\"o\":{\"t\":true,\"f\":false},\"r\":0.5}");
	expect_document(&json);
	json_free(&json);
}

Test(json, numbers_are_exact)
{
	struct json json = {0};

	json_open_array(&json, NULL);
	json_number(&json, NULL, 0);
	json_number(&json, NULL, UINT64_MAX);
	json_real(&json, NULL, NAN);
	json_real(&json, NULL, -INFINITY);
	json_real(&json, NULL, 1e300);
	json_real(&json, NULL, -0.125);
	json_close_array(&json);
	cr_expect_str_eq(json.at, "[0,18446744073709551615,0,0,1e+300,-0.125]");
	json_free(&json);
}

Test(json, a_key_is_escaped_too)
{
	struct json json = {0};

	json_open(&json, NULL);
	json_number(&json, "a\"\n\xff", 1);
	json_close(&json);
	cr_expect_str_eq(json.at, "{\"a\\\"\\n\\u00ff\":1}");
	expect_document(&json);
	json_free(&json);
}

Test(json, a_cleared_writer_keeps_its_buffer_and_begins_anew)
{
	struct json json = {0};
	const char *at;

	json_string(&json, NULL, "first");
	at = json.at;
	json_clear(&json);
	cr_expect_str_eq(json.at, "");
	json_string(&json, NULL, "second");
	cr_expect_eq(json.at, at);
	cr_expect_str_eq(json.at, "\"second\"");
	json_free(&json);
	cr_expect_null(json.at);
	json_free(&json);
}

Test(json, documents_can_stand_on_lines)
{
	struct json json = {0};

	for (uint64_t i = 0; i < 2; i++) {
		json_open(&json, NULL);
		json_number(&json, "i", i);
		json_close(&json);
		json_end_line(&json);
	}
	cr_expect_str_eq(json.at, "{\"i\":0}\n{\"i\":1}\n");
	json_free(&json);
}
