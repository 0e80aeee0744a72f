/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "proxy/commands.h"
#include "tests/support/command.h"
#include "tests/support/mmdb_maker.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static char dir[256], config_path[300];

static void
write_file(const char *name, const char *text)
{
	scratch_file(dir, name, text, strlen(text));
}

static void
write_database(const char *name, uint64_t days, const char *const *lines, size_t count)
{
	struct mmdb_meta meta = {.build_epoch = clock_wall_us() / 1000000 - days * 86400 - 3600};
	struct mmdb_bytes file = mmdb_make(&meta, lines, count);

	scratch_file(dir, name, file.at, file.size);
	free(file.at);
}

static void
make_site(void)
{
	static const char *const first[] =
	    {"47.254.128.0/18 country.iso_code=DE registered_country.iso_code=SG",
		"8.8.8.0/24 country.iso_code=US traits.is_anycast=true"};
	static const char *const second[] = {"47.254.0.0/16 country_code=SG"};
	static const char *const networks[] = {
	    "47.254.0.0/16 autonomous_system_number=45102 "
	    "autonomous_system_organization=\"Alibaba \x1b[31m\"",
	    "14.1.64.0/24 autonomous_system_number=14593 autonomous_system_organization=SpaceX"};

	scratch_dir(dir, sizeof(dir));
	(void)snprintf(config_path, sizeof(config_path), "%s/borderlens.yaml", dir);
	write_database("a.mmdb", 2, first, 2);
	write_database("b.mmdb", 31, second, 1);
	write_database("n.mmdb", 0, networks, 2);
	write_file("operators.csv",
	    "asn,organisation,parent,control,confidence,source,as_of\n"
	    "45102,Alibaba (US),Alibaba Group,CN,high,a register,2026-11-22\n");
	write_file("vendors.csv", "suffix,vendor,purpose,port,source,as_of\n"
				  "cam.example,Camco,login,443/tcp,a capture,2020-01-02\n");
	write_file("kinds.csv", "network,kind,organisation,confidence,source,as_of\n"
				"AS14593,satellite,Starlink,high,its name,2026-11-22\n");
	write_file("overrides.yaml",
	    "overrides:\n"
	    "- {prefix: 47.254.129.0/24, operator: DE, org: Ours, who: jane, when: 2026-11-20, "
	    "why: contract 17}\n"
	    "- {name: cam.example, vendor: Ourcam, who: ole, when: 2026-11-21, why: label}\n");
	write_file("rules.yaml", "ruleset: site\nversion: 1\ntitle: t\n"
				 "unknown: {then: block, why: not known}\nrules: []\n"
				 "default: {then: block, why: elsewhere}\n");
	write_file("borderlens.yaml",
	    "gateway: {cameras: eth1}\nrules: rules.yaml\n"
	    "geo: {country: [a.mmdb, b.mmdb], asn: n.mmdb, operators: operators.csv,\n"
	    "      vendors: vendors.csv, kinds: kinds.csv, overrides: overrides.yaml}\n");
}

static void
remove_site(void)
{
	scratch_remove(dir);
}

TestSuite(command_geo, .init = make_site, .fini = remove_site);

static struct ran *
run_geo(const char *verb, const char *a, const char *b, const char *c, const char *d)
{
	static struct ran ran;
	const char *const args[] = {"geo", verb, "-c", config_path, a, b, c, d, NULL};

	command_run_in(command_geo, args, &ran);
	return &ran;
}

struct lookup_row {
	const char *address, *sni, *words[8];
};

static void
expect_words(const struct lookup_row *row, const char *option)
{
	const struct ran *ran = run_geo("lookup", row->address, row->sni != NULL ? "--sni" : option,
	    row->sni, row->sni != NULL ? option : NULL);

	cr_assert_eq(ran->code, EXIT_DONE, "%s", ran->err);
	for (size_t i = 0; i < COUNT(row->words) && row->words[i] != NULL; i++)
		cr_expect_not_null(strstr(ran->out, row->words[i]), "%s: no '%s' in\n%s",
		    row->address, row->words[i], ran->out);
	cr_expect_null(strchr(ran->out, '\x1b'), "what comes from outside is escaped");
}

Test(command_geo, lookup_prints_every_fact_and_what_it_rests_on)
{
	static const struct lookup_row rows[] = {
	    {"47.254.130.1", NULL,
		{"located        DE/SG  (a@", ",b@", "block        47.254.128.0/18\n",
		    "registered     SG  (a@", "AS45102 Alibaba \\x1b[31m  (n@",
		    "operator       CN  (operators.csv:2)", "confidence   high, as of 2026-11-22",
		    "located SG for 47.254.0.0/16  (b@"}},
	    {"47.254.129.1", "x.cam.example",
		{"operator       DE  (overrides.yaml:2 (jane, 2026-11-20))", "AS45102 Ours",
		    "control      CN",
		    "vendor         Ourcam  (overrides.yaml:3 (ole, 2026-11-21))",
		    "override       operator DE, org Ours", "why          contract 17",
		    "suffix       cam.example", "source       a capture"}},
	    {"8.8.8.8", NULL,
		{"kind           anycast", "located        anycast  (a@",
		    "anycast located US for 8.8.8.0/24  (a@"}},
	    {"14.1.64.1", NULL,
		{"located        satellite  (kinds.csv:2)",
		    "table of kinds AS14593 is satellite: Starlink", "source       its name"}},
	    {"64:ff9b::192.168.1.1", NULL,
		{"carries        192.168.1.1", "range          private",
		    "located        private  (range:private)", "registered     unknown"}},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		expect_words(&rows[i], NULL);
}

Test(command_geo, lookup_tells_programs_the_same)
{
	static const struct lookup_row rows[] = {
	    {"47.254.130.1", NULL,
		{"\"located\":[\"DE\",\"SG\"]", "\"operator\":\"CN\"",
		    "\"block\":\"47.254.128.0/18\"", "\"operator_row\":{\"line\":2,",
		    "\"kind_row\":null", "\"overrides\":[]", "\"block\":\"47.254.0.0/16\""}},
	    {"47.254.129.1", "cam.example",
		{"\"vendor\":\"Ourcam\"", "\"vendor_row\":{\"line\":2,",
		    "\"overrides\":[{\"file\":\"overrides.yaml\",\"line\":2,\"tells\":\"operator DE, "
		    "org Ours\",\"who\":\"jane\"",
		    "\"line\":3,\"tells\":\"vendor Ourcam\""}},
	    {"14.1.64.1", NULL,
		{"\"kind\":\"satellite\"", "\"located\":\"satellite\"",
		    "\"kind_row\":{\"line\":2,\"network\":\"AS14593\""}},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		expect_words(&rows[i], "--json");
}

Test(command_geo, status_tells_the_age_and_warns_of_it)
{
	const struct ran *ran = run_geo("status", NULL, NULL, NULL, NULL);
	static const char *const words[] = {"a\n  answers  located+registered\n", "2 days ago",
	    "  networks 2\n", "operators.csv\n  answers  operators\n  as of    2026-11-22",
	    "kinds.csv\n  answers  kinds", "overrides.yaml\n  answers  overrides\n  rows     2\n"};

	cr_expect_eq(ran->code, EXIT_DONE, "a warning is no failure");
	for (size_t i = 0; i < COUNT(words); i++)
		cr_expect_not_null(strstr(ran->out, words[i]), "no '%s' in\n%s", words[i],
		    ran->out);
	cr_expect_not_null(strstr(ran->err, "warning: b is 31 days old (more than 30)"), "%s",
	    ran->err);
	cr_expect_not_null(strstr(ran->err, "warning: vendors.csv is "), "%s", ran->err);
	cr_expect_null(strstr(ran->err, "warning: a is"));
	ran = run_geo("status", "--json", NULL, NULL, NULL);
	cr_expect_not_null(strstr(ran->out, "\"age_days\":31,\"old\":true"), "%s", ran->out);
	cr_expect_not_null(strstr(ran->out, "\"as_of\":\"2020-01-02\""), "%s", ran->out);
	cr_expect_str_empty(ran->err);
}

Test(command_geo, wrong_usage_and_wrong_files)
{
	cr_expect_eq(run_geo("lookup", "example.com", NULL, NULL, NULL)->code, EXIT_USAGE);
	cr_expect_eq(run_geo("lookup", NULL, NULL, NULL, NULL)->code, EXIT_USAGE);
	cr_expect_eq(run_geo("look", "8.8.8.8", NULL, NULL, NULL)->code, EXIT_USAGE);
	cr_expect_eq(run_geo("status", "--sni", "a.example", NULL, NULL)->code, EXIT_USAGE);
	cr_expect_eq(run_geo("update", "now", NULL, NULL, NULL)->code, EXIT_USAGE);
	write_file("overrides.yaml", "overrides: [{prefix: 1.2.3.4, locatet: DE}]\n");
	cr_expect_eq(run_geo("status", NULL, NULL, NULL, NULL)->code, EXIT_CONFIG);
	cr_expect_eq(run_geo("update", NULL, NULL, NULL, NULL)->code, EXIT_CONFIG);
	cr_expect_not_null(
	    strstr(run_geo("lookup", "8.8.8.8", NULL, NULL, NULL)->err, "overrides.yaml:1:"));
}

Test(command_geo, an_update_wants_databases_of_one_directory)
{
	const struct ran *ran;

	ran = run_geo("update", "--account", "/nonexistent", NULL, NULL);
	cr_expect_eq(ran->code, EXIT_FAILED);
	cr_expect_not_null(strstr(ran->err, "a directory of their own"), "%s", ran->err);
	cr_expect_not_null(strstr(ran->err, "stay as they are"), "%s", ran->err);
	write_file("borderlens.yaml", "gateway: {cameras: eth1}\nrules: rules.yaml\n");
	ran = run_geo("update", "--json", NULL, NULL, NULL);
	cr_expect_eq(ran->code, EXIT_FAILED);
	cr_expect_not_null(strstr(ran->out,
			       "\"result\":\"failed\",\"why\":\"the configuration names "
			       "no database\""),
	    "%s", ran->out);
}
