/* SPDX-License-Identifier: MIT */
#ifndef PROXY_SANDBOX_FILES_H
#define PROXY_SANDBOX_FILES_H

#include "proxy/sandbox.h"

#include <stdbool.h>

/*
 * The file system and the network as far as Landlock restricts them, for
 * sandbox.c only.
 *
 * 1: restricted; 0: this kernel has no Landlock, or it is turned off; -1: it
 * has, and refused.  Needs no-new-privileges.
 * Source: landlock(7), Linux Documentation/userspace-api/landlock.rst.
 */
int sandbox_files_restrict(enum role role, const struct sandbox_reach *reach, struct err *err);

#endif
