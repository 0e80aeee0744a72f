/* SPDX-License-Identifier: MIT */
#include "tests/bench/traffic.h"

#include <string.h>
#include <time.h>

enum {
	REST_EVERY = 8 << 20, /* bytes between two rests */
	REST_MS = 20,
};

bool
payload_write(SSL *ssl, const void *data, size_t size)
{
	return size == 0 || SSL_write(ssl, data, (int)size) == (int)size;
}

bool
payload_read(SSL *ssl, void *data, size_t size)
{
	for (size_t got = 0; got < size;) {
		int n = SSL_read(ssl, (char *)data + got, (int)(size - got));

		if (n <= 0)
			return false;
		got += (size_t)n;
	}
	return true;
}

char payload_pattern[CHUNK + PERIOD];

void
payload_begin(void)
{
	for (size_t i = 0; i < sizeof(payload_pattern); i++)
		payload_pattern[i] = (char)(i % PERIOD);
}

bool
payload_give(SSL *ssl, uint64_t count)
{
	for (uint64_t at = 0; at < count;) {
		size_t size = count - at < CHUNK ? (size_t)(count - at) : CHUNK;

		if (!payload_write(ssl, payload_pattern + at % PERIOD, size))
			return false;
		at += size;
	}
	return true;
}

bool
payload_take(SSL *ssl, uint64_t count, bool slowly)
{
	const struct timespec rest = {.tv_nsec = REST_MS * 1000000L};
	char chunk[CHUNK];
	uint64_t next_rest = REST_EVERY;

	for (uint64_t at = 0; at < count;) {
		size_t size = count - at < CHUNK ? (size_t)(count - at) : CHUNK;

		if (!payload_read(ssl, chunk, size) ||
		    memcmp(chunk, payload_pattern + at % PERIOD, size) != 0)
			return false;
		at += size;
		if (slowly && at >= next_rest) {
			next_rest += REST_EVERY;
			(void)nanosleep(&rest, NULL);
		}
	}
	return true;
}
