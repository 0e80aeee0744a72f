/* SPDX-License-Identifier: MIT */
#include "record/sources.h"

#include "base/err.h"
#include "record/spool.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OLD_MAX = 256 }; /* more are left for the next start */

struct source {
	struct spool *spool; /* owned */
	uint64_t committed;  /* the place up to which all is in the store */
	uint64_t mark;       /* what was written when sources_mark was called */
	unsigned worker;     /* whose it is */
	bool old, finished;
	int fd;              /* owned; -1 where it is the caller's */
	char path[PATH_MAX]; /* of an old one */
};

struct sources {
	struct source *at; /* owned */
	size_t count, size;
};

/* The number in ".../spool-N" or ".../spool-N.EPOCH". */
static unsigned
worker_of(const char *path)
{
	const char *number = strrchr(path, '-');

	return number != NULL ? (unsigned)strtoul(number + 1, NULL, 10) : UINT_MAX;
}

static int
add(struct sources *sources, int fd, const char *path, struct err *err)
{
	struct source *source = &sources->at[sources->count];

	memset(source, 0, sizeof(*source));
	source->spool = spool_reader(fd, err);
	if (source->spool == NULL)
		return -1;
	source->worker = path != NULL ? worker_of(path) : (unsigned)sources->count;
	source->fd = path != NULL ? fd : -1;
	source->old = path != NULL;
	if (path != NULL)
		(void)snprintf(source->path, sizeof(source->path), "%s", path);
	source->committed = spool_position(source->spool);
	sources->count++;
	return 0;
}

static bool
is_among(const struct stat *file, const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct stat st;

		if (fstat(fds[i], &st) == 0 && st.st_dev == file->st_dev &&
		    st.st_ino == file->st_ino)
			return true;
	}
	return false;
}

/* A file that is half made ends in ".new". */
static bool
is_spool_name(const char *name)
{
	size_t size = strlen(name);

	return strncmp(name, "spool-", 6) == 0 &&
	       (size < 4 || strcmp(name + size - 4, ".new") != 0);
}

/* Take one file of run_dir when it is an old spool.  What cannot be opened or
 * is no spool is left where it is: it holds nothing that could be read. */
static void
add_old(struct sources *sources, const char *path, const int *fds, size_t count)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return;
	if (fstat(fd, &st) != 0 || is_among(&st, fds, count) || add(sources, fd, path, NULL) != 0)
		(void)close(fd);
}

static int
add_old_ones(struct sources *sources, const int *fds, size_t count, const char *run_dir,
    struct err *err)
{
	DIR *dir = opendir(run_dir);
	const struct dirent *entry;
	char path[PATH_MAX];

	if (dir == NULL)
		return err_sys(err, "%s", run_dir);
	while (sources->count < sources->size && (entry = readdir(dir)) != NULL) {
		if (!is_spool_name(entry->d_name) || (size_t)snprintf(path, sizeof(path), "%s/%s",
							 run_dir, entry->d_name) >= sizeof(path))
			continue;
		add_old(sources, path, fds, count);
	}
	(void)closedir(dir);
	return 0;
}

struct sources *
sources_open(const int *fds, size_t count, const char *run_dir, struct err *err)
{
	struct sources *sources = calloc(1, sizeof(*sources));

	if (sources == NULL)
		return (void)err_set(err, ERR_NOMEM, "no memory"), NULL;
	sources->size = count + OLD_MAX;
	sources->at = calloc(sources->size, sizeof(*sources->at));
	if (sources->at == NULL) {
		(void)err_set(err, ERR_NOMEM, "no memory");
		goto fail;
	}
	for (size_t i = 0; i < count; i++) {
		if (add(sources, fds[i], NULL, err) != 0)
			goto fail;
	}
	if (run_dir != NULL && add_old_ones(sources, fds, count, run_dir, err) != 0)
		goto fail;
	return sources;
fail:
	sources_close(sources);
	return NULL;
}

static void
close_source(struct source *source)
{
	spool_close(source->spool);
	source->spool = NULL;
	if (source->fd >= 0)
		(void)close(source->fd);
	source->fd = -1;
}

void
sources_close(struct sources *sources)
{
	if (sources == NULL)
		return;
	for (size_t i = 0; i < sources->count; i++)
		close_source(&sources->at[i]);
	free(sources->at);
	free(sources);
}

size_t
sources_count(const struct sources *sources)
{
	return sources->count;
}

struct source *
sources_at(struct sources *sources, size_t index)
{
	return &sources->at[index];
}

struct spool *
source_spool(struct source *source)
{
	return source->spool;
}

unsigned
source_worker(const struct source *source)
{
	return source->worker;
}

bool
source_is_old(const struct source *source)
{
	return source->old;
}

bool
sources_have_old(const struct sources *sources)
{
	for (size_t i = 0; i < sources->count; i++) {
		if (sources->at[i].old)
			return true;
	}
	return false;
}

void
source_set_finished(struct source *source)
{
	source->finished = true;
}

uint64_t
sources_waiting(const struct sources *sources)
{
	uint64_t waiting = 0;

	for (size_t i = 0; i < sources->count; i++)
		waiting += spool_waiting(sources->at[i].spool);
	return waiting;
}

bool
sources_hold(struct sources *sources, uint64_t flow_id)
{
	for (size_t i = 0; i < sources->count; i++) {
		if (spool_holds(sources->at[i].spool, flow_id))
			return true;
	}
	return false;
}

void
sources_mark(struct sources *sources)
{
	for (size_t i = 0; i < sources->count; i++)
		sources->at[i].mark = spool_end(sources->at[i].spool);
}

bool
sources_passed_mark(const struct sources *sources)
{
	for (size_t i = 0; i < sources->count; i++) {
		if (spool_position(sources->at[i].spool) < sources->at[i].mark)
			return false;
	}
	return true;
}

size_t
sources_commit(struct sources *sources)
{
	size_t kept = 0, removed = 0;

	for (size_t i = 0; i < sources->count; i++) {
		struct source *source = &sources->at[i];

		source->committed = spool_position(source->spool);
		spool_consumed(source->spool, source->committed);
		if (source->finished) {
			/* Where it cannot be unlinked it is found empty the next time. */
			(void)unlink(source->path);
			close_source(source);
			removed++;
			continue;
		}
		if (kept != i)
			sources->at[kept] = *source;
		kept++;
	}
	sources->count = kept;
	return removed;
}

void
sources_commit_seek(struct sources *sources)
{
	for (size_t i = 0; i < sources->count; i++) {
		struct source *source = &sources->at[i];

		source->committed = spool_position(source->spool);
		spool_consumed(source->spool, source->committed);
	}
}

void
sources_rewind(struct sources *sources)
{
	for (size_t i = 0; i < sources->count; i++) {
		struct source *source = &sources->at[i];

		source->finished = false;
		(void)spool_seek(source->spool, source->committed, NULL);
	}
}
