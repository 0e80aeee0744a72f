/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/conversation.h"

/* The first byte says what is known of the conversation. */
enum { OPENED = 1, ALPN_H2 = 2, TLS_PASSES = 4 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = {data, size};
	uint8_t flags = 0;

	(void)bytes_u8(&in, &flags);
	return conversation_try(
	    &(struct conversation){
		.about = {.port = flags >> 3,
		    .opened = (flags & OPENED) != 0,
		    .alpn = (flags & ALPN_H2) != 0 ? "h2" : ""},
		.tls_passes = (flags & TLS_PASSES) != 0,
	    },
	    in);
}
