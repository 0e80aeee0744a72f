/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_OPTIONS_H
#define CONFIG_OPTIONS_H

#include "config/config.h"
#include "config/reader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * THE table of borderlens.yaml: one row a key.  The reader, the defaults,
 * docs/config.md, the sample and the tests all read it; to add an option is a
 * row, a field in struct config, and its use.
 */
enum option_type {
	OPTION_LINE = 0,   /* one line of text */
	OPTION_PATH,       /* a file or directory that the appliance makes */
	OPTION_FILE,       /* a file that must be there */
	OPTION_FILES,      /* one or several of these */
	OPTION_TABLE,      /* a file, which is read */
	OPTION_TABLES,     /* one or several of these */
	OPTION_INTERFACES, /* one or several network interfaces */
	OPTION_NAMES,      /* one or several of "ADDRESS[:PORT] NAME" */
	OPTION_PREFIXES,   /* one or several address blocks */
	OPTION_WORD,       /* one of words */
	OPTION_BOOL,
	OPTION_PORT,
	OPTION_NUMBER,
	OPTION_COUNT_AUTO, /* a number, or auto, which is 0 */
	OPTION_MS,         /* a duration, kept in milliseconds */
	OPTION_S,          /* a duration or forever, which is 0; kept in seconds */
	OPTION_TLS,        /* "1.0" to "1.3", kept as on the wire */
	OPTION_CA,         /* auto; or a mapping, whose keys have rows of their own */
	OPTION_STORE,      /* system, which is "", or a file */
	OPTION_LISTEN,     /* IP:PORT */
	OPTION_SERVER,     /* IP or IP:PORT; min is the port where none is written */
	OPTION_RULES,      /* rule set files, which are read */
	OPTION_DEVICES,    /* devices.yaml, which is read */
	OPTION_OVERRIDES,  /* overrides.yaml, which is read */
	OPTION_TYPES       /* keep last */
};

struct option {
	const char *path; /* "tls.upstream.ca" */
	enum option_type type;
	size_t at;            /* offset of the field in struct config */
	size_t count_at;      /* of a list's count */
	uint64_t min, max;    /* of a number; a line: bytes; a list: elements; a word: see words */
	const char *fallback; /* the default, as a user writes it; NULL: none */
	const char *const *words; /* max of them; those from min on are not available yet */
	const char *help;         /* one sentence or two, for docs/config.md and the sample */
	const char *example;      /* for the sample, where the default would say nothing */
};

const struct option *options_table(size_t *count);

/* Whether the appliance takes it at a start only: a reload that would change it
 * is refused. */
bool option_at_start(const struct option *option);

/* The bytes that make its value in config; *size 0 also for what is read from
 * files. */
const void *option_bytes(const struct option *option, const struct config *config, size_t *size);

/* Whether the two have another value of it; not of what is read from files. */
bool option_differs(const struct option *option, const struct config *one,
    const struct config *other);

/* What reading needs beside the file itself. */
struct options_reader {
	struct reader reader;
	struct source *source;
	struct config *config;
	const struct config *running; /* what a reload would replace; NULL: nothing runs */
	char dir[CONFIG_PATH_MAX];    /* what relative paths are relative to; ends in '/' */
};

/* Fill config from root, the defaults where it says nothing. */
void options_read(struct options_reader *options, const struct yaml_node *root);

/* A range's end, as it is written: "100ms", "1d", "8443". */
enum { OPTION_VALUE_MAX = 32 };
const char *option_value_text(const struct option *option, uint64_t value,
    char out[OPTION_VALUE_MAX]);

#endif
