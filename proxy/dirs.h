/* SPDX-License-Identifier: MIT */
#ifndef PROXY_DIRS_H
#define PROXY_DIRS_H

#include <stddef.h>

struct config;
struct err;

/*
 * The directories that the appliance works in, made where they are missing:
 *
 *	state_dir, run_dir  root:recorder 1770, so that the recorder makes and
 *	                    removes its own files there and nobody else's
 *	state_dir/ca        root 0700
 *	directory of eve    root:recorder 1775, so that who collects it may read
 *
 * A state_dir or run_dir that is there is given to the recorder's group and
 * nothing is taken from it; one that belongs to another group than root's is
 * somebody else's and refused.  An eve directory that is there and holds other
 * files stays as it is: then only the file itself is made for the recorder., which a rotation
 * is not followed in where the recorder cannot look into that directory.
 */
int dirs_make(const struct config *config, struct err *err);

/* The CA's directory.  Returns out, or NULL when it does not fit. */
const char *dirs_ca(const struct config *config, char *out, size_t size);

/* What stands before the last slash of path; "." and "/" as dirname(3) has it.
 * Returns out, or NULL when it does not fit. */
const char *dirs_parent(const char *path, char *out, size_t size);

/* Be the only appliance in run_dir: a descriptor that holds the lock as long as
 * it is open, or -1 (ERR_LIMIT: another holds it). */
int dirs_lock(const char *run_dir, struct err *err);

#endif
