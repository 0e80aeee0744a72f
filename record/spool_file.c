/* SPDX-License-Identifier: MIT */
#include "record/spool_private.h"

#include "base/err.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VERSION = 2 };

static const uint64_t magic = 0x626f726465726c73;
static const uint64_t offset_mask = (1U << SPOOL_OFFSET_BITS) - 1;

uint64_t
spool_ordinal(uint64_t position)
{
	return position >> SPOOL_OFFSET_BITS;
}

uint64_t
spool_offset(uint64_t position)
{
	return position & offset_mask;
}

uint64_t
spool_file_units(uint64_t size)
{
	return (size - SPOOL_RING_AT) / SPOOL_UNIT;
}

bool
spool_positions_fit(uint64_t head, uint64_t tail, uint64_t units)
{
	return spool_offset(head) < units && spool_offset(tail) < units &&
	       spool_ordinal(head) >= spool_ordinal(tail) &&
	       spool_ordinal(head) - spool_ordinal(tail) <= units &&
	       (spool_ordinal(head) != spool_ordinal(tail) || head == tail);
}

static bool
header_fits(const struct spool_header *header, uint64_t size)
{
	return header->magic == magic && header->version == VERSION && header->size == size &&
	       size >= SPOOL_SIZE_MIN && size <= SPOOL_SIZE_MAX && size % SPOOL_PAGE == 0 &&
	       header->worker <= EVENT_WORKER_MAX &&
	       memchr(header->site, '\0', sizeof(header->site)) != NULL &&
	       spool_positions_fit(atomic_load(&header->head), atomic_load(&header->tail),
		   spool_file_units(size));
}

struct spool_header *
spool_map_header(int fd, struct err *err)
{
	struct spool_header *header;
	struct stat st;

	if (fstat(fd, &st) != 0)
		return (void)err_sys(err, "spool"), NULL;
	if (!S_ISREG(st.st_mode) || st.st_size < SPOOL_SIZE_MIN)
		return (void)err_set(err, ERR_INPUT, "this is no spool"), NULL;
	header = mmap(NULL, SPOOL_RING_AT, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (header == MAP_FAILED)
		return (void)err_sys(err, "spool: map"), NULL;
	if (!header_fits(header, (uint64_t)st.st_size)) {
		(void)munmap(header, SPOOL_RING_AT);
		return (void)err_set(err, ERR_INPUT, "this is no spool of version %d", VERSION),
		       NULL;
	}
	return header;
}

bool
spool_is_whole(int fd, unsigned worker)
{
	struct spool_header *header = spool_map_header(fd, NULL);
	bool whole = header != NULL && header->worker == worker;

	if (header != NULL)
		(void)munmap(header, SPOOL_RING_AT);
	return whole;
}

static int
write_header(int fd, const struct spool_header *header, struct err *err)
{
	ssize_t count = pwrite(fd, header, sizeof(*header), 0);

	if (count < 0)
		return err_sys(err, "spool: write");
	if ((size_t)count != sizeof(*header))
		return err_set(err, ERR_SYS, "spool: its head was not written whole");
	return 0;
}

/* Make the file under a name of its own first: one that is half made is never
 * taken for a spool. */
static int
make_file(const char *path, uint64_t size, unsigned worker, uint64_t epoch, struct err *err)
{
	struct spool_header header = {.magic = magic,
	    .version = VERSION,
	    .worker = worker,
	    .size = size};
	char new_path[PATH_MAX];
	int fd, ret = -1, error;

	atomic_init(&header.epoch, epoch);
	if (getrandom(header.id, sizeof(header.id), 0) != (ssize_t)sizeof(header.id))
		return err_sys(err, "getrandom");
	if ((size_t)snprintf(new_path, sizeof(new_path), "%s.new", path) >= sizeof(new_path))
		return err_set(err, ERR_LIMIT, "a spool's path is too long");
	if (unlink(new_path) != 0 && errno != ENOENT)
		return err_sys(err, "%s", new_path);
	fd = open(new_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(err, "%s", new_path);
	error = posix_fallocate(fd, 0, (off_t)size);
	if (error != 0) {
		errno = error;
		(void)err_sys(err, "%s: cannot have %llu bytes", new_path,
		    (unsigned long long)size);
		goto out;
	}
	if (write_header(fd, &header, err) != 0)
		goto out;
	if (rename(new_path, path) != 0) {
		(void)err_sys(err, "%s", path);
		goto out;
	}
	ret = fd;
	fd = -1;
out:
	if (fd >= 0) {
		(void)unlink(new_path);
		(void)close(fd);
	}
	return ret;
}

/* Take the file that is there for a new run.  false: it is not what is asked. */
static bool
keep_file(int fd, uint64_t size, unsigned worker, uint64_t epoch)
{
	struct spool_header *header = spool_map_header(fd, NULL);
	bool keep;

	if (header == NULL)
		return false;
	keep = header->size == size && header->worker == worker;
	if (keep && atomic_load(&header->epoch) != epoch) {
		/* Cut short between the two, the next start does both again. */
		atomic_store(&header->first, spool_ordinal(atomic_load(&header->head)));
		atomic_store(&header->epoch, epoch);
	}
	(void)munmap(header, SPOOL_RING_AT);
	return keep;
}

static int
move_aside(const char *path, uint64_t epoch, struct err *err)
{
	char old_path[PATH_MAX];

	if ((size_t)snprintf(old_path, sizeof(old_path), "%s.%llu", path,
		(unsigned long long)epoch) >= sizeof(old_path))
		return err_set(err, ERR_LIMIT, "a spool's path is too long");
	if (rename(path, old_path) != 0)
		return err_sys(err, "%s", old_path);
	return 0;
}

int
spool_create(const char *path, uint64_t size, unsigned worker, uint64_t epoch, struct err *err)
{
	int fd;

	size = (size + SPOOL_PAGE - 1) / SPOOL_PAGE * SPOOL_PAGE;
	if (size < SPOOL_SIZE_MIN || size > SPOOL_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "a spool has from %d to %d bytes", SPOOL_SIZE_MIN,
		    SPOOL_SIZE_MAX);
	assert(worker < EVENT_WORKER_MAX);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return make_file(path, size, worker, epoch, err);
	if (fd < 0)
		return err_sys(err, "%s", path);
	if (keep_file(fd, size, worker, epoch))
		return fd;
	(void)close(fd);
	if (move_aside(path, epoch, err) != 0)
		return -1;
	return make_file(path, size, worker, epoch, err);
}
