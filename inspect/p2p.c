/* SPDX-License-Identifier: MIT */
#include "inspect/p2p.h"

#include "base/text.h"

#include <string.h>

enum {
	PPPP_MARK = 0xf1,
	PPPP_DATA = 0xd0,
	PTCP_HEADER = 24,
};

/* Kinds of message that were seen: in ranges, as they are numbered by what they
 * are for (a hello, the device's log-in, requests for a peer, relays, data). */
static bool
is_pppp_kind(uint8_t kind)
{
	static const uint8_t ranges[][2] = {{0x00, 0x03}, {0x08, 0x09}, {0x10, 0x1a}, {0x20, 0x21},
	    {0x26, 0x26}, {0x30, 0x32}, {0x40, 0x43}, {0x60, 0x6a}, {0x70, 0x75}, {0x78, 0x79},
	    {0x80, 0x8c}, {0x90, 0x92}, {0x94, 0x94}, {0xa0, 0xa2}, {0xb8, 0xb9}, {0xd0, 0xd2},
	    {0xd8, 0xd8}, {0xe0, 0xe1}, {0xf0, 0xf0}, {0xf4, 0xf9}, {0xff, 0xff}};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		if (kind >= ranges[i][0] && kind <= ranges[i][1])
			return true;
	}
	return false;
}

/* Take its header; what is left is as long as that says. */
static bool
take_pppp(struct bytes *in, uint8_t *kind)
{
	uint8_t mark;
	uint16_t length;

	return bytes_u8(in, &mark) && bytes_u8(in, kind) && bytes_u16(in, &length) &&
	       mark == PPPP_MARK && length == in->left && is_pppp_kind(*kind);
}

static bool
tell_pppp(struct bytes in, struct app_facts *app)
{
	struct text method;
	uint8_t kind;

	if (!take_pppp(&in, &kind))
		return false;
	method = text_in(app->method, sizeof(app->method));
	text_add(&method, "PPPP 0x%02x", kind);
	return true;
}

bool
p2p_data(struct bytes datagram, struct bytes *data)
{
	uint8_t kind, mark, channel;
	uint16_t number;

	if (!take_pppp(&datagram, &kind) || kind != PPPP_DATA || !bytes_u8(&datagram, &mark) ||
	    !bytes_u8(&datagram, &channel) || !bytes_u16(&datagram, &number))
		return false;
	*data = datagram;
	return true;
}

static bool
starts_with(struct bytes in, const void *start, size_t size)
{
	struct bytes front;

	return bytes_take(&in, size, &front) && memcmp(front.at, start, size) == 0;
}

bool
p2p_tell(struct bytes datagram, struct app_facts *app)
{
	/* F1 30 00 00, a search with no body, behind the cipher. */
	static const uint8_t search[4] = {0x2c, 0xba, 0x5f, 0x5d};
	const char *method = NULL;

	if (datagram.left == sizeof(search) && starts_with(datagram, search, sizeof(search)))
		method = "PPPP search";
	else if (datagram.left >= PTCP_HEADER && starts_with(datagram, "PTCP", 4))
		method = "PTCP";
	else if (starts_with(datagram, "DHGET /", 7))
		method = "DHGET";
	else if (starts_with(datagram, "DHPOST /", 8))
		method = "DHPOST";
	if (method != NULL)
		text_copy(app->method, sizeof(app->method), method);
	else if (!tell_pppp(datagram, app))
		return false;
	app->proto = APP_P2P;
	return true;
}
