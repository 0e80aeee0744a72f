/* SPDX-License-Identifier: MIT */
#include "geo/operators.h"

#include "base/err.h"
#include "tests/geo/tells.h"

#include <criterion/criterion.h>

#define HEAD "asn,organisation,parent,control,confidence,source,as_of\n"
#define REST "high,a register,2026-11-22\n"

Test(operators, finds_each_row_and_no_other)
{
	static const char text[] =
	    HEAD "45102,\"Alibaba (US) Technology Co., Ltd.\",Alibaba,CN," REST "\n# smaller ones\n"
		 "1,First,,US," REST "4294967295,Last,,,low,s,2026-01-01\n";
	struct operators *operators = operators_open(bytes_of(text),
	    &(struct csv_errors){.file = "o.csv", .tell = NULL, .arg = NULL, .err = NULL});
	const struct geo_operator *row;

	cr_assert_not_null(operators);
	cr_expect_eq(operators_table(operators)->count, 3);
	row = operators_find(operators, 45102);
	cr_assert_not_null(row);
	cr_expect_str_eq(row->organisation, "Alibaba (US) Technology Co., Ltd.");
	cr_expect_str_eq(row->parent, "Alibaba");
	cr_expect_str_eq(row->control, "CN");
	cr_expect_str_eq(row->confidence, "high");
	cr_expect_str_eq(row->source, "a register");
	cr_expect_str_eq(row->as_of, "2026-11-22");
	cr_expect_eq(row->line, 2);
	cr_expect_eq(operators_find(operators, 1)->line, 5);
	row = operators_find(operators, UINT32_MAX);
	cr_assert_not_null(row);
	cr_expect_str_eq(row->control, "", "an empty control is unknown, and allowed");
	cr_expect_null(operators_find(operators, 0));
	cr_expect_null(operators_find(operators, 2));
	cr_expect_null(operators_find(operators, 45103));
	operators_close(operators);
}

Test(operators, a_table_without_rows_is_good)
{
	struct operators *operators = operators_open(bytes_of(HEAD),
	    &(struct csv_errors){.file = "o.csv", .tell = NULL, .arg = NULL, .err = NULL});

	cr_assert_not_null(operators);
	cr_expect_null(operators_find(operators, 1));
	operators_close(operators);
}

Test(operators, tells_every_error_with_its_line)
{
	static const char text[] = HEAD "x,A,,US," REST                    /* 2 */
					"0,A,,US," REST                    /* 3 */
					"4294967296,A,,US," REST           /* 4 */
					"5,,,US," REST                     /* 5 */
					"6,A,,us," REST                    /* 6 */
					"7,A,,USA," REST                   /* 7 */
					"8,A,,US,sure,s,2026-11-22\n"      /* 8 */
					"9,A,,US,high,,2026-11-22\n"       /* 9 */
					"10,A,,US,high,s,yesterday\n"      /* 10 */
					"11,A,,US,high,s\n"                /* 11 */
					"12,A\"B,,US," REST                /* 12 */
					"13,A,,US," REST "13,B,,US," REST; /* 13 and 14 */
	struct tells tells = {0};
	struct err err = {0};

	cr_assert_null(operators_open(bytes_of(text),
	    &(struct csv_errors){.file = "o.csv", .tell = tells_note, .arg = &tells, .err = &err}));
	cr_expect_eq(tells.count, 12, "%s", tells.text);
	for (unsigned line = 2; line <= 14; line++) {
		char start[24];

		(void)snprintf(start, sizeof(start), "o.csv:%u: ", line);
		cr_expect_eq(strstr(tells.text, start) != NULL, line != 13, "line %u in:\n%s", line,
		    tells.text);
	}
	cr_expect_not_null(strstr(tells.text, "o.csv:14: AS13 stands in line 13 already"));
	cr_expect_eq(err.kind, ERR_INPUT);
	cr_expect_eq(strncmp(err.text, "o.csv:2: ", 9), 0, "%s", err.text);
}

Test(operators, refuses_other_columns)
{
	static const char *const heads[] = {"", "\n", "asn,organisation\n",
	    "asn,organisation,parent,control,confidence,source,date\n",
	    "asn,organisation,parent,control,confidence,source,as_of,more\n",
	    "1,A,,US,high,s,2026-11-22\n"};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		struct tells tells = {0};

		cr_expect_null(
		    operators_open(bytes_of(heads[i]), &(struct csv_errors){.file = "o.csv",
							   .tell = tells_note,
							   .arg = &tells,
							   .err = NULL}));
		cr_expect_eq(tells.count, 1);
	}
}
