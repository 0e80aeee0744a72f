/* SPDX-License-Identifier: MIT */
#include "tests/support/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ARGS_MAX = 32 };

static void
need(int truth, const char *what)
{
	if (truth)
		return;
	perror(what);
	abort();
}

static int
divert(int fd, int *saved)
{
	int to = memfd_create("test", MFD_CLOEXEC);

	*saved = dup(fd);
	need(to >= 0 && *saved >= 0 && dup2(to, fd) == fd, "divert");
	return to;
}

static void
restore(int fd, int from, int saved, char *text, size_t size)
{
	ssize_t count = pread(from, text, size - 1, 0);

	need(count >= 0 && dup2(saved, fd) == fd, "restore");
	text[count] = '\0';
	(void)close(from);
	(void)close(saved);
}

void
command_run_in(int (*command)(int argc, char **argv), const char *const *args, struct ran *ran)
{
	char *argv[ARGS_MAX + 1] = {NULL}, *words[ARGS_MAX];
	int argc = 0, saved_out, saved_err, out, err;

	for (; args[argc] != NULL; argc++) {
		need(argc < ARGS_MAX, "too many arguments");
		words[argc] = argv[argc] = strdup(args[argc]);
		need(argv[argc] != NULL, "strdup");
	}
	(void)fflush(NULL);
	out = divert(STDOUT_FILENO, &saved_out);
	err = divert(STDERR_FILENO, &saved_err);
	ran->code = command(argc, argv);
	(void)fflush(NULL);
	restore(STDOUT_FILENO, out, saved_out, ran->out, sizeof(ran->out));
	restore(STDERR_FILENO, err, saved_err, ran->err, sizeof(ran->err));
	/* getopt puts argv in another order. */
	for (int i = 0; i < argc; i++)
		free(words[i]);
}
