/* SPDX-License-Identifier: MIT */
#include "proxy/geo_swap.h"

#include "base/err.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REMOVE_OPEN_MAX = 8 };

/* In a directory that is to take dir's place, and after that until it is told. */
#define UNTOLD ".untold"

/* ---- what may be in it ---- */

static bool
ends_in(const char *name, const char *end)
{
	size_t size = strlen(name), tail = strlen(end);

	return size > tail && strcmp(name + size - tail, end) == 0;
}

/* What fetch and geoipupdate leave: databases, licences, and names with a dot
 * in front. */
static bool
is_ours(const char *name)
{
	static const char *const texts[] = {"ATTRIBUTION", "COPYRIGHT.txt", "LICENSE.txt",
	    "README.txt"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcmp(name, texts[i]) == 0)
			return true;
	}
	return name[0] == '.' || ends_in(name, ".mmdb");
}

/* What is carried over: not the locks and the remains of others' work. */
static bool
is_kept(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".lock") != 0 && strcmp(entry->d_name, UNTOLD) != 0 &&
	       entry->d_type != DT_DIR;
}

static int
link_all(DIR *from, int to, const char *path, struct err *err)
{
	struct dirent *entry;

	while ((entry = readdir(from)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (!is_ours(entry->d_name))
			return err_set(err, ERR_INPUT,
			    "%.100s holds '%.60s', which is no database: give the databases a "
			    "directory of their own",
			    path, entry->d_name);
		if (is_kept(entry) && linkat(dirfd(from), entry->d_name, to, entry->d_name, 0) != 0)
			return err_sys(err, "cannot link %s/%s", path, entry->d_name);
	}
	return 0;
}

/* ---- what is to be told of ---- */

static bool
has_untold(const char *dir)
{
	char path[CONFIG_PATH_MAX + 32];

	(void)snprintf(path, sizeof(path), "%s/" UNTOLD, dir);
	return access(path, F_OK) == 0;
}

bool
geo_swap_is_untold(const struct geo_swap *swap)
{
	return has_untold(swap->dir);
}

void
geo_swap_told(const struct geo_swap *swap)
{
	char path[CONFIG_PATH_MAX + 32];

	(void)snprintf(path, sizeof(path), "%s/" UNTOLD, swap->dir);
	(void)unlink(path);
}

static int
mark_untold(int dir, const char *name, struct err *err)
{
	int fd = openat(dir, UNTOLD, O_WRONLY | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);

	if (fd < 0)
		return err_sys(err, "cannot write %s/" UNTOLD, name);
	(void)close(fd);
	return 0;
}

/* ---- making and removing ---- */

static int
remove_one(const char *path, const struct stat *about, int type, struct FTW *where)
{
	(void)about;
	(void)type;
	(void)where;
	return remove(path);
}

static int
remove_tree(const char *path, struct err *err)
{
	if (nftw(path, remove_one, REMOVE_OPEN_MAX, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
		return err_sys(err, "cannot remove %s", path);
	return 0;
}

/* As dir is: whoever may read its files may read those of the next. */
static int
make_like(const char *path, int like, struct err *err)
{
	struct stat about;

	if (fstat(like, &about) != 0 || mkdir(path, S_IRWXU) != 0 ||
	    chown(path, about.st_uid, about.st_gid) != 0 ||
	    chmod(path, about.st_mode & (mode_t)~S_IFMT) != 0)
		return err_sys(err, "cannot make %s", path);
	return 0;
}

/* What a killed update left: one that had not taken dir's place goes; one that has
 * left there what was in dir, and that is the last good one. */
static int
clear_next(const struct geo_swap *swap, struct err *err)
{
	if (access(swap->next, F_OK) != 0 || has_untold(swap->next) || !has_untold(swap->dir))
		return remove_tree(swap->next, err);
	if (remove_tree(swap->last, err) != 0)
		return -1;
	return rename(swap->next, swap->last) == 0 ? 0 : err_sys(err, "cannot keep %s", swap->last);
}

static int
make_next(const struct geo_swap *swap, struct err *err)
{
	DIR *from = opendir(swap->dir);
	int to = -1, ret = -1;

	if (from == NULL)
		return err_sys(err, "cannot read %s", swap->dir);
	if (clear_next(swap, err) != 0 || make_like(swap->next, dirfd(from), err) != 0)
		goto out;
	to = open(swap->next, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (to < 0)
		(void)err_sys(err, "cannot open %s", swap->next);
	else if (mark_untold(to, swap->next, err) == 0)
		ret = link_all(from, to, swap->dir, err);
out:
	if (to >= 0)
		(void)close(to);
	(void)closedir(from);
	return ret;
}

/* The directory above is locked: it is there whatever is exchanged in it, and no
 * file is left behind. */
static int
take_lock(struct geo_swap *swap, struct err *err)
{
	char path[CONFIG_PATH_MAX];

	text_copy(path, sizeof(path), swap->dir);
	strrchr(path, '/')[1] = '\0'; /* absolute, so there is one */
	swap->lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (swap->lock < 0)
		return err_sys(err, "cannot open %s", path);
	if (flock(swap->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return err_set(err, ERR_INPUT, "another update in %.200s is under way", path);
	return err_sys(err, "cannot lock %s", path);
}

int
geo_swap_open(struct geo_swap *swap, const char *dir, struct err *err)
{
	char real[PATH_MAX];

	*swap = (struct geo_swap){.lock = -1};
	if (realpath(dir, real) == NULL)
		return err_sys(err, "%s", dir);
	if (strlen(real) >= sizeof(swap->dir) || strcmp(real, "/") == 0)
		return err_set(err, ERR_INPUT, "%.200s cannot be replaced", real);
	text_copy(swap->dir, sizeof(swap->dir), real);
	if (take_lock(swap, err) != 0)
		return -1;
	(void)snprintf(swap->next, sizeof(swap->next), "%s.next", swap->dir);
	(void)snprintf(swap->last, sizeof(swap->last), "%s.last", swap->dir);
	return make_next(swap, err);
}

/* ---- taking its place ---- */

static int
exchange(const struct geo_swap *swap, const char *with, struct err *err)
{
	if (renameat2(AT_FDCWD, with, AT_FDCWD, swap->dir, RENAME_EXCHANGE) == 0)
		return 0;
	if (errno == EBUSY)
		return err_set(err, ERR_INPUT,
		    "%.160s is a mount point and cannot be replaced: mount the directory above",
		    swap->dir);
	if (errno == EINVAL || errno == ENOSYS)
		return err_set(err, ERR_INPUT,
		    "the file system of %.160s cannot exchange directories", swap->dir);
	return err_sys(err, "cannot replace %s", swap->dir);
}

/* dir's place was taken, and next is what was there: the last good one. */
static int
keep(struct geo_swap *swap, struct err *err)
{
	if (remove_tree(swap->last, err) != 0)
		return -1;
	if (rename(swap->next, swap->last) != 0)
		return err_sys(err, "cannot keep %s", swap->last);
	swap->next[0] = '\0';
	(void)fsync(swap->lock); /* so that it is so after a power failure too */
	return 0;
}

int
geo_swap_commit(struct geo_swap *swap, struct err *err)
{
	if (exchange(swap, swap->next, err) != 0)
		return -1;
	if (keep(swap, err) == 0)
		return 0;
	/* What was good until now must not go with the rest of a failed update. */
	if (exchange(swap, swap->next, NULL) != 0)
		swap->next[0] = '\0';
	return -1;
}

int
geo_swap_undo(struct geo_swap *swap, struct err *err)
{
	if (exchange(swap, swap->last, err) != 0)
		return -1;
	(void)fsync(swap->lock); /* so that it is so after a power failure too */
	return remove_tree(swap->last, err);
}

void
geo_swap_close(struct geo_swap *swap)
{
	if (swap->lock >= 0 && swap->next[0] != '\0')
		(void)remove_tree(swap->next, NULL);
	if (swap->lock >= 0)
		(void)close(swap->lock);
	swap->lock = -1;
}
