/* SPDX-License-Identifier: MIT */
#include "tests/support/media.h"

#include "tests/support/scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SIZE_MAX_BYTES = 8 << 20, COMMAND_MAX = 1024 };

static const char ffmpeg[] = "/usr/bin/ffmpeg";

bool
media_can_make(void)
{
	return access(ffmpeg, X_OK) == 0;
}

uint8_t *
media_make(const char *arguments, size_t *size)
{
	char dir[256], command[COMMAND_MAX], path[300];
	uint8_t *bytes = malloc(SIZE_MAX_BYTES);
	FILE *file;
	int used;

	scratch_dir(dir, sizeof(dir));
	(void)snprintf(path, sizeof(path), "%s/media", dir);
	used = snprintf(command, sizeof(command),
	    "%s -v error -nostdin -y -threads 1 -f lavfi -i testsrc2=size=320x240:rate=12"
	    " -f lavfi -i sine=frequency=440:sample_rate=16000 -t 2 %s '%s' </dev/null",
	    ffmpeg, arguments, path);
	if (bytes == NULL || used < 0 || used >= COMMAND_MAX ||
	    system(command) != 0) { /* NOLINT(cert-env33-c): a command of the test's own */
		fprintf(stderr, "media_make: %s\n", command);
		abort();
	}
	file = fopen(path, "rb");
	*size = file == NULL ? 0 : fread(bytes, 1, SIZE_MAX_BYTES, file);
	if (file == NULL || *size == 0 || fclose(file) != 0)
		abort();
	scratch_remove(dir);
	return bytes;
}
