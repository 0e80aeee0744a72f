/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "config/config.h"
#include "config/problems.h"
#include "config/rules.h"
#include "geo/geo.h"
#include "proxy/arguments.h"
#include "proxy/load.h"
#include "proxy/supervisor.h"

#include <stdio.h>

enum { DATABASES_SHOWN = 16, US_PER_S = 1000000 };

struct wish {
	const char *config;
};

static const struct argument option_rows[] = {
    ARGUMENT_CONFIG(wish, config),
};

static const struct arguments arguments = {
    .command = "run",
    .head = "usage: borderlens run [-c FILE]\n\n"
	    "Runs the appliance in the foreground until SIGTERM or Ctrl-C, and then lets\n"
	    "open connections end for up to 10 seconds.  The rules of the kernel stay when\n"
	    "it ends, so that a stopped appliance passes nothing; `borderlens gateway\n"
	    "remove` takes them away.\n",
    .rows = option_rows,
    .row_count = sizeof(option_rows) / sizeof(option_rows[0]),
    .tail = "Exit: 0 ended in order, 1 failed, 2 wrong usage, 78 configuration error.\n",
};

static void
tell_geo(const struct geo *geo)
{
	struct geo_status status[DATABASES_SHOWN];
	size_t count = geo_status(geo, status, DATABASES_SHOWN);
	char date[CLOCK_TEXT_MAX];

	for (size_t i = 0; i < count; i++) {
		const char *credit = status[i].attribution;

		if (status[i].build_s != 0)
			log_info("geo %s: %s, built %s, %llu networks%s%s", status[i].role,
			    status[i].name, clock_date(status[i].build_s * US_PER_S, date),
			    (unsigned long long)status[i].entries, credit[0] != '\0' ? "; " : "",
			    credit);
		else
			log_info("geo %s: %s, %llu rows%s%s", status[i].role, status[i].name,
			    (unsigned long long)status[i].entries, credit[0] != '\0' ? "; " : "",
			    credit);
	}
}

static void
tell_rules(const struct rules *rules)
{
	char hex[2 * 32 + 1];

	for (size_t i = 0; i < rules_count(rules); i++) {
		struct ruleset_about about = rules_about(rules, i);

		text_hex(hex, about.sha256, 32);
		log_info("rules %s %s (%s, %zu rules, %s): SHA-256 %s", about.id, about.version,
		    about.jurisdiction[0] != '\0' ? about.jurisdiction : "no jurisdiction",
		    about.rules, about.mode, hex);
	}
	if (rules_count(rules) == 0)
		log_warn("no rule set: everything is blocked");
}

/* Everything is looked at, so that all errors are told at once. */
static int
load(const char *path, struct loaded *loaded)
{
	struct problems problems = {0};
	struct geo *geo = NULL;
	int ret = -1;

	(void)loaded_open(path, loaded, &problems);
	if (loaded->config != NULL) {
		loaded_check(loaded, &problems);
		geo = loaded_geo(loaded, &problems);
	}
	problems_sort(&problems);
	problems_print(&problems);
	if (problems.errors == 0 && geo != NULL) {
		log_info("Borderlens " BORDERLENS_VERSION ", site %s, configured by %s",
		    loaded->config->site, loaded->config->path);
		tell_geo(geo);
		tell_rules(loaded->config->rules);
		ret = 0;
	} else {
		(void)fprintf(stderr, "borderlens: %zu error%s; nothing was started\n",
		    problems.errors, problems.errors == 1 ? "" : "s");
	}
	geo_close(geo);
	problems_free(&problems);
	return ret;
}

int
command_run(int argc, char **argv)
{
	struct wish wish = {.config = COMMAND_CONFIG_DEFAULT};
	struct loaded loaded = {0};
	int code = arguments_read(&arguments, argc, argv, &wish, NULL);

	if (code >= 0)
		return code;
	code = EXIT_CONFIG;
	log_open("supervisor", LOG_LEVEL_INFO);
	if (load(wish.config, &loaded) == 0)
		code = supervisor_run(&loaded);
	loaded_close(&loaded);
	return code;
}
