/* SPDX-License-Identifier: MIT */
#include "inspect/ntp.h"

#include "base/text.h"

enum {
	PORT_NTP = 123,
	PACKET_BYTES = 48,
	WORD_BYTES = 4,
	STRATUM_MAX = 16, /* 16: unsynchronised */
	VERSION_MAX = 4,
	MODE_SYMMETRIC = 1,
	MODE_CLIENT = 3,
};

bool
ntp_tell(struct bytes datagram, uint16_t dst_port, struct app_facts *app)
{
	size_t size = datagram.left;
	uint8_t flags, stratum;
	unsigned version, mode;

	if (dst_port != PORT_NTP || size < PACKET_BYTES || size % WORD_BYTES != 0 ||
	    !bytes_u8(&datagram, &flags) || !bytes_u8(&datagram, &stratum))
		return false;
	version = flags >> 3 & 7;
	mode = flags & 7;
	if (version == 0 || version > VERSION_MAX || stratum > STRATUM_MAX ||
	    (mode != MODE_CLIENT && mode != MODE_SYMMETRIC))
		return false;
	app->proto = APP_NTP;
	app->version = version;
	text_copy(app->method, sizeof(app->method), mode == MODE_CLIENT ? "client" : "symmetric");
	return true;
}
