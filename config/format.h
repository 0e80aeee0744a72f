/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_FORMAT_H
#define CONFIG_FORMAT_H

#include "base/bytes.h"

#include <stdio.h>

struct problems;

/*
 * Write a rule file to out as it should be: what other readers of YAML take for
 * something else than text is quoted (NO and ON as false and true, 22:30 as a
 * number of minutes, 2026.10 as 2026.1, and with them every country), and no
 * line ends in blanks, and the file does not begin with a byte order mark.  Comments, order and
 * layout stay.
 *
 * What is wrong is added to problems: a file that is no YAML, or that would say
 * something else afterwards.  0, or -1.
 */
int rules_format(const char *file, struct bytes text, FILE *out, struct problems *problems);

#endif
