/* SPDX-License-Identifier: MIT */
#include "config/options.h"

#include "config/sample.h"
#include "tests/config/memory.h"

#include <stdlib.h>

enum { FILE_MAX = 64 * 1024, PATH_SIZE = 64 };

static const char rule_file[] =
    "ruleset: r\nversion: 1\ntitle: t\nunknown: block\ndefault: block\n";
static const char head[] = "gateway: {cameras: eth1}\nrules: r.yaml\ngeo: {country: c.mmdb}\n";

static struct source *
new_source(const char *text)
{
	struct source *source = source_from_memory();

	cr_assert_not_null(source);
	put(source, "/e/borderlens.yaml", text);
	put(source, "/e/r.yaml", rule_file);
	put(source, "/e/c.mmdb", "");
	return source;
}

static struct config *
load(const char *text, struct problems *problems)
{
	struct source *source = new_source(text);
	struct config *config = config_load("/e/borderlens.yaml", source, problems);

	source_free(source);
	return config;
}

static const struct option *
find(const char *path)
{
	size_t count;
	const struct option *table = options_table(&count);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(table[i].path, path) == 0)
			return &table[i];
	}
	cr_assert_fail("no option %s", path);
	return NULL;
}

/* "a.b.c" with a value, as a file that holds the least beside it. */
static void
write_one(char *out, size_t size, const char *path, const char *value)
{
	char copy[PATH_SIZE];
	char close[8] = "";
	char *part, *rest = copy;

	(void)snprintf(copy, sizeof(copy), "%s", path);
	(void)snprintf(out, size, "%s", head);
	if (strncmp(path, "gateway.", 8) == 0)
		(void)snprintf(out, size, "rules: r.yaml\ngeo: {country: c.mmdb}\n");
	while ((part = strsep(&rest, ".")) != NULL) {
		size_t used = strlen(out);

		(void)snprintf(out + used, size - used, "%s: %s", part, rest != NULL ? "{" : "");
		if (rest != NULL)
			strcat(close, "}");
		if (rest != NULL && strcmp(part, "gateway") == 0)
			strcat(out, "cameras: eth1, ");
	}
	(void)snprintf(out + strlen(out), size - strlen(out), "%s%s\n", value, close);
}

Test(options, a_short_file_gets_every_default)
{
	struct problems problems = {0};
	struct config *config = load(head, &problems);

	cr_assert_not_null(config);
	cr_expect_eq(problems.count, 0);
	cr_expect_str_eq(config->path, "/e/borderlens.yaml");
	cr_expect_str_eq(config->site, "site");
	cr_expect_str_eq(config->state_dir, "/var/lib/borderlens");
	cr_expect_str_eq(config->run_dir, "/run/borderlens");
	cr_expect_eq(config->gateway.cameras_count, 1);
	cr_expect_str_eq(config->gateway.cameras[0], "eth1");
	cr_expect_eq(config->gateway.mode, GATEWAY_TPROXY);
	cr_expect(config->gateway.manage);
	cr_expect_eq(config->gateway.listen_port, 8443);
	cr_expect_eq(config->gateway.source, SOURCE_APPLIANCE);
	cr_expect_eq(config->gateway.allow_private_count, 0);
	cr_expect_eq(config->workers, 0);
	cr_expect(config->tls.ca_auto);
	cr_expect_str_empty(config->tls.upstream_ca);
	cr_expect_eq(config->tls.upstream_min, 0x0303);
	cr_expect_eq(config->tls.upstream_bad, BAD_BLOCK);
	cr_expect_eq(config->tls.camera_min, 0x0301);
	cr_expect_eq(config->tls.rejected, REJECTED_PASSTHROUGH);
	cr_expect_eq(config->geo.country_count, 1);
	cr_expect_str_eq(config->geo.country[0], "/e/c.mmdb");
	cr_expect_str_empty(config->geo.asn);
	cr_expect_str_empty(config->record.eve);
	cr_expect_eq(config->record.keep_flows_s, 90UL * 86400);
	cr_expect_eq(config->timeout.hello_ms, 10000);
	cr_expect_eq(config->timeout.connect_ms, 10000);
	cr_expect_eq(config->timeout.handshake_ms, 15000);
	cr_expect_eq(config->timeout.idle_ms, 600000);
	cr_expect_eq(config->timeout.half_close_ms, 60000);
	cr_expect_eq(config->limit.connections, 10000);
	cr_expect_eq(config->limit.per_camera, 8000);
	cr_expect_eq(config->timeout.udp_idle_ms, 30000);
	cr_expect_eq(config->timeout.udp_two_way_ms, 180000);
	cr_expect_eq(config->limit.udp_flows, 100000);
	cr_expect_eq(config->limit.udp_per_camera, 1024);
	cr_expect_eq(config->limit.udp_hellos, 500);
	cr_expect_eq(config->quic, QUIC_REFUSE);
	cr_expect_str_eq(config->console_listen, "127.0.0.1:8480");
	cr_expect_not_null(config->rules);
	cr_expect_null(config->devices);
	config_free(config);
}

Test(options, every_default_reads_back_as_itself)
{
	size_t count;
	const struct option *table = options_table(&count);
	struct problems problems = {0};
	struct config *plain = load(head, &problems);

	cr_assert_not_null(plain);
	for (size_t i = 0; i < count; i++) {
		char text[1024], all[2000], value[128];
		struct config *config;

		if (table[i].fallback == NULL)
			continue;
		(void)snprintf(value, sizeof(value),
		    table[i].type == OPTION_LISTEN ? "\"%s\"" : "%s", table[i].fallback);
		write_one(text, sizeof(text), table[i].path, value);
		config = load(text, &problems);
		cr_assert_not_null(config, "%s\n%s", text, told(&problems, all, sizeof(all)));
		/* The pointers are each load's own; all else is the same. */
		cr_expect_eq(memcmp(config, plain, offsetof(struct config, rules)), 0, "%s",
		    table[i].path);
		config_free(config);
	}
	config_free(plain);
}

static bool
has_range(const struct option *option)
{
	return option->type == OPTION_PORT || option->type == OPTION_NUMBER ||
	       option->type == OPTION_COUNT_AUTO || option->type == OPTION_MS ||
	       option->type == OPTION_S || option->type == OPTION_TLS;
}

static bool
loads(const char *path, const char *value)
{
	struct problems problems = {0};
	char text[1024];
	struct config *config;

	write_one(text, sizeof(text), path, value);
	config = load(text, &problems);
	config_free(config);
	problems_free(&problems);
	return config != NULL;
}

Test(options, both_ends_of_every_range_are_in_and_what_is_beyond_is_out)
{
	size_t count;
	const struct option *table = options_table(&count);

	for (size_t i = 0; i < count; i++) {
		const struct option *option = &table[i];
		char value[OPTION_VALUE_MAX], beyond[OPTION_VALUE_MAX];

		if (!has_range(option))
			continue;
		cr_expect(loads(option->path, option_value_text(option, option->min, value)),
		    "%s: %s", option->path, value);
		cr_expect(loads(option->path, option_value_text(option, option->max, value)),
		    "%s: %s", option->path, value);
		if (option->type == OPTION_TLS)
			continue;
		option_value_text(option, option->max + 1, beyond);
		cr_expect_not(loads(option->path, beyond), "%s: %s", option->path, beyond);
		option_value_text(option, option->min - 1, beyond);
		cr_expect_not(loads(option->path, beyond), "%s: %s", option->path, beyond);
	}
}

Test(options, durations_are_read_in_their_units)
{
	static const struct {
		const char *value;
		uint32_t ms;
	} rows[] = {{"500ms", 500}, {"2s", 2000}, {"1m", 60000}, {"60000ms", 60000}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct problems problems = {0};
		char text[1024];
		struct config *config;

		write_one(text, sizeof(text), "timeout.hello", rows[i].value);
		config = load(text, &problems);
		cr_assert_not_null(config);
		cr_expect_eq(config->timeout.hello_ms, rows[i].ms);
		config_free(config);
	}
	cr_expect_not(loads("timeout.hello", "10"));
	cr_expect_not(loads("timeout.hello", "-1s"));
	cr_expect_not(loads("timeout.hello", "1.5s"));
	cr_expect_not(loads("timeout.hello", "1s1s"));
	cr_expect_not(loads("timeout.hello", "99999999999999999999s"));
	cr_expect(loads("record.keep.flows", "forever"));
	cr_expect(loads("record.keep.flows", "1y"));
	cr_expect(loads("record.keep.flows", "2w"));
	cr_expect_not(loads("record.keep.flows", "3600500ms"));
}

Test(options, everything_of_the_contract_is_taken)
{
	static const char text[] =
	    "site: north-gate\nstate_dir: state\nrun_dir: /run/b\n"
	    "gateway: {cameras: [eth1, eth2.10], mode: redirect, manage: true, listen: 9443,\n"
	    "          source: appliance, allow_private: [10.0.0.0/8, \"fd00::/8\"]}\n"
	    "workers: 3\n"
	    "tls:\n"
	    "  ca: {cert: c.mmdb, key: /e/c.mmdb}\n"
	    "  upstream: {ca: c.mmdb, min: \"1.3\", bad: block}\n"
	    "  camera: {min: \"1.1\"}\n"
	    "  rejected: block\n"
	    "geo: {country: [c.mmdb, ./c.mmdb], asn: c.mmdb, operators: o.csv, vendors: o.csv}\n"
	    "rules: [r.yaml]\n"
	    "devices: d.yaml\n"
	    "record: {eve: eve.json, keep: {flows: 30d}}\n"
	    "console: {listen: \"[::1]:8480\"}\n";
	struct problems problems = {0};
	struct source *source = new_source(text);
	struct config *config;
	char all[2000];

	put(source, "/e/./c.mmdb", "");
	put(source, "/e/o.csv", "");
	put(source, "/e/d.yaml", "devices: []");
	config = config_load("/e/borderlens.yaml", source, &problems);
	source_free(source);
	cr_assert_not_null(config, "%s", told(&problems, all, sizeof(all)));
	cr_expect_str_eq(config->state_dir, "/e/state");
	cr_expect_eq(config->gateway.cameras_count, 2);
	cr_expect_str_eq(config->gateway.cameras[1], "eth2.10");
	cr_expect_eq(config->gateway.mode, GATEWAY_REDIRECT);
	cr_expect_eq(config->gateway.listen_port, 9443);
	cr_expect_eq(config->gateway.allow_private_count, 2);
	cr_expect_eq(config->gateway.allow_private[0].bits, 104);
	cr_expect_eq(config->gateway.allow_private[1].bits, 8);
	cr_expect_eq(config->workers, 3);
	cr_expect_not(config->tls.ca_auto);
	cr_expect_str_eq(config->tls.ca_cert, "/e/c.mmdb");
	cr_expect_str_eq(config->tls.ca_key, "/e/c.mmdb");
	cr_expect_str_eq(config->tls.upstream_ca, "/e/c.mmdb");
	cr_expect_eq(config->tls.upstream_min, 0x0304);
	cr_expect_eq(config->tls.camera_min, 0x0302);
	cr_expect_eq(config->tls.rejected, REJECTED_BLOCK);
	cr_expect_eq(config->geo.country_count, 2);
	cr_expect_str_eq(config->geo.operators, "/e/o.csv");
	cr_expect_str_eq(config->record.eve, "/e/eve.json");
	cr_expect_eq(config->record.keep_flows_s, 30UL * 86400);
	cr_expect_str_eq(config->console_listen, "[::1]:8480");
	cr_expect_not_null(config->devices);
	config_free(config);
}

/* ---- the texts that are generated from the table ---- */

static char *
read_project_file(const char *name)
{
	char path[512];
	char *text = calloc(1, FILE_MAX);
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", PROJECT_DIR, name);
	file = fopen(path, "r");
	cr_assert_not_null(text);
	if (file == NULL)
		return text;
	cr_assert_lt(fread(text, 1, FILE_MAX - 1, file), FILE_MAX - 1);
	(void)fclose(file);
	return text;
}

/* With WRITE_GENERATED set the file is written anew instead. */
static void
expect_generated(const char *name, const char *text)
{
	char *there;
	char path[512];
	FILE *file;

	if (getenv("WRITE_GENERATED") != NULL) {
		(void)snprintf(path, sizeof(path), "%s/%s", PROJECT_DIR, name);
		file = fopen(path, "w");
		cr_assert_not_null(file);
		cr_assert_geq(fputs(text, file), 0);
		cr_assert_eq(fclose(file), 0);
	}
	there = read_project_file(name);
	cr_expect_str_eq(there, text,
	    "%s differs from the option table: run this test with WRITE_GENERATED=1", name);
	free(there);
}

static const char *
allowed(const struct option *option, char *out, size_t size)
{
	static const char *const names[OPTION_TYPES] = {
	    [OPTION_LINE] = "text",
	    [OPTION_PATH] = "path",
	    [OPTION_FILE] = "file",
	    [OPTION_FILES] = "file, or a list",
	    [OPTION_TABLE] = "file",
	    [OPTION_TABLES] = "file, or a list",
	    [OPTION_INTERFACES] = "interface, or a list",
	    [OPTION_NAMES] = "address and name, or a list",
	    [OPTION_PREFIXES] = "address block, or a list",
	    [OPTION_BOOL] = "`true`, `false`",
	    [OPTION_CA] = "`auto`, `{cert: FILE, key: FILE}`",
	    [OPTION_STORE] = "`system`, file",
	    [OPTION_LISTEN] = "`IP:PORT`",
	    [OPTION_SERVER] = "`IP` or `IP:PORT`",
	    [OPTION_RULES] = "file, or a list",
	    [OPTION_DEVICES] = "file",
	    [OPTION_OVERRIDES] = "file",
	};
	char min[OPTION_VALUE_MAX], max[OPTION_VALUE_MAX];
	size_t used = 0;

	out[0] = '\0';
	if (option->type == OPTION_WORD) {
		for (uint64_t i = 0; i < option->min && used < size; i++)
			used += (size_t)snprintf(out + used, size - used, "%s`%s`",
			    i > 0 ? ", " : "", option->words[i]);
	} else if (has_range(option)) {
		(void)snprintf(out, size, "%s%s to %s%s",
		    option->type == OPTION_COUNT_AUTO ? "`auto`, " : "",
		    option_value_text(option, option->min, min),
		    option_value_text(option, option->max, max),
		    option->type == OPTION_S ? ", `forever`" : "");
	} else {
		(void)snprintf(out, size, "%s", names[option->type]);
	}
	return out;
}

static void
write_reference(FILE *to)
{
	size_t count;
	const struct option *table = options_table(&count);

	(void)fputs(
	    "# borderlens.yaml\n\n"
	    "Generated from the option table (`config/options.c`) by its test; do not edit.\n\n"
	    "One YAML document. Keys with dots below are nested mappings: `tls.upstream.min` is\n"
	    "`tls: {upstream: {min: \"1.2\"}}`. Relative paths are relative to the file. A key that\n"
	    "is unknown or stands twice, a wrong type, a value out of range and a file that is not\n"
	    "there, is no regular file or may be written by everybody are errors; `borderlens check`\n"
	    "tells all of them as `file:line:column: error: text` and exits with 78. Anchors, aliases,\n"
	    "tags and merge keys are not taken. Durations are a number and one of `ms s m h d w y`.\n"
	    "`borderlens check --sample` prints a file with every key.\n\n"
	    "`borderlens reload`, or SIGHUP, takes over what changed while the appliance runs. A key\n"
	    "that is taken *at start* cannot be changed so: a reload that would is refused as a whole.\n\n"
	    "| key | value | default | taken | meaning |\n| --- | --- | --- | --- | --- |\n",
	    to);
	for (size_t i = 0; i < count; i++) {
		char values[256];

		(void)fprintf(to, "| `%s` | %s | %s%s%s | %s | %s |\n", table[i].path,
		    allowed(&table[i], values, sizeof(values)),
		    table[i].fallback != NULL ? "`" : "",
		    table[i].fallback != NULL ? table[i].fallback : "none",
		    table[i].fallback != NULL ? "`" : "",
		    option_at_start(&table[i]) ? "at start" : "live", table[i].help);
	}
	(void)fputs(
	    "\n## devices.yaml\n\n"
	    "The cameras that have a name. A list, or a mapping by name:\n\n"
	    "```yaml\n"
	    "devices:\n"
	    "  - {name: lobby-3, group: cameras-eu, ip: [10.0.0.4, \"2001:db8::4\"]}\n"
	    "  - {name: gate, ip: 10.0.0.5, mac: \"44:19:b6:12:34:56\"}\n"
	    "```\n\n"
	    "`name` and `group` hold letters, digits, `.`, `_` and `-`. `ip` is an address or a list\n"
	    "of up to 16. A camera is known by the first of these that fits: its `mac` here; its `ip` here,\n"
	    "unless the `mac` or `oui` beside it is another (then it is somebody else at that address); the\n"
	    "name that `borderlens devices rename` gave it; an `oui` alone, which names all cameras of one\n"
	    "maker. One that has no name is recorded under its MAC, or under its address where the kernel\n"
	    "knows no MAC (behind a router). A name or an address that stands twice is an error.\n\n"
	    "`client_cert: {cert: FILE, key: FILE}` is a certificate (PEM, its issuers behind it) that is\n"
	    "shown in the camera's stead to a server that asks for one and is good itself; the key has\n"
	    "mode 600 and no passphrase. Without it such a connection passes through, where the rules\n"
	    "allow that.\n\n"
	    "`tls_min: \"1.0\"` to `\"1.3\"` is the lowest TLS version spoken with this camera, in the place of\n"
	    "`tls.camera.min`: below 1.2 also SHA-1 in its handshake. Servers are held to\n"
	    "`tls.upstream.min` whatever the camera speaks, and the record says `legacy`.\n"
	    "`upstream_tls_min` is the same for the servers that this camera speaks with, for a cloud that\n"
	    "has nothing better. No server is spoken with below the lowest version that the camera itself\n"
	    "offers. What a device does not say, its group may:\n\n"
	    "```yaml\n"
	    "groups:\n"
	    "  cameras-eu: {tls_min: \"1.2\"}\n"
	    "  old-yard: {tls_min: \"1.0\", upstream_tls_min: \"1.0\"}\n"
	    "```\n\n"
	    "Rule sets: [rules.md](rules.md).\n",
	    to);
}

static char *
written(void (*write)(FILE *to))
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	cr_assert_not_null(to);
	write(to);
	cr_assert_eq(fclose(to), 0);
	return text;
}

/* Each key that is taken at start, changed, is told where it stands; the others
 * are not told. */
Test(options, a_reload_cannot_change_what_is_taken_at_start)
{
	static const struct {
		const char *text;
		const char *key; /* NULL: goes through */
		unsigned line;
	} rows[] = {
	    {"", NULL, 0},
	    {"timeout: {idle: 5m}\nlimit: {connections: 7}\n", NULL, 0},
	    {"tls: {rejected: block,\n upstream: {min: \"1.3\"}}\n", NULL, 0},
	    {"\nsite: other\n", "site", 5},
	    {"state_dir: /x\n", "state_dir", 4},
	    {"run_dir: /x\n", "run_dir", 4},
	    {"workers: 3\n", "workers", 4},
	    {"console: {listen: \"127.0.0.1:1\"}\n", "console.listen", 4},
	    {"record:\n  eve: /x\n", "record.eve", 5},
	    {"record:\n  keep: {flows: 1d}\n", "record.keep.flows", 5},
	};
	struct problems none = {0};
	struct config *running = load(head, &none);

	cr_assert_not_null(running);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct problems problems = {0};
		struct source *source;
		char text[500];

		(void)snprintf(text, sizeof(text), "%s%s", head, rows[i].text);
		source = new_source(text);
		config_free(config_read("/e/borderlens.yaml", source, running, &problems));
		cr_expect_eq(problems.errors, rows[i].key != NULL ? 1U : 0U, "%s", rows[i].text);
		if (rows[i].key != NULL && problems.errors == 1) {
			cr_expect_not_null(strstr(problems.list[0].text, rows[i].key));
			cr_expect_eq(problems.list[0].line, rows[i].line, "%s", rows[i].text);
		}
		source_free(source);
		problems_free(&problems);
	}
	config_free(running);
	problems_free(&none);
}

/* The sections that stand in the head of every case here. */
Test(options, a_reload_cannot_change_the_gateway)
{
	static const char *const texts[] = {
	    "gateway: {cameras: eth2}\nrules: r.yaml\n",
	    "gateway: {cameras: [eth1, eth2]}\nrules: r.yaml\n",
	    "gateway: {cameras: eth1, mode: redirect}\nrules: r.yaml\n",
	    "gateway: {cameras: eth1, listen: 99}\nrules: r.yaml\n",
	    "gateway: {cameras: eth1, allow_private: 10.0.0.0/8}\nrules: r.yaml\n",
	    "gateway: {cameras: eth1, manage: false}\nrules: r.yaml\n",
	};
	struct problems none = {0};
	struct config *running = load(head, &none);

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct problems problems = {0};
		struct source *source = new_source(texts[i]);

		config_free(config_read("/e/borderlens.yaml", source, running, &problems));
		cr_expect_eq(problems.errors, 1U, "%s", texts[i]);
		source_free(source);
		problems_free(&problems);
	}
	config_free(running);
	problems_free(&none);
}

Test(options, the_reference_is_the_tables)
{
	char *text = written(write_reference);

	expect_generated("docs/config.md", text);
	free(text);
}

Test(options, the_sample_is_the_tables_and_loads)
{
	struct problems problems = {0};
	char *text = written(sample_write);
	struct source *source = new_source(text);
	struct config *config;
	char all[2000];

	expect_generated("config/borderlens.yaml.sample", text);
	put(source, "/e/rulesets/eu-gdpr.yaml", rule_file);
	put(source, "/e/devices.yaml", "devices: []");
	put(source, find("geo.asn")->example, "");
	put(source, find("geo.operators")->example, "");
	put(source, find("geo.vendors")->example, "");
	put(source, find("geo.kinds")->example, "");
	put(source, "/e/overrides.yaml", "overrides: []");
	put(source, "/var/lib/borderlens/geo/country.mmdb", "");
	config = config_load("/e/borderlens.yaml", source, &problems);
	cr_assert_not_null(config, "%s", told(&problems, all, sizeof(all)));
	cr_expect_eq(problems.count, 0);
	config_free(config);
	source_free(source);
	free(text);
}
