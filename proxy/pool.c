/* SPDX-License-Identifier: MIT */
#include "proxy/pool.h"

#include <stdlib.h>

uint8_t *
pool_take(struct pool *pool)
{
	if (pool->spares > 0)
		return pool->spare[--pool->spares];
	return malloc(POOL_BUFFER_BYTES);
}

void
pool_give(struct pool *pool, uint8_t *buffer)
{
	if (buffer == NULL)
		return;
	if (pool->spares < POOL_SPARE_MAX)
		pool->spare[pool->spares++] = buffer;
	else
		free(buffer);
}

void
pool_clear(struct pool *pool)
{
	while (pool->spares > 0)
		free(pool->spare[--pool->spares]);
}
