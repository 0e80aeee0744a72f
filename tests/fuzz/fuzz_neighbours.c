/* SPDX-License-Identifier: MIT */
/* A netlink message about a neighbour or an interface. */
#include "proxy/neighbours.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct neighbour_told told;
	void *message = malloc(size + 1); /* aligned, and no byte longer than it is */

	if (message == NULL)
		return 0;
	if (size > 0)
		memcpy(message, data, size);
	neighbours_read(message, size, &told);
	assert(memchr(told.name, '\0', sizeof(told.name)) != NULL);
	assert(told.what == NEIGHBOUR_OTHER || told.ifindex > 0);
	assert(told.what != NEIGHBOUR_IS || mac_is_host(told.mac));
	free(message);
	return 0;
}
