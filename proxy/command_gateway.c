/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "base/jsonw.h"
#include "config/config.h"
#include "config/problems.h"
#include "config/source.h"
#include "proxy/answer.h"
#include "proxy/arguments.h"
#include "proxy/dirs.h"
#include "proxy/gateway.h"
#include "proxy/load.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

struct wish {
	const char *config;
	bool json;
};

enum { SHOW = 0, SET, REMOVE };

static const struct argument option_rows[] = {
    {"json", 0, NULL, ARGUMENT_FLAG, offsetof(struct wish, json), "one JSON document", 1 << SHOW},
    ARGUMENT_CONFIG(wish, config),
};

static const struct argument_verb verbs[] =
    {[SHOW] = {"show", 0, 0, NULL}, [SET] = {"set", 0, 0, NULL}, [REMOVE] = {"remove", 0, 0, NULL}};

static const struct arguments arguments = {
    .command = "gateway",
    .head = "usage: borderlens gateway show [--json]\n"
	    "       borderlens gateway set [-c FILE]\n"
	    "       borderlens gateway remove [-c FILE]\n\n"
	    "show prints what the rules of the kernel counted since they were loaded.\n"
	    "set loads the rules where there are none, for the time between the boot and the\n"
	    "appliance's start: all that cameras send is dropped, and counted.\n"
	    "remove takes the rules and routes away, for uninstalling: from then on the host\n"
	    "routes what cameras send as it routes anything.  Stop the appliance first.\n",
    .rows = option_rows,
    .row_count = sizeof(option_rows) / sizeof(option_rows[0]),
    .tail = "Exit: 0, 1 failed, 2 wrong usage, 78 configuration error (set).\n",
    .verbs = verbs,
    .verb_count = sizeof(verbs) / sizeof(verbs[0]),
};

static int
print_json(const struct gateway_counter *counters, size_t count)
{
	struct jsonw json = {0};

	jsonw_open(&json, NULL);
	for (size_t i = 0; i < count; i++) {
		jsonw_open(&json, counters[i].name);
		jsonw_number(&json, "packets", counters[i].packets);
		jsonw_number(&json, "bytes", counters[i].bytes);
		jsonw_close(&json);
	}
	jsonw_close(&json);
	return answer_print(&json, EXIT_DONE);
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
	if (as_json)
		return print_json(counters, count);
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
set_first(const char *path)
{
	struct problems problems = {0};
	struct source *source = source_from_disk();
	struct config *config = source != NULL ? config_load(path, source, &problems) : NULL;
	struct gateway_counter counters[GATEWAY_COUNTERS_MAX];
	struct gateway_plan plan;
	struct err err = {0};
	size_t count = 0;
	int code = EXIT_DONE;

	if (config == NULL) {
		(void)fputs("borderlens: the configuration is wrong; `borderlens check` says "
			    "where\n",
		    stderr);
		code = EXIT_CONFIG;
	} else if (!config->gateway.manage) {
		(void)fputs("the rules are somebody else's (gateway.manage)\n", stderr);
	} else if (gateway_counters(counters, &count, &err) == 0) {
		/* They may have counted what is not told yet. */
		(void)fputs("there are rules already\n", stderr);
	} else {
		gateway_plan_of(config, &plan);
		if (gateway_set(&plan, &err) != 0) {
			(void)fprintf(stderr, "borderlens: the rules cannot be loaded: %s\n",
			    err.text);
			code = EXIT_FAILED;
		}
	}
	config_free(config);
	source_free(source);
	problems_free(&problems);
	return code;
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
	struct wish wish = {.config = COMMAND_CONFIG_DEFAULT};
	struct argument_words words;
	int code = arguments_read(&arguments, argc, argv, &wish, &words);

	if (code >= 0)
		return code;
	if (words.verb == SET)
		return set_first(wish.config);
	return words.verb == SHOW ? show(wish.json) : take_away(wish.config);
}
