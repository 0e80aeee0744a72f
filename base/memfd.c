/* SPDX-License-Identifier: MIT */
#include "base/memfd.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static int
write_all(int fd, const uint8_t *at, size_t count)
{
	while (count > 0) {
		ssize_t wrote = write(fd, at, count);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return -1;
		at += wrote;
		count -= (size_t)wrote;
	}
	return 0;
}

static int
seal(int fd, struct err *err)
{
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

	if (lseek(fd, 0, SEEK_SET) != 0 || fcntl(fd, F_ADD_SEALS, seals) != 0)
		return err_sys(err, "seal a memfd");
	return 0;
}

int
memfd_seal(const char *name, const void *bytes, size_t count, struct err *err)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return err_sys(err, "memfd_create");
	if (write_all(fd, bytes, count) != 0) {
		(void)err_sys(err, "write %zu bytes to a memfd", count);
		(void)close(fd);
		return -1;
	}
	if (seal(fd, err) != 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static int
copy_bytes(int from, int to, const char *path, uint64_t size_max, struct err *err)
{
	uint64_t copied = 0;

	for (;;) {
		ssize_t count = sendfile(to, from, NULL, (size_t)1 << 20);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return err_sys(err, "read %s", path);
		if (count == 0)
			return 0;
		copied += (uint64_t)count;
		if (copied > size_max)
			return err_set(err, ERR_LIMIT, "%s is larger than %llu bytes", path,
			    (unsigned long long)size_max);
	}
}

/* Opens without blocking, so that a fifo cannot hold us. */
static int
open_regular(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return err_sys(err, "open %s", path);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		(void)close(fd);
		return err_set(err, ERR_INPUT, "%s is not a regular file", path);
	}
	return fd;
}

int
memfd_copy_file(const char *path, uint64_t size_max, struct err *err)
{
	int from = open_regular(path, err);
	int to, ret = -1;

	if (from < 0)
		return -1;
	to = memfd_create("borderlens", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (to < 0) {
		(void)err_sys(err, "memfd_create");
		goto out;
	}
	if (copy_bytes(from, to, path, size_max, err) != 0 || seal(to, err) != 0)
		goto out;
	ret = to;
	to = -1; /* handed to the caller */
out:
	if (to >= 0)
		(void)close(to);
	(void)close(from);
	return ret;
}

int
memfd_map(int fd, const uint8_t **at, size_t *count, struct err *err)
{
	struct stat st;
	void *mapped;

	if (fstat(fd, &st) != 0)
		return err_sys(err, "fstat a memfd");
	if (st.st_size == 0) {
		*at = NULL;
		*count = 0;
		return 0;
	}
	mapped = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (mapped == MAP_FAILED)
		return err_sys(err, "map a memfd");
	*at = mapped;
	*count = (size_t)st.st_size;
	return 0;
}
