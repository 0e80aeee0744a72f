/* SPDX-License-Identifier: MIT */
#include "inspect/datagram_watch.h"

#include "inspect/ntp.h"
#include "inspect/rtp.h"
#include "inspect/stun.h"

enum {
	/* First bytes that are DTLS's where ports are shared, RFC 7983 section 7. */
	DTLS_FIRST = 20,
	DTLS_LAST = 63,
};

static bool
is_stun(struct bytes datagram, uint16_t dst_port)
{
	struct app_facts app;

	app.proto = APP_NONE;
	return stun_tell(datagram, dst_port, &app) && app.proto == APP_STUN;
}

static bool
is_ntp(struct bytes datagram, uint16_t dst_port)
{
	struct app_facts app;

	return ntp_tell(datagram, dst_port, &app);
}

static bool
is_dtls(struct bytes datagram)
{
	return datagram.at[0] >= DTLS_FIRST && datagram.at[0] <= DTLS_LAST;
}

/* One packet alone may be anything. */
static bool
is_second_of_rtp(struct datagram_watch *watch, struct bytes datagram)
{
	const struct rtp_packet before = {.source = watch->source, .number = watch->number};
	struct rtp_packet packet;
	bool follows;

	if (!rtp_read(datagram, &packet))
		return false;
	follows = watch->seen && rtp_follows(&before, &packet);
	watch->seen = true;
	watch->source = packet.source;
	watch->number = packet.number;
	return follows;
}

bool
datagram_watch_turns(struct datagram_watch *watch, struct bytes datagram, uint16_t dst_port)
{
	if (datagram.left <= DATAGRAM_KEEPALIVE_MAX)
		return false;
	switch (watch->proto) {
	case APP_STUN:
		return !is_stun(datagram, dst_port);
	case APP_NTP:
		return !is_ntp(datagram, dst_port);
	case APP_RTCP:
		return !rtp_is_control(datagram) && !is_stun(datagram, dst_port);
	case APP_DTLS:
		return !is_dtls(datagram) && !is_stun(datagram, dst_port);
	case APP_UNKNOWN:
	case APP_P2P:
		return is_second_of_rtp(watch, datagram);
	default:
		return false;
	}
}
