/* SPDX-License-Identifier: MIT */
#include "proxy/database_file.h"

#include "base/err.h"
#include "base/memfd.h"
#include "geo/mmdb_file.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A database larger than this is not one: the largest that is sold has a
 * quarter of it. */
enum { DATABASE_BYTES_MAX = 2000 * 1000 * 1000 };

static int
check_end(int fd, off_t size, struct err *err)
{
	const size_t wanted = size < MMDB_END_BYTES ? (size_t)size : MMDB_END_BYTES;
	uint8_t *end = malloc(MMDB_END_BYTES);
	ssize_t count;
	int ret = -1;

	if (end == NULL)
		return err_set(err, ERR_NOMEM, "no memory");
	count = pread(fd, end, wanted, size - (off_t)wanted);
	if (count < 0)
		(void)err_sys(err, "read");
	else
		ret = mmdb_file_check_end((struct bytes){end, (size_t)count}, err);
	free(end);
	return ret;
}

/* What cannot be opened, or is no file, the copy tells. */
static int
check_file(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	const char *slash = strrchr(path, '/');
	struct err why = {0};
	struct stat about;
	int ret = 0;

	if (fd < 0)
		return 0;
	if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode)) {
		ret =
		    about.st_size > DATABASE_BYTES_MAX
			? err_set(&why, ERR_LIMIT, "it is larger than %d bytes", DATABASE_BYTES_MAX)
			: check_end(fd, about.st_size, &why);
	}
	(void)close(fd);
	/* By its name, as database_open tells what it finds. */
	return ret == 0 ? 0
			: err_set(err, why.kind, "%.80s: %s", slash != NULL ? slash + 1 : path,
			      why.text);
}

int
database_file_copy(const char *path, struct err *err)
{
	return check_file(path, err) == 0 ? memfd_copy_file(path, DATABASE_BYTES_MAX, err) : -1;
}
