/* SPDX-License-Identifier: MIT */
#ifndef RECORD_SOURCES_H
#define RECORD_SOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct spool;

/*
 * The spools that the recorder reads: those of this run's workers, and those
 * that an earlier run left in run_dir and nobody writes to any more, which are
 * removed when all that they hold is committed.
 */
struct source;
struct sources;

/* fds stay the caller's; run_dir NULL: no old ones are looked for. */
struct sources *sources_open(const int *fds, size_t count, const char *run_dir, struct err *err);
void sources_close(struct sources *sources); /* accepts NULL */

size_t sources_count(const struct sources *sources);
struct source *sources_at(struct sources *sources, size_t index);
struct spool *source_spool(struct source *source);

/* Whose events may be in it: the place among the fds, or the number in the
 * file's name, not what the spool says of itself. */
unsigned source_worker(const struct source *source);

/* Of an earlier run, and not finished. */
bool source_is_old(const struct source *source);
bool sources_have_old(const struct sources *sources);
void source_set_finished(struct source *source);

uint64_t sources_waiting(const struct sources *sources);

/* Whether a connection's live counter stands in one of them. */
bool sources_hold(struct sources *sources, uint64_t flow_id);

/* Note what is written by now; whether all of that was read since. */
void sources_mark(struct sources *sources);
bool sources_passed_mark(const struct sources *sources);

/* What was read is committed: give the workers the room, and remove the old
 * spools that are finished.  Returns how many were removed. */
size_t sources_commit(struct sources *sources);

/* The places that were sought to are what is committed. */
void sources_commit_seek(struct sources *sources);

/* Nothing was committed: read again from where the last commit was. */
void sources_rewind(struct sources *sources);

#endif
