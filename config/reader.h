/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_READER_H
#define CONFIG_READER_H

#include "config/yaml.h"

#include <stdbool.h>
#include <stddef.h>

struct problems;

/*
 * What all files of the configuration have in common: a mapping with known
 * keys, and values that are words, lines and labels.  Every function that
 * finds a value wrong has told so, with its place, when it returns.
 */
struct reader {
	const char *file; /* borrowed; as it stands in a problem */
	struct problems *problems;
};

void reader_error(const struct reader *reader, const struct yaml_node *node, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void reader_warning(const struct reader *reader, const struct yaml_node *node, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* One key of a mapping.  The keys are read in the table's order, whatever
 * their order in the file. */
struct field {
	const char *name;
	bool required;
	/* NULL: the key belongs to the language, but not to this version */
	void (*read)(const struct reader *reader, const struct yaml_node *node, void *into);
};

/* Read a mapping that is a `what` ("rule", "device"): each key by its field;
 * a key that is no field and a required one that is missing are errors. */
void reader_fields(const struct reader *reader, const struct yaml_node *map, const char *what,
    const struct field *fields, size_t count, void *into);

/* Tell that node's key is unknown, with the nearest of the known ones. */
void reader_unknown_key(const struct reader *reader, const struct yaml_node *node,
    const char *const *known, size_t count);

/* The scalar's text, or NULL: no text, or an empty one. */
const char *reader_text(const struct reader *reader, const struct yaml_node *node);

/* A text of one line that fits size bytes with its terminator. */
bool reader_line(const struct reader *reader, const struct yaml_node *node, char *out, size_t size);

/* An identifier: letters, digits, '.', '_' and '-'; fits size bytes. */
bool reader_label(const struct reader *reader, const struct yaml_node *node, char *out,
    size_t size);

/* true or false, and no other spelling. */
bool reader_bool(const struct reader *reader, const struct yaml_node *node, bool *out);

/* The index of one of the words, or -1. */
int reader_word(const struct reader *reader, const struct yaml_node *node, const char *const *words,
    size_t count);

/*
 * The elements of a list, a single text counting as a list of one: NULL to
 * begin with, NULL at the end.  A mapping is told as an error and has none.
 */
const struct yaml_node *reader_next(const struct reader *reader, const struct yaml_node *list,
    const struct yaml_node *element);

#endif
