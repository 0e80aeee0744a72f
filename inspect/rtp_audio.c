/* SPDX-License-Identifier: MIT */
#include "inspect/rtp_audio.h"

#include <stdlib.h>

enum {
	AAC_ENOUGH = 2,  /* packets: 27 bits each */
	LATM_ENOUGH = 5, /* 8 bits each, and the clock's steps */
	LATM_LIKELY = 2,
	OPUS_ENOUGH = 32, /* bits */
	OPUS_LIKELY = 4,
	OPUS_SAME = 8,  /* bits of a first byte that is the one before's */
	OPUS_ALIKE = 4, /* of one that lasts as long, with as many channels and frames */
	OPUS_KIND = 7,  /* the bits of the first byte that say how many */
	G711_ENOUGH = 2,
	UNITS_MAX = 24, /* whose headers are in what is seen of a packet */
	UNIT_BITS = 16, /* of a header: 13 of size, 3 of index (RFC 3640 section 3.3.6) */
	INDEX_BITS = 3,
	LENGTH_MORE = 255,     /* of LATM: another byte of length follows */
	FRAMES_MAX = 48,       /* RFC 6716 section 3.2.5: 120 ms of 2.5 */
	OPUS_LASTS_MAX = 5760, /* the same by its clock */
	PCMU = 0,
	PCMA = 8,
};

/* ---- RFC 3640 ---- */

static bool
is_units(const struct rtp_audio_packet *packet)
{
	struct bytes in = packet->payload;
	uint32_t sizes = 0, headers;
	uint16_t bits, unit;

	if (!bytes_u16(&in, &bits) || bits == 0 || bits % UNIT_BITS != 0 ||
	    bits / UNIT_BITS > UNITS_MAX)
		return false;
	headers = bits / UNIT_BITS * 2U;
	for (unsigned i = 0; i < bits / UNIT_BITS; i++) {
		if (!bytes_u16(&in, &unit) || (unit & ((1U << INDEX_BITS) - 1)) != 0 ||
		    unit >> INDEX_BITS == 0)
			return false;
		sizes += unit >> INDEX_BITS;
	}
	return sizes + headers + 2 == packet->bytes;
}

/* ---- LATM ---- */

static bool
is_latm(const struct rtp_audio_packet *packet)
{
	struct bytes in = packet->payload;
	uint32_t length = 0, used = 0;
	uint8_t byte;

	do {
		if (!bytes_u8(&in, &byte))
			return false;
		length += byte;
		used++;
	} while (byte == LENGTH_MORE);
	return length > 0 && length + used == packet->bytes;
}

static bool
is_frame(uint32_t step)
{
	return step == 1024 || step == 960 || step == 2048 || step == 1920;
}

/* ---- Opus ---- */

/* How long a frame lasts by the first byte's configuration, at 48 kHz. */
static uint32_t
opus_frame(uint8_t first)
{
	static const uint16_t silk[] = {480, 960, 1920, 2880}, celt[] = {120, 240, 480, 960};
	unsigned configuration = first >> 3;

	if (configuration < 12)
		return silk[configuration % 4];
	if (configuration < 16)
		return silk[configuration % 2];
	return celt[configuration % 4];
}

/* How long a packet lasts; 0: it cannot be one. */
static uint32_t
opus_lasts(const struct rtp_audio_packet *packet)
{
	struct bytes in = packet->payload;
	uint8_t first, count;
	uint32_t lasts;

	if (!bytes_u8(&in, &first))
		return 0;
	lasts = opus_frame(first);
	if ((first & 3) == 0)
		return lasts;
	if ((first & 3) == 1)
		return packet->bytes % 2 == 1 ? 2 * lasts : 0;
	if ((first & 3) == 2)
		return 2 * lasts;
	if (!bytes_u8(&in, &count) || (count & 0x3f) == 0 || (count & 0x3f) > FRAMES_MAX)
		return 0;
	lasts *= count & 0x3fU;
	return lasts <= OPUS_LASTS_MAX ? lasts : 0;
}

/* ---- a packet behind the one before ---- */

static void
count_one(uint8_t *count, bool fits, bool follows)
{
	if (!fits)
		*count = 0;
	else if (!follows)
		*count = 1;
	else if (*count < UINT8_MAX)
		(*count)++;
}

/* The step is how long the one before lasted, which mostly is as long as this one. */
static void
note_opus(struct rtp_audio *audio, const struct rtp_audio_packet *packet, bool next)
{
	uint8_t first = packet->payload.left > 0 ? packet->payload.at[0] : 0;
	uint32_t lasts = opus_lasts(packet);
	unsigned bits = 0;

	if (first == audio->first)
		bits = OPUS_SAME;
	else if ((first & OPUS_KIND) == (audio->first & OPUS_KIND))
		bits = OPUS_ALIKE;
	if (!next || lasts == 0 || packet->time - audio->time != lasts)
		audio->opus = 0;
	else if (audio->opus < OPUS_ENOUGH)
		audio->opus = (uint8_t)(audio->opus + bits);
	audio->first = first;
}

void
rtp_audio_add(struct rtp_audio *audio, const struct rtp_audio_packet *packet)
{
	uint16_t numbers = (uint16_t)(packet->number - audio->number);
	uint32_t step = packet->time - audio->time;
	bool any = audio->bytes > 0 && packet->type == audio->type;
	bool next = any && numbers == 1;

	/* One that comes late, or again, neither adds nor breaks. */
	if (any && (numbers == 0 || numbers > UINT16_MAX - RTP_GAP_MAX))
		return;
	count_one(&audio->aac, is_units(packet), next);
	count_one(&audio->latm, is_latm(packet), next && is_frame(step));
	note_opus(audio, packet, next);
	count_one(&audio->g711, (packet->type == PCMU || packet->type == PCMA) && packet->bytes > 0,
	    next && step == audio->bytes);
	audio->number = packet->number;
	audio->time = packet->time;
	audio->bytes = packet->bytes;
	audio->type = packet->type;
}

enum rtp_audio_kind
rtp_audio_tell(const struct rtp_audio *audio, bool *sure)
{
	*sure = true;
	if (audio->g711 >= G711_ENOUGH)
		return RTP_AUDIO_G711;
	if (audio->aac >= AAC_ENOUGH || audio->latm >= LATM_ENOUGH)
		return RTP_AUDIO_AAC;
	if (audio->opus >= OPUS_ENOUGH)
		return RTP_AUDIO_OPUS;
	*sure = false;
	if (audio->aac > 0 || audio->latm >= LATM_LIKELY)
		return RTP_AUDIO_AAC;
	return audio->opus >= OPUS_LIKELY ? RTP_AUDIO_OPUS : RTP_AUDIO_NONE;
}
