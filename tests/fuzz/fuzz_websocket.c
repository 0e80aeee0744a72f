/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/conversation.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct conversation about = {
	    .about = {.port = 80},
	    .opening = SAID("GET /l HTTP/1.1\r\nHost: w\r\nUpgrade: websocket\r\n\r\n"),
	    .answer = SAID("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
	};

	return conversation_try(&about, (struct bytes){data, size});
}
