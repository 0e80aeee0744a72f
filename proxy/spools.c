/* SPDX-License-Identifier: MIT */
/* The workers' spools, as the supervisor keeps them. */
#include "record/spool.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "proxy/sandbox.h"
#include "proxy/supervisor_private.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SPOOL_MODE = 0660 };

/* The group is root's, so that the next start opens it again also where root
 * may not override modes (a container without CAP_DAC_OVERRIDE).  One that is
 * the recorder's already may not be changed there. */
static int
give_spool(int fd, const char *path, struct err *err)
{
	uid_t uid = sandbox_user(ROLE_RECORDER).uid;
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_sys(err, "fstat %s", path);
	if (geteuid() != 0 || st.st_uid == uid)
		return 0;
	if (fchmod(fd, SPOOL_MODE) != 0 || fchown(fd, uid, 0) != 0)
		return err_sys(err, "give %s to the recorder (needs CAP_CHOWN)", path);
	return 0;
}

static uint64_t
size_of(const struct supervisor *supervisor)
{
	return (uint64_t)supervisor->config->record.spool_mib << 20;
}

static void
make_path(const struct supervisor *supervisor, unsigned worker, char out[CONFIG_PATH_MAX + 16])
{
	(void)snprintf(out, CONFIG_PATH_MAX + 16, "%s/spool-%u", supervisor->config->run_dir,
	    worker);
}

int
spools_open(struct supervisor *supervisor, unsigned worker, struct err *err)
{
	char path[CONFIG_PATH_MAX + 16];

	make_path(supervisor, worker, path);
	supervisor->spool[worker] =
	    spool_create(path, size_of(supervisor), worker, supervisor->epoch, err);
	if (supervisor->spool[worker] < 0)
		return -1;
	return give_spool(supervisor->spool[worker], path, err);
}

/* The file cannot be given to the recorder any more, which needs it no more
 * than its descriptor: the next start does it. */
static bool
mend(struct supervisor *supervisor, unsigned worker, uint64_t now_ms)
{
	struct child *writer = &supervisor->children[CHILD_WORKERS + worker];
	struct child *recorder = &supervisor->children[CHILD_RECORDER];
	bool writer_ended = supervisor_has_ended(writer),
	     recorder_ended = supervisor_has_ended(recorder);
	char path[CONFIG_PATH_MAX + 16];
	struct err err = {0};
	int fd;

	if (!writer_ended || !recorder_ended)
		return false;
	make_path(supervisor, worker, path);
	/* Numbers of its events start at one again: the epoch is another. */
	fd = spool_create(path, size_of(supervisor), worker, clock_wall_us(), &err);
	if (fd < 0) {
		log_error("the spool of worker %u is damaged, and there is no other: %s", worker,
		    err.text);
		writer->start_ms = recorder->start_ms = now_ms + CHILD_PAUSE_MS;
		return false;
	}
	log_error("the spool of worker %u was damaged: it is set aside beside %s, and what it held "
		  "and was not stored yet is lost",
	    worker, path);
	(void)close(supervisor->spool[worker]);
	supervisor->spool[worker] = fd;
	return true;
}

bool
spools_mend(struct supervisor *supervisor, uint64_t now_ms)
{
	bool whole = true;

	for (unsigned i = 0; i < supervisor->workers; i++) {
		if (!spool_is_whole(supervisor->spool[i], i) && !mend(supervisor, i, now_ms))
			whole = false;
	}
	return whole;
}
