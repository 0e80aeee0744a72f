/* SPDX-License-Identifier: MIT */
#ifndef RECORD_EVE_FILE_H
#define RECORD_EVE_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * The file that EVE lines are appended to, as others see it: it may be moved
 * away by logrotate, deleted, cut to nothing, or lie on a full disk at any
 * time.  Lines are appended whole or not at all.
 *
 * Nothing here remembers lines: the store has them, and the recorder appends
 * again what an append did not bring into the file.
 */
struct eve_file {
	char path[PATH_MAX];
	int fd;          /* owned; -1: not open */
	int given;       /* of the caller; -1: none */
	uint64_t base;   /* where our lines begin: what stood there before is not ours */
	uint64_t offset; /* where they end */
	uint64_t device, inode;
	bool torn; /* a part of a line may stand behind offset */
};

/*
 * Start with the file as the record knows it (all 0: not yet); nothing is
 * opened before the first eve_file_check.
 *
 * given: the file at path, open for writing, for a process that cannot get
 * through its directory; it stays the caller's.  -1: none.  With it the file is
 * written as long as it has a name, but one that takes its place is not found.
 */
void eve_file_init(struct eve_file *file, const char *path, int given);

enum eve_file_state {
	EVE_FILE_SAME = 0, /* as it was: go on */
	EVE_FILE_NEW,      /* another file, or one that was cut: it begins with the next line */
	EVE_FILE_FAILED,   /* cannot be written now; err says why */
};

/*
 * See that the file at path is the one that is written to; open or make it
 * where it is not.  What stands behind offset in the known file (a batch that
 * was not committed) is cut off.
 */
enum eve_file_state eve_file_check(struct eve_file *file, struct err *err);

/* Append count bytes, whole lines.  -1: nothing of them stands in the file. */
int eve_file_append(struct eve_file *file, const char *lines, size_t count, struct err *err);

/* Whether the file that was written to has still a name; when it has not, what
 * was appended since the last check is gone with it. */
bool eve_file_linked(const struct eve_file *file);

/* Bring it to the disk. */
int eve_file_sync(struct eve_file *file, struct err *err);

void eve_file_close(struct eve_file *file);

#endif
