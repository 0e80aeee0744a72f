/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/conversation.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct conversation about = {
	    .about = {.port = 80},
	    .opening = SAID("GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
	    .answer = SAID("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
	};

	return conversation_try(&about, (struct bytes){data, size});
}
