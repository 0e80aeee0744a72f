/* SPDX-License-Identifier: MIT */
#include "proxy/commands.h"

#include "base/text.h"
#include "record/columns.h"
#include "tests/proxy/recorded.h"
#include "tests/support/command.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char rules[] = "ruleset: site\nversion: 1\ntitle: t\nsets: {near: [DE, AT]}\n"
			    "unknown: block\ndefault: block\n";

static struct recorded_site site;
static struct ran ran;

static void
set_up(void)
{
	/* Whatever the machine's clock shows, times are UTC. */
	(void)setenv("TZ", "Asia/Kolkata", 1);
	recorded_site_make(&site, rules);
}

static void
tear_down(void)
{
	recorded_site_remove(&site);
}

TestSuite(command_flows, .init = set_up, .fini = tear_down);

static void
flows(const char *const *words)
{
	const char *args[16] = {"flows", "-c", site.config};
	size_t count = 3;

	for (; *words != NULL; words++)
		args[count++] = *words;
	command_run_in(command_flows, args, &ran);
}

#define FLOWS(...) flows((const char *const[]){__VA_ARGS__, NULL})

/* Opened at these times; the third is blocked and has an odd name. */
static void
record_three(void)
{
	static const uint64_t opened_us[] = {UINT64_C(1795312800000000), UINT64_C(1795316400500000),
	    UINT64_C(1795320000999999)};

	recorded_open(&site);
	for (unsigned i = 0; i < 3; i++) {
		struct facts facts;

		recorded_facts(i == 1 ? "yard" : "lobby-3", i == 2 ? "CN" : "DE", i + 1, &facts);
		facts.opened_wall_us = opened_us[i];
		facts.closed_wall_us = opened_us[i] + 1500000;
		if (i == 2) {
			facts.verdict.result = RESULT_BLOCK;
			text_copy(facts.hello.sni, sizeof(facts.hello.sni), "=x\033[2J,\"b\n");
		}
		recorded_add(&site, &facts);
	}
	recorded_close(&site);
}

static size_t
lines_of(const char *text)
{
	size_t count = 0;

	for (; *text != '\0'; text++)
		count += *text == '\n' ? 1 : 0;
	return count;
}

Test(command_flows, before_the_first_start_there_is_no_record)
{
	FLOWS("--since", "1d");
	cr_expect_eq(ran.code, EXIT_FAILED);
	cr_expect_str_empty(ran.out);
	cr_expect_not_null(strstr(ran.err,
			       "no record yet: the appliance makes it at its first start"),
	    "%s", ran.err);
}

Test(command_flows, lists_in_utc_with_what_counts)
{
	record_three();
	FLOWS("--limit", "2");
	cr_expect_eq(ran.code, EXIT_DONE, "%s", ran.err);
	cr_expect_eq(lines_of(ran.out), 2);
	cr_expect(strncmp(ran.out, "2026-11-22T03:00:00Z  yard ", 27) == 0, "%s", ran.out);
	cr_expect_not_null(strstr(ran.out, "\n2026-11-22T04:00:00Z  lobby-3 "), "%s", ran.out);
	cr_expect_null(strchr(ran.out, '\033'));
	cr_expect_not_null(strstr(ran.out, "=x\\x1b[2J,\"b\\x0a"), "%s", ran.out);
}

Test(command_flows, of_udp_the_datagrams_are_told)
{
	struct facts facts;

	recorded_open(&site);
	for (unsigned i = 0; i < 2; i++) {
		recorded_facts(i == 0 ? "yard" : "lobby-3", "DE", i + 1, &facts);
		facts.transport = i == 0 ? TRANSPORT_UDP : TRANSPORT_TCP;
		facts.traffic = (struct traffic){.up = 1200,
		    .down = 48,
		    .packets_up = i == 0 ? 1000 : 0,
		    .packets_down = i == 0 ? 234 : 0};
		recorded_add(&site, &facts);
	}
	recorded_close(&site);
	FLOWS("--filter", "proto = udp");
	cr_expect_not_null(strstr(ran.out, "   1.2k       48     1.2k  "), "%s", ran.out);
	FLOWS("--filter", "proto = tcp");
	cr_expect_not_null(strstr(ran.out, "   1.2k       48        -  "), "%s", ran.out);
}

Test(command_flows, a_time_of_the_list_is_a_time_of_since)
{
	record_three();
	FLOWS("--since", "2026-11-22T03:00:00Z");
	cr_expect_eq(lines_of(ran.out), 2, "%s", ran.out);
	FLOWS("--since", "2026-11-22T03:00:01");
	cr_expect_eq(lines_of(ran.out), 1, "%s", ran.out);
	FLOWS("--since", "2026-11-23");
	cr_expect_eq(lines_of(ran.out), 0, "%s", ran.out);
	cr_expect_eq(ran.code, EXIT_DONE);
	FLOWS("--since", "4000000000w");
	cr_expect_eq(lines_of(ran.out), 3, "%s", ran.out);
}

Test(command_flows, a_filter_chooses)
{
	static const struct {
		const char *filter;
		size_t count;
	} rows[] = {
	    {"verdict = block", 1},
	    {"device = lobby-3", 2},
	    {"located = DE and not device = yard", 1},
	    {"port = 443 and dst = 198.51.100.2", 1},
	    {"opened >= 2026-11-22T03:00:00Z", 2},
	    {"up > 1k", 0},
	    {"sni ~ 'x' or device = yard", 3},
	};

	record_three();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		FLOWS("--filter", rows[i].filter);
		cr_expect_eq(ran.code, EXIT_DONE, "%s: %s", rows[i].filter, ran.err);
		cr_expect_eq(lines_of(ran.out), rows[i].count, "%s: %s", rows[i].filter, ran.out);
	}
	FLOWS("--filter", "devise = x");
	cr_expect_eq(ran.code, EXIT_USAGE);
	cr_expect_not_null(strstr(ran.err, "device"), "%s", ran.err);
}

Test(command_flows, writes_json_a_line_each)
{
	record_three();
	FLOWS("--json");
	cr_expect_eq(lines_of(ran.out), 3);
	cr_expect_not_null(strstr(ran.out, "\"opened\":\"2026-11-22T03:00:00.500000+0000\""), "%s",
	    ran.out);
	cr_expect_not_null(strstr(ran.out, "\"sni\":\"=x\\u001b[2J,\\\"b\\n\""), "%s", ran.out);
	cr_expect_not_null(strstr(ran.out, "\"up\":1000"));
	cr_expect_not_null(strstr(ran.out, "\"shadow\":false"));
}

Test(command_flows, writes_csv_that_no_spreadsheet_runs)
{
	record_three();
	FLOWS("--csv");
	cr_expect_eq(lines_of(ran.out), 4);
	cr_expect(strncmp(ran.out, "flow_id,opened,closed,", 22) == 0, "%s", ran.out);
	cr_expect_not_null(strstr(ran.out, "\"2026-11-22T03:00:00.500000+0000\""), "%s", ran.out);
	cr_expect_not_null(strstr(ran.out, "\"'=x\\x1b[2J,\"\"b\\x0a\""), "%s", ran.out);
}

Test(command_flows, an_open_connection_is_listed_as_open)
{
	struct facts facts;

	recorded_open(&site);
	recorded_facts("lobby-3", "DE", 1, &facts);
	facts.closed_wall_us = 0;
	recorded_event(&site, EVENT_OPEN, &facts);
	recorded_close(&site);
	FLOWS("--filter", "device = lobby-3");
	cr_expect_not_null(strstr(ran.out, " open "), "%s", ran.out);
	FLOWS("--json");
	cr_expect_null(strstr(ran.out, "\"closed\":\""), "%s", ran.out);
}

Test(command_flows, tells_its_columns)
{
	FLOWS("--columns");
	cr_expect_eq(ran.code, EXIT_DONE);
	cr_expect_eq(lines_of(ran.out), column_count);
}

Test(command_flows, knows_wrong_usage)
{
	static const char *const rows[][3] = {
	    {"--limit", "x"},
	    {"--limit", "-1"},
	    {"--since", "yesterday"},
	    {"--json", "--csv"},
	    {"word"},
	    {"--filter"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		flows(rows[i]);
		cr_expect_eq(ran.code, EXIT_USAGE, "row %zu", i);
		cr_expect_str_empty(ran.out);
	}
}

Test(command_flows, a_set_of_the_rules_is_one_of_the_filter)
{
	record_three();
	FLOWS("--filter", "located = @near");
	cr_expect_eq(lines_of(ran.out), 2, "%s%s", ran.out, ran.err);
	FLOWS("--filter", "located != '@near+CN'");
	cr_expect_eq(lines_of(ran.out), 0, "%s%s", ran.out, ran.err);
	FLOWS("--filter", "located = @nera");
	cr_expect_eq(ran.code, EXIT_USAGE);
	cr_expect_not_null(strstr(ran.err, "at sign 11: "), "%s", ran.err);
	cr_expect_not_null(strstr(ran.err, "did you mean '@near'?"), "%s", ran.err);
}

Test(command_flows, of_one_camera_and_who_is_none_is_said)
{
	record_three();
	FLOWS("--device", "yard");
	cr_expect_eq(lines_of(ran.out), 1, "%s%s", ran.out, ran.err);
	FLOWS("--device", "lobby-3", "--filter", "verdict = block or up = 77");
	cr_expect_eq(lines_of(ran.out), 1, "%s%s", ran.out, ran.err);
	FLOWS("--device", "yard", "--filter", "verdict = block");
	cr_expect_eq(lines_of(ran.out), 0, "%s", ran.out);
	cr_expect_str_empty(ran.err);
	FLOWS("--device", "44:19:B6:00:00:07");
	cr_expect_eq(ran.code, EXIT_DONE);
	cr_expect_str_empty(ran.out);
	cr_expect_not_null(strstr(ran.err, "no connection of a camera '44:19:B6:00:00:07'"), "%s",
	    ran.err);
	FLOWS("--device", "a\" or 1 = \"1");
	cr_expect_eq(ran.code, EXIT_USAGE);
	cr_expect_str_empty(ran.out);
}
