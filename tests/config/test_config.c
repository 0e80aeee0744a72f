/* SPDX-License-Identifier: MIT */
#include "config/config.h"

#include "tests/config/memory.h"
#include "tests/support/scratch.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char rule_file[] =
    "ruleset: r\nversion: 1\ntitle: t\nunknown: block\ndefault: block\n";

static struct config *
load(const char *text, struct problems *problems)
{
	struct source *source = source_from_memory();
	struct config *config;

	cr_assert_not_null(source);
	put(source, "/e/b.yaml", text);
	put(source, "/e/r.yaml", rule_file);
	put(source, "/e/twin.yaml", rule_file);
	put(source, "/e/bad.yaml", "ruleset: x\n");
	put(source, "/e/d.yaml", "devices: [{nam: x}]\n");
	put(source, "/e/e.yaml", "devices: [{name: x, ip: 10.0.0.1}]\n");
	put(source, "/e/c.mmdb", "");
	config = config_load("/e/b.yaml", source, problems);
	source_free(source);
	return config;
}

/* In the rows, the least that a file needs; behind it the line that is wrong. */
#define LEAST "gateway: {cameras: eth1}\nrules: r.yaml\n"

Test(config, what_is_wrong_is_told_with_its_place)
{
	static const struct {
		const char *text;
		unsigned line, column;
		const char *words;
	} rows[] = {
	    {"- a\n", 1, 1, "the file must be a mapping"},
	    {"gateway: {cameras: eth1}\n", 1, 1, "'rules' is missing"},
	    {"rules: r.yaml\n", 1, 1, "gateway.cameras must name the interfaces"},
	    {"rules: r.yaml\ngateway: {cameras: []}\n", 2, 20, "gateway.cameras must name"},
	    {"rules: r.yaml\ngateway: {manage: true}\n", 1, 1, "gateway.cameras must name"},
	    {LEAST "site:\n", 3, 6, "site must be text, and is empty"},
	    {LEAST "site: [a]\n", 3, 7, "site must be text, and is a list"},
	    {LEAST "site: {a: b}\n", 3, 7, "site must be text, and is a mapping"},
	    {LEAST "site: \"a\\nb\"\n", 3, 7, "site must be one line"},
	    {LEAST "site: 0123456789012345678901234567890123456789012345678901234567890123\n", 3, 7,
		"site is longer than 63 bytes"},
	    {LEAST "sit: x\n", 3, 1, "unknown key 'sit': did you mean 'site'?"},
	    {LEAST "tls: {mirror_version: true}\n", 3, 7,
		"unknown key 'mirror_version' here: did you mean 'tls.camera.mirror_version'?"},
	    {LEAST "tls: {camera: {tls_upstream_min: \"1.0\"}}\n", 3, 16,
		"unknown key 'tls_upstream_min' here: did you mean 'upstream_tls_min' of a device or "
		"'upstream_tls_min' of a group of devices?"},
	    {LEAST "camera: {min: \"1.0\"}\n", 3, 1,
		"unknown key 'camera' here: did you mean 'tls.camera'?"},
	    {LEAST "zzzzzzzzz: x\n", 3, 1, "unknown key 'zzzzzzzzz'"},
	    {LEAST "Site: x\n", 3, 1, "did you mean 'site'?"},
	    {LEAST "gateway: {cameras: eth1}\n", 3, 1, "'gateway' is here twice (first on line 1)"},
	    {LEAST "tls.ca: auto\n", 3, 1,
		"unknown key 'tls.ca': each part before a dot is a mapping"},
	    {LEAST "dns.resolver: 192.0.2.53\n", 3, 1, "as in tls: {ca: auto}"},
	    {LEAST "dns: {resolver: 0.0.0.0}\n", 3, 17,
		"dns.resolver: '0.0.0.0' is no host's address"},
	    {LEAST "dns: {resolver: \"::\"}\n", 3, 17, "'::' is no host's address"},
	    {LEAST "dns: {resolver: 224.0.0.251}\n", 3, 17, "is no host's address"},
	    {LEAST "dns: {resolver: \"[ff02::fb]:53\"}\n", 3, 17, "is no host's address"},
	    {LEAST "dns: {resolver: 255.255.255.255}\n", 3, 17, "is no host's address"},
	    {LEAST "dns: {resolver: \"192.0.2.53:0\"}\n", 3, 17, "port 0 is none"},
	    {LEAST "tls: auto\n", 3, 6, "tls must be a mapping"},
	    {LEAST "tls:\n", 3, 5, "tls must be a mapping"},
	    {LEAST "tls: [a]\n", 3, 6, "tls must be a mapping"},
	    {LEAST "tls: {upstrem: {}}\n", 3, 7, "did you mean 'upstream'?"},
	    {LEAST "tls: {upstream: {mim: \"1.2\"}}\n", 3, 18, "did you mean 'min'?"},
	    {LEAST "tls: {upstream: {min: 1.4}}\n", 3, 23, "must be 1.0, 1.1, 1.2 or 1.3"},
	    {LEAST "tls: {upstream: {bad: accept}}\n", 3, 23, "bad must be block or mirror"},
	    {LEAST "tls: {upstream: {crl: [none.pem]}}\n", 3, 24, "tls.upstream.crl: /e/none.pem"},
	    {LEAST "tls: {upstream: {bad: blok}}\n", 3, 23, "block or mirror, not 'blok'"},
	    {LEAST "tls: {upstream: {ca: none.pem}}\n", 3, 22, "tls.upstream.ca: /e/none.pem"},
	    {LEAST "tls: {ca: automatic}\n", 3, 11,
		"tls.ca must be auto or {cert: FILE, key: FILE}"},
	    {LEAST "tls: {ca: {cert: c.mmdb}}\n", 3, 11, "tls.ca needs both 'cert' and 'key'"},
	    {LEAST "tls: {ca: {cert: c.mmdb, key: k}}\n", 3, 31, "tls.ca.key: /e/k"},
	    {LEAST "tls: {ca: {cert: c.mmdb, kee: k}}\n", 3, 26, "did you mean 'key'?"},
	    {LEAST "tls: {rejected: pass}\n", 3, 17, "rejected must be passthrough or block"},
	    {LEAST "workers: 0\n", 3, 10, "workers must be from 1 to 64, not 0"},
	    {LEAST "workers: 65\n", 3, 10, "workers must be from 1 to 64"},
	    {LEAST "workers: many\n", 3, 10, "workers must be a number"},
	    {LEAST "workers: -1\n", 3, 10, "workers must be a number"},
	    {LEAST "timeout: {hello: 10}\n", 3, 18, "must be a duration such as 500ms"},
	    {LEAST "timeout: {hello: 0s}\n", 3, 18,
		"timeout.hello must be from 100ms to 1m, not 0s"},
	    {LEAST "timeout: {hello: 10 s}\n", 3, 18, "must be a duration"},
	    {LEAST "limit: {connections: 1000001}\n", 3, 22, "must be from 1 to 1000000"},
	    {LEAST "record: {keep: {flows: 1m}}\n", 3, 24,
		"record.keep.flows must be from 1h to 3650d"},
	    {LEAST "record: {keep: 90d}\n", 3, 16, "record.keep must be a mapping"},
	    {LEAST "console: {listen: 8480}\n", 3, 19,
		"console.listen: '8480' is not an IP address"},
	    {LEAST "console: {listen: 127.0.0.1}\n", 3, 19, "console.listen needs a port"},
	    {LEAST "geo: {country: [a.mmdb, c.mmdb, b.mmdb]}\n", 3, 17, "geo.country: /e/a.mmdb"},
	    {LEAST "geo: {country: [a.mmdb, c.mmdb, b.mmdb]}\n", 3, 33, "geo.country: /e/b.mmdb"},
	    {LEAST "geo: {country: []}\n", 3, 16, "geo.country must have 1 to 4 elements, not 0"},
	    {LEAST "geo: {country: {a: b}}\n", 3, 16, "country must be a list, and is a mapping"},
	    {LEAST "geo: {operators: o.csv}\n", 3, 18, "geo.operators: /e/o.csv"},
	    {LEAST "devices: none.yaml\n", 3, 10, "devices: /e/none.yaml"},
	    {LEAST "devices: d.yaml\n", 1, 12, "unknown key 'nam': did you mean 'name'?"},
	    {"gateway: {cameras: [eth1, \"a b\"]}\nrules: r.yaml\n", 1, 27,
		"'a b' is no interface's name"},
	    {"gateway: {cameras: abcdefghijklmnop}\nrules: r.yaml\n", 1, 20,
		"is no interface's name"},
	    {"gateway: {cameras: ..}\nrules: r.yaml\n", 1, 20, "is no interface's name"},
	    {"gateway: {cameras: eth1, manage: yes}\nrules: r.yaml\n", 1, 34,
		"true or false, not 'yes'"},
	    {"gateway: {cameras: eth1, manage: \"true\"}\nrules: r.yaml\n", 1, 34,
		"without quotes"},
	    {"gateway: {cameras: eth1, listen: 65536}\nrules: r.yaml\n", 1, 34, "from 1 to 65535"},
	    {"gateway: {cameras: eth1, mode: tprox}\nrules: r.yaml\n", 1, 32, "tproxy or redirect"},
	    {"gateway: {cameras: eth1, source: camera}\nrules: r.yaml\n", 1, 34,
		"gateway.source: camera is not available in this version; appliance is"},
	    {"gateway: {cameras: eth1, allow_private: [10.0.0.1/8]}\nrules: r.yaml\n", 1, 42,
		"bits set behind its prefix length"},
	    {"gateway: {cameras: eth1}\ntls: {upstream: {names: [\"192.0.2.1\"]}}\nrules: r.yaml\n",
		2, 26, "an address and a name are needed"},
	    {"gateway: {cameras: eth1}\ntls: {upstream: {names: [\"1.2.3 a.b\"]}}\nrules: r.yaml\n",
		2, 26, "tls.upstream.names: "},
	    {"gateway: {cameras: eth1}\ntls: {upstream: {names: [\"192.0.2.1 a b\"]}}\nrules: r.yaml\n",
		2, 26, "'a b' is no host's name"},
	    {"gateway: {cameras: eth1}\nrules:\n", 2, 7, "rules must be text, and is empty"},
	    {"gateway: {cameras: eth1}\nrules: []\n", 2, 8, "rules must name 1 to 64 rule sets"},
	    {"gateway: {cameras: eth1}\nrules: [none.yaml]\n", 2, 9, "rules: /e/none.yaml"},
	    {"gateway: {cameras: eth1}\nrules: [r.yaml, twin.yaml]\n", 1, 10,
		"rule set 'r' is loaded already, from /e/r.yaml"},
	    {"gateway: {cameras: eth1}\nrules: [bad.yaml]\n", 1, 1, "a rule set needs 'version'"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct problems problems = {0};
		struct config *config = load(rows[i].text, &problems);
		char all[4000];

		cr_expect_null(config, "row %zu was taken", i);
		cr_expect(has_error(&problems, rows[i].line, rows[i].column, rows[i].words),
		    "row %zu wants %u:%u %s, and was told\n%s", i, rows[i].line, rows[i].column,
		    rows[i].words, told(&problems, all, sizeof(all)));
		config_free(config);
		problems_free(&problems);
	}
}

Test(config, servers_have_the_names_that_are_given)
{
	static const struct {
		const char *dst, *name;
	} rows[] = {
	    {"192.0.2.1:443", "a.example"},
	    {"192.0.2.1:8883", "mqtt.example"},
	    {"[2001:db8::1]:443", "six.example"},
	    {"[::ffff:192.0.2.1]:80", "a.example"},
	    {"192.0.2.2:443", ""},
	    {"[2001:db8::1]:444", ""},
	};
	struct problems problems = {0};
	struct config *config = load("gateway: {cameras: eth1}\nrules: r.yaml\n"
				     "tls: {upstream: {names: [\"192.0.2.1:8883 mqtt.example\","
				     " \"192.0.2.1 a.example\","
				     " \"[2001:db8::1]:443 six.example\"]}}\n",
	    &problems);

	cr_assert_not_null(config);
	cr_expect_eq(config->tls.names_count, 3);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct addr dst;

		cr_assert_eq(addr_parse(&dst, rows[i].dst, 0, NULL), 0);
		cr_expect_str_eq(config_server_name(config, &dst), rows[i].name, "row %zu", i);
	}
	config_free(config);
	problems_free(&problems);
}

Test(config, everything_wrong_is_told_in_one_go)
{
	struct problems problems = {0};
	char all[4000];

	cr_expect_null(load("sit: x\ngateway: {cameras: eth1, mode: x}\nworkers: 0\n"
			    "rules: [bad.yaml, none.yaml, r.yaml]\ndevices: d.yaml\n",
	    &problems));
	cr_expect(has_error(&problems, 1, 1, "unknown key 'sit'"));
	cr_expect(has_error(&problems, 2, 32, "mode must be"));
	cr_expect(has_error(&problems, 3, 10, "workers must be"));
	cr_expect(has_error(&problems, 4, 19, "rules: /e/none.yaml"));
	cr_expect(has_error(&problems, 1, 1, "needs 'unknown'"));
	cr_expect(has_error(&problems, 1, 12, "unknown key 'nam'"));
	cr_expect_gt(problems.errors, 7, "%s", told(&problems, all, sizeof(all)));
	for (size_t i = 1; i < problems.count; i++) {
		const struct problem *a = &problems.list[i - 1], *b = a + 1;

		cr_expect(strcmp(a->file, b->file) < 0 ||
			  (strcmp(a->file, b->file) == 0 && a->line <= b->line));
	}
	problems_free(&problems);
}

Test(config, a_key_that_stands_twice_is_read_once)
{
	struct problems problems = {0};

	/* Under the sanitizers: what the first one made is not lost. */
	cr_expect_null(load(LEAST "rules: r.yaml\ndevices: e.yaml\ndevices: e.yaml\n", &problems));
	cr_expect_eq(problems.errors, 2);
	cr_expect(has_error(&problems, 3, 1, "'rules' is here twice (first on line 2)"));
	cr_expect(has_error(&problems, 5, 1, "'devices' is here twice (first on line 4)"));
	problems_free(&problems);
}

Test(config, a_missing_file_and_a_missing_database_are_told)
{
	struct problems problems = {0};
	struct source *source = source_from_memory();
	struct config *config;

	cr_expect_null(config_load("/none.yaml", source, &problems));
	cr_assert_eq(problems.count, 1);
	cr_expect_str_eq(problems.list[0].file, "/none.yaml");
	cr_expect_eq(problems.list[0].line, 0);
	problems_free(&problems);
	source_free(source);
	/* Usable, but worth a word. */
	config = load(LEAST, &problems);
	cr_assert_not_null(config);
	cr_assert_eq(problems.count, 1);
	cr_expect(problems.list[0].warning);
	cr_expect_not_null(strstr(problems.list[0].text, "geo.country is not set"));
	config_free(config);
	problems_free(&problems);
}

Test(config, a_sealed_configuration_loads_as_it_was_checked)
{
	struct problems problems = {0};
	struct source *disk = source_from_disk(), *sealed;
	struct config *first, *second;
	char dir[256], path[512];
	struct err err;
	int fd;

	scratch_dir(dir, sizeof(dir));
	scratch_file(dir, "b.yaml", LEAST "geo: {country: c.mmdb}\n",
	    strlen(LEAST "geo: {country: c.mmdb}\n"));
	scratch_file(dir, "r.yaml", rule_file, strlen(rule_file));
	scratch_file(dir, "c.mmdb", "x", 1);
	(void)snprintf(path, sizeof(path), "%s/b.yaml", dir);
	first = config_load(path, disk, &problems);
	cr_assert_not_null(first);
	fd = source_seal(disk, &err);
	cr_assert_geq(fd, 0);
	scratch_remove(dir);
	sealed = source_from_sealed(fd, &err);
	cr_assert_not_null(sealed);
	second = config_load(first->path, sealed, &problems);
	cr_assert_not_null(second);
	cr_expect_eq(problems.count, 0);
	cr_expect_eq(memcmp(first, second, offsetof(struct config, rules)), 0);
	config_free(first);
	config_free(second);
	source_free(disk);
	source_free(sealed);
	(void)close(fd);
}

Test(config, a_relative_path_becomes_absolute)
{
	struct problems problems = {0};
	struct source *source = source_from_disk();
	struct config *config;
	char dir[256];

	scratch_dir(dir, sizeof(dir));
	scratch_file(dir, "b.yaml", LEAST, strlen(LEAST));
	scratch_file(dir, "r.yaml", rule_file, strlen(rule_file));
	cr_assert_eq(chdir(dir), 0);
	config = config_load("b.yaml", source, &problems);
	cr_assert_not_null(config);
	cr_expect_eq(config->path[0], '/');
	config_free(config);
	source_free(source);
	problems_free(&problems);
	cr_assert_eq(chdir("/"), 0);
	scratch_remove(dir);
}

Test(config, every_prefix_of_a_file_loads_or_is_refused)
{
	static const char text[] = LEAST "tls: {upstream: {min: \"1.3\"}}\n"
					 "gateway: {}\ntimeout:\n  hello: 10s\n";

	for (size_t cut = 0; cut < sizeof(text); cut++) {
		struct problems problems = {0};
		char *front = strndup(text, cut);
		struct config *config = load(front, &problems);

		cr_expect((config == NULL) == (problems.errors > 0));
		config_free(config);
		problems_free(&problems);
		free(front);
	}
}
