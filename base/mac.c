/* SPDX-License-Identifier: MIT */
#include "base/mac.h"

#include <string.h>

enum { GROUP_BIT = 1, LOCAL_BIT = 2 }; /* of the first byte */

bool
mac_is_set(const uint8_t mac[MAC_BYTES])
{
	static const uint8_t none[MAC_BYTES];

	return memcmp(mac, none, MAC_BYTES) != 0;
}

bool
mac_is_host(const uint8_t mac[MAC_BYTES])
{
	return mac_is_set(mac) && (mac[0] & GROUP_BIT) == 0;
}

bool
mac_is_local(const uint8_t mac[MAC_BYTES])
{
	return (mac[0] & LOCAL_BIT) != 0;
}

const char *
mac_text(const uint8_t mac[MAC_BYTES], char out[MAC_TEXT_MAX])
{
	static const char digits[] = "0123456789abcdef";
	char *at = out;

	/* For each connection, where printf(3) would take longer than all else of it. */
	for (size_t i = 0; i < MAC_BYTES; i++) {
		*at++ = digits[mac[i] >> 4];
		*at++ = digits[mac[i] & 0xf];
		*at++ = i + 1 < MAC_BYTES ? ':' : '\0';
	}
	return out;
}

static int
hex_digit(char letter)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	const char *at = letter == '\0' ? NULL : strchr(digits, letter);

	if (at == NULL)
		return -1;
	return at - digits < 16 ? (int)(at - digits) : (int)(at - digits) - 6;
}

bool
mac_parse(const char *text, uint8_t *out, size_t count)
{
	bool zero = true;

	if (strlen(text) != count * 3 - 1)
		return false;
	for (size_t i = 0; i < count; i++) {
		int high = hex_digit(text[3 * i]), low = hex_digit(text[3 * i + 1]);
		char after = text[3 * i + 2];

		if (high < 0 || low < 0 || (i + 1 < count && after != ':' && after != '-'))
			return false;
		out[i] = (uint8_t)(high << 4 | low);
		zero = zero && out[i] == 0;
	}
	return !zero;
}
