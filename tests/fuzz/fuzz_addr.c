/* SPDX-License-Identifier: MIT */
#include "base/addr.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

/* What is read as an address can be written, and is read as the same again. */
static void
check_addr(const char *text)
{
	struct addr addr, again;
	char out[ADDR_TEXT_MAX];

	if (addr_parse(&addr, text, 443, NULL) != 0)
		return;
	assert(addr_parse(&again, addr_text_port(&addr, out), 0, NULL) == 0);
	assert(addr_equal(&addr, &again));
}

static void
check_prefix(const char *text)
{
	struct prefix prefix;

	if (prefix_parse(&prefix, text, NULL) != 0)
		return;
	assert(prefix.bits <= 128);
	assert(prefix_holds(&prefix, prefix.ip));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[128];

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	check_addr(text);
	check_prefix(text);
	return 0;
}
