/* SPDX-License-Identifier: MIT */
#include "record/eve_file.h"

#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void
eve_file_init(struct eve_file *file, const char *path, int given)
{
	memset(file, 0, sizeof(*file));
	text_copy(file->path, sizeof(file->path), path);
	file->fd = -1;
	file->given = given;
}

static bool
is_known(const struct eve_file *file, const struct stat *st)
{
	return file->inode != 0 && file->device == (uint64_t)st->st_dev &&
	       file->inode == (uint64_t)st->st_ino;
}

/* Cut what stands behind our last line: a line that was not written whole, or
 * lines that the record does not count as written. */
static int
cut_tail(struct eve_file *file, struct err *err)
{
	if (ftruncate(file->fd, (off_t)file->offset) != 0)
		return err_sys(err, "%s: cut its last line", file->path);
	file->torn = false;
	return 0;
}

static int
open_path(const struct eve_file *file)
{
	int fd = open(file->path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640);

	if (fd < 0 && errno == EACCES && file->given >= 0)
		fd = fcntl(file->given, F_DUPFD_CLOEXEC, 0);
	return fd;
}

/* What stands at the path now; the file that we have, where the path is closed
 * to us. */
static int
look(const struct eve_file *file, struct stat *st)
{
	if (lstat(file->path, st) == 0)
		return 0;
	if (errno != EACCES || file->given < 0)
		return -1;
	return fstat(file->fd, st);
}

static enum eve_file_state
open_file(struct eve_file *file, struct err *err)
{
	int fd = open_path(file);
	struct stat st;
	bool known;

	if (fd < 0) {
		(void)err_sys(err, "%s", file->path);
		return EVE_FILE_FAILED;
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		(void)err_set(err, ERR_INPUT, "%s is no regular file", file->path);
		(void)close(fd);
		return EVE_FILE_FAILED;
	}
	known = is_known(file, &st) && (uint64_t)st.st_size >= file->offset;
	file->fd = fd;
	file->device = (uint64_t)st.st_dev;
	file->inode = (uint64_t)st.st_ino;
	if (known)
		return cut_tail(file, err) == 0 ? EVE_FILE_SAME : EVE_FILE_FAILED;
	file->base = (uint64_t)st.st_size;
	file->offset = file->base;
	file->torn = false;
	return EVE_FILE_NEW;
}

enum eve_file_state
eve_file_check(struct eve_file *file, struct err *err)
{
	struct stat st;

	if (file->fd >= 0 && (look(file, &st) != 0 || !is_known(file, &st)))
		eve_file_close(file);
	if (file->fd < 0)
		return open_file(file, err);
	if ((uint64_t)st.st_size < file->offset) {
		file->base = (uint64_t)st.st_size;
		file->offset = file->base;
		return EVE_FILE_NEW;
	}
	if (file->torn && cut_tail(file, err) != 0)
		return EVE_FILE_FAILED;
	return EVE_FILE_SAME;
}

int
eve_file_append(struct eve_file *file, const char *lines, size_t count, struct err *err)
{
	size_t done = 0;

	while (done < count) {
		ssize_t step =
		    pwrite(file->fd, lines + done, count - done, (off_t)(file->offset + done));

		if (step < 0 && errno == EINTR)
			continue;
		if (step <= 0) {
			(void)err_sys(err, "%s", file->path);
			file->torn = true;
			(void)cut_tail(file, NULL);
			return -1;
		}
		done += (size_t)step;
	}
	file->offset += count;
	return 0;
}

bool
eve_file_linked(const struct eve_file *file)
{
	struct stat st;

	return file->fd >= 0 && fstat(file->fd, &st) == 0 && st.st_nlink > 0;
}

int
eve_file_sync(struct eve_file *file, struct err *err)
{
	if (file->fd >= 0 && fdatasync(file->fd) != 0)
		return err_sys(err, "%s: sync", file->path);
	return 0;
}

void
eve_file_close(struct eve_file *file)
{
	if (file->fd >= 0)
		(void)close(file->fd);
	file->fd = -1;
}
