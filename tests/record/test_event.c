/* SPDX-License-Identifier: MIT */
#include "record/event.h"

#include "base/err.h"
#include "record/crc32c.h"
#include "tests/record/make_facts.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

static const struct event_head some_head = {.kind = EVENT_CLOSE,
    .worker = 3,
    .epoch = UINT64_C(0x123456789abcdef0),
    .seq = 17,
    .wall_us = UINT64_C(1795312801500123)};

Test(crc32c, gives_the_published_values)
{
	uint8_t zeros[32] = {0}, ones[32];

	memset(ones, 0xff, sizeof(ones));
	cr_assert_eq(crc32c("123456789", 9), 0xe3069283);
	cr_assert_eq(crc32c(zeros, sizeof(zeros)), 0x8a9136aa); /* RFC 3720 appendix B.4 */
	cr_assert_eq(crc32c(ones, sizeof(ones)), 0x62a8ab43);
	cr_assert_eq(crc32c("", 0), 0);
}

Test(crc32c, is_the_same_by_the_processor_and_by_tables)
{
	uint8_t bytes[300];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 73 + 11);
	for (size_t at = 0; at < 9; at++) {
		for (size_t count = 0; count <= sizeof(bytes) - at; count++)
			cr_assert_eq(crc32c(bytes + at, count), crc32c_by_tables(bytes + at, count),
			    "%zu from %zu", count, at);
	}
}

static void
expect_same(const struct facts *facts)
{
	uint8_t frame[EVENT_FRAME_MAX];
	size_t count = event_encode(&some_head, facts, frame);
	struct bytes in = {frame, count};
	struct recorded *out = malloc(sizeof(*out));
	struct err err = {0};

	cr_assert_not_null(out);
	cr_assert_eq(event_decode(&in, out, &err), 0, "%s", err.text);
	cr_assert_eq(in.left, 0);
	cr_assert_eq(out->head.kind, some_head.kind);
	cr_assert_eq(out->head.worker, some_head.worker);
	cr_assert_eq(out->head.epoch, some_head.epoch);
	cr_assert_eq(out->head.seq, some_head.seq);
	cr_assert_eq(out->head.wall_us, some_head.wall_us);
	cr_assert_eq(memcmp(&out->facts, facts, sizeof(*facts)), 0);
	free(out);
}

Test(event, with_less_detail_nothing_read_of_what_was_said_is_kept)
{
	struct recorded *out = malloc(sizeof(*out));
	uint8_t frame[EVENT_FRAME_MAX];
	struct facts facts;
	struct bytes in;
	struct err err = {0};

	cr_assert_not_null(out);
	make_full_facts(&facts);
	facts.verdict.detail = DETAIL_META;
	in = (struct bytes){frame, event_encode(&some_head, &facts, frame)};
	cr_assert_eq(event_decode(&in, out, &err), 0, "%s", err.text);
	cr_expect_eq(out->facts.verdict.detail, DETAIL_META);
	cr_expect_str_empty(out->facts.hello.sni);
	cr_expect_str_empty(out->facts.hello.ja3);
	cr_expect_str_empty(out->facts.hello.ja4);
	cr_expect_eq(out->facts.hello.alpn_size, 0);
	cr_expect_str_empty(out->facts.server.subject);
	cr_expect_str_empty(out->facts.server.issuer);
	cr_expect_str_empty(out->facts.server.serial);
	cr_expect_eq(out->facts.server.sha256[0], 0);
	cr_expect_str_empty(out->facts.end_text);
	cr_expect_str_empty(out->facts.looked_up);
	cr_expect_str_empty(out->facts.app.host);
	cr_expect_str_empty(out->facts.app.path);
	cr_expect_str_empty(out->facts.app.agent);
	cr_expect_str_empty(out->facts.app.client);
	cr_expect_str_empty(out->facts.app.topics);
	cr_expect_eq(out->facts.app.first_size, 0);
	cr_expect_str_empty(out->facts.dns.name);
	cr_expect_str_empty(out->facts.dns.answers);
	cr_expect_eq(out->facts.app.proto, facts.app.proto);
	cr_expect_eq(out->facts.payload.class, facts.payload.class);
	cr_expect_eq(out->facts.payload.up[PAYLOAD_VIDEO], facts.payload.up[PAYLOAD_VIDEO]);
	cr_expect_eq(out->facts.traffic.left_up, facts.traffic.left_up);
	cr_expect_str_eq(out->facts.place.org, facts.place.org);
	free(out);
}

Test(event, comes_back_as_it_was)
{
	struct facts facts;

	make_facts(&facts, 42);
	expect_same(&facts);
	make_full_facts(&facts);
	expect_same(&facts);
	memset(&facts, 0, sizeof(facts));
	expect_same(&facts);
}

Test(event, is_compact)
{
	struct facts facts = {.flow_id = 1};
	uint8_t frame[EVENT_FRAME_MAX];

	cr_assert_lt(event_encode(&some_head, &facts, frame), 64);
	make_full_facts(&facts);
	cr_assert_gt(event_encode(&some_head, &facts, frame), EVENT_FRAME_MAX - 64,
	    "the bound is no larger than it must be: %zu", event_encode(&some_head, &facts, frame));
	facts.verdict.detail = DETAIL_CUT;
	cr_assert_gt(event_encode(&some_head, &facts, frame), EVENT_SHORT_MAX - 64);
	cr_assert_leq(event_encode(&some_head, &facts, frame), EVENT_SHORT_MAX);
}

Test(event, every_prefix_is_refused)
{
	struct facts facts;
	uint8_t frame[EVENT_FRAME_MAX];
	struct recorded out;
	size_t count;

	make_facts(&facts, 42);
	count = event_encode(&some_head, &facts, frame);
	for (size_t i = 0; i < count; i++) {
		uint8_t *copy = malloc(i > 0 ? i : 1);
		struct bytes in = {copy, i};
		struct err err = {0};

		memcpy(copy, frame, i);
		cr_assert_eq(event_decode(&in, &out, &err), -1);
		cr_assert_eq(err.kind, ERR_INPUT);
		cr_assert_eq(in.left, i);
		free(copy);
	}
}

Test(event, every_changed_byte_is_noticed)
{
	struct facts facts;
	uint8_t frame[EVENT_FRAME_MAX];
	struct recorded out;
	size_t count;

	make_facts(&facts, 42);
	count = event_encode(&some_head, &facts, frame);
	for (size_t i = 0; i < count; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			struct bytes in = {frame, count};

			frame[i] ^= (uint8_t)(1U << bit);
			cr_assert_eq(event_decode(&in, &out, NULL), -1, "byte %zu bit %u", i, bit);
			frame[i] ^= (uint8_t)(1U << bit);
		}
	}
}

struct bad_field {
	char why[40];
	uint8_t tag, count;
	uint8_t body[20];
};

/* A frame with one field, its checksum right. */
static size_t
frame_of(const struct bad_field *field, uint8_t frame[EVENT_FRAME_MAX])
{
	struct facts facts = {0};
	size_t count = event_encode(&some_head, &facts, frame);
	uint32_t crc;

	frame[count++] = field->tag;
	frame[count++] = field->count;
	memcpy(frame + count, field->body, sizeof(field->body));
	count += field->count < sizeof(field->body) ? field->count : sizeof(field->body);
	frame[10] = (uint8_t)(count >> 8);
	frame[11] = (uint8_t)count;
	crc = crc32c(frame + 6, count - 6);
	for (int i = 0; i < 4; i++)
		frame[2 + i] = (uint8_t)(crc >> (24 - 8 * i));
	return count;
}

Test(event, what_no_facts_can_hold_is_refused)
{
	static const struct bad_field rows[] = {
	    {"a number of 9 bytes", 1, 9, {1, 2, 3, 4, 5, 6, 7, 8, 9}},
	    {"a number of no bytes", 1, 0, {0}},
	    {"a port beyond 16 bits", 12, 3, {1, 0, 0}},
	    {"a bool of 2", 10, 1, {2}},
	    {"a kind of hello that is none", 9, 1, {4}},
	    {"an end that is none", 64, 1, {END_COUNT}},
	    {"a result that is none", 51, 1, {4}},
	    {"a text with a NUL", 16, 3, {'a', 0, 'b'}},
	    {"an interface of 16 letters", 7, 16, "abcdefghijklmnop"},
	    {"five countries", 21, 10, "DEFRITESPT"},
	    {"half a country", 21, 1, "D"},
	    {"a kind of place that is none", 66, 1, {4}},
	    {"a country in small letters", 21, 2, "de"},
	    {"an address without a port", 5, 16, {0}},
	    {"a hash of 4 bytes", 44, 4, {1, 2, 3, 4}},
	    {"more than there is", 16, 200, "abc"},
	    {"a transport that is none", 87, 1, {2}},
	    {"a protocol that is none", 112, 1, {APP_COUNT}},
	    {"a class that is none", 101, 1, {PAYLOAD_COUNT}},
	    {"nine first bytes", 129, 9, "abcdefghi"},
	    {"a class without its number", 108, 1, {1}},
	    {"a class's number that is cut off", 108, 3, {1, 2, 1}},
	    {"a class's number of 9 bytes", 108, 11, {1, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
	    {"a confidence of a class that is none", 110, 3, {1, 1, 3}},
	    {"a confidence of two bytes", 110, 4, {1, 2, 1, 0}},
	    {"datagrams beyond 32 bits", 98, 5, {1, 0, 0, 0, 0}},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t frame[EVENT_FRAME_MAX];
		struct bytes in = {frame, frame_of(&rows[i], frame)};
		struct recorded out;

		cr_assert_eq(event_decode(&in, &out, NULL), -1, "%s", rows[i].why);
	}
}

Test(event, a_tag_of_a_newer_writer_is_passed_over)
{
	static const struct bad_field newer = {"newer", 250, 3, "abc"};
	uint8_t frame[EVENT_FRAME_MAX];
	struct bytes in = {frame, frame_of(&newer, frame)};
	struct recorded out;

	cr_assert_eq(event_decode(&in, &out, NULL), 0);
}

Test(event, a_class_of_a_newer_writer_is_passed_over)
{
	static const struct bad_field newer = {"newer", 108, 6, {PAYLOAD_COUNT, 1, 9, 1, 1, 7}};
	uint8_t frame[EVENT_FRAME_MAX];
	struct bytes in = {frame, frame_of(&newer, frame)};
	struct recorded out;

	cr_assert_eq(event_decode(&in, &out, NULL), 0);
	cr_expect_eq(out.facts.payload.up[PAYLOAD_VIDEO], 7);
}

/* ---- the gist ---- */

static size_t
encode(const struct facts *facts, uint8_t out[EVENT_FRAME_MAX])
{
	return event_encode(&some_head, facts, out);
}

static bool
same_gist(const struct facts *a, const struct facts *b)
{
	static struct event_gist left, right;
	uint8_t frame[EVENT_FRAME_MAX];

	cr_assert_eq(event_get_gist((struct bytes){frame, encode(a, frame)}, &left), 0);
	cr_assert_eq(event_get_gist((struct bytes){frame, encode(b, frame)}, &right), 0);
	return left.size == right.size && memcmp(left.bytes, right.bytes, left.size) == 0;
}

Test(event, gist_leaves_out_what_tells_one_connection_from_another)
{
	static struct event_gist gist;
	uint8_t frame[EVENT_FRAME_MAX];
	struct facts facts, other;

	make_facts(&facts, 1);
	other = facts;
	other.flow_id = 2;
	other.opened_wall_us += 5;
	other.closed_wall_us += 9;
	other.duration_us = 4;
	other.camera.port = 1;
	other.camera.ip[15] ^= 1;
	other.iface[0] = 'x';
	other.traffic = (struct traffic){.up = 1,
	    .down = 2,
	    .left_up = 3,
	    .left_down = 4,
	    .packets_up = 5,
	    .packets_down = 6};
	other.payload.up[PAYLOAD_VIDEO] = 7;
	other.payload.held = 8;
	other.payload.examined = 9;
	other.app.requests = 10;
	other.app.path[0] = 'x';
	other.end = END_IDLE;
	other.end_text[0] = 'x';
	cr_expect_eq(same_gist(&facts, &other), true);
	cr_assert_eq(event_get_gist((struct bytes){frame, encode(&other, frame)}, &gist), 0);
	cr_expect_eq(gist.kind, EVENT_CLOSE);
	cr_expect_eq(gist.opened_wall_us, other.opened_wall_us);
	cr_expect_eq(gist.traffic.up, 1);
	cr_expect_eq(gist.traffic.down, 2);
	cr_expect_eq(gist.traffic.left_up, 3);
	cr_expect_eq(gist.traffic.left_down, 4);
	cr_expect_eq(gist.traffic.packets_up, 5);
	cr_expect_eq(gist.traffic.packets_down, 6);
}

Test(event, gist_has_whatever_may_be_judged)
{
	struct facts facts, other;

	make_facts(&facts, 1);
#define EXPECT_OTHER(change)                                                                       \
	do {                                                                                       \
		other = facts;                                                                     \
		change;                                                                            \
		cr_expect_eq(same_gist(&facts, &other), false, #change);                           \
	} while (0)
	EXPECT_OTHER(other.device[0] = 'x');
	EXPECT_OTHER(other.dst.ip[15] ^= 1);
	EXPECT_OTHER(other.dst.port++);
	EXPECT_OTHER(other.hello.kind = HELLO_NOT_TLS);
	EXPECT_OTHER(other.hello.sni[0] = 'x');
	EXPECT_OTHER(other.hello.sni_present = false);
	EXPECT_OTHER(other.hello.ech = true);
	EXPECT_OTHER(other.hello.ja4[0] = 'x');
	EXPECT_OTHER(other.place.located.iso[0][0] = 'F');
	EXPECT_OTHER(other.place.registered.count = 0);
	EXPECT_OTHER(other.place.operator.iso[0][0] = 'F');
	EXPECT_OTHER(other.place.kind = PLACE_ANYCAST);
	EXPECT_OTHER(other.place.asn++);
	EXPECT_OTHER(other.place.vendor[0] = 'x');
	EXPECT_OTHER(other.server.handshake_done = false);
	EXPECT_OTHER(other.server.verified = false);
	EXPECT_OTHER(other.server.errors = CERT_EXPIRED);
	EXPECT_OTHER(other.server.version = 0x0303);
	EXPECT_OTHER(other.inspect = INSPECT_PLAIN);
	EXPECT_OTHER(other.verdict.result = RESULT_BLOCK);
	EXPECT_OTHER(other.verdict.stage = VERDICT_NAME);
	EXPECT_OTHER(other.verdict.shadow = true);
	EXPECT_OTHER(other.verdict.rule[0] = 'x');
	EXPECT_OTHER(other.verdict.ruleset[0] = 'x');
	EXPECT_OTHER(other.transport = TRANSPORT_UDP);
	EXPECT_OTHER(other.looked_up[0] = 'x');
	EXPECT_OTHER(other.payload.class = PAYLOAD_VIDEO);
	EXPECT_OTHER(other.payload.confidence = CONFIDENCE_PROBABLE);
	EXPECT_OTHER(other.payload.direction = DIRECTION_UP);
	EXPECT_OTHER(other.payload.seen_up[PAYLOAD_IMAGE] = CONFIDENCE_PROBABLE);
	EXPECT_OTHER(other.payload.seen_down[PAYLOAD_IMAGE] = CONFIDENCE_PROBABLE);
	EXPECT_OTHER(other.app.proto = APP_HTTP);
	EXPECT_OTHER(other.app.opaque_inner = true);
	EXPECT_OTHER(other.app.host_mismatch = true);
	EXPECT_OTHER(other.app.host[0] = 'x');
#undef EXPECT_OTHER
}

Test(event, gist_of_what_is_cut_or_altered_is_refused)
{
	static struct event_gist gist;
	uint8_t frame[EVENT_FRAME_MAX];
	struct facts facts;
	size_t count;

	make_full_facts(&facts);
	count = encode(&facts, frame);
	cr_expect_eq(event_get_gist((struct bytes){frame, count}, &gist), 0);
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(event_get_gist((struct bytes){frame, i}, &gist), -1, "%zu", i);
	for (size_t i = 0; i < count; i++) {
		frame[i] ^= 0x40;
		cr_assert_eq(event_get_gist((struct bytes){frame, count}, &gist), -1, "%zu", i);
		frame[i] ^= 0x40;
	}
}
