/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

/* Back from \xNN and doubled backslashes to the bytes. */
static size_t
unescape(const char *at, uint8_t *out)
{
	size_t count = 0;

	while (*at != '\0') {
		const char *digits = "0123456789abcdef";

		if (at[0] != '\\') {
			out[count++] = (uint8_t)*at++;
		} else if (at[1] == '\\') {
			out[count++] = '\\';
			at += 2;
		} else {
			assert(at[1] == 'x' && strchr(digits, at[2]) && strchr(digits, at[3]));
			out[count++] = (uint8_t)((strchr(digits, at[2]) - digits) * 16 +
						 (strchr(digits, at[3]) - digits));
			at += 4;
		}
	}
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char line[4 * 1024 + 1];
	static uint8_t back[sizeof(line)];
	struct text text = text_in(line, sizeof(line));

	if (size > 1024)
		return 0;
	text_add_untrusted(&text, data, size);
	assert(!text.cut && text.used == strlen(line));
	for (size_t i = 0; i < text.used; i++)
		assert((unsigned char)line[i] >= 0x20 && line[i] != 0x7f);
	assert(unescape(line, back) == size && memcmp(back, data, size) == 0);
	return 0;
}
