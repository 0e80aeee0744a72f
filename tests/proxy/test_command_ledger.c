/* SPDX-License-Identifier: MIT */
#include "proxy/commands.h"

#include "tests/proxy/recorded.h"
#include "tests/support/command.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char rules[] = "ruleset: site\nversion: 1\ntitle: t\nunknown: block\ndefault: block\n";

static struct recorded_site site;
static struct ran ran;

static void
set_up(void)
{
	recorded_site_make(&site, rules);
}

static void
tear_down(void)
{
	recorded_site_remove(&site);
}

TestSuite(command_ledger, .init = set_up, .fini = tear_down);

static void
verify(const char *option)
{
	const char *const args[] = {"ledger", "verify", "-c", site.config, option, NULL};

	command_run_in(command_ledger, args, &ran);
}

static void
record_two(void)
{
	struct facts facts;

	recorded_open(&site);
	recorded_facts("lobby-3", "DE", 1, &facts);
	recorded_add(&site, &facts);
	recorded_facts("yard", "DE", 2, &facts);
	recorded_add(&site, &facts);
	recorded_close(&site);
}

Test(command_ledger, a_whole_record_exits_0)
{
	record_two();
	verify(NULL);
	cr_expect_eq(ran.code, EXIT_DONE, "%s%s", ran.out, ran.err);
	cr_expect_not_null(strstr(ran.out, "           4  events\n"), "%s", ran.out);
	cr_expect_not_null(strstr(ran.out, "           2  connections\n"), "%s", ran.out);
	cr_expect_not_null(strstr(ran.out, "the record is whole\n"));
	cr_expect_null(strstr(ran.out, "<--"));
	verify("--json");
	cr_expect_eq(ran.code, EXIT_DONE);
	cr_expect_not_null(strstr(ran.out, "{\"whole\":true,\"eve_compared\":true,\"events\":4,"),
	    "%s", ran.out);
	cr_expect_not_null(strstr(ran.out, "\"differs\":[]}\n"), "%s", ran.out);
}

Test(command_ledger, what_differs_exits_20_and_is_pointed_at)
{
	record_two();
	recorded_alter(&site,
	    "UPDATE flow SET device = 'a' || char(27) || '[31m' WHERE device = 'yard'");
	verify(NULL);
	cr_expect_eq(ran.code, EXIT_DIFFERENCES);
	cr_expect_not_null(strstr(ran.out,
			       "1  connections that are not what their events say  <--"),
	    "%s", ran.out);
	cr_expect_not_null(strstr(ran.out, "the record is NOT whole\n"));
	cr_expect_null(strchr(ran.out, '\033'));
	verify("--json");
	cr_expect_eq(ran.code, EXIT_DIFFERENCES);
	cr_expect_not_null(strstr(ran.out, "\"whole\":false"));
	cr_expect_not_null(strstr(ran.out, "\"flows_altered\":1"));
	cr_expect_null(strchr(ran.out, '\033'));
}

Test(command_ledger, a_missing_eve_file_differs)
{
	record_two();
	cr_assert_eq(unlink(site.eve), 0);
	verify(NULL);
	cr_expect_eq(ran.code, EXIT_DIFFERENCES, "%s", ran.out);
}

Test(command_ledger, without_a_record_or_with_wrong_words_nothing_is_proven)
{
	static const char *const rows[][3] = {{"ledger"}, {"ledger", "verfy"},
	    {"ledger", "verify", "x"}};

	verify(NULL);
	cr_expect_eq(ran.code, EXIT_FAILED);
	cr_expect_not_null(strstr(ran.err, "no record yet"), "%s", ran.err);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *args[] = {rows[i][0], rows[i][1], rows[i][2], NULL};

		command_run_in(command_ledger, args, &ran);
		cr_expect_eq(ran.code, EXIT_USAGE, "row %zu", i);
		cr_expect_str_empty(ran.out);
	}
}
