/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/conversation.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct conversation about = {
	    .about = {.port = 1883},
	    .opening = SAID("\x10\x0d\0\4MQTT\4\2\0\x3c\0\1c"),
	    .answer = SAID("\x20\2\0\0"),
	};

	return conversation_try(&about, (struct bytes){data, size});
}
