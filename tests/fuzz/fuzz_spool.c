/* SPDX-License-Identifier: MIT */
#include "record/spool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	RING_AT = 4096 + SPOOL_LIVE_COUNT * (int)sizeof(struct spool_live),
	HEADER_FUZZED = 256, /* bytes of the file's head that the input replaces */
};

/* A spool whose head and ring a worker has altered: the recorder reads on or
 * says no, and always comes to an end. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct recorded event;
	static uint8_t whole[HEADER_FUZZED];
	static int fd = -1;
	struct spool *reader;
	size_t head = size < HEADER_FUZZED ? size : HEADER_FUZZED;
	unsigned reads = 0;
	uint8_t header[HEADER_FUZZED];

	if (fd < 0) {
		char path[] = "/tmp/fuzz-spool-XXXXXX";
		int made = mkstemp(path);

		assert(made >= 0 && unlink(path) == 0 && close(made) == 0);
		fd = spool_create(path, SPOOL_SIZE_MIN, 0, 1, NULL);
		assert(fd >= 0 && unlink(path) == 0);
		assert(pread(fd, whole, sizeof(whole), 0) == (ssize_t)sizeof(whole));
	}
	/* Bytes of 0 leave what stands there, so that a good head is near. */
	memcpy(header, whole, sizeof(header));
	for (size_t i = 0; i < head; i++)
		header[i] ^= data[i];
	assert(pwrite(fd, header, sizeof(header), 0) == (ssize_t)sizeof(header));
	if (size > head)
		assert(pwrite(fd, data + head, size - head, RING_AT) == (ssize_t)(size - head));
	reader = spool_reader(fd, NULL);
	if (reader == NULL)
		return 0;
	while (reads++ < 1000 && spool_read(reader, &event, NULL) == 1)
		;
	(void)spool_waiting(reader);
	(void)spool_skip(reader);
	(void)spool_read(reader, &event, NULL);
	spool_close(reader);
	return 0;
}
