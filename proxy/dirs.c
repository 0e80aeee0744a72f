/* SPDX-License-Identifier: MIT */
#include "proxy/dirs.h"

#include "base/err.h"
#include "base/text.h"
#include "config/config.h"
#include "proxy/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	MODE_PRIVATE = 01770,
	MODE_READABLE = 01775,
	MODE_CA = 0700,
	MODE_ABOVE = 0755, /* directories above, which hold nothing secret */
	MODE_EVE = 0664,
};

const char *
dirs_parent(const char *path, char *out, size_t size)
{
	struct text text = text_in(out, size);
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		text_add(&text, ".");
	else if (slash == path)
		text_add(&text, "/");
	else
		text_add(&text, "%.*s", (int)(slash - path), path);
	return text.cut ? NULL : out;
}

const char *
dirs_ca(const struct config *config, char *out, size_t size)
{
	struct text text = text_in(out, size);

	text_add(&text, "%s/ca", config->state_dir);
	return text.cut ? NULL : out;
}

/* ---- making ---- */

static int
make_above(const char *path, struct err *err)
{
	char above[CONFIG_PATH_MAX];

	text_copy(above, sizeof(above), path);
	for (char *at = strchr(above + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
		*at = '\0';
		if (mkdir(above, MODE_ABOVE) != 0 && errno != EEXIST)
			return err_sys(err, "make the directory %s", above);
		*at = '/';
	}
	return 0;
}

/* Make path and what is above it.  1: made it; 0: it was there. */
static int
make_path(const char *path, mode_t mode, struct err *err)
{
	if (make_above(path, err) != 0)
		return -1;
	if (mkdir(path, mode) == 0)
		return 1;
	return errno == EEXIST ? 0 : err_sys(err, "make the directory %s", path);
}

static int
open_dir(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 ? fd : err_sys(err, "open the directory %s", path);
}

static int
give(int fd, const char *path, gid_t gid, mode_t mode, struct err *err)
{
	/* Started by a user, all roles are that user. */
	if (geteuid() == 0 && fchown(fd, (uid_t)-1, gid) != 0)
		return err_sys(err, "give %s to the recorder's group %u (needs CAP_CHOWN)", path,
		    (unsigned)gid);
	if (fchmod(fd, mode) != 0)
		return err_sys(err, "change the mode of %s", path);
	return 0;
}

static int
make_own(const char *path, gid_t gid, struct err *err)
{
	int made = make_path(path, MODE_PRIVATE, err);
	struct stat st;
	int fd, ret = -1;

	if (made < 0)
		return -1;
	fd = open_dir(path, err);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) != 0) {
		(void)err_sys(err, "fstat %s", path);
		goto out;
	}
	if (made == 0 && geteuid() == 0 && st.st_gid != 0 && st.st_gid != gid) {
		(void)err_set(err, ERR_INPUT,
		    "%s belongs to group %u; give the appliance a directory of its own", path,
		    (unsigned)st.st_gid);
		goto out;
	}
	ret = give(fd, path, gid, made == 1 ? MODE_PRIVATE : (st.st_mode & 07777) | MODE_PRIVATE,
	    err);
out:
	(void)close(fd);
	return ret;
}

/* ---- the directory of eve ---- */

/* Whether nothing is in the directory but the EVE file and its rotations. */
static bool
holds_only(int dir_fd, const char *name)
{
	int fd = dup(dir_fd);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	bool only = dir != NULL;

	if (dir == NULL && fd >= 0)
		(void)close(fd);
	while (only && (entry = readdir(dir)) != NULL)
		only = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		       strncmp(entry->d_name, name, strlen(name)) == 0;
	if (dir != NULL)
		(void)closedir(dir);
	return only;
}

static int
make_eve_file(int dir_fd, const char *name, struct sandbox_user user, struct err *err)
{
	/* One that is no file, a pipe that nobody reads say, is not waited for. */
	int fd = openat(dir_fd, name,
	    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, MODE_EVE);
	struct stat st;
	int ret = 0;

	if (fd < 0)
		return err_sys(err, "open the EVE file %s", name);
	/* A device is not given away: /dev/null belongs to everybody. */
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		(void)close(fd);
		return err_set(err, ERR_INPUT, "the EVE file %s is no regular file", name);
	}
	/* It stays root's: a recorder that starts again opens it before it
	 * becomes another user, who may not get through the directory. */
	if (geteuid() == 0 && (fchown(fd, 0, user.gid) != 0 || fchmod(fd, MODE_EVE) != 0))
		ret = err_sys(err, "give the EVE file to the recorder (needs CAP_CHOWN)");
	(void)close(fd);
	return ret;
}

static int
make_eve_dir(const char *eve, struct sandbox_user user, struct err *err)
{
	char path[CONFIG_PATH_MAX];
	const char *name = strrchr(eve, '/');
	int made, fd, ret;

	name = name != NULL ? name + 1 : eve;
	if (dirs_parent(eve, path, sizeof(path)) == NULL)
		return err_set(err, ERR_LIMIT, "the path of the EVE file is too long");
	made = make_path(path, MODE_READABLE, err);
	fd = made >= 0 ? open_dir(path, err) : -1;
	if (fd < 0)
		return -1;
	if (made == 1 || holds_only(fd, name))
		ret = give(fd, path, user.gid, MODE_READABLE, err);
	else
		ret = make_eve_file(fd, name, user, err);
	(void)close(fd);
	return ret;
}

int
dirs_make(const struct config *config, struct err *err)
{
	struct sandbox_user user = sandbox_user(ROLE_RECORDER);
	char ca[CONFIG_PATH_MAX];

	if (make_own(config->state_dir, user.gid, err) != 0 ||
	    make_own(config->run_dir, user.gid, err) != 0)
		return -1;
	if (dirs_ca(config, ca, sizeof(ca)) == NULL)
		return err_set(err, ERR_LIMIT, "state_dir is too long");
	if (config->tls.ca_auto && make_path(ca, MODE_CA, err) < 0)
		return -1;
	return config->record.eve[0] != '\0' ? make_eve_dir(config->record.eve, user, err) : 0;
}

/* ---- one appliance ---- */

int
dirs_lock(const char *run_dir, struct err *err)
{
	char path[CONFIG_PATH_MAX];
	struct text text = text_in(path, sizeof(path));
	int fd;

	text_add(&text, "%s/lock", run_dir);
	if (text.cut)
		return err_set(err, ERR_LIMIT, "run_dir is too long");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(err, "open %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	if (errno == EWOULDBLOCK)
		(void)err_set(err, ERR_LIMIT, "an appliance runs in %s already", run_dir);
	else
		(void)err_sys(err, "lock %s", path);
	(void)close(fd);
	return -1;
}
