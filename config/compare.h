/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_COMPARE_H
#define CONFIG_COMPARE_H

#include <stddef.h>
#include <stdio.h>

struct yaml_node;

/*
 * Write to out, a line each, in what two rule files (their trees' roots)
 * differ: what they say of themselves, their sets, their rules by id, and the
 * order of these, which decides.  Comments and layout do not count.  Returns
 * the number of lines.
 */
size_t rules_compare(const struct yaml_node *old, const struct yaml_node *new, FILE *out);

#endif
