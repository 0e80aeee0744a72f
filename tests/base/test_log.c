/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where stderr goes while a test listens. */
static int stderr_before, ends[2];

static void
listen_to_stderr(void)
{
	cr_assert_eq(setenv("JOURNAL_STREAM", "8:1", 1), 0);
	stderr_before = dup(STDERR_FILENO);
	cr_assert_geq(stderr_before, 0);
	cr_assert_eq(pipe2(ends, O_NONBLOCK), 0);
	cr_assert_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
}

static void
restore_stderr(void)
{
	(void)dup2(stderr_before, STDERR_FILENO);
	(void)close(stderr_before);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

TestSuite(log, .init = listen_to_stderr, .fini = restore_stderr);

/* All that was written since; "" when nothing was. */
static const char *
heard(void)
{
	static char line[4096];
	ssize_t count = read(ends[0], line, sizeof(line) - 1);

	line[count > 0 ? count : 0] = '\0';
	return line;
}

Test(log, a_line_names_priority_role_and_level)
{
	log_open("worker 2", LOG_LEVEL_DEBUG);
	log_error("disk %s", "full");
	cr_expect_str_eq(heard(), "<3>worker 2 error: disk full\n");
	log_warn("odd");
	cr_expect_str_eq(heard(), "<4>worker 2 warn: odd\n");
	log_info("done");
	cr_expect_str_eq(heard(), "<6>worker 2 info: done\n");
	log_debug("step");
	cr_expect_str_eq(heard(), "<7>worker 2 debug: step\n");
}

Test(log, a_priority_is_for_the_journal_only)
{
	cr_assert_eq(unsetenv("JOURNAL_STREAM"), 0);
	log_open("signer", LOG_LEVEL_INFO);
	log_info("ready");
	cr_expect_str_eq(heard(), "signer info: ready\n");
}

Test(log, what_is_less_important_is_not_written)
{
	log_open("signer", LOG_LEVEL_WARN);
	log_info("not this");
	log_debug("nor this");
	cr_expect_str_eq(heard(), "");
	log_warn("but this");
	cr_expect_str_eq(heard(), "<4>signer warn: but this\n");
}

Test(log, a_peer_cannot_forge_a_line)
{
	log_open("worker 0", LOG_LEVEL_INFO);
	log_info("name %s", "a\n<3>worker 0 error: forged\033[2K\xe2\x80\xae");
	cr_expect_str_eq(heard(), "<6>worker 0 info: name a\\x0a<3>worker 0 error: "
				  "forged\\x1b[2K\\xe2\\x80\\xae\n");
}

Test(log, the_longest_line_is_still_one_line)
{
	char junk[8192];
	const char *line;

	log_open("worker 0", LOG_LEVEL_INFO);
	memset(junk, 0x01, sizeof(junk) - 1);
	junk[sizeof(junk) - 1] = '\0';
	log_info("%s", junk);
	line = heard();
	cr_expect_gt(strlen(line), 1000);
	cr_expect_eq(strchr(line, '\n'), line + strlen(line) - 1);
	memset(junk, 'x', sizeof(junk) - 1);
	log_info("%s", junk);
	line = heard();
	cr_expect_gt(strlen(line), 1000);
	cr_expect_eq(strchr(line, '\n'), line + strlen(line) - 1);
}
