/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/jsonw.h"
#include "base/text.h"
#include "config/config.h"
#include "config/devices.h"
#include "config/problems.h"
#include "config/rules.h"
#include "config/sample.h"
#include "geo/geo.h"
#include "proxy/answer.h"
#include "proxy/arguments.h"
#include "proxy/load.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct options {
	const char *path;
	bool json;
	bool sample;
};

static const struct argument option_rows[] = {
    {"json", 0, NULL, ARGUMENT_FLAG, offsetof(struct options, json), "one JSON document", 0},
    {"sample", 0, NULL, ARGUMENT_FLAG, offsetof(struct options, sample),
	"print a configuration with every key, and check nothing", 0},
    ARGUMENT_CONFIG(options, path),
};

static const struct arguments arguments = {
    .command = "check",
    .head = "usage: borderlens check [-c FILE] [--json] | --sample\n\n"
	    "Reads the configuration and all that it names: rule sets, devices, databases,\n"
	    "tables and CA files.  Everything that is wrong is told, as file:line:col.\n",
    .rows = option_rows,
    .row_count = sizeof(option_rows) / sizeof(option_rows[0]),
    .tail = "Exit: 0 good, 2 wrong usage, 78 errors.\n",
};

/* ---- telling ---- */

static void
write_text(const struct config *config, const struct geo *geo, const struct problems *problems)
{
	struct geo_status rows[GEO_STATUS_MAX];
	size_t count = geo_status(geo, rows, GEO_STATUS_MAX);

	(void)printf("ok: %s\n", config->path);
	for (size_t i = 0; i < rules_count(config->rules); i++) {
		struct ruleset_about about = rules_about(config->rules, i);

		(void)printf("  rule set   %s v%s (%s, %zu rules%s%s%s%s)\n", about.id,
		    about.version, about.mode, about.rules,
		    about.reviewed[0] != '\0' ? ", reviewed " : "", about.reviewed,
		    about.expires[0] != '\0' ? ", expires " : "", about.expires);
	}
	if (config->devices != NULL)
		(void)printf("  devices    %zu\n", devices_count(config->devices));
	for (size_t i = 0; i < count; i++) {
		char date[CLOCK_TEXT_MAX] = "";

		if (rows[i].build_s != 0)
			(void)clock_date(rows[i].build_s * 1000000, date);
		(void)printf("  %-10s %s (%s%s%" PRIu64 " %s)\n", rows[i].role, rows[i].name, date,
		    date[0] != '\0' ? ", " : "", rows[i].entries,
		    rows[i].build_s != 0 ? "networks" : "rows");
	}
	if (problems->count > 0)
		(void)printf("  warnings   %zu\n", problems->count);
}

static void
add_rulesets(struct jsonw *json, const struct rules *rules)
{
	jsonw_open_array(json, "rulesets");
	for (size_t i = 0; i < rules_count(rules); i++) {
		struct ruleset_about about = rules_about(rules, i);
		char sha256[65];

		text_hex(sha256, about.sha256, 32);
		jsonw_open(json, NULL);
		jsonw_string(json, "file", about.file);
		jsonw_string(json, "ruleset", about.id);
		jsonw_string(json, "version", about.version);
		jsonw_string(json, "title", about.title);
		jsonw_string(json, "mode", about.mode);
		jsonw_string(json, "reviewed", about.reviewed);
		jsonw_string(json, "expires", about.expires);
		jsonw_string(json, "sha256", sha256);
		jsonw_number(json, "rules", about.rules);
		jsonw_close(json);
	}
	jsonw_close_array(json);
}

static void
add_geo(struct jsonw *json, const struct geo *geo)
{
	struct geo_status rows[GEO_STATUS_MAX];
	size_t count = geo_status(geo, rows, GEO_STATUS_MAX);

	jsonw_open_array(json, "geo");
	for (size_t i = 0; i < count; i++) {
		jsonw_open(json, NULL);
		jsonw_string(json, "name", rows[i].name);
		jsonw_string(json, "role", rows[i].role);
		jsonw_string(json, "type", rows[i].type);
		jsonw_number(json, "build", rows[i].build_s);
		jsonw_number(json, "entries", rows[i].entries);
		jsonw_close(json);
	}
	jsonw_close_array(json);
}

static int
write_json(const char *path, const struct loaded *loaded, const struct geo *geo,
    const struct problems *problems, int code)
{
	const struct config *config = loaded->config;
	struct jsonw json = {0};

	jsonw_open(&json, NULL);
	jsonw_bool(&json, "ok", problems->errors == 0);
	jsonw_string(&json, "file", path);
	problems_json(problems, &json);
	if (config != NULL) {
		jsonw_string(&json, "site", config->site);
		add_rulesets(&json, config->rules);
		jsonw_number(&json, "devices", devices_count(config->devices));
	}
	if (geo != NULL)
		add_geo(&json, geo);
	jsonw_close(&json);
	return answer_print(&json, code);
}

static int
check(const struct options *options)
{
	struct problems problems = {0};
	struct loaded loaded;
	struct geo *geo = NULL;
	int code;

	(void)loaded_open(options->path, &loaded, &problems);
	if (loaded.config != NULL) {
		geo = loaded_geo(&loaded, &problems);
		loaded_check(&loaded, &problems);
	}
	problems_print(&problems);
	code = problems.errors == 0 && loaded.config != NULL ? EXIT_DONE : EXIT_CONFIG;
	if (options->json)
		code = write_json(options->path, &loaded, geo, &problems, code);
	else if (code == EXIT_DONE)
		write_text(loaded.config, geo, &problems);
	else
		(void)fprintf(stderr, "%zu %s\n", problems.errors,
		    problems.errors == 1 ? "error" : "errors");
	geo_close(geo);
	loaded_close(&loaded);
	problems_free(&problems);
	return code;
}

int
command_check(int argc, char **argv)
{
	struct options options = {.path = COMMAND_CONFIG_DEFAULT};
	int code = arguments_read(&arguments, argc, argv, &options, NULL);

	if (code >= 0)
		return code;
	if (options.sample) {
		sample_write(stdout);
		return EXIT_DONE;
	}
	return check(&options);
}
