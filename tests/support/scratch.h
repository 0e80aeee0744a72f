/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_SCRATCH_H
#define TESTS_SUPPORT_SCRATCH_H

#include <stddef.h>

/*
 * A directory of a test's own under $TMPDIR or /tmp.
 *
 * scratch_dir makes it and writes its path to out (size bytes); scratch_remove
 * removes it with all that is in it.  Both abort the test on failure.
 */
void scratch_dir(char *out, size_t size);
void scratch_remove(const char *dir);

/* Write size bytes to dir/name, replacing what is there. */
void scratch_file(const char *dir, const char *name, const void *bytes, size_t size);

#endif
