/* SPDX-License-Identifier: MIT */
/* A registry of makers, and the makers of some cards by it. */
#include "base/text.h"
#include "config/oui.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oui *oui = oui_read((struct bytes){data, size}, NULL);
	uint8_t mac[MAC_BYTES] = {0x44, 0x47, 0xcc};

	assert((oui == NULL) == (oui_count(oui) == 0));
	for (unsigned i = 0; i < 256; i++) {
		char out[20];

		mac[2] = (uint8_t)i;
		oui_copy(oui, mac, out, sizeof(out));
		assert(strlen(out) < sizeof(out));
		for (size_t at = 0; out[at] != '\0';) {
			size_t step = text_utf8(out + at, strlen(out + at));

			assert(step > 0 && (unsigned char)out[at] >= ' ');
			at += step;
		}
	}
	oui_free(oui);
	return 0;
}
