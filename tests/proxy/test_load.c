/* SPDX-License-Identifier: MIT */
/* A configuration with its databases, and the commands that look at one. */
#include "proxy/load.h"

#include "base/err.h"
#include "config/problems.h"
#include "geo/geo.h"
#include "proxy/commands.h"
#include "proxy/database_file.h"
#include "tests/proxy/netns.h"
#include "tests/support/command.h"
#include "tests/support/mmdb_maker.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[256], config_path[512];

static void
write_file(const char *name, const char *text)
{
	scratch_file(dir, name, text, strlen(text));
}

static void
write_database(const char *name, const char *const *lines, size_t count)
{
	struct mmdb_bytes file = mmdb_make(NULL, lines, count);

	scratch_file(dir, name, file.at, file.size);
	free(file.at);
}

static void
make_site(void)
{
	static const char *const located[] = {
	    "8.8.0.0/16 country_code=DE",
	    "9.9.0.0/16 country_code=CN",
	};
	static const char *const registered[] = {
	    "8.8.0.0/16 registered_country.iso_code=DE",
	    "9.9.0.0/16 registered_country.iso_code=CN",
	};
	static const char *const networks[] = {
	    "8.8.0.0/16 autonomous_system_number=64500",
	    "9.9.0.0/16 autonomous_system_number=64501",
	};

	scratch_dir(dir, sizeof(dir));
	(void)snprintf(config_path, sizeof(config_path), "%s/borderlens.yaml", dir);
	write_database("located.mmdb", located, 2);
	write_database("registered.mmdb", registered, 2);
	write_database("asn.mmdb", networks, 2);
	write_file("operators.csv", "asn,organisation,parent,control,confidence,source,as_of\n"
				    "64500,A Cloud,A Cloud,DE,high,test,2026-11-22\n"
				    "64501,B Cloud,B Cloud,CN,high,test,2026-11-22\n");
	write_file("vendors.csv", "suffix,vendor,purpose,port,source,as_of\n"
				  "cam.example,Camco,cloud,443/tcp,test,2026-11-22\n");
	write_file("kinds.csv", "network,kind,organisation,confidence,source,as_of\n"
				"9.9.8.0/24,anycast,A Resolver,high,test,2026-11-22\n");
	write_file("overrides.yaml",
	    "overrides:\n- {prefix: 8.8.4.0/24, located: FR, who: jane, when: 2026-11-20, "
	    "why: seen}\n");
	write_file("devices.yaml", "devices: [{name: lobby-3, group: eu, ip: 10.0.0.4}]\n");
	write_file("rules.yaml",
	    "ruleset: site\nversion: 1\ntitle: t\n"
	    "unknown: {then: block, why: not known}\n"
	    "rules:\n"
	    "- {id: home, match: {within: DE}, then: allow, why: at home}\n"
	    "- {id: cam, match: {vendor: Camco}, then: allow, why: the vendor}\n"
	    "default: {then: block, why: elsewhere}\n");
	write_file("borderlens.yaml",
	    "gateway: {cameras: eth1}\n"
	    "rules: rules.yaml\n"
	    "devices: devices.yaml\n"
	    "geo: {country: [located.mmdb, registered.mmdb], asn: asn.mmdb,\n"
	    "      operators: operators.csv, vendors: vendors.csv, kinds: kinds.csv,\n"
	    "      overrides: overrides.yaml}\n");
}

static void
remove_site(void)
{
	scratch_remove(dir);
}

TestSuite(load, .init = make_site, .fini = remove_site);

/* ---- running a command ---- */

static void
check(struct ran *ran)
{
	const char *const args[] = {"check", "-c", config_path, NULL};

	command_run_in(command_check, args, ran);
}

/* ---- loading ---- */

Test(load, hands_out_sealed_databases_and_a_geo_that_outlives_the_files)
{
	struct problems problems = {0};
	struct loaded loaded;
	struct place place;
	struct addr addr;
	struct geo *geo;

	cr_assert_eq(loaded_open(config_path, &loaded, &problems), 0);
	for (size_t i = 0; i < 2; i++)
		cr_expect_neq(fcntl(loaded.country[i], F_GET_SEALS) & F_SEAL_WRITE, 0);
	cr_expect_eq(loaded.country[2], -1);
	cr_expect_geq(loaded.asn, 0);
	write_file("located.mmdb", "broken");
	geo = loaded_geo(&loaded, &problems);
	cr_assert_not_null(geo);
	cr_assert_eq(addr_parse(&addr, "8.8.8.8", 0, NULL), 0);
	geo_locate(geo, &addr, &place);
	cr_expect(countries_has(&place.located, "DE"));
	cr_expect(countries_has(&place.operator, "DE"));
	cr_assert_eq(addr_parse(&addr, "9.9.8.8", 0, NULL), 0);
	geo_locate(geo, &addr, &place);
	cr_expect_eq(place.kind, PLACE_ANYCAST);
	cr_assert_eq(addr_parse(&addr, "8.8.4.4", 0, NULL), 0);
	geo_locate(geo, &addr, &place);
	cr_expect(countries_has(&place.located, "FR"));
	cr_expect_str_eq(place.located_basis, "overrides.yaml:2 (jane, 2026-11-20)");
	geo_close(geo);
	loaded_close(&loaded);
	loaded_close(&loaded);
	cr_expect_eq(problems.count, 0);
}

Test(load, a_missing_configuration_is_an_error_and_closes)
{
	struct problems problems = {0};
	struct loaded loaded;

	cr_expect_eq(loaded_open("/nonexistent/borderlens.yaml", &loaded, &problems), -1);
	cr_expect_eq(problems.errors, 1);
	loaded_close(&loaded);
	problems_free(&problems);
}

/* ---- check ---- */

Test(load, check_warns_of_each_fact_that_nothing_tells)
{
	static const struct {
		const char *geo, *says, *silent; /* NULL: nothing of that kind */
	} rows[] = {
	    {"country: [located.mmdb, registered.mmdb], asn: asn.mmdb, operators: operators.csv, "
	     "kinds: kinds.csv",
		NULL, "warning:"},
	    {"country: [located.mmdb, registered.mmdb], asn: asn.mmdb, operators: operators.csv",
		"geo.kinds is not set", "stays unknown"},
	    {"country: located.mmdb, asn: asn.mmdb, operators: operators.csv",
		"where an address is registered", "is located:"},
	    {"country: registered.mmdb, asn: asn.mmdb, operators: operators.csv",
		"where a server is located", "is registered:"},
	    {"country: [located.mmdb, registered.mmdb], operators: operators.csv",
		"geo.asn is not set", "geo.operators"},
	    {"country: [located.mmdb, registered.mmdb], asn: asn.mmdb", "geo.operators is not set",
		"geo.asn"},
	    {"asn: asn.mmdb, operators: operators.csv", "geo.country is not set", "no file"},
	};
	struct ran ran;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[512];

		(void)snprintf(text, sizeof(text),
		    "gateway: {cameras: eth1}\nrules: rules.yaml\ngeo: {%s}\n", rows[i].geo);
		write_file("borderlens.yaml", text);
		check(&ran);
		cr_expect_eq(ran.code, EXIT_DONE, "%s: %s", rows[i].geo, ran.err);
		if (rows[i].says != NULL)
			cr_expect_not_null(strstr(ran.err, rows[i].says), "%s: %s", rows[i].geo,
			    ran.err);
		cr_expect_null(strstr(ran.err, rows[i].silent), "%s: %s", rows[i].geo, ran.err);
	}
}

Test(load, check_tells_what_is_good)
{
	const char *const json[] = {"check", "--json", "-c", config_path, NULL};
	struct ran ran;

	check(&ran);
	cr_expect_eq(ran.code, EXIT_DONE, "%s", ran.err);
	cr_expect_eq(strncmp(ran.out, "ok: ", 4), 0);
	cr_expect_not_null(strstr(ran.out, "site v1 (enforce, 2 rules)"), "%s", ran.out);
	cr_expect_str_empty(ran.err);
	command_run_in(command_check, json, &ran);
	cr_expect_eq(ran.code, EXIT_DONE);
	cr_expect_eq(strncmp(ran.out, "{\"ok\":true,", 11), 0, "%s", ran.out);
}

Test(load, check_tells_every_broken_file_by_its_name)
{
	struct ran ran;

	write_file("located.mmdb", "broken");
	write_file("asn.mmdb", "");
	write_file("operators.csv", "asn,organisation\n1,x\n");
	check(&ran);
	cr_expect_eq(ran.code, EXIT_CONFIG);
	cr_expect_str_empty(ran.out);
	cr_expect_not_null(strstr(ran.err, "/located.mmdb: error: "), "%s", ran.err);
	cr_expect_not_null(strstr(ran.err, "/asn.mmdb: error: "), "%s", ran.err);
	cr_expect_not_null(strstr(ran.err, "/operators.csv:1:1: error: "), "%s", ran.err);
	cr_expect_null(strstr(ran.err, "registered.mmdb"), "%s", ran.err);
}

/* Who mends the one wants to know of the others. */
Test(load, check_looks_at_what_a_wrong_configuration_names)
{
	struct ran ran;

	write_file("located.mmdb", "broken");
	write_file("roots.pem", "none");
	write_file("borderlens.yaml", "gatewai: {}\ngateway: {cameras: eth1}\nrules: rules.yaml\n"
				      "geo: {country: located.mmdb, asn: nowhere.mmdb}\n"
				      "tls: {upstream: {ca: roots.pem}}\n");
	check(&ran);
	cr_expect_eq(ran.code, EXIT_CONFIG);
	cr_expect_not_null(strstr(ran.err, "borderlens.yaml:1:1: error: "), "%s", ran.err);
	cr_expect_not_null(strstr(ran.err, "/located.mmdb: error: "), "%s", ran.err);
	cr_expect_not_null(strstr(ran.err, "nowhere.mmdb"), "%s", ran.err);
	cr_expect_not_null(strstr(ran.err, "/roots.pem: error: "), "%s", ran.err);
	cr_expect_not_null(strstr(ran.err, "4 errors"), "%s", ran.err);
}

Test(load, check_wants_directories_to_be_such)
{
	static const char *const keys[] = {"state_dir", "run_dir"};
	struct ran ran;

	for (size_t i = 0; i < 2; i++) {
		char text[400];

		(void)snprintf(text, sizeof(text),
		    "gateway: {cameras: eth1}\nrules: rules.yaml\ngeo: {country: located.mmdb}\n"
		    "%s: rules.yaml\n",
		    keys[i]);
		write_file("borderlens.yaml", text);
		check(&ran);
		cr_expect_eq(ran.code, EXIT_CONFIG, "%s", keys[i]);
		cr_expect_not_null(strstr(ran.err, keys[i]), "%s", ran.err);
		cr_expect_not_null(strstr(ran.err, "is not a directory"), "%s", ran.err);
	}
}

Test(load, check_looks_into_the_ca_files)
{
	struct ran ran;

	write_file("ca.pem", "not a certificate");
	write_file("borderlens.yaml",
	    "gateway: {cameras: eth1}\nrules: rules.yaml\ngeo: {country: located.mmdb}\n"
	    "tls: {ca: {cert: ca.pem, key: ca.pem}, upstream: {ca: ca.pem}}\n");
	check(&ran);
	cr_expect_eq(ran.code, EXIT_CONFIG);
	cr_expect_not_null(strstr(ran.err, "tls.ca: "), "%s", ran.err);
	cr_expect_not_null(strstr(ran.err, "tls.upstream.ca: "), "%s", ran.err);
}

Test(load, check_looks_into_the_appliances_own_ca_once_it_was_made)
{
	char path[512];
	struct ran ran;

	write_file("borderlens.yaml",
	    "gateway: {cameras: eth1}\nrules: rules.yaml\ngeo: {country: located.mmdb}\n"
	    "state_dir: .\n");
	check(&ran);
	cr_expect_eq(ran.code, EXIT_DONE, "%s", ran.err);
	(void)snprintf(path, sizeof(path), "%s/ca", dir);
	cr_assert_eq(mkdir(path, 0700), 0);
	write_file("ca/ca.pem", "not a certificate");
	write_file("ca/ca.key", "not a key");
	check(&ran);
	cr_expect_eq(ran.code, EXIT_CONFIG);
	cr_expect_not_null(strstr(ran.err, "/ca/ca.pem: error: "), "%s", ran.err);
}

Test(load, check_tells_places_and_counts_and_knows_its_options)
{
	const char *const json[] = {"check", "--json", "-c", config_path, NULL};
	const char *const wrong[] = {"check", "--jsn", NULL};
	const char *const more[] = {"check", "x", NULL};
	const char *const sample[] = {"check", "--sample", NULL};
	struct ran ran;

	command_run_in(command_check, wrong, &ran);
	cr_expect_eq(ran.code, EXIT_USAGE);
	command_run_in(command_check, more, &ran);
	cr_expect_eq(ran.code, EXIT_USAGE);
	command_run_in(command_check, sample, &ran);
	cr_expect_eq(ran.code, EXIT_DONE);
	cr_expect_not_null(strstr(ran.out, "\ngateway:\n  "));
	write_file("borderlens.yaml", "gateway: {cameras: eth1}\nrules: rules.yaml\nsit: x\n");
	check(&ran);
	cr_expect_eq(ran.code, EXIT_CONFIG);
	cr_expect_not_null(
	    strstr(ran.err,
		"borderlens.yaml:3:1: error: unknown key 'sit': did you mean 'site'?\n"),
	    "%s", ran.err);
	cr_expect_not_null(strstr(ran.err, "\n1 error\n"), "%s", ran.err);
	command_run_in(command_check, json, &ran);
	cr_expect_eq(ran.code, EXIT_CONFIG);
	cr_expect_not_null(strstr(ran.out, "\"ok\":false"), "%s", ran.out);
	cr_expect_not_null(strstr(ran.out, "\"line\":3,\"column\":1,\"severity\":\"error\""), "%s",
	    ran.out);
}

Test(load, check_counts_the_errors_that_it_does_not_show)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);
	static struct ran ran;

	cr_assert_not_null(to);
	for (unsigned i = 0; i < 600; i++)
		(void)fprintf(to, "zz%u: x\n", i);
	cr_assert_eq(fclose(to), 0);
	write_file("borderlens.yaml", text);
	free(text);
	check(&ran);
	cr_expect_eq(ran.code, EXIT_CONFIG);
	/* 600 keys, no cameras, no rules; 500 are shown. */
	cr_expect_not_null(strstr(ran.err, "... and 102 more errors\n602 errors\n"), "%s",
	    ran.err + strlen(ran.err) - 100);
}

Test(load, check_warns_of_a_set_that_expired)
{
	struct ran ran;

	write_file("rules.yaml",
	    "ruleset: site\nversion: 1\ntitle: t\nexpires: 2001-01-01\nunknown: block\n"
	    "default: block\n");
	check(&ran);
	cr_expect_eq(ran.code, EXIT_DONE);
	cr_expect_not_null(strstr(ran.err, "warning: rule set site expired on 2001-01-01"), "%s",
	    ran.err);
}

Test(load, check_warns_of_a_set_that_was_reviewed_tomorrow)
{
	struct ran ran;

	write_file("rules.yaml",
	    "ruleset: site\nversion: 1\ntitle: t\nreviewed: 9998-01-01\nexpires: 9999-01-01\n"
	    "unknown: block\ndefault: block\n");
	check(&ran);
	cr_expect_eq(ran.code, EXIT_DONE);
	cr_expect_not_null(strstr(ran.err, "warning: rule set site says that it was reviewed on "
					   "9998-01-01, which is still to come"),
	    "%s", ran.err);
}

/* ---- explain ---- */

Test(load, explain_ends_as_the_verdict_says)
{
	static const struct {
		const char *to, *sni;
		int code;
		const char *words;
	} rows[] = {
	    {"8.8.8.8:443", NULL, 0, "verdict: allow by site/home \"at home\""},
	    {"9.9.9.9", "x.example", 10, " by site/default \"elsewhere\""},
	    {"9.9.9.9", "a.cam.example", 0, "verdict: allow by site/cam \"the vendor\""},
	    {"9.9.9.9", NULL, 12, "verdict: cannot tell"},
	    {"1.1.1.1", "x.example", 10, " by site/unknown \"not known\""},
	    {"10.0.0.1", "a.cam.example", 10, " by appliance/private"},
	    {"127.0.0.2", NULL, 10, " by appliance/loopback"},
	    {"::ffff:127.0.0.2", NULL, 10, " by appliance/loopback"},
	    {"169.254.169.254:80", NULL, 10, " by appliance/metadata"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const args[] = {"explain", "-c", config_path, "--to", rows[i].to,
		    "--device", "lobby-3", rows[i].sni != NULL ? "--sni" : NULL, rows[i].sni, NULL};
		struct ran ran;

		command_run_in(command_explain, args, &ran);
		cr_expect_eq(ran.code, rows[i].code, "row %zu: %d", i, ran.code);
		cr_expect_not_null(strstr(ran.out, rows[i].words), "row %zu:\n%s%s", i, ran.out,
		    ran.err);
		cr_expect_str_empty(ran.err);
	}
}

Test(load, explain_refuses_an_address_of_the_machine_as_the_appliance_does)
{
	const char *const args[] = {"explain", "-c", config_path, "--to", "8.8.8.8", NULL};
	struct ran ran;

	netns_make();
	command_run_in(command_explain, args, &ran);
	cr_expect_eq(ran.code, 0, "%s", ran.out);
	cr_assert_eq(system("ip addr add 8.8.8.8/32 dev lo"), 0);
	command_run_in(command_explain, args, &ran);
	cr_expect_eq(ran.code, 10, "%s", ran.out);
	cr_expect_not_null(strstr(ran.out, "appliance/own-address"), "%s", ran.out);
	cr_expect_str_empty(ran.err);
}

Test(load, explain_tells_facts_with_their_basis_and_each_rule)
{
	const char *const text[] = {"explain", "-c", config_path, "--to", "9.9.9.9", "--sni",
	    "a.cam.example", "--device", "lobby-3", NULL};
	const char *const json[] = {"explain", "-c", config_path, "--to", "9.9.9.9", "--json",
	    NULL};
	struct ran ran;

	command_run_in(command_explain, text, &ran);
	cr_expect_str_eq(ran.out,
	    "lobby-3  group eu\n"
	    "9.9.9.9:443\n"
	    "  located     CN       located@2026-06-01\n"
	    "  registered  CN       registered@2026-06-01\n"
	    "  operator    CN       AS64501 B Cloud, operators.csv:3\n"
	    "  name        a.cam.example (taken as proven by the server's certificate)\n"
	    "  vendor      Camco    vendors.csv:2\n"
	    "rule set site v1 (enforce)\n"
	    "  home           no     within(DE): located CN, registered CN, operator CN does not "
	    "match\n"
	    "  cam            YES    vendor(Camco): Camco\n"
	    "  = allow by cam: the vendor\n"
	    "verdict: allow by site/cam \"the vendor\"\n",
	    "%s", ran.out);
	command_run_in(command_explain, json, &ran);
	cr_expect_eq(ran.code, 12);
	cr_expect_not_null(strstr(ran.out, "\"verdict\":\"unknown\""), "%s", ran.out);
	cr_expect_not_null(strstr(ran.out, "\"exit\":12"), "%s", ran.out);
}

Test(load, explain_knows_wrong_usage_from_a_wrong_configuration)
{
	static const char *const wrong[][6] = {
	    {"explain", NULL},
	    {"explain", "--to", NULL},
	    {"explain", "--to", "8.8.8.8", "x", NULL},
	    {"explain", "--too", "8.8.8.8", NULL},
	};
	const char *const name[] = {"explain", "-c", config_path, "--to", "a.example", NULL};
	const char *const none[] = {"explain", "-c", "/none.yaml", "--to", "8.8.8.8", NULL};
	struct ran ran;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		command_run_in(command_explain, wrong[i], &ran);
		cr_expect_eq(ran.code, EXIT_USAGE, "row %zu", i);
		cr_expect_str_empty(ran.out);
	}
	command_run_in(command_explain, name, &ran);
	cr_expect_eq(ran.code, EXIT_USAGE);
	cr_expect_not_null(strstr(ran.err, "is not an IP address"), "%s", ran.err);
	command_run_in(command_explain, none, &ran);
	cr_expect_eq(ran.code, EXIT_CONFIG);
	cr_expect_not_null(strstr(ran.err, "/none.yaml: error: "), "%s", ran.err);
}

Test(load, what_is_no_database_is_not_copied)
{
	static const struct {
		off_t size;
		const char *why;
	} rows[] = {{0, "metadata is missing"}, {7, "metadata is missing"},
	    {2000 * 1000 * 1000, "metadata is missing"},
	    {2000 * 1000 * 1000 + 1, "is larger than"}};
	char path[512];
	struct err err = {0};
	int fd;

	(void)snprintf(path, sizeof(path), "%s/located.mmdb", dir);
	fd = database_file_copy(path, &err);
	cr_assert_geq(fd, 0, "%s", err.text);
	(void)close(fd);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		/* Holes: it takes no room but what is read of it. */
		cr_assert_eq(truncate(path, 0), 0);
		cr_assert_eq(truncate(path, rows[i].size), 0);
		cr_expect_eq(database_file_copy(path, &err), -1, "%zu", i);
		cr_expect_not_null(strstr(err.text, rows[i].why), "%s", err.text);
	}
	cr_expect_eq(database_file_copy(dir, &err), -1);
	cr_expect_not_null(strstr(err.text, "not a regular file"), "%s", err.text);
}
