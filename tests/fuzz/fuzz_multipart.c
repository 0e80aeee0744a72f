/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/metered.h"

static const struct payload_hint hints[] = {
    {.type = "multipart/form-data; boundary=x"},
    {.type = "multipart/x-mixed-replace; boundary=--x"},
    {.type = "message/rfc822"},
    {.type = "multipart/mixed; boundary=\"a b\""},
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return metered_try(hints, sizeof(hints) / sizeof(hints[0]), (struct bytes){data, size});
}
