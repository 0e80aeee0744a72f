/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_SETTERS_PRIVATE_H
#define CONFIG_SETTERS_PRIVATE_H

#include "config/options.h"

/* Read node as an option's type asks and set its field.  Told when false. */
bool setter_run(struct options_reader *options, const struct option *option,
    const struct yaml_node *node);

#endif
