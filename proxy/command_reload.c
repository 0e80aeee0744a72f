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

/* A checker has two minutes, the workers have two; more is told as no answer. */
enum { PATIENCE_S = 300 };

struct wish {
	const char *config;
	bool json;
};

static const struct argument rows[] = {
    {"json", 0, NULL, ARGUMENT_FLAG, offsetof(struct wish, json), "one JSON document", 0},
    ARGUMENT_CONFIG(wish, config),
};

static const struct arguments arguments = {
    .command = "reload",
    .head = "usage: borderlens reload [-c FILE] [--json]\n\n"
	    "Has the running appliance read its configuration anew, with all that it names,\n"
	    "and waits for what comes of it.  Where anything is wrong nothing changes, and\n"
	    "all that is wrong is told as by `borderlens check`.  Connections that are open\n"
	    "stay, but for those that the new rules block.  SIGHUP does the same.\n",
    .rows = rows,
    .row_count = sizeof(rows) / sizeof(rows[0]),
    .tail = "Exit: 0 the new configuration holds, 1 it could not be taken over or no\n"
	    "appliance answers, 2 wrong usage, 78 it has errors.  But for 0 the old one holds.\n",
};

/* The first line says what came of it, the others are its problems. */
static int
tell(const char *answer)
{
	size_t first = strcspn(answer, "\n");
	const char *problems = answer + first + (answer[first] == '\n');

	(void)fputs(problems, stderr);
	if (strncmp(answer, "reloaded:", strlen("reloaded:")) == 0) {
		(void)printf("%.*s\n", (int)first, answer);
		return EXIT_DONE;
	}
	(void)fprintf(stderr, "borderlens: %.*s\n", (int)first, answer);
	return strncmp(answer, "refused:", strlen("refused:")) == 0 ? EXIT_CONFIG : EXIT_FAILED;
}

static int
tell_json(const char *answer)
{
	(void)fputs(answer, stdout);
	if (strstr(answer, "\"result\":\"reloaded\"") != NULL)
		return EXIT_DONE;
	return strstr(answer, "\"result\":\"refused\"") != NULL ? EXIT_CONFIG : EXIT_FAILED;
}

int
command_reload(int argc, char **argv)
{
	static char answer[CONTROL_ANSWER_MAX];
	struct text text = text_in(answer, sizeof(answer));
	struct wish wish = {.config = COMMAND_CONFIG_DEFAULT};
	char path[CONFIG_PATH_MAX];
	struct err err = {0};
	int code = arguments_read(&arguments, argc, argv, &wish, NULL);

	if (code < 0)
		code = reading_control(wish.config, path, sizeof(path));
	if (code >= 0)
		return code;
	if (control_wait(path, wish.json ? "reload-json" : "reload", PATIENCE_S, &text, &err) !=
	    0) {
		(void)fprintf(stderr, "borderlens: %s\n", err.text);
		return EXIT_FAILED;
	}
	if (text.used == 0) {
		(void)fputs("borderlens: the appliance ended before it answered\n", stderr);
		return EXIT_FAILED;
	}
	return wish.json ? tell_json(answer) : tell(answer);
}
