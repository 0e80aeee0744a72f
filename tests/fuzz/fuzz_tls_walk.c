/* SPDX-License-Identifier: MIT */
#include "proxy/tls_walk.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* However it is split, the answer is the same. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tls_walk whole = {0}, pieces = {0};
	enum walk_found found = tls_walk_add(&whole, data, size);
	size_t piece = 1 + size % 13;

	for (size_t at = 0; at < size; at += piece)
		(void)tls_walk_add(&pieces, data + at, size - at < piece ? size - at : piece);
	assert(pieces.found == found);
	assert(whole.head_used < TLS_RECORD_HEAD_BYTES);
	return 0;
}
