/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "base/memfd.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char dir[256], path[300];

static void
make_dir(void)
{
	scratch_dir(dir, sizeof(dir));
	(void)snprintf(path, sizeof(path), "%s/file", dir);
}

static void
remove_dir(void)
{
	scratch_remove(dir);
}

TestSuite(memfd, .init = make_dir, .fini = remove_dir);

static void
expect_content(int fd, const void *bytes, size_t count)
{
	const uint8_t *at;
	size_t size;

	cr_assert_geq(fd, 0);
	cr_assert_eq(memfd_map(fd, &at, &size, NULL), 0);
	cr_assert_eq(size, count);
	cr_expect(count == 0 || memcmp(at, bytes, count) == 0);
	if (count > 0)
		(void)munmap((void *)(uintptr_t)at, size);
}

static void
expect_unchangeable(int fd)
{
	cr_expect_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	cr_expect_eq(lseek(fd, 0, SEEK_CUR), 0);
	cr_expect_eq(write(fd, "x", 1), -1);
	cr_expect_eq(errno, EPERM);
	cr_expect_eq(ftruncate(fd, 1 << 20), -1);
	cr_expect_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), -1);
	cr_expect_eq(mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
}

static void
expect_refused(uint64_t size_max, enum err_kind kind, const char *words)
{
	struct err err = {0};

	cr_expect_eq(memfd_copy_file(path, size_max, &err), -1);
	cr_expect_eq(err.kind, kind, "%s", err.text);
	cr_expect_not_null(strstr(err.text, words), "%s", err.text);
	cr_expect_not_null(strstr(err.text, path), "%s", err.text);
}

Test(memfd, bytes_are_sealed)
{
	int fd = memfd_seal("test", "bytes", 5, NULL);

	cr_expect_eq(ftruncate(fd, 4), -1);
	expect_content(fd, "bytes", 5);
	expect_unchangeable(fd);
	(void)close(fd);
}

Test(memfd, nothing_is_sealed_too)
{
	int fd = memfd_seal("test", "", 0, NULL);

	expect_content(fd, "", 0);
	expect_unchangeable(fd);
	(void)close(fd);
}

Test(memfd, a_files_copy_is_whole_and_outlives_it)
{
	enum { SIZE = (5 << 20) + 3 };
	uint8_t *bytes = malloc(SIZE);
	int fd;

	cr_assert_not_null(bytes);
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (uint8_t)(i * i >> 7);
	scratch_file(dir, "file", bytes, SIZE);
	fd = memfd_copy_file(path, SIZE, NULL);
	cr_assert_eq(truncate(path, 0), 0);
	cr_assert_eq(unlink(path), 0);
	expect_content(fd, bytes, SIZE);
	expect_unchangeable(fd);
	(void)close(fd);
	free(bytes);
}

Test(memfd, an_empty_file_is_a_file)
{
	int fd;

	scratch_file(dir, "file", "", 0);
	fd = memfd_copy_file(path, 10, NULL);
	expect_content(fd, "", 0);
	(void)close(fd);
}

Test(memfd, a_file_that_is_too_large_is_refused)
{
	scratch_file(dir, "file", "12345678901", 11);
	expect_refused(10, ERR_LIMIT, "larger than 10 bytes");
}

Test(memfd, a_file_that_is_not_there_is_refused)
{
	expect_refused(10, ERR_SYS, "No such file");
}

Test(memfd, a_directory_is_refused)
{
	cr_assert_eq(mkdir(path, 0755), 0);
	expect_refused(10, ERR_INPUT, "not a regular file");
}

Test(memfd, a_fifo_is_refused_at_once)
{
	cr_assert_eq(mkfifo(path, 0600), 0);
	expect_refused(10, ERR_INPUT, "not a regular file");
}

Test(memfd, a_device_is_refused)
{
	(void)snprintf(path, sizeof(path), "/dev/zero");
	expect_refused(10, ERR_INPUT, "not a regular file");
}

Test(memfd, a_socket_is_refused)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(name.sun_path, sizeof(name.sun_path), "%.100s", path);
	cr_assert_eq(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	expect_refused(10, ERR_SYS, "open");
	(void)close(fd);
}

Test(memfd, what_is_no_descriptor_cannot_be_mapped)
{
	struct err err = {0};
	const uint8_t *at;
	size_t size;

	cr_expect_eq(memfd_map(-1, &at, &size, &err), -1);
	cr_expect_eq(err.kind, ERR_SYS);
}
