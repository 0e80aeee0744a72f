/* SPDX-License-Identifier: MIT */
#include "proxy/board.h"

#include "base/err.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

int
board_create(struct err *err)
{
	int fd = memfd_create("board", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return err_sys(err, "memfd_create");
	/* A role that could shrink the board would kill all that read it. */
	if (ftruncate(fd, (off_t)sizeof(struct board)) != 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW) != 0) {
		(void)err_sys(err, "make the board");
		(void)close(fd);
		return -1;
	}
	return fd;
}

struct board *
board_map(int fd, struct err *err)
{
	void *at = mmap(NULL, sizeof(struct board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED) {
		(void)err_sys(err, "map the board");
		return NULL;
	}
	return at;
}
