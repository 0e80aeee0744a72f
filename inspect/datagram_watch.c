/* SPDX-License-Identifier: MIT */
#include "inspect/datagram_watch.h"

#include "inspect/datagram.h"
#include "inspect/datagram_hello.h"
#include "inspect/ntp.h"
#include "inspect/p2p.h"
#include "inspect/rtp.h"
#include "inspect/stun.h"

enum {
	/* First bytes that are DTLS's where ports are shared, RFC 7983 section 7. */
	DTLS_FIRST = 20,
	DTLS_LAST = 63,
	LOOKS_ALL = 240, /* behind so many one of 16 is looked at: that is what a byte has left */
	HEADER_MAX = 64, /* bytes that may stand before footage in the data of PPPP */
	TS_FIRST = 0x47, /* of each packet of MPEG-TS, ISO/IEC 13818-1 section 2.4.3.2 */
	TS_PACKET = 188,
	/* Of a data packet of SRT, whose first bit is 0: draft-sharabayko-srt-01 section 3. */
	SRT_HEADER = 16,
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
	struct rtp_packet packet;

	if (!rtp_read(datagram, &packet))
		return false;
	for (size_t i = 0; i < DATAGRAM_WATCH_PACKETS && i < watch->seen; i++) {
		const struct rtp_packet before = {.source = watch->source[i],
		    .number = watch->number[i]};

		if (rtp_follows(&before, &packet))
			return true;
	}
	watch->source[watch->seen % DATAGRAM_WATCH_PACKETS] = packet.source;
	watch->number[watch->seen % DATAGRAM_WATCH_PACKETS] = packet.number;
	watch->seen = watch->seen == UINT8_MAX ? DATAGRAM_WATCH_PACKETS : watch->seen + 1;
	return false;
}

/* Behind a header of its maker's, whose size nobody tells. */
static bool
may_hold_footage(struct bytes data)
{
	if (data.left > HEADER_MAX)
		data.left = HEADER_MAX;
	return (data.left > 0 && data.at[0] == TS_FIRST) ||
	       bytes_seek(&(struct bytes){data.at, data.left}, "\0\0\1", 3) ||
	       bytes_seek(&(struct bytes){data.at, data.left}, "\xff\xd8\xff", 3);
}

static bool
may_be_ts_in_srt(struct bytes datagram)
{
	const uint8_t *at = datagram.at;

	return datagram.left > SRT_HEADER + TS_PACKET && at[0] < 0x80 &&
	       at[SRT_HEADER] == TS_FIRST && at[SRT_HEADER + TS_PACKET] == TS_FIRST;
}

/* Each datagram is asked, so by its first bytes before anything else. */
static bool
may_begin_footage(struct bytes datagram)
{
	const uint8_t *at = datagram.at;
	struct bytes data;

	if (p2p_data(datagram, &data))
		return may_hold_footage(data);
	if (at[0] == TS_FIRST || may_be_ts_in_srt(datagram))
		return true;
	return at[0] == 0 && at[1] == 0 && (at[2] == 1 || (at[2] == 0 && at[3] == 1));
}

/* A look takes some microseconds: who makes them in vain gets fewer. */
static bool
may_look(struct datagram_watch *watch)
{
	if (watch->looks < LOOKS_ALL) {
		watch->looks++;
		return true;
	}
	watch->looks = watch->looks == UINT8_MAX ? LOOKS_ALL : watch->looks + 1;
	return watch->looks == LOOKS_ALL;
}

static bool
becomes_footage(struct datagram_watch *watch, struct bytes datagram)
{
	struct payload_finding finding;

	return !watch->footage && may_begin_footage(datagram) && may_look(watch) &&
	       datagram_is_footage(datagram, &finding);
}

static bool
is_other_kind(struct datagram_watch *watch, struct bytes datagram, uint16_t dst_port)
{
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
		return is_second_of_rtp(watch, datagram) || becomes_footage(watch, datagram);
	default:
		return false;
	}
}

static enum datagram_turn
look_for_hello(struct datagram_watch *watch, struct bytes datagram)
{
	switch (datagram_hello_look(datagram, (enum app_proto)watch->proto, watch->hello)) {
	case DATAGRAM_HELLO_OTHER:
		return DATAGRAM_TURNS;
	case DATAGRAM_HELLO_SAME:
		watch->sealed = 0;
		break;
	case DATAGRAM_HELLO_SEALED:
		if (watch->sealed == DATAGRAM_WATCH_SEALED)
			return DATAGRAM_STOPS;
		watch->sealed++;
		break;
	case DATAGRAM_HELLO_NONE:
		break;
	}
	return DATAGRAM_STAYS;
}

enum datagram_turn
datagram_watch_look(struct datagram_watch *watch, struct bytes datagram, uint16_t dst_port)
{
	if (datagram.left <= DATAGRAM_KEEPALIVE_MAX || watch->proto == APP_DNS)
		return DATAGRAM_STAYS;
	if (is_other_kind(watch, datagram, dst_port))
		return DATAGRAM_TURNS;
	return look_for_hello(watch, datagram);
}
