/* SPDX-License-Identifier: MIT */
#include "inspect/rtp_audio.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

enum { PAYLOAD = 500, PACKETS = 8, SEEN = 52 };

/* Packets of one source, all with the same beginning. */
struct row {
	char why[48];
	uint8_t front[16];
	uint16_t bytes; /* of each payload */
	uint32_t step;  /* of the clock */
	uint8_t type;
	enum rtp_audio_kind kind;
	unsigned sure_at; /* so many packets make it sure; 0: never */
};

static struct row rows[] = {
    {"a unit of AAC", {0, 16, 400 >> 5, 400 << 3 & 0xff}, 404, 1024, 97, RTP_AUDIO_AAC, 2},
    {"two units of AAC", {0, 32, 0, 80, 0, 160}, 36, 2048, 97, RTP_AUDIO_AAC, 2},
    {"a unit with another index", {0, 16, 400 >> 5, (400 << 3 & 0xff) | 1}, 404, 1024, 97,
	RTP_AUDIO_NONE, 0},
    {"a unit that is a byte short", {0, 16, 400 >> 5, 400 << 3 & 0xff}, 403, 1024, 97,
	RTP_AUDIO_NONE, 0},
    {"headers of twelve bits", {0, 12, 400 >> 5, 400 << 3 & 0xff}, 404, 1024, 97, RTP_AUDIO_NONE,
	0},
    {"no headers", {0, 0}, 404, 1024, 97, RTP_AUDIO_NONE, 0},
    {"LATM", {255, 144}, 401, 1024, 97, RTP_AUDIO_AAC, 5},
    {"LATM of 960", {99}, 100, 960, 97, RTP_AUDIO_AAC, 5},
    {"LATM by another clock", {255, 144}, 401, 1000, 97, RTP_AUDIO_NONE, 0},
    {"LATM that is a byte long", {255, 144}, 402, 1024, 97, RTP_AUDIO_NONE, 0},
    {"Opus of 20 ms", {0x78}, 160, 960, 111, RTP_AUDIO_OPUS, 5},
    {"Opus, two frames of 20 ms in one", {0x79}, 161, 1920, 111, RTP_AUDIO_OPUS, 5},
    {"Opus, two that differ in size", {0x7a, 10}, 160, 1920, 111, RTP_AUDIO_OPUS, 5},
    {"Opus, three frames", {0x7b, 0x83}, 160, 2880, 111, RTP_AUDIO_OPUS, 5},
    {"Opus of 60 ms", {0x58}, 160, 2880, 111, RTP_AUDIO_OPUS, 5},
    {"Opus of 2.5 ms", {0x80}, 40, 120, 111, RTP_AUDIO_OPUS, 5},
    {"Opus by another clock", {0x78}, 160, 160, 111, RTP_AUDIO_NONE, 0},
    {"Opus, halves that are none", {0x79}, 160, 1920, 111, RTP_AUDIO_NONE, 0},
    {"Opus of more than 120 ms", {0x7b, 7}, 160, 6720, 111, RTP_AUDIO_NONE, 0},
    {"Opus of no frames", {0x7b, 0}, 160, 0, 111, RTP_AUDIO_NONE, 0},
    {"G.711", {0xff, 0x7f}, 160, 160, 0, RTP_AUDIO_G711, 2},
    {"G.711 A", {0xd5, 0x55}, 240, 240, 8, RTP_AUDIO_G711, 2},
    {"G.711 by another clock", {0xff, 0x7f}, 160, 960, 0, RTP_AUDIO_NONE, 0},
    {"its clock with a type of nothing", {0xf8, 0x7f}, 160, 160, 96, RTP_AUDIO_NONE, 0},
    {"video", {0x7c, 0x85}, 480, 3000, 96, RTP_AUDIO_NONE, 0},
};

static void
add(struct rtp_audio *audio, const struct row *row, unsigned number)
{
	uint8_t payload[PAYLOAD];
	struct rtp_audio_packet packet = {.number = (uint16_t)(65530 + number),
	    .time = 0xfffffff0 + number * row->step,
	    .type = row->type,
	    .bytes = row->bytes};

	memset(payload, 0xa7, sizeof(payload));
	memcpy(payload, row->front, sizeof(row->front));
	packet.payload = (struct bytes){payload, row->bytes < SEEN ? row->bytes : SEEN};
	rtp_audio_add(audio, &packet);
}

ParameterizedTestParameters(rtp_audio, is_told_by_its_packets)
{
	return cr_make_param_array(struct row, rows, sizeof(rows) / sizeof(*rows));
}

ParameterizedTest(struct row *row, rtp_audio, is_told_by_its_packets)
{
	struct rtp_audio audio = {0};

	for (unsigned number = 0; number < PACKETS; number++) {
		enum rtp_audio_kind kind;
		bool sure;

		add(&audio, row, number);
		kind = rtp_audio_tell(&audio, &sure);
		cr_expect_eq(sure && kind != RTP_AUDIO_NONE,
		    row->sure_at > 0 && number + 1 >= row->sure_at, "%s: %u", row->why, number);
		if (number + 1 == PACKETS || sure)
			cr_expect_eq(kind, row->kind, "%s: %d", row->why, (int)kind);
	}
}

/* Those that come late or again change nothing; one that is missing begins anew. */
ParameterizedTestParameters(rtp_audio, follows_numbers)
{
	return cr_make_param_array(struct row, rows, sizeof(rows) / sizeof(*rows));
}

ParameterizedTest(struct row *row, rtp_audio, follows_numbers)
{
	static const unsigned late[] = {0, 1, 1, 0, 2, 3, 2, 4, 4};
	struct rtp_audio audio = {0}, gaps = {0};
	bool sure;

	for (size_t i = 0; i < sizeof(late) / sizeof(*late); i++)
		add(&audio, row, late[i]);
	cr_expect_eq(rtp_audio_tell(&audio, &sure), row->kind, "%s", row->why);
	cr_expect_eq(sure && row->kind != RTP_AUDIO_NONE, row->sure_at > 0, "%s", row->why);
	for (unsigned i = 0; i < PACKETS; i++) {
		add(&gaps, row, 2 * i);
		(void)rtp_audio_tell(&gaps, &sure);
		cr_expect(!sure, "%s", row->why);
	}
}

/* Of each, every prefix, and every byte that is another. */
Test(rtp_audio, reads_no_more_than_there_is)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (size_t size = 0; size <= sizeof(rows[i].front); size++)
			for (unsigned byte = 0; byte < 256; byte++) {
				struct rtp_audio audio = {0};
				uint8_t *copy = malloc(size + 1);
				struct rtp_audio_packet packet = {.payload = {copy, size},
				    .bytes = (uint16_t)size};

				cr_assert_not_null(copy);
				memcpy(copy, rows[i].front, size);
				if (size > 0)
					copy[byte % size] = (uint8_t)byte;
				rtp_audio_add(&audio, &packet);
				free(copy);
			}
}

/* What is encrypted, by the clocks that sound has: nothing of it is sure. */
Test(rtp_audio, is_not_found_in_what_is_random)
{
	static const uint32_t steps[] = {960, 480, 120, 1920, 2880, 1024, 160, 3000, 0};
	enum { MANY = 100000 };
	uint64_t x = 88172645463325252ULL;

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		struct rtp_audio audio = {0};

		for (unsigned number = 0; number < MANY; number++) {
			uint8_t payload[SEEN];
			struct rtp_audio_packet packet = {.number = (uint16_t)number,
			    .time = number * steps[i],
			    .type = 96,
			    .payload = {payload, sizeof(payload)},
			    .bytes = (uint16_t)(SEEN + number % 100)};
			bool sure;

			for (size_t at = 0; at < SEEN; at++) {
				x ^= x << 13;
				x ^= x >> 7;
				x ^= x << 17;
				payload[at] = (uint8_t)(x >> 32);
			}
			rtp_audio_add(&audio, &packet);
			(void)rtp_audio_tell(&audio, &sure);
			cr_assert(!sure || rtp_audio_tell(&audio, &sure) == RTP_AUDIO_NONE,
			    "step %u, packet %u", steps[i], number);
		}
	}
}
