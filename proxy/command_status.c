/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "base/text.h"
#include "config/config.h"
#include "proxy/arguments.h"
#include "proxy/control.h"
#include "proxy/reading.h"

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
	struct err err = {0};
	int code = reading_control(wish->config, path, sizeof(path));

	if (code >= 0)
		return code;
	if (control_ask(path, word, out, &err) == 0)
		return -1;
	if (!wish->quiet)
		(void)fprintf(stderr, "borderlens: %s\n", err.text);
	return EXIT_FAILED;
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
