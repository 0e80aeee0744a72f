/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/metered.h"

static const struct payload_hint hints[] = {
    {0},
    {.encoding = "base64"},
    {.type = "video/mp4", .name = "/a.jpg"},
    {.framing = PAYLOAD_RTP},
    {.framing = PAYLOAD_RTP, .codec = "H264"},
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return metered_try(hints, sizeof(hints) / sizeof(hints[0]), (struct bytes){data, size});
}
