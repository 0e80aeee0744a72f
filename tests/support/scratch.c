/* SPDX-License-Identifier: MIT */
#include "tests/support/scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void
die(const char *what)
{
	perror(what);
	abort();
}

void
scratch_dir(char *out, size_t size)
{
	const char *tmp = getenv("TMPDIR");
	int used = snprintf(out, size, "%s/borderlens-test-XXXXXX", tmp != NULL ? tmp : "/tmp");

	if (used < 0 || (size_t)used >= size || mkdtemp(out) == NULL)
		die("scratch_dir");
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void
scratch_remove(const char *dir)
{
	if (nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
		die(dir);
}

void
scratch_file(const char *dir, const char *name, const void *bytes, size_t size)
{
	char path[4096];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "w");
	if (file == NULL || fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
		die(path);
}
