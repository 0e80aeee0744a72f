/* SPDX-License-Identifier: MIT */
#include "base/squeeze.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* So many zeros begin a run: fewer are as short as what tells of one. */
enum { RUN_MIN = 8 };

/* Bytes, with zeros before them. */
struct run {
	uint16_t zeros, bytes;
};

struct squeezed {
	uint16_t size, whole; /* of runs; of what they tell */
	uint8_t runs[];       /* each a struct run, then its bytes */
};

static size_t
count_zeros(const uint8_t *at, size_t left)
{
	size_t count = 0;
	uint64_t word;

	for (; left - count >= sizeof(word); count += sizeof(word)) {
		memcpy(&word, at + count, sizeof(word));
		if (word != 0)
			break;
	}
	while (count < left && at[count] == 0)
		count++;
	return count;
}

/* Up to the next run of zeros, or the end. */
static size_t
count_bytes(const uint8_t *at, size_t left)
{
	size_t count = 0, zeros = 0;

	while (count < left && zeros < RUN_MIN) {
		zeros = at[count] == 0 ? zeros + 1 : 0;
		count++;
	}
	return count - zeros;
}

/* Take one run off the front of what is left. */
static struct run
next_run(const uint8_t *at, size_t left)
{
	size_t zeros = count_zeros(at, left);

	return (struct run){.zeros = (uint16_t)zeros,
	    .bytes = (uint16_t)count_bytes(at + zeros, left - zeros)};
}

/* NULL: only count.  Returns the bytes of all runs. */
static size_t
write_runs(const uint8_t *from, size_t size, uint8_t *to)
{
	size_t used = 0;

	for (size_t at = 0; at < size;) {
		struct run run = next_run(from + at, size - at);

		at += run.zeros;
		if (to != NULL) {
			memcpy(to + used, &run, sizeof(run));
			memcpy(to + used + sizeof(run), from + at, run.bytes);
		}
		used += sizeof(run) + run.bytes;
		at += run.bytes;
	}
	return used;
}

struct squeezed *
squeeze(const void *from, size_t size)
{
	struct squeezed *squeezed;
	size_t used;

	assert(size <= SQUEEZE_MAX);
	used = write_runs(from, size, NULL);
	squeezed = malloc(sizeof(*squeezed) + used);
	if (squeezed == NULL)
		return NULL;
	squeezed->size = (uint16_t)used;
	squeezed->whole = (uint16_t)size;
	(void)write_runs(from, size, squeezed->runs);
	return squeezed;
}

void
squeezed_restore(const struct squeezed *squeezed, void *to, size_t size)
{
	uint8_t *out = to;
	size_t at = 0, used = 0;

	assert(size == squeezed->whole);
	while (used < squeezed->size) {
		struct run run;

		memcpy(&run, squeezed->runs + used, sizeof(run));
		used += sizeof(run);
		assert(run.zeros + run.bytes <= size - at);
		memset(out + at, 0, run.zeros);
		memcpy(out + at + run.zeros, squeezed->runs + used, run.bytes);
		at += (size_t)run.zeros + run.bytes;
		used += run.bytes;
	}
	assert(at == size);
}

size_t
squeezed_size(const struct squeezed *squeezed)
{
	return sizeof(*squeezed) + squeezed->size;
}
