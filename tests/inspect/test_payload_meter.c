/* SPDX-License-Identifier: MIT */
#include "inspect/watch.h"
#include "tests/inspect/meter.h"

#include <stdio.h>

enum { MIB = 1 << 20 };

static const char json[] = "{\"uptime\":12,\"state\":\"ok\"}";
static const uint8_t flac[64] = "fLaC\0\0\0\x22"; /* what samples are taken of */
static const uint8_t sps[] = {0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80, 0xbf, 0xe5,
    0x84, 0, 0, 0, 1, 0x68, 0xce, 0x3c, 0x80};

/* As good as random, and the same each time. */
static void
write_random(uint8_t *out, size_t size)
{
	uint64_t x = 88172645463325252ULL;

	for (size_t i = 0; i < size; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		out[i] = (uint8_t)(x >> 32);
	}
}

static uint8_t *
make_random(size_t size)
{
	uint8_t *bytes = malloc(size);

	cr_assert_not_null(bytes);
	write_random(bytes, size);
	return bytes;
}

static struct bytes
bytes_of(const void *at, size_t size)
{
	return (struct bytes){at, size};
}

/* ---- waiting ---- */

Test(payload_meter, what_waits_is_told)
{
	struct payload_facts facts = {0};
	struct payload_meter *meter = payload_open(7);

	payload_begin(meter, DIRECTION_UP, NULL, &facts);
	cr_expect_eq(facts.pending, 1, "what was announced waits");
	payload_feed(meter, DIRECTION_UP, bytes_of(json, 10), &facts);
	cr_expect_eq(facts.pending, 10, "it may become anything");
	cr_expect_eq(facts.up[PAYLOAD_UNKNOWN], 10);
	cr_expect_eq(facts.class, PAYLOAD_UNKNOWN);
	payload_feed(meter, DIRECTION_UP, bytes_of(json + 10, sizeof(json) - 11), &facts);
	payload_end(meter, DIRECTION_UP, &facts);
	cr_expect_eq(facts.pending, 0);
	cr_expect_eq(facts.class, PAYLOAD_TELEMETRY);
	cr_expect_eq(facts.up[PAYLOAD_TELEMETRY], sizeof(json) - 1);
	cr_expect_eq(facts.examined, sizeof(json) - 1);
	payload_free(meter);
}

Test(payload_meter, footage_is_told_before_the_message_ends)
{
	struct payload_facts facts = {0};
	struct payload_meter *meter = payload_open(7);

	payload_begin(meter, DIRECTION_UP, NULL, &facts);
	payload_feed(meter, DIRECTION_UP, bytes_of(sps, sizeof(sps)), &facts);
	payload_feed(meter, DIRECTION_UP, bytes_of(sps, sizeof(sps)), &facts);
	payload_feed(meter, DIRECTION_UP, bytes_of(sps, sizeof(sps)), &facts);
	cr_expect_eq(facts.class, PAYLOAD_VIDEO);
	cr_expect_eq(facts.pending, 0);
	cr_expect_eq(facts.up[PAYLOAD_VIDEO], 3 * sizeof(sps));
	payload_end(meter, DIRECTION_UP, &facts);
	payload_free(meter);
}

Test(payload_meter, what_comes_down_holds_nothing_up)
{
	struct payload_facts facts = {0};
	struct payload_meter *meter = payload_open(7);

	payload_begin(meter, DIRECTION_DOWN, NULL, &facts);
	payload_feed(meter, DIRECTION_DOWN, bytes_of(json, 10), &facts);
	cr_expect_eq(facts.pending, 0);
	cr_expect_eq(facts.down[PAYLOAD_UNKNOWN], 10);
	payload_end(meter, DIRECTION_DOWN, &facts);
	cr_expect_eq(facts.direction, DIRECTION_DOWN);
	payload_free(meter);
}

/* ---- several messages ---- */

Test(payload_meter, the_gravest_class_stays)
{
	struct payload_facts facts = {0};
	struct payload_meter *meter = payload_open(7);
	struct payload_finding secret = {.class = PAYLOAD_CREDENTIALS,
	    .confidence = CONFIDENCE_IDENTIFIED,
	    .format = "basic"};

	payload_note(DIRECTION_UP, &secret, 0, &facts);
	cr_expect_eq(facts.class, PAYLOAD_CREDENTIALS);
	payload_feed(meter, DIRECTION_DOWN, bytes_of(sps, sizeof(sps)), &facts);
	payload_end(meter, DIRECTION_DOWN, &facts);
	cr_expect_eq(facts.class, PAYLOAD_VIDEO);
	cr_expect_eq(facts.direction, DIRECTION_DOWN);
	payload_feed(meter, DIRECTION_UP, bytes_of(sps, sizeof(sps)), &facts);
	payload_end(meter, DIRECTION_UP, &facts);
	cr_expect_eq(facts.direction, DIRECTION_UP, "the way out counts");
	payload_feed(meter, DIRECTION_UP, bytes_of(json, sizeof(json) - 1), &facts);
	payload_end(meter, DIRECTION_UP, &facts);
	cr_expect_eq(facts.class, PAYLOAD_VIDEO);
	cr_expect_str_eq(facts.format, "h264");
	cr_expect_eq(facts.seen_up[PAYLOAD_CREDENTIALS], CONFIDENCE_IDENTIFIED);
	cr_expect_eq(facts.seen_up[PAYLOAD_TELEMETRY], CONFIDENCE_IDENTIFIED);
	cr_expect_eq(facts.seen_down[PAYLOAD_TELEMETRY], CONFIDENCE_NONE);
	payload_free(meter);
}

Test(payload_meter, a_message_ends_where_the_next_begins)
{
	struct payload_facts facts = {0};
	struct payload_meter *meter = payload_open(7);

	payload_begin(meter, DIRECTION_UP, NULL, &facts);
	payload_feed(meter, DIRECTION_UP, bytes_of(json, sizeof(json) - 1), &facts);
	payload_begin(meter, DIRECTION_UP, NULL, &facts);
	cr_expect_eq(facts.up[PAYLOAD_TELEMETRY], sizeof(json) - 1);
	payload_feed(meter, DIRECTION_UP, bytes_of(sps, sizeof(sps)), &facts);
	payload_end(meter, DIRECTION_UP, &facts);
	payload_end(meter, DIRECTION_UP, &facts);
	cr_expect_eq(facts.up[PAYLOAD_VIDEO], sizeof(sps));
	payload_free(meter);
}

Test(payload_meter, an_empty_message_is_nothing)
{
	struct payload_facts facts = meter_message("", 0, 1, NULL);

	cr_expect_eq(facts.class, PAYLOAD_UNKNOWN);
	facts = meter_message("\r\n", 2, 1, NULL);
	cr_expect_eq(facts.class, PAYLOAD_CONTROL, "line ends are said between the lines");
}

Test(payload_meter, gravities_differ)
{
	for (enum payload_class a = PAYLOAD_UNKNOWN; a < PAYLOAD_COUNT; a++) {
		for (enum payload_class b = a + 1; b < PAYLOAD_COUNT; b++)
			cr_expect_neq(payload_gravity(a), payload_gravity(b));
		cr_expect_leq(payload_gravity(a), payload_gravity(PAYLOAD_VIDEO));
		cr_expect_geq(payload_gravity(a), payload_gravity(PAYLOAD_UNKNOWN));
	}
}

/* ---- samples ---- */

/* A message of so many bytes in one class, then others. */
static struct payload_facts
meter_two(const void *front, size_t front_size, size_t size, void (*write)(uint8_t *, size_t))
{
	uint8_t *bytes = malloc(size);
	struct payload_facts facts;

	cr_assert_not_null(bytes);
	write(bytes, size);
	memcpy(bytes, front, front_size);
	facts = meter_message(bytes, size, 65536, NULL);
	free(bytes);
	return facts;
}

static void
write_spaces(uint8_t *out, size_t size)
{
	memset(out, ' ', size);
}

static void
write_footage(uint8_t *out, size_t size)
{
	write_random(out, size);
	for (size_t at = 0; at + sizeof(sps) < size; at += 400)
		memcpy(out + at, sps, sizeof(sps));
	memset(out, ' ', 5000);
}

static void
write_packets(uint8_t *out, size_t size)
{
	static const uint8_t head[] = {0x47, 0x01, 0x00, 0x10};

	write_random(out, size);
	for (size_t at = 3; at + 188 < size; at += 188)
		memcpy(out + at, head, sizeof(head));
	write_random(out, 5000);
}

Test(payload_meter, video_behind_something_else_is_counted_from_where_it_is_seen)
{
	struct payload_facts facts = meter_two(json, sizeof(json) - 1, 4 * MIB, write_footage);

	cr_expect_eq(facts.class, PAYLOAD_VIDEO);
	cr_expect_eq(facts.confidence, CONFIDENCE_IDENTIFIED);
	cr_expect_gt(facts.up[PAYLOAD_TELEMETRY], 0);
	cr_expect_gt(facts.up[PAYLOAD_VIDEO], 3 * MIB);
	facts = meter_two("", 0, 4 * MIB, write_packets);
	cr_expect_str_eq(facts.format, "mpegts");
	cr_expect_gt(facts.up[PAYLOAD_OPAQUE], 0);
	cr_expect_gt(facts.up[PAYLOAD_VIDEO], 3 * MIB);
}

Test(payload_meter, a_text_that_goes_on_as_none_is_opaque_from_there)
{
	struct payload_facts facts = meter_two(json, sizeof(json) - 1, 4 * MIB, write_random);

	cr_expect_eq(facts.class, PAYLOAD_OPAQUE, "random at once: %s",
	    payload_class_name(facts.class));
	cr_expect(facts.high_entropy);
	facts = meter_two(json, sizeof(json) - 1, 4 * MIB, write_spaces);
	cr_expect_eq(facts.up[PAYLOAD_TELEMETRY], 4 * MIB, "and text remains what it was");
}

Test(payload_meter, footage_stays_what_it_is_whatever_its_middle_shows)
{
	struct payload_facts facts = meter_two(sps, sizeof(sps), 8 * MIB, write_random);

	cr_expect_eq(facts.up[PAYLOAD_VIDEO], 8 * MIB);
	cr_expect_leq(facts.examined, PAYLOAD_WINDOW, "no sample could change it");
}

/* Where samples fall follows from the seed alone, and differs between seeds. */
Test(payload_meter, samples_fall_where_the_seed_says)
{
	uint64_t first[3];

	for (uint64_t seed = 1; seed <= 3; seed++) {
		struct payload_facts facts = {0};
		struct payload_meter *meter = payload_open(seed == 3 ? 2 * 8191 + 1 : 8191);

		payload_feed(meter, DIRECTION_UP, bytes_of(flac, sizeof(flac)), &facts);
		first[seed - 1] = payload_idle(meter, DIRECTION_UP);
		payload_end(meter, DIRECTION_UP, &facts);
		payload_free(meter);
	}
	cr_expect_eq(first[0], first[1]);
	cr_expect_neq(first[0], first[2]);
}

/* ---- what is not shown ---- */

Test(payload_meter, skipped_bytes_count_as_what_they_are_of)
{
	struct payload_facts facts = {0};
	struct payload_meter *meter = payload_open(7);
	uint8_t *bytes = make_random(PAYLOAD_SAMPLE);

	payload_begin(meter, DIRECTION_UP, NULL, &facts);
	payload_feed(meter, DIRECTION_UP, bytes_of(flac, sizeof(flac)), &facts);
	for (uint64_t left = 16 * MIB; left > 0;) {
		uint64_t idle = payload_idle(meter, DIRECTION_UP);
		uint64_t count = idle < left ? idle : left;

		payload_skip(meter, DIRECTION_UP, count, &facts);
		left -= count;
		count = left < PAYLOAD_SAMPLE ? left : PAYLOAD_SAMPLE;
		payload_feed(meter, DIRECTION_UP, bytes_of(bytes, count), &facts);
		left -= count;
	}
	payload_end(meter, DIRECTION_UP, &facts);
	cr_expect_eq(facts.up[PAYLOAD_AUDIO], 16 * MIB + sizeof(flac));
	cr_expect_lt(facts.examined, 64 * 1024);
	payload_free(meter);
	free(bytes);
}

Test(payload_meter, what_nobody_looked_at_may_be_anything)
{
	struct payload_facts facts = {0};
	struct payload_meter *meter = payload_open(7);

	payload_skip(meter, DIRECTION_UP, 100000, &facts);
	cr_expect_eq(facts.class, PAYLOAD_OPAQUE);
	cr_expect_eq(facts.seen_up[PAYLOAD_OPAQUE], CONFIDENCE_PROBABLE);
	payload_feed(meter, DIRECTION_UP, bytes_of(json, sizeof(json) - 1), &facts);
	payload_end(meter, DIRECTION_UP, &facts);
	cr_expect_eq(facts.up[PAYLOAD_OPAQUE], 100000 + sizeof(json) - 1);
	cr_expect_eq(facts.examined, 0);
	payload_free(meter);
}

Test(payload_meter, a_sample_that_was_skipped_is_followed_by_others)
{
	struct payload_facts facts = {0};
	struct payload_meter *meter = payload_open(7);
	uint8_t *bytes = malloc(4 * MIB);

	cr_assert_not_null(bytes);
	write_footage(bytes, 4 * MIB);
	payload_feed(meter, DIRECTION_UP, bytes_of(bytes, 5000), &facts);
	cr_expect_eq(facts.class, PAYLOAD_TELEMETRY);
	payload_skip(meter, DIRECTION_UP, MIB, &facts);
	payload_feed(meter, DIRECTION_UP, bytes_of(bytes, 4 * MIB), &facts);
	payload_end(meter, DIRECTION_UP, &facts);
	cr_expect_eq(facts.class, PAYLOAD_VIDEO);
	payload_free(meter);
	free(bytes);
}

/* ---- hints ---- */

Test(payload_meter, a_senders_word_is_taken_where_the_bytes_say_nothing)
{
	struct payload_hint video = {.type = "video/mp4"}, name = {.name = "/a/b/17.JPG"};
	uint8_t *bytes = make_random(6000);
	struct payload_facts facts = meter_message(bytes, 6000, 1000, &video);

	cr_expect_eq(facts.class, PAYLOAD_VIDEO);
	cr_expect_eq(facts.confidence, CONFIDENCE_PROBABLE, "no word identifies");
	facts = meter_message(bytes, 6000, 1000, &name);
	cr_expect_eq(facts.class, PAYLOAD_IMAGE);
	facts = meter_message(json, sizeof(json) - 1, 1000, &video);
	cr_expect_eq(facts.class, PAYLOAD_TELEMETRY, "it is not what it is called");
	facts = meter_message(bytes, 6000, 1000, NULL);
	cr_expect_eq(facts.class, PAYLOAD_OPAQUE);
	cr_expect(facts.high_entropy, "and entropy says no more");
	free(bytes);
}

Test(payload_meter, of_all_ends_a_meter_may_be_freed)
{
	struct payload_hint parts = {.type = "multipart/mixed; boundary=x"};
	struct payload_facts facts = {0};
	struct payload_meter *meter = payload_open(0);

	payload_free(NULL);
	payload_begin(meter, DIRECTION_UP, &parts, &facts);
	payload_feed(meter, DIRECTION_UP, bytes_of("--x\r\n\r\n{\"a", 10), &facts);
	payload_feed(meter, DIRECTION_DOWN, bytes_of(json, 10), &facts);
	cr_expect_eq(facts.up[PAYLOAD_UNKNOWN], 10);
	payload_free(meter);
}

/* ---- what is watched ---- */

/* A protocol of its maker's own says hello, and the picture comes later: at any
 * place, with any cut, it is found where its parameters are. */
Test(payload_meter, footage_behind_a_strange_hello_is_found_where_it_begins)
{
	enum { SIZE = 200000, PLACE = 150000 };
	uint8_t *bytes = make_random(SIZE);

	memcpy(bytes, json, sizeof(json) - 1);
	memcpy(bytes + PLACE, sps, sizeof(sps));
	for (size_t piece = PLACE - 30; piece < PLACE + sizeof(sps) + 2; piece++) {
		struct payload_facts facts = {0};
		struct payload_meter *meter = payload_open(7);

		payload_feed(meter, DIRECTION_UP, bytes_of(bytes, piece), &facts);
		cr_expect(facts.class != PAYLOAD_VIDEO || piece > PLACE + sizeof(sps) - 4);
		payload_feed(meter, DIRECTION_UP, bytes_of(bytes + piece, SIZE - piece), &facts);
		payload_end(meter, DIRECTION_UP, &facts);
		payload_free(meter);
		cr_expect_eq(facts.class, PAYLOAD_VIDEO, "cut at %zu", piece);
		cr_expect_eq(facts.confidence, CONFIDENCE_IDENTIFIED);
		cr_expect_geq(facts.up[PAYLOAD_VIDEO], SIZE - PLACE - sizeof(sps) - 2);
		cr_expect_leq(facts.up[PAYLOAD_VIDEO], SIZE - PLACE + WATCH_TAIL);
		cr_expect_eq(meter_sum(facts.up), SIZE);
	}
	free(bytes);
}

Test(payload_meter, a_picture_behind_a_strange_hello_is_found)
{
	static const char jpeg[] = "\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0";
	uint8_t *bytes = make_random(100000);
	struct payload_facts facts;

	memcpy(bytes + 60000, jpeg, sizeof(jpeg) - 1);
	facts = meter_message(bytes, 100000, 16384, NULL);
	cr_expect_eq(facts.class, PAYLOAD_IMAGE);
	cr_expect_str_eq(facts.format, "jpeg");
	free(bytes);
}

/* What is known by its front alone, behind a few bytes of somebody's own. */
Test(payload_meter, a_file_behind_a_strange_hello_is_told)
{
	static const struct {
		const char *front;
		size_t size;
		enum payload_class class;
	} files[] = {
	    {"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0\x08\2", 26, PAYLOAD_IMAGE},
	    {"FLV\x01\x05\0\0\0\x09\0\0\0\0\x12", 14, PAYLOAD_VIDEO},
	    {"RIFF\xf0\x10\0\0AVI LIST\x10\0\0\0hdrl", 24, PAYLOAD_VIDEO},
	    {"\x1a\x45\xdf\xa3\x8b\x42\x82\x88matroska\x18\x53\x80\x67\xff", 21, PAYLOAD_VIDEO},
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		uint8_t *bytes = make_random(3000);
		struct payload_facts facts;

		memcpy(bytes, "\x99LOGIN\0\1", 8);
		memcpy(bytes + 8, files[i].front, files[i].size);
		facts = meter_message(bytes, 3000, 1000, NULL);
		cr_expect_eq(facts.class, files[i].class, "%zu", i);
		cr_expect_eq(facts.confidence, CONFIDENCE_IDENTIFIED, "%zu", i);
		free(bytes);
	}
}

/* A front of false beginnings hides what comes later for a while only. */
Test(payload_meter, footage_is_found_behind_bytes_that_are_made_to_cost)
{
	enum { SIZE = 600000, DECOYS = 16384, PLACE = 590000 };
	uint8_t *bytes = make_random(SIZE);
	struct payload_facts facts;

	for (size_t at = 0; at + 4 <= DECOYS; at += 4)
		memcpy(bytes + at, "\0\0\1\x67", 4);
	memcpy(bytes + PLACE, sps, sizeof(sps));
	facts = meter_message(bytes, SIZE, 16384, NULL);
	cr_expect_eq(facts.class, PAYLOAD_VIDEO);
	cr_expect_eq(facts.confidence, CONFIDENCE_IDENTIFIED);
	cr_expect_geq(facts.up[PAYLOAD_VIDEO], SIZE - PLACE - sizeof(sps));
	free(bytes);
}

/* Of bytes that look like start codes everywhere few are looked at. */
Test(payload_meter, bytes_that_are_made_to_cost_are_let_go)
{
	uint8_t *bytes = malloc(4 * MIB);
	struct payload_facts facts;

	cr_assert_not_null(bytes);
	for (size_t at = 0; at + 4 <= 4 * MIB; at += 4)
		memcpy(bytes + at, "\0\0\1\x67", 4);
	facts = meter_message(bytes, 4 * MIB, 65536, NULL);
	cr_expect_neq(facts.confidence, CONFIDENCE_IDENTIFIED);
	cr_expect_eq(meter_sum(facts.up), 4 * MIB);
	free(bytes);
}
