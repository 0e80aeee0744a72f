/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "base/text.h"
#include "config/config.h"
#include "config/problems.h"
#include "config/source.h"
#include "proxy/arguments.h"
#include "proxy/control.h"
#include "proxy/load.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct wish {
	const char *config;
	bool json, quiet;
};

static const struct argument status_rows[] = {
    {"json", 0, NULL, ARGUMENT_FLAG, offsetof(struct wish, json), "one JSON document", 0},
    ARGUMENT_CONFIG(wish, config),
};

static const struct arguments status_arguments = {
    .command = "status",
    .head = "usage: borderlens status [-c FILE] [--json]\n\n"
	    "Says what the running appliance does: its roles, what they took, refused and\n"
	    "forwarded since it started.\n",
    .rows = status_rows,
    .row_count = sizeof(status_rows) / sizeof(status_rows[0]),
    .tail = "Exit: 0, 1 no appliance answers, 2 wrong usage, 78 configuration error.\n",
};

static const struct argument health_rows[] = {
    {"quiet", 'q', NULL, ARGUMENT_FLAG, offsetof(struct wish, quiet), "says nothing", 0},
    ARGUMENT_CONFIG(wish, config),
};

static const struct arguments health_arguments = {
    .command = "health",
    .head = "usage: borderlens health [-c FILE] [--quiet]\n\n"
	    "Whether the running appliance is well: every role serves, and what happens is\n"
	    "recorded.  Says what is wrong otherwise.\n",
    .rows = health_rows,
    .row_count = sizeof(health_rows) / sizeof(health_rows[0]),
    .tail = "Exit: 0 healthy, 1 not, or no appliance answers, 2 wrong usage, 78 configuration\n"
	    "error.\n",
};

/* -1: done, else the exit code. */
static int
ask(const struct wish *wish, const char *word, struct text *out)
{
	char path[CONFIG_PATH_MAX];
	struct problems problems = {0};
	struct source *source = source_from_disk();
	struct config *config =
	    source != NULL ? config_load(wish->config, source, &problems) : NULL;
	struct err err = {0};
	int code = -1;

	if (config == NULL) {
		problems_print(&problems);
		code = EXIT_CONFIG;
	} else if (control_path(config->run_dir, path, sizeof(path)) == NULL) {
		(void)fputs("borderlens: run_dir is too long\n", stderr);
		code = EXIT_CONFIG;
	} else if (control_ask(path, word, out, &err) != 0) {
		if (!wish->quiet)
			(void)fprintf(stderr, "borderlens: %s\n", err.text);
		code = EXIT_FAILED;
	}
	config_free(config);
	source_free(source);
	problems_free(&problems);
	return code;
}

int
command_status(int argc, char **argv)
{
	static char answer[CONTROL_ANSWER_MAX];
	struct text text = text_in(answer, sizeof(answer));
	struct wish wish = {.config = COMMAND_CONFIG_DEFAULT};
	int code = arguments_read(&status_arguments, argc, argv, &wish, NULL);

	if (code < 0)
		code = ask(&wish, wish.json ? "json" : "status", &text);
	if (code >= 0)
		return code;
	(void)fputs(answer, stdout);
	return EXIT_DONE;
}

int
command_health(int argc, char **argv)
{
	char answer[8192];
	struct text text = text_in(answer, sizeof(answer));
	struct wish wish = {.config = COMMAND_CONFIG_DEFAULT};
	int code = arguments_read(&health_arguments, argc, argv, &wish, NULL);

	if (code < 0)
		code = ask(&wish, "health", &text);
	if (code >= 0)
		return code;
	if (!wish.quiet)
		(void)fputs(answer, stdout);
	return strcmp(answer, "healthy\n") == 0 ? EXIT_DONE : EXIT_FAILED;
}
