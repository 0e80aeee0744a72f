/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/conversation.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct conversation about = {
	    .about = {.port = 554},
	    .opening = SAID("OPTIONS rtsp://c/l RTSP/1.0\r\nCSeq: 1\r\n\r\n"),
	};

	return conversation_try(&about, (struct bytes){data, size});
}
