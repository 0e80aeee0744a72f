/* SPDX-License-Identifier: MIT */
#include "proxy/answer.h"

#include "base/jsonw.h"
#include "proxy/commands.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdio.h>

static struct jsonw
document(void)
{
	struct jsonw json = {0};

	jsonw_open(&json, NULL);
	jsonw_string(&json, "verdict", "block");
	jsonw_close(&json);
	return json;
}

Test(answer, is_one_document_on_a_line, .init = cr_redirect_stdout)
{
	struct jsonw json = document();

	cr_expect_eq(answer_print(&json, EXIT_DIFFERENCES), EXIT_DIFFERENCES);
	(void)fflush(stdout);
	cr_assert_stdout_eq_str("{\"verdict\":\"block\"}\n");
	cr_expect_null(json.at, "it is freed");
}

static void
redirect_both(void)
{
	cr_redirect_stdout();
	cr_redirect_stderr();
}

Test(answer, is_none_where_there_was_no_memory, .init = redirect_both)
{
	struct jsonw json = document();

	json.failed = true;
	cr_expect_eq(answer_print(&json, EXIT_DONE), EXIT_FAILED);
	(void)fflush(stdout);
	(void)fflush(stderr);
	cr_assert_stdout_eq_str("");
	cr_assert_stderr_eq_str("borderlens: no memory\n");
}
