/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "base/json.h"
#include "config/config.h"
#include "config/problems.h"
#include "config/source.h"
#include "proxy/commands.h"
#include "proxy/dirs.h"
#include "proxy/gateway.h"
#include "proxy/load.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: borderlens gateway show [--json]\n"
    "       borderlens gateway remove [-c FILE]\n\n"
    "show prints what the rules of the kernel counted since they were loaded.\n"
    "remove takes the rules and routes away, for uninstalling: from then on the host\n"
    "routes what cameras send as it routes anything.  Stop the appliance first.\n\n"
    "  -c, --config FILE  the configuration (" COMMAND_CONFIG_DEFAULT ")\n"
    "      --json         one JSON document\n"
    "  -h, --help         this text\n\n"
    "Exit: 0, 1 failed, 2 wrong usage.\n";

static void
print_json(const struct gateway_counter *counters, size_t count)
{
	struct json json = {0};

	json_open(&json, NULL);
	for (size_t i = 0; i < count; i++) {
		json_open(&json, counters[i].name);
		json_number(&json, "packets", counters[i].packets);
		json_number(&json, "bytes", counters[i].bytes);
		json_close(&json);
	}
	json_close(&json);
	(void)puts(json.failed ? "" : json.at);
	json_free(&json);
}

static int
show(bool as_json)
{
	struct gateway_counter counters[GATEWAY_COUNTERS_MAX];
	struct err err = {0};
	size_t count = 0;

	if (gateway_counters(counters, &count, &err) != 0) {
		(void)fprintf(stderr, "borderlens: the rules cannot be read: %s\n", err.text);
		return EXIT_FAILED;
	}
	if (as_json) {
		print_json(counters, count);
		return EXIT_DONE;
	}
	(void)printf("%12s %14s  what\n", "packets", "bytes");
	for (size_t i = 0; i < count; i++)
		(void)printf("%12" PRIu64 " %14" PRIu64 "  %s\n", counters[i].packets,
		    counters[i].bytes, gateway_counter_help(counters[i].name));
	return EXIT_DONE;
}

/* Whether the appliance of this configuration runs.  A configuration that
 * cannot be read any more must not keep anybody from uninstalling. */
static bool
is_running(const char *path)
{
	struct problems problems = {0};
	struct source *source = source_from_disk();
	struct config *config = source != NULL ? config_load(path, source, &problems) : NULL;
	struct err err = {0};

	if (config != NULL && access(config->run_dir, F_OK) == 0) {
		int lock = dirs_lock(config->run_dir, &err);

		if (lock >= 0)
			(void)close(lock);
	}
	config_free(config);
	source_free(source);
	problems_free(&problems);
	return err.kind == ERR_LIMIT;
}

static int
take_away(const char *path)
{
	struct err err = {0};
	bool was_there = false;

	if (is_running(path)) {
		(void)fputs("borderlens: the appliance runs; stop it first\n", stderr);
		return EXIT_FAILED;
	}
	if (gateway_remove(&was_there, &err) != 0) {
		(void)fprintf(stderr, "borderlens: the rules cannot be removed: %s\n", err.text);
		return EXIT_FAILED;
	}
	(void)fputs(was_there ? "removed\n" : "there were none\n", stderr);
	return EXIT_DONE;
}

int
command_gateway(int argc, char **argv)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
	    {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	const char *path = COMMAND_CONFIG_DEFAULT;
	bool as_json = false;
	int option;

	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		if (option == 'c') {
			path = optarg;
		} else if (option == 'j') {
			as_json = true;
		} else {
			(void)fputs(usage, option == 'h' ? stdout : stderr);
			return option == 'h' ? EXIT_DONE : EXIT_USAGE;
		}
	}
	if (optind + 1 == argc && strcmp(argv[optind], "show") == 0)
		return show(as_json);
	if (optind + 1 == argc && strcmp(argv[optind], "remove") == 0 && !as_json)
		return take_away(path);
	(void)fputs(usage, stderr);
	return EXIT_USAGE;
}
