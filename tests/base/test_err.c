/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <openssl/err.h>
#include <string.h>

Test(err, says_kind_and_text_and_is_minus_one)
{
	struct err err = {.sys = 5};

	cr_expect_eq(err_set(&err, ERR_LIMIT, "%d of %s", 3, "four"), -1);
	cr_expect_eq(err.kind, ERR_LIMIT);
	cr_expect_eq(err.sys, 0);
	cr_expect_str_eq(err.text, "3 of four");
}

Test(err, of_a_system_call_holds_and_keeps_errno)
{
	struct err err = {0};

	errno = ENOENT;
	cr_expect_eq(err_sys(&err, "open %s", "file"), -1);
	cr_expect_eq(errno, ENOENT);
	cr_expect_eq(err.kind, ERR_SYS);
	cr_expect_eq(err.sys, ENOENT);
	cr_expect_str_eq(err.text, "open file: No such file or directory");
}

Test(err, of_tls_takes_the_whole_queue)
{
	struct err err = {0};

	ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
	ERR_raise(ERR_LIB_X509, ERR_R_PASSED_NULL_PARAMETER);
	cr_expect_eq(err_tls(&err, "read"), -1);
	cr_expect_eq(err.kind, ERR_TLS);
	cr_expect_eq(strncmp(err.text, "read: error:", 12), 0, "%s", err.text);
	cr_expect_not_null(strstr(err.text, "malloc failure"), "%s", err.text);
	cr_expect_not_null(strstr(err.text, "null parameter"), "%s", err.text);
	cr_expect_lt(strstr(err.text, "malloc"), strstr(err.text, "null"), "the oldest is first");
	cr_expect_eq(ERR_peek_error(), 0);
}

Test(err, nobody_needs_to_ask)
{
	errno = EBADF;
	ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
	cr_expect_eq(err_set(NULL, ERR_INPUT, "x"), -1);
	cr_expect_eq(err_sys(NULL, "x"), -1);
	cr_expect_eq(errno, EBADF);
	cr_expect_eq(err_tls(NULL, "x"), -1);
	cr_expect_eq(ERR_peek_error(), 0, "the queue is emptied all the same");
}

Test(err, what_is_too_long_is_cut)
{
	char word[1000];
	struct err err;

	memset(word, 'w', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	errno = EACCES;
	cr_expect_eq(err_sys(&err, "%s", word), -1);
	cr_expect_eq(strlen(err.text), sizeof(err.text) - 1);
	for (int i = 0; i < 10; i++)
		ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
	cr_expect_eq(err_tls(&err, "many"), -1);
	cr_expect_eq(strlen(err.text), sizeof(err.text) - 1);
	cr_expect_eq(ERR_peek_error(), 0);
}

/* A file's name or a YAML key may hold anything; the terminal of who checks
 * a configuration must not obey it. */
Test(err, the_text_is_one_line_without_control_bytes)
{
	struct err err;

	cr_expect_eq(err_set(&err, ERR_INPUT, "'%s'", "a\nb\033[31m\x7f"), -1);
	cr_expect_str_eq(err.text, "'a?b?[31m?'");
	errno = ENOENT;
	cr_expect_eq(err_sys(&err, "open %s", "x\ny"), -1);
	cr_expect_str_eq(err.text, "open x?y: No such file or directory");
	cr_expect_eq(err_set(&err, ERR_INPUT, "%s", "sch\xc3\xb6n"), -1);
	cr_expect_str_eq(err.text, "sch\xc3\xb6n");
}
