/* SPDX-License-Identifier: MIT */
#include "proxy/board.h"

#include "base/err.h"

#include <criterion/criterion.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

Test(board, is_seen_by_all_that_map_it)
{
	int fd = board_create(NULL);
	struct board *here = board_map(fd, NULL);
	pid_t pid;

	cr_assert_not_null(here);
	cr_expect_eq(atomic_load(&here->draining), 0);
	cr_expect_eq(atomic_load(&here->worker[CONFIG_WORKERS_MAX - 1].beat_ms), 0);
	pid = fork();
	if (pid == 0) {
		struct board *there = board_map(fd, NULL);

		atomic_store(&there->worker[CONFIG_WORKERS_MAX - 1].beat_ms, 7);
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	cr_expect_eq(atomic_load(&here->worker[CONFIG_WORKERS_MAX - 1].beat_ms), 7);
	(void)munmap(here, sizeof(*here));
	(void)close(fd);
}

Test(board, cannot_be_taken_from_under_its_readers)
{
	int fd = board_create(NULL);

	cr_expect_neq(ftruncate(fd, 0), 0);
	cr_expect_neq(ftruncate(fd, 1 << 20), 0);
	(void)close(fd);
}

Test(board, is_not_made_of_something_else)
{
	struct err err = {0};

	cr_expect_null(board_map(-1, &err));
	cr_expect_eq(err.kind, ERR_SYS);
}
