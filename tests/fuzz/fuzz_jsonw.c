/* SPDX-License-Identifier: MIT */
#include "base/jsonw.h"
#include "base/text.h"

#include <assert.h>
#include <string.h>

/* The string is in quotes, holds no byte that RFC 8259 section 7 wants escaped,
 * and is UTF-8 from its first byte to its last. */
static void
check_string(const char *at, size_t count)
{
	bool escaped = false;

	assert(count >= 2 && at[0] == '"' && at[count - 1] == '"');
	for (size_t i = 1, step; i < count - 1; i += step) {
		step = text_utf8(at + i, count - 1 - i);
		assert(step > 0);
		assert(step > 1 || (unsigned char)at[i] >= 0x20);
		assert(escaped || at[i] != '"');
		escaped = !escaped && at[i] == '\\';
	}
	assert(!escaped);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jsonw json = {0};

	jsonw_bytes(&json, NULL, data, size);
	assert(json.failed || json.used == strlen(json.at));
	if (!json.failed)
		check_string(json.at, json.used);
	jsonw_free(&json);
	return 0;
}
