/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_SETTERS_PRIVATE_H
#define CONFIG_SETTERS_PRIVATE_H

#include "config/options.h"

/* Read node as an option's type asks and set its field.  Told when false. */
bool setter_run(struct options_reader *options, const struct option *option,
    const struct yaml_node *node);

/* Read node and set field, which is as option's type asks; told when false.
 * These are of options that name a file; a relative path is from the directory
 * of the configuration. */
typedef bool setter(struct options_reader *options, const struct option *option,
    const struct yaml_node *node, void *field);
setter setter_path;    /* of what need not be there */
setter setter_file;    /* that is opened elsewhere */
setter setter_store;   /* the same, or the system's */
setter setter_table;   /* that is read through the source */
setter setter_rules;   /* rule sets: all are read */
setter setter_devices; /* and the files that it names */
setter setter_overrides;

#endif
