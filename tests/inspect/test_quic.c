/* SPDX-License-Identifier: MIT */
#include "inspect/hello.h"
#include "inspect/quic.h"
#include "tests/inspect/quic_captures.h"
#include "tests/support/quic_maker.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DATAGRAM_MAX = 1500, MESSAGE_HEADER = 4 };

/* Of the examples in RFC 9001 appendix A and RFC 9369 appendix A. */
static const uint8_t example_id[] = {0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08};

static size_t
from_hex(const char *hex, uint8_t *out)
{
	size_t count = 0;

	for (; hex[0] != '\0'; hex += 2)
		cr_assert_eq(sscanf(hex, "%2hhx", &out[count++]), 1);
	return count;
}

static void
expect_hex(const uint8_t *at, size_t count, const char *hex)
{
	uint8_t wanted[DATAGRAM_MAX];

	cr_assert_eq(from_hex(hex, wanted), count);
	cr_expect_eq(memcmp(at, wanted, count), 0, "%s", hex);
}

static enum quic_result
add(struct quic_reader *reader, const struct made *datagram, struct bytes *hello)
{
	return quic_add(reader, (struct bytes){datagram->at, datagram->size}, hello);
}

/* Frames of a whole message in pieces of so many bytes, in the order that the
 * step makes; step and the count of pieces have no common factor. */
static struct made
pieces_of(const struct made *message, size_t from, size_t to, size_t piece, size_t step)
{
	size_t count = (to - from + piece - 1) / piece;
	struct made frames = {0};

	for (size_t i = 0; i < count; i++) {
		size_t at = from + i * step % count * piece;

		quic_add_crypto(&frames, at, message->at + at, to - at < piece ? to - at : piece);
	}
	return frames;
}

static struct quic_initial
example(uint32_t version)
{
	return (struct quic_initial){.version = version,
	    .id = example_id,
	    .id_size = sizeof(example_id),
	    .number = 2,
	    .size = 1200};
}

static struct made
seal(const struct quic_initial *initial, const struct made *message, size_t from, size_t to)
{
	struct made frames = pieces_of(message, from, to, to - from, 1);
	struct made packet = quic_seal(initial, &frames);

	made_free(&frames);
	return packet;
}

/* ---- the RFCs' examples ---- */

Test(quic, keys_are_those_of_the_examples)
{
	static const struct {
		uint32_t version;
		const char *key, *iv, *header;
	} rows[] = {
	    {QUIC_V1, "1f369613dd76d5467730efcbe3b1a22d", "fa044b2f42a3fd3b46fb255c",
		"9f50449e04a0e810283a1e9933adedd2"},
	    {QUIC_V2, "8b1a0bc121284290a29e0971b5cd045d", "91f73e2351d8fa91660e909f",
		"45b95e15235d6f45a6b19cbcb0294ba9"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct quic_keys keys;

		cr_assert(quic_keys_make(rows[i].version,
		    (struct bytes){example_id, sizeof(example_id)}, &keys));
		expect_hex(keys.key, sizeof(keys.key), rows[i].key);
		expect_hex(keys.iv, sizeof(keys.iv), rows[i].iv);
		expect_hex(keys.header, sizeof(keys.header), rows[i].header);
	}
}

/* The example packet is made here; that its first 38 and last 16 bytes, the
 * seal over all of it, are the RFC's says that the rest is too. */
Test(quic, example_packets_are_read)
{
	static const char payload[] =
	    "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c00"
	    "000413011302010000c000000010000e00000b6578616d706c652e636f6dff01000100000a00080006001d"
	    "0017001800100007000504616c706e000500050100000000003300260024001d00209370b2c9caa47fbaba"
	    "f4559fedba753de171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e04030503060302"
	    "03080408050806002d00020101001c00024001003900320408ffffffffffffffff05048000ffff07048000"
	    "ffff0801100104800075300901100f088394c8f03e51570806048000ffff";
	static const struct {
		uint32_t version;
		const char *start, *end;
	} rows[] = {
	    {QUIC_V1,
		"c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11d242b123dc9b",
		"e221af44860018ab0856972e194cd934"},
	    {QUIC_V2,
		"d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485dd04de806071",
		"a18b2faa745b6fe189cf772a9f84cbfc"},
	};
	uint8_t bytes[DATAGRAM_MAX];
	struct made frames = {0};

	made_add(&frames, bytes, from_hex(payload, bytes));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct quic_initial initial = example(rows[i].version);
		struct made packet = quic_seal(&initial, &frames);
		struct quic_reader reader = {0};
		struct hello_facts facts;
		struct bytes hello;

		cr_assert_eq(packet.size, 1200);
		expect_hex(packet.at, 38, rows[i].start);
		expect_hex(packet.at + packet.size - 16, 16, rows[i].end);
		cr_assert_eq(add(&reader, &packet, &hello), QUIC_HELLO);
		hello_read_body(hello, HELLO_BY_QUIC, &facts);
		cr_expect_eq(facts.kind, HELLO_TLS);
		cr_expect_str_eq(facts.protocol, "quic");
		cr_expect_str_eq(facts.sni, "example.com");
		cr_expect_eq(memcmp(facts.alpn,
				 "\x04"
				 "alpn",
				 facts.alpn_size),
		    0);
		cr_expect_eq(facts.version_max, 0x0304);
		cr_expect_eq(memcmp(facts.ja4, "q13d0211an_", 11), 0, "%s", facts.ja4);
		cr_expect_eq(reader.version, rows[i].version);
		cr_expect_eq(reader.tries, 1);
		quic_clear(&reader);
		made_free(&packet);
	}
	made_free(&frames);
}

/* ---- captured ones ---- */

/* The print that others give is known for the last one. */
static const struct capture {
	const char *const *datagrams;
	uint32_t version;
	const char *name, *alpn, *ja4;
} captures[] = {
    {captured_draft_tls_in_v1, QUIC_V1, "msquic.net", "h3-29", "q00d0309h9_"},
    {captured_v2, QUIC_V2, "", "h3", "q13i0311h3_"},
    {captured_two_datagrams, QUIC_V1, "token.services.mozilla.com", "h3", "q13d0314h3_"},
    {captured_shuffled, QUIC_V1, "mastodon.social", "h3", "q13d0311h3_"},
    {captured_middle_last, QUIC_V1, "optimizationguide-pa.googleapis.com", "h3", "q13d0313h3_"},
    {captured_after_retry, QUIC_V1, "www.gravatar.com", "h3", "q13d0314h3_"},
    {captured_with_ja4, QUIC_V1, "www.blogger.com", "h3", "q13d0310h3_55b375c5d22e_cd85d2d88918"},
};

static struct hello_facts
read_capture(const struct capture *capture)
{
	enum quic_result result = QUIC_MORE;
	struct quic_reader reader = {0};
	struct hello_facts facts;
	struct bytes hello = {0};

	for (size_t i = 0; capture->datagrams[i] != NULL && result == QUIC_MORE; i++) {
		uint8_t bytes[DATAGRAM_MAX];
		size_t count = from_hex(capture->datagrams[i], bytes);

		result = quic_add(&reader, (struct bytes){bytes, count}, &hello);
	}
	cr_assert_eq(result, QUIC_HELLO, "%s", capture->name);
	cr_expect_eq(reader.version, capture->version);
	hello_read_body(hello, HELLO_BY_QUIC, &facts);
	quic_clear(&reader);
	return facts;
}

Test(quic, captured_hellos_are_read)
{
	for (size_t i = 0; i < sizeof(captures) / sizeof(captures[0]); i++) {
		const struct capture *capture = &captures[i];
		struct hello_facts facts = read_capture(capture);

		cr_expect_eq(facts.kind, HELLO_TLS);
		cr_expect_str_eq(facts.sni, capture->name);
		cr_expect_eq(strncmp(facts.ja4, capture->ja4, strlen(capture->ja4)), 0, "%s",
		    facts.ja4);
		cr_assert_eq(facts.alpn_size, strlen(capture->alpn) + 1, "%s", capture->name);
		cr_expect_eq(memcmp(facts.alpn + 1, capture->alpn, facts.alpn_size - 1U), 0);
	}
}

/* ---- split in every way ---- */

/* The hello's name, from these datagrams of one message. */
static void
expect_name(const struct made *datagrams, size_t count, const char *name)
{
	enum quic_result result = QUIC_MORE;
	struct quic_reader reader = {0};
	struct hello_facts facts;
	struct bytes hello;

	for (size_t i = 0; i < count; i++) {
		cr_assert_eq(result, QUIC_MORE, "datagram %zu of %zu", i, count);
		result = add(&reader, &datagrams[i], &hello);
	}
	cr_assert_eq(result, QUIC_HELLO);
	hello_read_body(hello, HELLO_BY_QUIC, &facts);
	cr_expect_str_eq(facts.sni, name);
	quic_clear(&reader);
}

Test(quic, hello_in_shuffled_pieces_over_three_datagrams_is_read)
{
	static const uint32_t versions[] = {QUIC_V1, QUIC_V2, QUIC_DRAFT_29, QUIC_DRAFT_32};

	for (size_t v = 0; v < sizeof(versions) / sizeof(versions[0]); v++) {
		struct made message = hello_message("kamera.example.net", 1800);
		size_t third = message.size / 3;
		const size_t cuts[] = {2 * third, message.size, 0, third, third, 2 * third};
		struct made datagrams[3];

		for (unsigned i = 0; i < 3; i++) {
			struct made frames =
			    pieces_of(&message, cuts[2 * i], cuts[2 * i + 1], 53, 7);
			struct quic_initial initial = example(versions[v]);

			initial.number = i;
			datagrams[i] = quic_seal(&initial, &frames);
			made_free(&frames);
		}
		expect_name(datagrams, 3, "kamera.example.net");
		for (unsigned i = 0; i < 3; i++)
			made_free(&datagrams[i]);
		made_free(&message);
	}
}

Test(quic, packets_in_one_datagram_are_all_read)
{
	struct made message = hello_message("two.example.net", 300);
	struct quic_initial initial = example(QUIC_V1);
	struct made first, second;

	initial.size = 0;
	first = seal(&initial, &message, message.size / 2, message.size);
	initial.number = 3;
	second = seal(&initial, &message, 0, message.size / 2);
	made_add(&first, second.at, second.size);
	expect_name(&first, 1, "two.example.net");
	made_free(&first);
	made_free(&second);
	made_free(&message);
}

/* A packet of 0-RTT in front, one with a connection id of the server's behind,
 * one that nobody can open between. */
Test(quic, other_packets_do_not_hide_a_hello)
{
	static const uint8_t other[] = "the-server's-own-id";
	struct made message = hello_message("behind.example.net", 0);
	struct quic_initial initial = example(QUIC_V1);
	size_t half = message.size / 2;
	struct made datagrams[4];

	datagrams[0] = seal(&initial, &message, 0, half);
	datagrams[0].at[0] = 0xd0; /* its type: 0-RTT */
	memmove(datagrams[0].at + 15, datagrams[0].at + 16, datagrams[0].size - 16);
	datagrams[0].size -= 1; /* which has no token */
	datagrams[1] = seal(&initial, &message, 0, half);
	datagrams[1].at[datagrams[1].size - 1] ^= 1;
	datagrams[2] = seal(&initial, &message, 0, half);
	initial.key_id = example_id;
	initial.key_id_size = sizeof(example_id);
	initial.id = other;
	initial.id_size = sizeof(other) - 1;
	initial.number = 4;
	datagrams[3] = seal(&initial, &message, half, message.size);
	expect_name(datagrams, 4, "behind.example.net");
	for (size_t i = 0; i < 4; i++)
		made_free(&datagrams[i]);
	made_free(&message);
}

Test(quic, retry_gives_new_keys)
{
	static const uint8_t retried[] = "sixteen bytes id";
	struct made message = hello_message("retry.example.net", 0);
	struct quic_initial initial = example(QUIC_V1);
	size_t half = message.size / 2;
	struct made datagrams[2];

	datagrams[0] = seal(&initial, &message, 0, half);
	initial.id = retried;
	initial.id_size = sizeof(retried) - 1;
	initial.token = "a token of the server's";
	initial.token_size = 23;
	datagrams[1] = seal(&initial, &message, half, message.size);
	expect_name(datagrams, 2, "retry.example.net");
	made_free(&datagrams[0]);
	made_free(&datagrams[1]);
	made_free(&message);
}

/* ---- bounds ---- */

Test(quic, ten_tries_are_all_that_a_flow_costs)
{
	struct made message = hello_message("never.example.net", 0);
	struct quic_initial initial = example(QUIC_V1);
	struct made good = seal(&initial, &message, 0, message.size), bad = {0};
	struct quic_reader reader = {0};
	struct bytes hello;

	made_add(&bad, good.at, good.size);
	bad.at[bad.size - 1] ^= 1;
	for (unsigned i = 1; i <= QUIC_TRIES_MAX; i++) {
		cr_expect_eq(add(&reader, &bad, &hello),
		    i < QUIC_TRIES_MAX ? QUIC_MORE : QUIC_BROKEN);
		cr_expect_eq(reader.tries, i);
	}
	cr_expect_eq(add(&reader, &good, &hello), QUIC_BROKEN);
	cr_expect_eq(reader.tries, QUIC_TRIES_MAX);
	quic_clear(&reader);
	made_free(&good);
	made_free(&bad);
	made_free(&message);
}

static enum quic_result
read_frames(const void *frames, size_t size)
{
	struct quic_initial initial = example(QUIC_V1);
	struct made made = {0}, packet;
	struct quic_reader reader = {0};
	enum quic_result result;
	struct bytes hello;

	made_add(&made, frames, size);
	packet = quic_seal(&initial, &made);
	result = add(&reader, &packet, &hello);
	cr_expect_leq(reader.crypto.room, QUIC_HELLO_MAX);
	quic_clear(&reader);
	made_free(&packet);
	made_free(&made);
	return result;
}

#define FRAMES(bytes) (bytes), sizeof(bytes) - 1

Test(quic, frames_that_no_client_sends_are_refused)
{
	static const struct {
		const char *frames;
		size_t size;
		enum quic_result result;
	} rows[] = {
	    {FRAMES("\x00\x01\x00"), QUIC_MORE},                           /* PADDING, PING */
	    {FRAMES("\x02\x40\x05\x00\x01\x00\x00\x00"), QUIC_MORE},       /* ACK of two ranges */
	    {FRAMES("\x03\x05\x00\x00\x00\x01\x02\x03"), QUIC_MORE},       /* ACK with ECN */
	    {FRAMES("\x02\x05\x00\xbf\xff\xff\xff\x00"), QUIC_BROKEN},     /* ranges without end */
	    {FRAMES("\x08\x00\x00"), QUIC_BROKEN},                         /* STREAM */
	    {FRAMES("\x1c\x00\x00\x00\x08"), QUIC_MORE},                   /* CONNECTION_CLOSE */
	    {FRAMES("\x06\x00\x01\x02"), QUIC_BROKEN},                     /* a ServerHello */
	    {FRAMES("\x06\x00\x04\x01\x01\x00\x00"), QUIC_BROKEN},         /* one of 64 KiB */
	    {FRAMES("\x06\x80\x00\x40\x00\x01\x01"), QUIC_BROKEN},         /* beyond 16 KiB */
	    {FRAMES("\x06\x7f\xff\x01\x01"), QUIC_MORE},                   /* the last byte of it */
	    {FRAMES("\x06\x00\x01\x01\x06\x00\x02\x01\x00"), QUIC_MORE},   /* the same twice */
	    {FRAMES("\x06\x01\x01\x05\x06\x00\x02\x01\x04"), QUIC_BROKEN}, /* two tales */
	    {FRAMES("\x06\x00\x04\x01\x00\x00\x00"), QUIC_HELLO}, /* an empty one is whole */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_eq(read_frames(rows[i].frames, rows[i].size), rows[i].result, "row %zu",
		    i);
}

Test(quic, versions_that_cannot_be_opened_are_told_by_their_shape)
{
	static const struct {
		uint32_t version;
		enum quic_result result;
	} rows[] = {{0xff00001c, QUIC_OTHER}, {0xff000021, QUIC_OTHER}, {0x1a2a3a4a, QUIC_OTHER},
	    {0x51303530, QUIC_OTHER}, {0xfaceb002, QUIC_OTHER}, {0, QUIC_NOT}, {2, QUIC_NOT},
	    {0xdeadbeef, QUIC_NOT}};
	struct made message = hello_message("x.example.net", 0);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct quic_initial initial = example(rows[i].version);
		struct made packet = seal(&initial, &message, 0, message.size);
		struct quic_reader reader = {0};
		struct bytes hello;

		cr_expect_eq(add(&reader, &packet, &hello), rows[i].result, "%x", rows[i].version);
		packet.size = 1199;
		cr_expect_eq(add(&reader, &packet, &hello), QUIC_NOT, "%x", rows[i].version);
		quic_clear(&reader);
		made_free(&packet);
	}
	made_free(&message);
}

/* The seal covers every byte: cut or changed anywhere, nothing is read. */
Test(quic, packet_cut_or_changed_anywhere_is_not_read)
{
	struct made message = hello_message("whole.example.net", 0);
	struct quic_initial initial = example(QUIC_V1);
	struct made packet = seal(&initial, &message, 0, message.size);

	for (size_t i = 0; i < packet.size; i++) {
		struct quic_reader reader = {0};
		struct bytes hello;
		uint8_t *exact = malloc(i == 0 ? 1 : i);

		cr_assert_not_null(exact);
		memcpy(exact, packet.at, i);
		cr_expect_neq(quic_add(&reader, (struct bytes){exact, i}, &hello), QUIC_HELLO);
		free(exact);
		quic_clear(&reader);
		for (unsigned bit = 0; bit < 8; bit++) {
			packet.at[i] ^= (uint8_t)(1U << bit);
			cr_expect_neq(add(&reader, &packet, &hello), QUIC_HELLO, "byte %zu", i);
			packet.at[i] ^= (uint8_t)(1U << bit);
			quic_clear(&reader);
		}
	}
	made_free(&packet);
	made_free(&message);
}
