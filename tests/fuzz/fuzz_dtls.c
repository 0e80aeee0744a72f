/* SPDX-License-Identifier: MIT */
#include "inspect/dtls.h"
#include "inspect/hello.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Datagrams, each behind two bytes with its size. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = {data, size}, datagram, hello;
	struct dtls_reader reader = {0};
	enum dtls_result result = DTLS_MORE;

	while (result == DTLS_MORE && bytes_vec16(&in, &datagram))
		result = dtls_add(&reader, datagram, &hello);
	assert(reader.pieces.room <= DTLS_HELLO_MAX);
	assert(result != DTLS_HELLO || hello.left <= DTLS_HELLO_MAX);
	dtls_clear(&reader);
	return 0;
}
