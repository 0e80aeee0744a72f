/* SPDX-License-Identifier: MIT */
#ifndef PROXY_POOL_H
#define PROXY_POOL_H

#include <stddef.h>
#include <stdint.h>

/*
 * Buffers of one size for bytes on their way out.  A leg holds one only while
 * the kernel does not take what it has to send, so a worker with thousands of
 * idle connections needs a handful.
 */
enum {
	POOL_BUFFER_BYTES = 128 << 10,
	POOL_SPARE_MAX = 32, /* kept for the next taker; more go back to the system */
};

struct pool {
	uint8_t *spare[POOL_SPARE_MAX]; /* owned */
	size_t spares;
};

uint8_t *pool_take(struct pool *pool);              /* POOL_BUFFER_BYTES, or NULL */
void pool_give(struct pool *pool, uint8_t *buffer); /* accepts NULL */
void pool_clear(struct pool *pool);

#endif
