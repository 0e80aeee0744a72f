/* SPDX-License-Identifier: MIT */
#include "inspect/ntp_answer.h"

#include <string.h>

enum {
	VERSION_MAX = 4,
	MODE_SYMMETRIC = 1,
	MODE_PASSIVE = 2,
	MODE_CLIENT = 3,
	MODE_SERVER = 4,
	LEAP_UNKNOWN = 3,
	STRATUM_UNKNOWN = 16,
	PRECISION = -20, /* about a microsecond, as a power of 2 seconds */
	US_PER_S = 1000000,
	/* Where things stand, RFC 5905 figure 8. */
	AT_POLL = 2,
	AT_PRECISION = 3,
	AT_DISPERSION = 8,
	AT_REFERENCE_ID = 12,
	AT_REFERENCE = 16,
	AT_ORIGIN = 24,
	AT_RECEIVED = 32,
	AT_SENT = 40,
	TIME_BYTES = 8,
};

/* Seconds from 1900 to 1970, RFC 5905 figure 4. */
#define ERA_OFFSET UINT64_C(2208988800)
/* 127.127.1.1: the box's own clock, as other servers say it. */
#define OWN_CLOCK UINT32_C(0x7f7f0101)

static void
put_u32(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 24);
	at[1] = (uint8_t)(value >> 16);
	at[2] = (uint8_t)(value >> 8);
	at[3] = (uint8_t)value;
}

/* Seconds since 1900, of which the era is left out, and a fraction. */
static void
put_time(uint8_t *at, uint64_t wall_us)
{
	put_u32(at, (uint32_t)(wall_us / US_PER_S + ERA_OFFSET));
	put_u32(at + 4, (uint32_t)((wall_us % US_PER_S << 32) / US_PER_S));
}

/* Seconds in 16.16 bits, as much as fits. */
static uint32_t
short_time(uint64_t us)
{
	const uint64_t most_us = (uint64_t)UINT16_MAX * US_PER_S;

	return (uint32_t)(((us < most_us ? us : most_us) << 16) / US_PER_S);
}

bool
ntp_answer(struct bytes request, const struct ntp_clock *clock, uint8_t out[NTP_ANSWER_BYTES])
{
	struct bytes asked;
	unsigned version, mode, leap = clock->synchronised ? 0 : LEAP_UNKNOWN;

	if (!bytes_take(&request, NTP_ANSWER_BYTES, &asked))
		return false;
	version = asked.at[0] >> 3 & 7;
	mode = asked.at[0] & 7;
	if (version == 0 || version > VERSION_MAX ||
	    (mode != MODE_CLIENT && mode != MODE_SYMMETRIC))
		return false;
	memset(out, 0, NTP_ANSWER_BYTES);
	mode = mode == MODE_CLIENT ? MODE_SERVER : MODE_PASSIVE;
	out[0] = (uint8_t)(leap << 6 | version << 3 | mode);
	out[1] = clock->synchronised ? NTP_ANSWER_STRATUM : STRATUM_UNKNOWN;
	out[AT_POLL] = asked.at[AT_POLL];
	out[AT_PRECISION] = (uint8_t)PRECISION;
	put_u32(out + AT_DISPERSION, short_time(clock->error_us));
	put_u32(out + AT_REFERENCE_ID, OWN_CLOCK);
	if (clock->synchronised)
		put_time(out + AT_REFERENCE, clock->received_us);
	memcpy(out + AT_ORIGIN, asked.at + AT_SENT, TIME_BYTES);
	put_time(out + AT_RECEIVED, clock->received_us);
	put_time(out + AT_SENT, clock->sent_us);
	return true;
}
