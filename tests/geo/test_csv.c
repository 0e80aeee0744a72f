/* SPDX-License-Identifier: MIT */
#include "geo/csv.h"

#include "base/err.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

static struct bytes
bytes_of(const char *text)
{
	return (struct bytes){.at = (const uint8_t *)text, .left = strlen(text)};
}

/* All rows as "line:field|field;", and "line:!" for one that cannot be read. */
static void
read_all(struct bytes bytes, char *out, size_t size)
{
	struct csv csv = csv_open(bytes);
	struct csv_row row;
	size_t used = 0;
	int got;

	out[0] = '\0';
	while ((got = csv_next(&csv, &row, NULL)) != 0) {
		used += (size_t)snprintf(out + used, size - used, "%u:", row.line);
		for (size_t i = 0; got > 0 && i < row.count; i++)
			used += (size_t)snprintf(out + used, size - used, "%s%s", i == 0 ? "" : "|",
			    row.field[i]);
		used += (size_t)snprintf(out + used, size - used, got > 0 ? ";" : "!;");
		cr_assert_lt(used, size);
	}
}

struct row {
	char text[80], rows[80], why[48];
};

ParameterizedTestParameters(csv, reads_what_the_rfc_has)
{
	static struct row rows[] = {
	    {"", "", "nothing"},
	    {"a,b,c\n", "1:a|b|c;", "a row"},
	    {"a,b,c", "1:a|b|c;", "no line end"},
	    {"a,b\r\nc,d\r\n", "1:a|b;2:c|d;", "CRLF"},
	    {",\n", "1:|;", "empty fields"},
	    {"a,\n", "1:a|;", "an empty last field"},
	    {"\"a,b\",c\n", "1:a,b|c;", "a comma in quotes"},
	    {"\"a \"\"b\"\"\",c\n", "1:a \"b\"|c;", "a quote in quotes"},
	    {"\"\",\"\"\n", "1:|;", "empty in quotes"},
	    {"\"a\nb\",c\nd,e\n", "1:a\nb|c;3:d|e;", "a line end in quotes"},
	    {"\xef\xbb\xbf"
	     "a,b\n",
		"1:a|b;", "a byte order mark"},
	    {"\n\r\n# a note\na\n", "4:a;", "empty lines and notes"},
	    {"a b , c\n", "1:a b | c;", "spaces belong to the field"},
	    {"K\xc3\xb6ln\n", "1:K\xc3\xb6ln;", "UTF-8"},
	    {"a\"b,c\nd\n", "1:!;2:d;", "a quote inside a bare field"},
	    {"\"a\"b,c\nd\n", "1:!;2:d;", "text behind a quote"},
	    {"\"a\nb\n", "1:!;", "a quote that is not closed"},
	    {"a\x01,b\nc\n", "1:!;2:c;", "a control character"},
	    {"\xff,b\nc\n", "1:!;2:c;", "not UTF-8"},
	    {"a\rb\nc\n", "1:!;2:c;", "a bare CR"},
	    {"0,1,2,3,4,5,6,7,8,9,a,b,c,d,e,f\n", "1:0|1|2|3|4|5|6|7|8|9|a|b|c|d|e|f;",
		"16 fields"},
	    {"0,1,2,3,4,5,6,7,8,9,a,b,c,d,e,f,g\nh\n", "1:!;2:h;", "17 fields"},
	};

	return cr_make_param_array(struct row, rows, sizeof(rows) / sizeof(rows[0]));
}

ParameterizedTest(struct row *row, csv, reads_what_the_rfc_has)
{
	char out[400];

	read_all(bytes_of(row->text), out, sizeof(out));
	cr_expect_str_eq(out, row->rows, "%s", row->why);
}

Test(csv, a_nul_is_no_text)
{
	char out[80];

	read_all((struct bytes){.at = (const uint8_t *)"a\0b,c\nd\n", .left = 8}, out, sizeof(out));
	cr_expect_str_eq(out, "1:!;2:d;");
}

Test(csv, a_row_has_a_bound)
{
	static char text[CSV_ROW_MAX + 8];
	char out[CSV_ROW_MAX + 80];

	memset(text, 'x', CSV_ROW_MAX - 1);
	read_all(bytes_of(text), out, sizeof(out));
	cr_expect_eq(strlen(out), 2 + CSV_ROW_MAX - 1 + 1);
	text[CSV_ROW_MAX - 1] = 'x';
	read_all(bytes_of(text), out, sizeof(out));
	cr_expect_str_eq(out, "1:!;");
}

Test(csv, every_prefix_and_every_changed_byte_is_read_to_its_end)
{
	static const char whole[] = "a,\"b \"\"c\"\"\",d\r\n\"e\nf\",\xc3\xa9,\r\n# x\n\ng,h,i\n";
	uint8_t copy[sizeof(whole)];
	char out[400];

	for (size_t size = 0; size < sizeof(whole); size++)
		read_all((struct bytes){.at = (const uint8_t *)whole, .left = size}, out,
		    sizeof(out));
	for (size_t at = 0; at < sizeof(whole) - 1; at++) {
		for (unsigned change = 1; change < 256; change++) {
			memcpy(copy, whole, sizeof(whole));
			copy[at] ^= (uint8_t)change;
			read_all((struct bytes){.at = copy, .left = sizeof(whole) - 1}, out,
			    sizeof(out));
		}
	}
}
