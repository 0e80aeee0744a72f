/* SPDX-License-Identifier: MIT */
#include "base/text.h"
#include "proxy/commands.h"
#include "proxy/roles.h"

#include <stdio.h>
#include <string.h>

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help; /* NULL: not for people */
};

static int command_help(int argc, char **argv);
static int command_version(int argc, char **argv);

static const struct command commands[] = {
    {"run", command_run, "the appliance, in the foreground"},
    {"check", command_check, "whether a configuration is good, and what is wrong with it"},
    {"explain", command_explain, "what would happen to a connection, and why"},
    {"backtest", command_backtest, "what other rules would have decided on recorded connections"},
    {"rules", command_rules, "list, show, compare and format rule sets; the keys of a rule"},
    {"devices", command_devices, "list, show, name and forget cameras"},
    {"flows", command_flows, "list and follow recorded connections"},
    {"ledger", command_ledger, "prove that the record is whole"},
    {"geo", command_geo, "where an address is; what the databases are"},
    {"ca", command_ca, "show or export the CA that cameras must trust"},
    {"reload", command_reload, "have it read its configuration anew"},
    {"status", command_status, "what the running appliance does"},
    {"health", command_health, "whether it is well: exit 0 or 1"},
    {"gateway", command_gateway, "show its rules' counters; set or remove the rules"},
    {"version", command_version, "the version"},
    {"help", command_help, "this list"},
    {ROLE_COMMAND, role_main, NULL},
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void
write_help(FILE *to)
{
	(void)fputs("borderlens " BORDERLENS_VERSION ": judges and records what IP cameras send\n\n"
		    "usage: borderlens COMMAND [OPTION]...\n\n",
	    to);
	for (size_t i = 0; i < COMMANDS; i++) {
		if (commands[i].help != NULL)
			(void)fprintf(to, "  %-8s  %s\n", commands[i].name, commands[i].help);
	}
	(void)fputs("\nborderlens COMMAND --help says more.  Most take -c FILE "
		    "(" COMMAND_CONFIG_DEFAULT ").\n",
	    to);
}

static int
command_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	write_help(stdout);
	return EXIT_DONE;
}

static int
command_version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	(void)puts("borderlens " BORDERLENS_VERSION);
	return EXIT_DONE;
}

static const struct command *
find_command(const char *name)
{
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		name = "help";
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
		name = "version";
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

static int
unknown_command(const char *name)
{
	const char *candidates[COMMANDS];
	const char *near;
	char shown[128];
	struct text text = text_in(shown, sizeof(shown));
	size_t count = 0;

	for (size_t i = 0; i < COMMANDS; i++) {
		if (commands[i].help != NULL)
			candidates[count++] = commands[i].name;
	}
	near = text_nearest(name, candidates, count);
	text_add_untrusted(&text, name, strlen(name));
	(void)fprintf(stderr, "borderlens: there is no command \"%s\"", shown);
	if (near != NULL)
		(void)fprintf(stderr, "; did you mean \"%s\"?", near);
	(void)fputs("\nborderlens --help lists the commands.\n", stderr);
	return EXIT_USAGE;
}

int
main(int argc, char **argv)
{
	const struct command *command;
	int code;

	if (argc < 2) {
		write_help(stderr);
		return EXIT_USAGE;
	}
	command = find_command(argv[1]);
	if (command == NULL)
		return unknown_command(argv[1]);
	code = command->run(argc - 1, argv + 1);
	/* Data that did not reach its reader is no success. */
	if (fflush(stdout) != 0 && code == EXIT_DONE) {
		perror("borderlens: stdout");
		code = EXIT_FAILED;
	}
	return code;
}
