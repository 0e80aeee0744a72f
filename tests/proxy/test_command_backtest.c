/* SPDX-License-Identifier: MIT */
#include "proxy/commands.h"

#include "base/text.h"
#include "record/store.h"
#include "tests/proxy/recorded.h"
#include "tests/support/command.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD                                                                                       \
	"ruleset: site\nversion: 1\ntitle: t\nunknown: block\ndefault: {then: block, why: far}\n"
#define ALL HEAD "rules: [{id: all, match: {port: 443}, then: allow, why: w}]\n"
#define HOME HEAD "rules: [{id: de, match: {within: DE}, then: allow, why: w}]\n"

static struct recorded_site site;
static struct ran ran;
static char home[192];

static void
set_up(void)
{
	(void)unsetenv("NO_COLOR");
	recorded_site_make(&site, ALL);
	scratch_file(site.dir, "home.yaml", HOME, strlen(HOME));
	(void)snprintf(home, sizeof(home), "%s/home.yaml", site.dir);
}

static void
tear_down(void)
{
	recorded_site_remove(&site);
}

TestSuite(command_backtest, .init = set_up, .fini = tear_down);

/* Two of lobby-3 to DE and CN, one of yard to CN. */
static void
record_three(void)
{
	struct facts facts;

	recorded_open(&site);
	recorded_facts("lobby-3", "DE", 1, &facts);
	recorded_add(&site, &facts);
	recorded_facts("lobby-3", "CN", 2, &facts);
	facts.traffic.left_up = 123456;
	recorded_add(&site, &facts);
	recorded_facts("yard", "CN", 2, &facts);
	recorded_add(&site, &facts);
	recorded_close(&site);
}

static void
backtest(const char *const *words)
{
	const char *args[16] = {"backtest", "-c", site.config};
	size_t count = 3;

	for (; *words != NULL; words++)
		args[count++] = *words;
	command_run_in(command_backtest, args, &ran);
}

#define BACKTEST(...) backtest((const char *const[]){__VA_ARGS__, NULL})

Test(command_backtest, the_same_decisions_exit_0)
{
	record_three();
	BACKTEST("--since", "1h");
	cr_expect_eq(ran.code, EXIT_DONE, "%s", ran.err);
	cr_expect_str_eq(ran.out,
	    "same            3 connections   125.5k  up      300  down\n"
	    "3 decided alike, by another rule\n"
	    "nothing would have been decided otherwise\n",
	    "%s", ran.out);
	cr_expect_str_empty(ran.err);
}

Test(command_backtest, other_rules_are_told_by_device_and_destination)
{
	record_three();
	BACKTEST("--since", "1h", "--rules", home);
	cr_expect_eq(ran.code, EXIT_DIFFERENCES, "%s", ran.err);
	cr_expect_str_eq(ran.out,
	    "change   device             server name                     "
	    "address                 located    regist.  oper.      conns       up     down  "
	    "was -> would be\n"
	    "blocked  lobby-3            eu.cam.example                  "
	    "198.51.100.2:443        CN         CN       CN             1   123.5k      100  "
	    "allow by old/1 -> block by site/default: far\n"
	    "blocked  yard               eu.cam.example                  "
	    "198.51.100.2:443        CN         CN       CN             1     1.0k      100  "
	    "allow by old/1 -> block by site/default: far\n"
	    "\n"
	    "same            1 connections     1.0k  up      100  down\n"
	    "blocked         2 connections   124.5k  up      200  down\n"
	    "1 decided alike, by another rule\n",
	    "%s", ran.out);
}

Test(command_backtest, a_device_and_a_time_narrow_it)
{
	record_three();
	BACKTEST("--rules", home, "--device", "yard");
	cr_expect_eq(ran.code, EXIT_DIFFERENCES);
	cr_expect_null(strstr(ran.out, "lobby-3"), "%s", ran.out);
	BACKTEST("--rules", home, "--device", "nobody");
	cr_expect_eq(ran.code, EXIT_DONE);
	cr_expect_str_eq(ran.out, "no connection was recorded in this time\n");
	BACKTEST("--rules", home, "--until", "5m");
	cr_expect_eq(ran.code, EXIT_DONE);
	BACKTEST("--rules", home, "--since", "99999999w");
	cr_expect_eq(ran.code, EXIT_DIFFERENCES);
}

Test(command_backtest, all_rule_files_apply)
{
	char more[512], path[192];

	record_three();
	BACKTEST("--rules", home, "--rules", site.rules);
	cr_expect_eq(ran.code, EXIT_CONFIG, "two sets of one id: %s", ran.err);
	(void)snprintf(more, sizeof(more), "ruleset: more\n%s", strchr(ALL, '\n') + 1);
	scratch_file(site.dir, "more.yaml", more, strlen(more));
	(void)snprintf(path, sizeof(path), "%s/more.yaml", site.dir);
	BACKTEST("--rules", path, "--rules", site.rules);
	cr_expect_eq(ran.code, EXIT_DONE, "%s", ran.err);
	BACKTEST("--rules", path, "--rules", home);
	cr_expect_eq(ran.code, EXIT_DIFFERENCES, "%s", ran.err);
	cr_expect_not_null(strstr(ran.out, "block by site/default"), "%s", ran.out);
}

Test(command_backtest, writes_one_document)
{
	record_three();
	BACKTEST("--rules", home, "--json");
	cr_expect_eq(ran.code, EXIT_DIFFERENCES);
	cr_expect_eq(strchr(ran.out, '\n'), ran.out + strlen(ran.out) - 1);
	for (const char *const *part = (const char *const[]){"\"connections\":3",
		 "\"differences\":2", "\"blocked\":{\"connections\":2,\"up\":124456,\"down\":200}",
		 "\"rows\":[{\"change\":\"blocked\",\"device\":\"lobby-3\","
		 "\"dest_ip\":\"198.51.100.2\",\"dest_port\":443,\"sni\":\"eu.cam.example\"",
		 "\"was\":{\"verdict\":\"allow\"", "\"would_be\":{\"verdict\":\"block\"",
		 "\"ruleset\":\"site\"", "\"why\":\"far\"", NULL};
	     *part != NULL; part++)
		cr_expect_not_null(strstr(ran.out, *part), "%s: %s", *part, ran.out);
}

Test(command_backtest, what_comes_from_outside_is_escaped)
{
	struct facts facts;

	recorded_open(&site);
	recorded_facts("lobby-3", "CN", 2, &facts);
	text_copy(facts.hello.sni, sizeof(facts.hello.sni), "a\033[31m\nb");
	recorded_add(&site, &facts);
	recorded_close(&site);
	BACKTEST("--rules", home);
	cr_expect_null(strchr(ran.out, '\033'));
	cr_expect_not_null(strstr(ran.out, "a\\x1b[31m\\x0ab"), "%s", ran.out);
	BACKTEST("--rules", home, "--json");
	cr_expect_null(strchr(ran.out, '\033'));
	cr_expect_not_null(strstr(ran.out, "a\\u001b[31m\\nb"), "%s", ran.out);
}

Test(command_backtest, says_what_could_not_be_judged)
{
	static const char asks[] =
	    HEAD "rules:\n"
		 "- {id: v, match: {bytes: {up_over: 1KB, per: 1d, by: device}}, then: block, why: "
		 "w}\n"
		 "- {id: n, match: {sni: cam.example}, then: allow, why: w}\n";
	struct facts facts;

	scratch_file(site.dir, "asks.yaml", asks, strlen(asks));
	recorded_open(&site);
	recorded_facts("lobby-3", "DE", 1, &facts);
	facts.verdict.detail = DETAIL_META;
	recorded_add(&site, &facts);
	recorded_facts("lobby-3", "CN", 2, &facts);
	facts.verdict.result = RESULT_BLOCK;
	facts.verdict.stage = VERDICT_ADDRESS;
	facts.inspect = INSPECT_REFUSED;
	facts.end = END_REFUSED;
	facts.server = (struct server_facts){0};
	recorded_event(&site, EVENT_CLOSE, &facts);
	recorded_facts("lobby-3", "DE", 1, &facts);
	facts.place = (struct place){0};
	facts.closed_wall_us = 0;
	recorded_event(&site, EVENT_OPEN, &facts);
	recorded_close(&site);
	(void)snprintf(home, sizeof(home), "%s/asks.yaml", site.dir);
	BACKTEST("--rules", home);
	cr_expect_eq(ran.code, EXIT_DIFFERENCES);
	cr_expect_not_null(strstr(ran.err, "bytes is not in the record"), "%s", ran.err);
	cr_expect_not_null(strstr(ran.out, "open     lobby-3"), "%s", ran.out);
	cr_expect_not_null(strstr(ran.out, "1 to a place that is not known"), "%s", ran.out);
	cr_expect_not_null(strstr(ran.out, "1 still open"), "%s", ran.out);
	cr_expect_not_null(strstr(ran.out, "1 not judged: their names"), "%s", ran.out);
}

Test(command_backtest, tells_all_errors_of_rule_files)
{
	static const char bad[] = HEAD "rules:\n- {id: 1, match: {prt: 1}, then: alow, why: w}\n";
	char path[192];

	record_three();
	scratch_file(site.dir, "bad.yaml", bad, strlen(bad));
	(void)snprintf(path, sizeof(path), "%s/bad.yaml", site.dir);
	BACKTEST("--rules", path, "--rules", "/none.yaml");
	cr_expect_eq(ran.code, EXIT_CONFIG);
	cr_expect_str_empty(ran.out);
	cr_expect_not_null(strstr(ran.err, "bad.yaml:7:19: error:"), "%s", ran.err);
	cr_expect_not_null(strstr(ran.err, "did you mean 'port'"), "%s", ran.err);
	cr_expect_not_null(strstr(ran.err, "did you mean 'allow'"), "%s", ran.err);
	cr_expect_not_null(strstr(ran.err, "/none.yaml: error:"), "%s", ran.err);
}

Test(command_backtest, knows_wrong_usage)
{
	static const char *const wrong[][3] = {
	    {"--since", "never"},
	    {"--until", "2026-13-01"},
	    {"--since", "1h"}, /* with --until 2h */
	    {"word", NULL},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (i == 2)
			BACKTEST(wrong[i][0], wrong[i][1], "--until", "2h");
		else
			backtest(wrong[i]);
		cr_expect_eq(ran.code, EXIT_USAGE, "row %zu", i);
		cr_expect_str_empty(ran.out);
	}
}

/* ---- the store ---- */

Test(command_backtest, without_a_record_it_says_so)
{
	BACKTEST("--since", "1h");
	cr_expect_eq(ran.code, EXIT_FAILED);
	cr_expect_not_null(strstr(ran.err, "no record yet"), "%s", ran.err);
	cr_expect_str_empty(ran.out);
	cr_expect_eq(access(site.store, F_OK), -1, "it made one");
}

Test(command_backtest, a_store_that_is_none_is_an_error)
{
	int fd;

	for (int i = 0; i < 3; i++) {
		(void)unlink(site.store);
		fd = open(site.store, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
		cr_assert_geq(fd, 0);
		if (i == 1)
			cr_assert_eq(write(fd, "no database at all, but some text", 33), 33);
		(void)close(fd);
		if (i == 2)
			recorded_alter(&site, "CREATE TABLE other (a)");
		BACKTEST("--since", "1h");
		cr_expect_eq(ran.code, EXIT_FAILED, "%d", i);
		cr_expect_neq(ran.err[0], '\0', "%d", i);
		cr_expect_str_empty(ran.out);
	}
}

Test(command_backtest, a_store_of_another_format_is_refused)
{
	record_three();
	recorded_alter(&site, "PRAGMA user_version = 999");
	BACKTEST("--since", "1h");
	cr_expect_eq(ran.code, EXIT_FAILED);
	cr_expect_not_null(strstr(ran.err, "999"), "%s", ran.err);
}

Test(command_backtest, a_store_that_was_cut_is_an_error_and_no_crash)
{
	struct facts facts;
	off_t size;
	int fd;

	record_three();
	recorded_open(&site);
	for (unsigned i = 0; i < 20; i++) {
		recorded_facts("lobby-3", "CN", i, &facts);
		recorded_add(&site, &facts);
	}
	recorded_close(&site);
	recorded_alter(&site, "PRAGMA wal_checkpoint(TRUNCATE)");
	fd = open(site.store, O_RDWR | O_CLOEXEC);
	size = lseek(fd, 0, SEEK_END);
	for (off_t left = size - 4096; left > 0; left -= 4096) {
		cr_assert_eq(ftruncate(fd, left), 0);
		BACKTEST("--rules", home);
		cr_assert(ran.code == EXIT_FAILED || ran.code == EXIT_DIFFERENCES, "%lld left: %d",
		    (long long)left, ran.code);
		cr_assert(ran.code != EXIT_FAILED || ran.err[0] != '\0');
	}
	(void)close(fd);
}

Test(command_backtest, reads_while_somebody_writes)
{
	sqlite3 *writer;

	record_three();
	cr_assert_eq(sqlite3_open(site.store, &writer), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(writer, "BEGIN IMMEDIATE; DELETE FROM flow", NULL, NULL, NULL),
	    SQLITE_OK);
	BACKTEST("--rules", home);
	cr_expect_eq(ran.code, EXIT_DIFFERENCES, "%s", ran.err);
	cr_expect_not_null(strstr(ran.out, "blocked         2 connections"), "%s", ran.out);
	(void)sqlite3_exec(writer, "ROLLBACK", NULL, NULL, NULL);
	(void)sqlite3_close(writer);
}

Test(command_backtest, a_locked_store_is_an_error)
{
	sqlite3 *owner;

	record_three();
	cr_assert_eq(sqlite3_open(site.store, &owner), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(owner, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE", NULL,
			 NULL, NULL),
	    SQLITE_OK);
	BACKTEST("--rules", home);
	cr_expect_eq(ran.code, EXIT_FAILED);
	cr_expect_not_null(strstr(ran.err, "locked"), "%s", ran.err);
	(void)sqlite3_close(owner);
}
