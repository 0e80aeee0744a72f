/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "base/text.h"
#include "config/config.h"
#include "config/problems.h"
#include "config/source.h"
#include "proxy/commands.h"
#include "proxy/control.h"
#include "proxy/load.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char status_usage[] =
    "usage: borderlens status [-c FILE] [--json]\n\n"
    "Says what the running appliance does: its roles, what they took, refused and\n"
    "forwarded since it started.\n\n"
    "  -c, --config FILE  the configuration (" COMMAND_CONFIG_DEFAULT ")\n"
    "      --json         one JSON document\n"
    "  -h, --help         this text\n\n"
    "Exit: 0, 1 no appliance answers, 2 wrong usage, 78 configuration error.\n";

static const char health_usage[] =
    "usage: borderlens health [-c FILE] [--quiet]\n\n"
    "Whether the running appliance is well: every role serves, and what happens is\n"
    "recorded.  Says what is wrong otherwise.\n\n"
    "  -c, --config FILE  the configuration (" COMMAND_CONFIG_DEFAULT ")\n"
    "  -q, --quiet        says nothing\n"
    "  -h, --help         this text\n\n"
    "Exit: 0 healthy, 1 not, or no appliance answers, 2 wrong usage, 78 configuration\n"
    "error.\n";

struct wish {
	const char *config;
	bool json, quiet;
};

/* -1: go on; else the exit code. */
static int
read_options(int argc, char **argv, const char *usage, struct wish *wish)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
	    {"json", no_argument, NULL, 'j'}, {"quiet", no_argument, NULL, 'q'},
	    {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "c:qh", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			wish->config = optarg;
			break;
		case 'j':
			wish->json = true;
			break;
		case 'q':
			wish->quiet = true;
			break;
		case 'h':
			(void)fputs(usage, stdout);
			return EXIT_DONE;
		default:
			(void)fputs(usage, stderr);
			return EXIT_USAGE;
		}
	}
	if (optind == argc)
		return -1;
	(void)fputs(usage, stderr);
	return EXIT_USAGE;
}

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
	int code = read_options(argc, argv, status_usage, &wish);

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
	int code = read_options(argc, argv, health_usage, &wish);

	if (code < 0)
		code = ask(&wish, "health", &text);
	if (code >= 0)
		return code;
	if (!wish.quiet)
		(void)fputs(answer, stdout);
	return strcmp(answer, "healthy\n") == 0 ? EXIT_DONE : EXIT_FAILED;
}
