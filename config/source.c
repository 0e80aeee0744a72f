/* SPDX-License-Identifier: MIT */
#include "config/source.h"

#include "base/err.h"
#include "base/memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct file {
	struct file *next;
	uint8_t *bytes; /* owned; NULL: known to be there, not read */
	size_t size;
	char path[];
};

struct source {
	bool disk; /* a file that is not held yet may be looked for */
	struct file *files;
};

static struct source *
source_new(bool disk)
{
	struct source *source = calloc(1, sizeof(*source));

	if (source != NULL)
		source->disk = disk;
	return source;
}

struct source *
source_from_disk(void)
{
	return source_new(true);
}

struct source *
source_from_memory(void)
{
	return source_new(false);
}

static struct file *
find(const struct source *source, const char *path)
{
	for (struct file *file = source->files; file != NULL; file = file->next) {
		if (strcmp(file->path, path) == 0)
			return file;
	}
	return NULL;
}

/* bytes become the source's; freed here when there is no memory for the entry. */
static struct file *
keep(struct source *source, struct bytes path, uint8_t *bytes, size_t size)
{
	struct file *file = malloc(sizeof(*file) + path.left + 1);

	if (file == NULL) {
		free(bytes);
		return NULL;
	}
	*file = (struct file){.next = source->files, .bytes = bytes, .size = size};
	memcpy(file->path, path.at, path.left);
	file->path[path.left] = '\0';
	source->files = file;
	return file;
}

static struct bytes
text_bytes(const char *text)
{
	return (struct bytes){.at = (const uint8_t *)text, .left = strlen(text)};
}

int
source_put(struct source *source, const char *path, struct bytes bytes, struct err *err)
{
	/* One more, so that an empty file is not a file that was never read. */
	uint8_t *copy = malloc(bytes.left + 1);

	if (copy == NULL)
		return err_set(err, ERR_NOMEM, "no memory for %s", path);
	if (bytes.left > 0)
		memcpy(copy, bytes.at, bytes.left);
	if (keep(source, text_bytes(path), copy, bytes.left) == NULL)
		return err_set(err, ERR_NOMEM, "no memory for %s", path);
	return 0;
}

/* O_NONBLOCK: a fifo without a writer would hold open(2) for ever. */
static int
open_file(const char *path, struct stat *st, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return err_sys(err, "cannot open %s", path);
	if (fstat(fd, st) != 0) {
		(void)err_sys(err, "cannot look at %s", path);
	} else if (!S_ISREG(st->st_mode)) {
		(void)err_set(err, ERR_INPUT, "%s is not a regular file", path);
	} else if ((st->st_mode & S_IWOTH) != 0) {
		(void)err_set(err, ERR_INPUT, "%s may be written by everybody (mode %04o)", path,
		    (unsigned)st->st_mode & 07777);
	} else {
		return fd;
	}
	(void)close(fd);
	return -1;
}

static int
read_all(int fd, uint8_t *at, size_t room, size_t *got)
{
	*got = 0;
	while (*got < room) {
		ssize_t count = read(fd, at + *got, room - *got);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -1;
		if (count == 0)
			return 0;
		*got += (size_t)count;
	}
	return 0;
}

static struct file *
read_file(struct source *source, const char *path, struct err *err)
{
	struct file *ret = NULL;
	uint8_t *bytes = NULL;
	struct stat st = {0};
	size_t size;
	int fd = open_file(path, &st, err);

	if (fd < 0)
		return NULL;
	if (st.st_size > SOURCE_FILE_MAX) {
		(void)err_set(err, ERR_LIMIT, "%s is larger than %d MiB", path,
		    SOURCE_FILE_MAX >> 20);
		goto out;
	}
	/* One more than it should hold: a file that grows meanwhile shows itself. */
	bytes = malloc((size_t)st.st_size + 1);
	if (bytes == NULL) {
		(void)err_set(err, ERR_NOMEM, "no memory for %s", path);
		goto out;
	}
	if (read_all(fd, bytes, (size_t)st.st_size + 1, &size) != 0) {
		(void)err_sys(err, "cannot read %s", path);
		goto out;
	}
	if (size > (size_t)st.st_size) {
		(void)err_set(err, ERR_INPUT, "%s is being written", path);
		goto out;
	}
	ret = keep(source, text_bytes(path), bytes, size);
	bytes = NULL; /* kept, or freed there */
	if (ret == NULL)
		(void)err_set(err, ERR_NOMEM, "no memory for %s", path);
out:
	free(bytes);
	(void)close(fd);
	return ret;
}

int
source_read(struct source *source, const char *path, struct bytes *out, struct err *err)
{
	struct file *file = find(source, path);

	if ((file == NULL || file->bytes == NULL) && source->disk) {
		file = read_file(source, path, err);
		if (file == NULL)
			return -1;
	}
	if (file == NULL || file->bytes == NULL)
		return err_set(err, ERR_INPUT, "%s was not read when the configuration was sealed",
		    path);
	*out = (struct bytes){.at = file->bytes, .left = file->size};
	return 0;
}

int
source_check(struct source *source, const char *path, struct err *err)
{
	struct stat st;
	int fd;

	if (find(source, path) != NULL)
		return 0;
	if (!source->disk)
		return err_set(err, ERR_INPUT, "%s was not there when the configuration was sealed",
		    path);
	fd = open_file(path, &st, err);
	if (fd < 0)
		return -1;
	(void)close(fd);
	return source_vouch(source, path, err);
}

int
source_vouch(struct source *source, const char *path, struct err *err)
{
	if (keep(source, text_bytes(path), NULL, 0) == NULL)
		return err_set(err, ERR_NOMEM, "no memory for %s", path);
	return 0;
}

/*
 * The seal is a row of: a byte that says whether the content is there, the
 * path's length (16 bits), the content's (32 bits), the path, the content.
 */
enum { SEAL_HEAD = 7, SEAL_PATH_MAX = 0xffff };

static uint8_t *
seal_file(uint8_t *to, const struct file *file)
{
	size_t path_size = strlen(file->path);

	*to++ = file->bytes != NULL;
	for (int shift = 8; shift >= 0; shift -= 8)
		*to++ = (uint8_t)(path_size >> shift);
	for (int shift = 24; shift >= 0; shift -= 8)
		*to++ = (uint8_t)(file->size >> shift);
	memcpy(to, file->path, path_size);
	to += path_size;
	if (file->size > 0)
		memcpy(to, file->bytes, file->size);
	return to + file->size;
}

int
source_seal(const struct source *source, struct err *err)
{
	uint8_t *sealed, *at;
	size_t size = 0;
	int fd;

	for (const struct file *file = source->files; file != NULL; file = file->next) {
		if (strlen(file->path) > SEAL_PATH_MAX)
			return err_set(err, ERR_LIMIT, "a path is too long to seal");
		size += SEAL_HEAD + strlen(file->path) + file->size;
	}
	sealed = malloc(size + 1);
	if (sealed == NULL)
		return err_set(err, ERR_NOMEM, "no memory to seal the configuration");
	at = sealed;
	for (const struct file *file = source->files; file != NULL; file = file->next)
		at = seal_file(at, file);
	fd = memfd_seal("borderlens-config", sealed, size, err);
	free(sealed);
	return fd;
}

static bool
unseal_file(struct source *source, struct bytes *in)
{
	uint16_t path_size, high, low;
	struct bytes path, content;
	uint8_t *copy = NULL;
	uint8_t held;

	if (!bytes_u8(in, &held) || !bytes_u16(in, &path_size) || !bytes_u16(in, &high) ||
	    !bytes_u16(in, &low) || !bytes_take(in, path_size, &path) ||
	    !bytes_take(in, (size_t)high << 16 | low, &content))
		return false;
	if (held != 0) {
		copy = malloc(content.left + 1);
		if (copy == NULL)
			return false;
		memcpy(copy, content.at, content.left);
	}
	return keep(source, path, copy, content.left) != NULL;
}

struct source *
source_from_sealed(int fd, struct err *err)
{
	struct source *source = source_new(false);
	const uint8_t *at;
	struct bytes in;
	size_t size;

	if (source == NULL) {
		(void)err_set(err, ERR_NOMEM, "no memory for the configuration");
		return NULL;
	}
	if (memfd_map(fd, &at, &size, err) != 0) {
		source_free(source);
		return NULL;
	}
	in = (struct bytes){.at = at, .left = size};
	while (in.left > 0) {
		if (!unseal_file(source, &in)) {
			(void)err_set(err, ERR_INPUT, "the sealed configuration is not whole");
			source_free(source);
			source = NULL;
			break;
		}
	}
	if (size > 0)
		(void)munmap((void *)(uintptr_t)at, size);
	return source;
}

void
source_free(struct source *source)
{
	struct file *file, *next;

	if (source == NULL)
		return;
	for (file = source->files; file != NULL; file = next) {
		next = file->next;
		free(file->bytes);
		free(file);
	}
	free(source);
}
