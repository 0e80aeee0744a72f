/* SPDX-License-Identifier: MIT */
#ifndef PROXY_ARGUMENTS_H
#define PROXY_ARGUMENTS_H

#include "proxy/commands.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * What stands behind a command's name, by a table: its options with their
 * help, the words it wants, and what the help says about them.  All commands
 * read theirs here, so that they cannot differ.
 *
 *	struct wish {
 *		const char *config;
 *		bool json;
 *	};
 *
 *	static const struct argument rows[] = {
 *	    {"json", 0, NULL, ARGUMENT_FLAG, offsetof(struct wish, json), "one JSON document", 0},
 *	    ARGUMENT_CONFIG(wish, config),
 *	};
 *	static const struct arguments arguments = {
 *	    .command = "status",
 *	    .head = "usage: borderlens status [-c FILE] [--json]\n\nSays what ...\n",
 *	    .rows = rows,
 *	    .row_count = sizeof(rows) / sizeof(rows[0]),
 *	    .tail = "Exit: 0, 1 no appliance answers, 2 wrong usage.\n",
 *	};
 *	struct wish wish = {.config = COMMAND_CONFIG_DEFAULT};
 *	int code = arguments_read(&arguments, argc, argv, &wish, NULL);
 *
 *	if (code >= 0)
 *		return code;
 */
enum argument_type {
	ARGUMENT_FLAG = 0, /* a bool that becomes true */
	ARGUMENT_TEXT,     /* a const char *, the last that was given; borrowed from argv */
	ARGUMENT_LIST,     /* a struct argument_list, all that were given */
};

enum { ARGUMENT_LIST_MAX = 64, ARGUMENT_ROWS_MAX = 32 };

struct argument_list {
	size_t count;
	const char *at[ARGUMENT_LIST_MAX]; /* borrowed from argv */
};

/* One option: a row that reads from left to right, whatever it costs in bytes. */
/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding) */
struct argument {
	const char *name;  /* without its "--" */
	char letter;       /* its short form; 0: none */
	const char *value; /* what its value is called in the help; NULL: a flag */
	enum argument_type type;
	size_t at;        /* offsetof its place in the command's own struct */
	const char *help; /* lines after the first are indented by the writer of the help */
	unsigned verbs;   /* those it may stand with, a bit each by their order; 0: all */
};

/* Row of -c, --config; the place is filled with the default by the command. */
#define ARGUMENT_CONFIG(of, field)                                                                 \
	{                                                                                          \
		"config", 'c', "FILE", ARGUMENT_TEXT, offsetof(struct of, field),                  \
		    "the configuration (" COMMAND_CONFIG_DEFAULT ")", 0                            \
	}

/* The first word of a command that does several things. */
struct argument_verb {
	const char *name;
	int least, most;  /* words behind it */
	const char *what; /* these words, for who gave too few or many: "one address" */
};

/* The words that are no options; borrowed from argv. */
struct argument_words {
	size_t verb; /* which of `verbs` */
	int count;   /* of the words behind it */
	char **at;
};

struct arguments {
	const char *command;
	const char *head; /* of the help: the usage and what it does */
	const struct argument *rows;
	size_t row_count;
	const char *tail;                  /* exit codes and the rest; NULL: nothing */
	const struct argument_verb *verbs; /* NULL: no word is taken */
	size_t verb_count;
};

/*
 * Fill into (the command's own struct, which has the defaults) and, where it is
 * not NULL, words.  --help and -h are options of every command.
 *
 * Returns -1 to go on, else the exit code: EXIT_DONE when the help was asked
 * for and written, EXIT_USAGE when what stands there cannot be, which was told
 * on stderr with the nearest name that there is.
 */
int arguments_read(const struct arguments *arguments, int argc, char **argv, void *into,
    struct argument_words *words);

/* Tell what is wrong with a value, as arguments_read does; returns EXIT_USAGE. */
int arguments_refuse(const struct arguments *arguments, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
