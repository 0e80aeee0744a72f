/* SPDX-License-Identifier: MIT */
#include "inspect/stun.h"

#include "base/text.h"

#include <string.h>

enum {
	TYPE_TOP = 0xc000, /* bits that are 0 in every message */
	COOKIE_HIGH = 0x2112,
	COOKIE_LOW = 0xa442,
	TRANSACTION_BYTES = 12,
	ATTRIBUTE_SOFTWARE = 0x8022,
	PORT_STUN = 3478,
	PORT_STUN_OTHER = 3479, /* RFC 5780: the second one that a client is told */
	CHANNEL_FIRST = 0x4000,
	CHANNEL_LAST = 0x4fff,
	PADDING_MAX = 3,
};

static const struct method {
	uint16_t number;
	enum app_proto proto;
	const char *name;
} methods[] = {
    {0x001, APP_STUN, "Binding"},
    {0x002, APP_STUN, "SharedSecret"},
    {0x003, APP_TURN, "Allocate"},
    {0x004, APP_TURN, "Refresh"},
    {0x006, APP_TURN, "Send"},
    {0x007, APP_TURN, "Data"},
    {0x008, APP_TURN, "CreatePerm"},
    {0x009, APP_TURN, "ChannelBind"},
    {0x00a, APP_TURN, "Connect"},
};

/* The class's two bits stand between the method's, RFC 8489 section 5. */
static const struct method *
find_method(uint16_t type)
{
	unsigned number = (type & 0x000fU) | (type & 0x00e0U) >> 1 | (type & 0x3e00U) >> 2;

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (methods[i].number == number)
			return &methods[i];
	}
	return NULL;
}

/* Walk the attributes to their end, each with its padding; the last one's may be
 * missing before RFC 5389. */
static bool
walk_attributes(struct bytes in, struct bytes *software)
{
	while (in.left > 0) {
		struct bytes value, padding;
		uint16_t type;

		if (!bytes_u16(&in, &type) || !bytes_vec16(&in, &value))
			return false;
		if (type == ATTRIBUTE_SOFTWARE && software->left == 0)
			*software = value;
		if (in.left > 0 && !bytes_take(&in, (4 - value.left % 4) % 4, &padding))
			return false;
	}
	return true;
}

static void
copy_text(char *to, size_t size, struct bytes from)
{
	size_t used = 0;
	uint8_t byte;

	while (used + 1 < size && bytes_u8(&from, &byte) && byte != '\0')
		to[used++] = (char)byte;
	to[used] = '\0';
}

static bool
tell_message(struct bytes in, uint16_t dst_port, struct app_facts *app)
{
	uint16_t type, length, high, low;
	struct bytes transaction, software = {0};
	const struct method *method;

	if (!bytes_u16(&in, &type) || !bytes_u16(&in, &length) || !bytes_u16(&in, &high) ||
	    !bytes_u16(&in, &low) || !bytes_take(&in, TRANSACTION_BYTES, &transaction) ||
	    (type & TYPE_TOP) != 0 || length != in.left)
		return false;
	method = find_method(type);
	if ((high != COOKIE_HIGH || low != COOKIE_LOW) &&
	    (method == NULL || (dst_port != PORT_STUN && dst_port != PORT_STUN_OTHER)))
		return false;
	if (!walk_attributes(in, &software))
		return false;
	app->proto = method == NULL ? APP_STUN : method->proto;
	text_copy(app->method, sizeof(app->method), method == NULL ? "" : method->name);
	copy_text(app->agent, sizeof(app->agent), software);
	return true;
}

static bool
tell_channel(struct bytes in, struct app_facts *app)
{
	uint16_t channel, length;

	if (!bytes_u16(&in, &channel) || !bytes_u16(&in, &length) || channel < CHANNEL_FIRST ||
	    channel > CHANNEL_LAST || length > in.left || in.left - length > PADDING_MAX)
		return false;
	app->proto = APP_TURN;
	text_copy(app->method, sizeof(app->method), "ChannelData");
	return true;
}

bool
stun_tell(struct bytes datagram, uint16_t dst_port, struct app_facts *app)
{
	return tell_message(datagram, dst_port, app) || tell_channel(datagram, app);
}
