/* SPDX-License-Identifier: MIT */
/* Many messages of one direction that are alike (inspect/habit.h). */
#include "inspect/habit.h"
#include "tests/inspect/meter.h"

enum { SIZE = 1500, MANY = 200, ALL_SEEN = 16 /* of so many, one has a whole look */ };

struct run {
	struct payload_meter *meter;
	struct payload_facts facts;
	struct payload_hint hint;
	uint64_t x;
	size_t piece;
	uint8_t bytes[65536];
};

static void
begin_run(struct run *run)
{
	memset(run, 0, sizeof(*run));
	run->meter = payload_open(7);
	run->x = 88172645463325252ULL;
	run->piece = sizeof(run->bytes);
	cr_assert_not_null(run->meter);
}

static void
make_noise(struct run *run, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		run->x ^= run->x << 13;
		run->x ^= run->x >> 7;
		run->x ^= run->x << 17;
		run->bytes[i] = (uint8_t)(run->x >> 32);
	}
}

static void
send_one(struct run *run, size_t size)
{
	payload_begin(run->meter, DIRECTION_UP, &run->hint, &run->facts);
	for (size_t at = 0; at < size; at += run->piece) {
		size_t count = size - at < run->piece ? size - at : run->piece;

		payload_feed(run->meter, DIRECTION_UP, (struct bytes){run->bytes + at, count},
		    &run->facts);
	}
	payload_end(run->meter, DIRECTION_UP, &run->facts);
	cr_assert_eq(run->facts.pending, 0);
}

/* So many messages that tell nothing. */
static void
send_noise(struct run *run, size_t count, size_t size)
{
	for (size_t i = 0; i < count; i++) {
		make_noise(run, size);
		send_one(run, size);
	}
}

/* One that has these bytes at a place of it. */
static void
send_with(struct run *run, const void *what, size_t bytes, size_t at)
{
	make_noise(run, SIZE);
	memcpy(run->bytes + at, what, bytes);
	send_one(run, SIZE);
}

static const char cluster[] = "\x1f\x43\xb6\x75\x01\0\0\0\0\0\x10\0\xe7\x81\x05\xa3\x40\x80\x81\0";
static const char dhav[] = "DHAV\xfd\0\1\0\7\0\0\0\x20\0\0\0\x1e\xa5\xec\x66\1\2\0\0dhav";
static const char sps[] =
    "\0\0\0\1\x67\x42\xc0\x1e\xda\x02\x80\xbf\xe5\x84\0\0\0\1\x68\xce\x3c\x80";
static const char jpeg[] = "\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0";

Test(payload_habit, what_begins_like_something_is_always_told)
{
	static const struct {
		const char *front;
		size_t bytes;
		enum payload_class class;
	} rows[] = {
	    {jpeg, sizeof(jpeg) - 1, PAYLOAD_IMAGE},
	    {sps, sizeof(sps) - 1, PAYLOAD_VIDEO},
	    {dhav, sizeof(dhav) - 1, PAYLOAD_VIDEO},
	    {"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0\x08\2", 26, PAYLOAD_IMAGE},
	    {"FLV\x01\x05\0\0\0\x09\0\0\0\0\x12", 14, PAYLOAD_VIDEO},
	    {"RIFF\xf0\x10\0\0AVI LIST\x10\0\0\0hdrl", 24, PAYLOAD_VIDEO},
	    {"\x1a\x45\xdf\xa3\x8b\x42\x82\x88matroska\x18\x53\x80\x67\xff", 21, PAYLOAD_VIDEO},
	    {"\x7f"
	     "ELF\1\1\1\0\0\0\0\0\0\0\0\0\2\0\x28\0\1\0\0\0\0\0\1\0\x34\0\0\0\0\0\0\0\0\0\0\0\x34\0",
		42, PAYLOAD_FIRMWARE},
	};
	struct run run;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (size_t before = MANY; before < MANY + ALL_SEEN; before++) {
			begin_run(&run);
			send_noise(&run, before, SIZE);
			cr_assert_eq(run.facts.up[PAYLOAD_OPAQUE], before * SIZE);
			send_with(&run, rows[i].front, rows[i].bytes, 0);
			cr_assert_eq(run.facts.up[rows[i].class], SIZE, "row %zu behind %zu", i,
			    before);
			payload_free(run.meter);
		}
}

Test(payload_habit, text_is_always_read)
{
	static const char secret[] = "{\"user\":\"admin\",\"password\":\"hunter22\",\"x\":[1,2]}";
	struct run run;

	for (size_t before = MANY; before < MANY + ALL_SEEN; before++) {
		begin_run(&run);
		send_noise(&run, before, sizeof(secret) - 1);
		memcpy(run.bytes, secret, sizeof(secret) - 1);
		send_one(&run, sizeof(secret) - 1);
		cr_assert_eq(run.facts.up[PAYLOAD_CREDENTIALS], sizeof(secret) - 1);
		payload_free(run.meter);
	}
}

Test(payload_habit, footage_behind_a_header_is_always_found)
{
	struct run run;

	for (size_t before = MANY; before < MANY + ALL_SEEN; before++) {
		begin_run(&run);
		send_noise(&run, before, SIZE);
		send_with(&run, sps, sizeof(sps) - 1, 700);
		cr_assert_eq(run.facts.up[PAYLOAD_VIDEO], SIZE);
		send_noise(&run, before, SIZE);
		send_with(&run, jpeg, sizeof(jpeg) - 1, 700);
		cr_assert_eq(run.facts.up[PAYLOAD_IMAGE], SIZE);
		payload_free(run.meter);
	}
}

/* Of the formats that a glance does not find, one of so many is seen. */
Test(payload_habit, other_formats_in_their_middle_are_found_soon)
{
	static const struct {
		const char *what;
		size_t bytes;
	} rows[] = {{cluster, sizeof(cluster) - 1}, {dhav, sizeof(dhav) - 1}};
	struct run run;

	for (size_t i = 0; i < 2; i++)
		for (size_t before = 0; before < MANY; before += 7) {
			size_t sent = 0;

			begin_run(&run);
			send_noise(&run, before, SIZE);
			for (; sent < ALL_SEEN && run.facts.class != PAYLOAD_VIDEO; sent++)
				send_with(&run, rows[i].what, rows[i].bytes, 60);
			cr_assert_eq(run.facts.class, PAYLOAD_VIDEO, "row %zu behind %zu", i,
			    before);
			cr_assert_eq(run.facts.up[PAYLOAD_VIDEO], SIZE);
			if (before < HABIT_VAIN)
				cr_assert_eq(sent, 1);
			send_with(&run, rows[i].what, rows[i].bytes, 60);
			cr_assert_eq(run.facts.up[PAYLOAD_VIDEO], 2 * SIZE,
			    "where one was, the next has a whole look");
			payload_free(run.meter);
		}
}

static size_t
count_until_found(struct run *run)
{
	size_t sent = 0;

	while (sent < MANY && run->facts.class != PAYLOAD_VIDEO) {
		send_with(run, cluster, sizeof(cluster) - 1, 60);
		sent++;
	}
	return sent;
}

Test(payload_habit, who_decides_by_it_has_every_message_looked_at)
{
	size_t spared = 0;
	struct run run;

	for (size_t before = MANY; before < MANY + ALL_SEEN; before++) {
		begin_run(&run);
		send_noise(&run, before, SIZE);
		spared += count_until_found(&run) > 1;
		payload_free(run.meter);
		begin_run(&run);
		payload_careful(run.meter, true);
		send_noise(&run, before, SIZE);
		cr_assert_eq(count_until_found(&run), 1);
		payload_free(run.meter);
	}
	cr_assert_eq(spared, ALL_SEEN - 1, "else all but one are spared");
}

/* A rule that is loaded anew may ask for what is sent. */
Test(payload_habit, who_begins_to_decide_in_the_middle_has_the_whole_message_looked_at)
{
	struct run run;

	for (size_t before = MANY; before < MANY + ALL_SEEN; before++) {
		begin_run(&run);
		send_noise(&run, before, SIZE);
		make_noise(&run, SIZE);
		memcpy(run.bytes + 60, cluster, sizeof(cluster) - 1);
		payload_begin(run.meter, DIRECTION_UP, &run.hint, &run.facts);
		payload_feed(run.meter, DIRECTION_UP, (struct bytes){run.bytes, 20}, &run.facts);
		payload_careful(run.meter, true);
		payload_feed(run.meter, DIRECTION_UP, (struct bytes){run.bytes + 20, SIZE - 20},
		    &run.facts);
		payload_end(run.meter, DIRECTION_UP, &run.facts);
		cr_assert_eq(run.facts.class, PAYLOAD_VIDEO, "behind %zu", before);
		payload_free(run.meter);
	}
}

Test(payload_habit, another_size_or_hint_has_a_whole_look)
{
	struct run run;

	for (size_t before = MANY; before < MANY + ALL_SEEN; before++) {
		begin_run(&run);
		send_noise(&run, before, SIZE / 5);
		cr_assert_eq(count_until_found(&run), 1, "five times the size");
		payload_free(run.meter);
		begin_run(&run);
		run.hint.name = "a/status";
		send_noise(&run, before, SIZE);
		run.hint.name = "a/stream";
		cr_assert_eq(count_until_found(&run), 1, "another topic");
		payload_free(run.meter);
	}
}

Test(payload_habit, the_cuts_change_nothing)
{
	static const size_t pieces[] = {1, 63, 64, 700, 1499};
	struct run whole, cut;

	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		begin_run(&whole);
		begin_run(&cut);
		cut.piece = pieces[i];
		for (size_t round = 0; round < 40; round++) {
			send_noise(&whole, 1, SIZE);
			send_noise(&cut, 1, SIZE);
		}
		for (size_t round = 0; round < ALL_SEEN; round++) {
			send_with(&whole, cluster, sizeof(cluster) - 1, 60);
			send_with(&cut, cluster, sizeof(cluster) - 1, 60);
			cr_assert_arr_eq(whole.facts.up, cut.facts.up, sizeof(whole.facts.up),
			    "in pieces of %zu, message %zu", pieces[i], round);
		}
		payload_free(whole.meter);
		payload_free(cut.meter);
	}
}

/* A direction in many long messages has about as many samples as in one. */
Test(payload_habit, samples_go_on_over_messages)
{
	enum { MESSAGES = 256, LONG = 65536, SAMPLES = 24 + 3 * HABIT_VAIN };
	struct run run;

	begin_run(&run);
	send_noise(&run, MESSAGES, LONG);
	cr_expect_leq(run.facts.examined, MESSAGES * PAYLOAD_WINDOW + SAMPLES * PAYLOAD_SAMPLE);
	cr_expect_geq(run.facts.examined, MESSAGES * PAYLOAD_WINDOW + 16 * PAYLOAD_SAMPLE);
	cr_expect_eq(run.facts.class, PAYLOAD_OPAQUE);
	cr_expect(run.facts.high_entropy);
	payload_free(run.meter);
}

/* Pieces of a stream of footage that are too short to tell it alone. */
Test(payload_habit, a_stream_in_short_messages_is_found_soon)
{
	enum { SHORT = 300, PACKET_BYTES = 188, SOON = 45 /* messages: 12 KiB */ };
	struct run run;

	for (size_t before = MANY; before < MANY + ALL_SEEN; before++) {
		size_t sent = 0, at = 0;

		begin_run(&run);
		send_noise(&run, before, SHORT);
		for (; sent < SOON && run.facts.class != PAYLOAD_VIDEO; sent++, at += SHORT) {
			make_noise(&run, SHORT);
			for (size_t i = 0; i + 4 <= SHORT; i++)
				if ((at + i) % PACKET_BYTES == 0) {
					memcpy(run.bytes + i, "\x47\1\0\x10", 4);
					run.bytes[i + 3] |= (at + i) / PACKET_BYTES & 15;
				}
			send_one(&run, SHORT);
		}
		cr_assert_eq(run.facts.class, PAYLOAD_VIDEO, "behind %zu", before);
		cr_assert_str_eq(run.facts.format, "mpegts");
		payload_free(run.meter);
	}
}
