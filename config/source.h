/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_SOURCE_H
#define CONFIG_SOURCE_H

#include "base/bytes.h"

struct err;

/*
 * The text files of a configuration as they were at one moment.
 *
 * The supervisor reads them from disk once; source_seal makes a sealed memfd
 * of all that was read, and every role that starts later, hours later perhaps,
 * reads from it exactly what was checked, whatever became of the files.
 */
struct source;

enum { SOURCE_FILE_MAX = 16 << 20 }; /* bytes of one file; more is a mistake, not a configuration */

struct source *source_from_disk(void);
struct source *source_from_sealed(int fd, struct err *err);

/* Holds what source_put gives it and nothing else; path and bytes are copied. */
struct source *source_from_memory(void);
int source_put(struct source *source, const char *path, struct bytes bytes, struct err *err);

/*
 * The bytes of a file by its path, borrowed until source_free.  A file that is
 * no regular file, is larger than SOURCE_FILE_MAX, or may be written by
 * everybody is refused.  Read twice it is read from disk once.
 */
int source_read(struct source *source, const char *path, struct bytes *out, struct err *err);

/*
 * Whether a file that is opened elsewhere (a database, a key) is there: a
 * regular file that not everybody may write.  What was found on disk is kept
 * in the seal, so a role that can open nothing gets the same answer.
 */
int source_check(struct source *source, const char *path, struct err *err);

/* Take it as there without a look, as one who may not open it. */
int source_vouch(struct source *source, const char *path, struct err *err);

/* A sealed memfd of all that was read; the caller's to close. -1: err. */
int source_seal(const struct source *source, struct err *err);

void source_free(struct source *source);

#endif
