/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/conversation.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct conversation about = {
	    .about = {.port = 443, .opened = true, .alpn = "h2"},
	    .opening = SAID("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
	};

	return conversation_try(&about, (struct bytes){data, size});
}
