/* SPDX-License-Identifier: MIT */
#include "config/format.h"

#include "tests/config/memory.h"

#include <stdlib.h>

/* The formatted text, the caller's to free; NULL when it was refused. */
static char *
format(const char *text, struct problems *problems)
{
	char *written = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&written, &size);
	int ret;

	cr_assert_not_null(out);
	ret = rules_format("f", text_of(text), out, problems);
	(void)fclose(out);
	if (ret == 0)
		return written;
	cr_expect_str_eq(written, "", "something was written");
	free(written);
	return NULL;
}

Test(format, quotes_what_others_misread_and_keeps_the_rest)
{
	static const struct {
		const char *text, *formatted;
	} rows[] = {
	    {"a: [DE, NO, FR] # NO, DE  \n", "a: [\"DE\", \"NO\", \"FR\"] # NO, DE\n"},
	    {"# NO\n\n\na: NO\n# last", "# NO\n\n\na: \"NO\"\n# last\n"},
	    {"a: 22:30\nb: '22:30'\n", "a: \"22:30\"\nb: '22:30'\n"},
	    {"a: 2026.10\nb: 10.0.0.1\nc: 10.0.0.0/8\n",
		"a: \"2026.10\"\nb: 10.0.0.1\nc: 10.0.0.0/8\n"},
	    {"a: [010, 443, 8000-8100]\n", "a: [\"010\", 443, 8000-8100]\n"},
	    {"a: [yes, Off, n, true, false, null]\n",
		"a: [\"yes\", \"Off\", \"n\", true, false, \"null\"]\n"},
	    {"a: 2026-11-22\n", "a: 2026-11-22\n"},
	    {"a: \"NO\"\nb: 'NO'\n", "a: \"NO\"\nb: 'NO'\n"},
	    {"\xc3\xbc: [\xc3\xbc, NO, \xc3\xbc, DE]\n",
		"\xc3\xbc: [\xc3\xbc, \"NO\", \xc3\xbc, \"DE\"]\n"},
	    {"a:\r\n  - NO\r\n  - XX\r\n", "a:\n  - \"NO\"\n  - XX\n"},
	    {"a: NO NO\nb: \"@eea+NO\"\n", "a: NO NO\nb: \"@eea+NO\"\n"},
	    {"\xef\xbb\xbf[NO, 1]\n", "[\"NO\", 1]\n"},
	    {"NO: DE\n", "\"NO\": \"DE\"\n"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct problems problems = {0};
		char *once = format(rows[i].text, &problems), *twice;

		cr_assert_not_null(once, "row %zu", i);
		cr_expect_str_eq(once, rows[i].formatted, "row %zu: %s", i, once);
		twice = format(once, &problems);
		cr_assert_not_null(twice);
		cr_expect_str_eq(twice, once);
		cr_expect_eq(problems.count, 0);
		free(once);
		free(twice);
	}
}

Test(format, refuses_what_it_would_change)
{
	static const char *const rows[] = {"", "a: [", "a: 1\na: 2\n", "a: &x DE\n",
	    "a: |\n  text with a blank \n  DE\n"};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct problems problems = {0};

		cr_expect_null(format(rows[i], &problems), "row %zu", i);
		cr_expect_eq(problems.errors, 1, "row %zu", i);
		problems_free(&problems);
	}
}
