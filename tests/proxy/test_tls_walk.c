/* SPDX-License-Identifier: MIT */
#include "proxy/tls_walk.h"

#include <criterion/criterion.h>
#include <string.h>

enum { CCS = 20, ALERT = 21, HANDSHAKE = 22, DATA = 23 };

/* A client's side: types and lengths of its records, in their order. */
struct record {
	uint8_t type;
	uint16_t size;
};

static const struct {
	const char *what;
	struct record records[8]; /* until type 0 */
	enum walk_found want;
} sides[] = {
    {"a hello alone", {{HANDSHAKE, 517}}, WALK_MORE},
    {"1.3: refuses in clear", {{HANDSHAKE, 517}, {ALERT, 2}}, WALK_MORE},
    {"1.3: refuses by an alert in the Finished's place", {{HANDSHAKE, 517}, {CCS, 1}, {DATA, 19}},
	WALK_MORE},
    {"1.3: completes", {{HANDSHAKE, 517}, {CCS, 1}, {DATA, 53}}, WALK_MORE},
    {"1.3: completes and closes", {{HANDSHAKE, 517}, {CCS, 1}, {DATA, 69}, {DATA, 19}}, WALK_MORE},
    {"1.3: closes under a short tag", {{HANDSHAKE, 517}, {DATA, 45}, {DATA, 11}}, WALK_MORE},
    {"1.3: sends", {{HANDSHAKE, 517}, {CCS, 1}, {DATA, 53}, {DATA, 40}}, WALK_PAYLOAD},
    {"1.3: sends, without the dummy", {{HANDSHAKE, 517}, {DATA, 53}, {DATA, 20}}, WALK_PAYLOAD},
    {"1.3: says hello twice and completes",
	{{HANDSHAKE, 517}, {CCS, 1}, {HANDSHAKE, 512}, {DATA, 53}}, WALK_MORE},
    {"1.3: says hello twice and sends",
	{{HANDSHAKE, 517}, {CCS, 1}, {HANDSHAKE, 512}, {DATA, 53}, {DATA, 99}}, WALK_PAYLOAD},
    {"1.2: refuses", {{HANDSHAKE, 200}, {ALERT, 2}}, WALK_MORE},
    {"1.2: completes", {{HANDSHAKE, 200}, {HANDSHAKE, 37}, {CCS, 1}, {HANDSHAKE, 40}}, WALK_MORE},
    {"1.2: completes and closes",
	{{HANDSHAKE, 200}, {HANDSHAKE, 37}, {CCS, 1}, {HANDSHAKE, 96}, {ALERT, 26}}, WALK_MORE},
    {"1.2: sends one byte",
	{{HANDSHAKE, 200}, {HANDSHAKE, 37}, {CCS, 1}, {HANDSHAKE, 40}, {DATA, 17}}, WALK_PAYLOAD},
    {"1.2: resumes and sends", {{HANDSHAKE, 400}, {CCS, 1}, {HANDSHAKE, 40}, {DATA, 80}},
	WALK_PAYLOAD},
    {"a hello in three records and empty ones",
	{{HANDSHAKE, 9}, {HANDSHAKE, 0}, {HANDSHAKE, 400}, {CCS, 1}, {DATA, 53}, {DATA, 0}},
	WALK_MORE},
    {"an unknown type", {{HANDSHAKE, 9}, {24, 9}}, WALK_LOST},
    {"a record too long", {{HANDSHAKE, 9}, {DATA, 0x4801}}, WALK_LOST},
};
enum { SIDES = sizeof(sides) / sizeof(sides[0]) };

static uint8_t bytes[64 << 10];

static size_t
write_side(const struct record *records)
{
	size_t used = 0;

	for (; records->type != 0; records++) {
		const uint8_t head[] = {records->type, 3, 3, (uint8_t)(records->size >> 8),
		    (uint8_t)records->size};

		memcpy(bytes + used, head, sizeof(head));
		memset(bytes + used + sizeof(head), 0x17, records->size);
		used += sizeof(head) + records->size;
	}
	return used;
}

static enum walk_found
walk_in_pieces(size_t size, size_t piece)
{
	struct tls_walk walk = {0};
	enum walk_found found = WALK_MORE;

	for (size_t at = 0; at < size; at += piece)
		found = tls_walk_add(&walk, bytes + at, size - at < piece ? size - at : piece);
	return found;
}

Test(tls_walk, tells_payload_from_the_handshake)
{
	for (size_t i = 0; i < SIDES; i++) {
		size_t size = write_side(sides[i].records);

		cr_expect_eq(walk_in_pieces(size, sizeof(bytes)), sides[i].want, "%s",
		    sides[i].what);
	}
}

Test(tls_walk, is_the_same_however_it_is_split)
{
	for (size_t i = 0; i < SIDES; i++) {
		size_t size = write_side(sides[i].records);

		for (size_t piece = 1; piece < 64; piece++)
			cr_assert_eq(walk_in_pieces(size, piece), sides[i].want, "%s by %zu",
			    sides[i].what, piece);
	}
}

Test(tls_walk, an_alert_is_noted)
{
	static const bool alert[] = {false, true, false, false, true, true};

	for (size_t i = 0; i < sizeof(alert); i++) {
		struct tls_walk walk = {0};

		(void)tls_walk_add(&walk, bytes, write_side(sides[i].records));
		cr_expect_eq(walk.alert_seen, alert[i], "%s", sides[i].what);
	}
}

Test(tls_walk, an_answer_stays)
{
	struct tls_walk walk = {0};

	cr_expect_eq(tls_walk_add(&walk, (const uint8_t *)"GET / HTTP/1.1", 14), WALK_LOST);
	cr_expect_eq(tls_walk_add(&walk, bytes, write_side(sides[6].records)), WALK_LOST);
	cr_expect_eq(tls_walk_add(&walk, bytes, 0), WALK_LOST);
}

/* Every prefix, and every byte of the heads changed: it comes to its end. */
Test(tls_walk, takes_anything)
{
	size_t size = write_side(sides[6].records);

	for (size_t cut = 0; cut <= size; cut++)
		cr_expect_leq(walk_in_pieces(cut, sizeof(bytes)), WALK_LOST);
	for (size_t at = 0; at < size; at++) {
		for (unsigned value = 0; value < 256; value += 51) {
			uint8_t before = bytes[at];

			bytes[at] = (uint8_t)value;
			cr_expect_leq(walk_in_pieces(size, sizeof(bytes)), WALK_LOST);
			bytes[at] = before;
		}
	}
}
