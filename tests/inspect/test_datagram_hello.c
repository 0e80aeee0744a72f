/* SPDX-License-Identifier: MIT */
#include "inspect/datagram.h"
#include "inspect/datagram_hello.h"
#include "inspect/datagram_watch.h"
#include "inspect/quic_keys.h"
#include "tests/support/quic_maker.h"

#include <criterion/criterion.h>
#include <string.h>

enum { MESSAGE_HEADER = 4, SESSION_END = 2 + 32 + 1, RECORD_HEADER = 13, FRAGMENT_HEADER = 12 };

static const char own[] = "kamera.example.net", other[] = "other.example.net";

static struct bytes
all(const struct made *made)
{
	return (struct bytes){made->at, made->size};
}

/* An Initial packet with a hello's bytes between these two; key: NULL, the id's. */
static struct made
initial(const char *name, const char *id, const char *key, size_t from, size_t to)
{
	struct made message = hello_message(name, 300), frames = {0}, packet;
	const struct quic_initial head = {.version = QUIC_V1,
	    .id = id,
	    .id_size = strlen(id),
	    .key_id = key,
	    .key_id_size = key != NULL ? strlen(key) : 0,
	    .number = 2,
	    .size = 1200};

	if (to > message.size)
		to = message.size;
	if (from < to)
		quic_add_crypto(&frames, from, message.at + from, to - from);
	else
		made_add(&frames, "\1", 1); /* PING */
	packet = quic_seal(&head, &frames);
	made_free(&message);
	made_free(&frames);
	return packet;
}

/* One record of DTLS with the whole hello. */
static struct made
dtls(const char *name, const char *cookie)
{
	struct made message = hello_message(name, 0), made = {0};
	const uint8_t cookie_size = (uint8_t)strlen(cookie);
	size_t size = message.size - MESSAGE_HEADER + 1 + cookie_size;
	uint8_t head[RECORD_HEADER + FRAGMENT_HEADER] = {22, 0xfe, 0xff};

	head[11] = (uint8_t)((size + FRAGMENT_HEADER) >> 8);
	head[12] = (uint8_t)(size + FRAGMENT_HEADER);
	head[RECORD_HEADER] = 1;
	head[RECORD_HEADER + 2] = head[RECORD_HEADER + 10] = (uint8_t)(size >> 8);
	head[RECORD_HEADER + 3] = head[RECORD_HEADER + 11] = (uint8_t)size;
	made_add(&made, head, sizeof(head));
	made_add(&made, "\xfe\xfd", 2);
	made_add(&made, message.at + MESSAGE_HEADER + 2, SESSION_END - 2);
	made_add(&made, &cookie_size, 1);
	made_add(&made, cookie, cookie_size);
	made_add(&made, message.at + MESSAGE_HEADER + SESSION_END,
	    message.size - MESSAGE_HEADER - SESSION_END);
	made_free(&message);
	return made;
}

static uint64_t
mark_of(struct bytes datagram, enum app_proto proto)
{
	struct datagram_teller *teller = NULL;
	struct app_facts app = {0};
	struct hello_facts hello = {0};

	cr_assert_eq(datagram_tell(&teller, datagram, 443, &app, &hello), DATAGRAM_DONE);
	cr_assert_eq(app.proto, proto);
	cr_assert_eq(hello.kind, HELLO_TLS);
	return datagram_hello_mark(&hello);
}

static enum datagram_hello
look(struct made made, enum app_proto proto, uint64_t mark)
{
	enum datagram_hello told = datagram_hello_look(all(&made), proto, mark);

	made_free(&made);
	return told;
}

static const enum app_proto protos[] = {APP_QUIC, APP_UNKNOWN, APP_RTP, APP_P2P, APP_TURN,
    APP_DTLS};
enum { PROTOS = sizeof(protos) / sizeof(protos[0]) };

Test(datagram_hello, of_quic_is_the_flows_own_or_another)
{
	struct made first = initial(own, "firstfir", NULL, 0, SIZE_MAX);
	uint64_t mark = mark_of(all(&first), APP_QUIC);

	cr_expect_neq(mark, 0);
	for (size_t i = 0; i < PROTOS; i++) {
		enum app_proto proto = protos[i];

		cr_expect_eq(datagram_hello_look(all(&first), proto, mark), DATAGRAM_HELLO_SAME);
		cr_expect_eq(datagram_hello_look(all(&first), proto, 0), DATAGRAM_HELLO_OTHER);
		cr_expect_eq(look(initial(own, "retryret", NULL, 0, SIZE_MAX), proto, mark),
		    DATAGRAM_HELLO_SAME, "behind a Retry");
		cr_expect_eq(look(initial(other, "firstfir", NULL, 0, SIZE_MAX), proto, mark),
		    DATAGRAM_HELLO_OTHER, "the first may have been a decoy");
		cr_expect_eq(look(initial(other, "next", NULL, 0, SIZE_MAX), proto, mark),
		    DATAGRAM_HELLO_OTHER);
		cr_expect_eq(look(initial(own, "firstfir", NULL, 200, SIZE_MAX), proto, mark),
		    DATAGRAM_HELLO_OTHER, "a part says nothing of the rest");
		cr_expect_eq(look(initial(own, "firstfir", NULL, 9, 9), proto, mark),
		    DATAGRAM_HELLO_NONE, "a PING");
		cr_expect_eq(look(initial(own, "ofserver", "firstfir", 9, 9), proto, mark),
		    DATAGRAM_HELLO_SEALED);
	}
	made_free(&first);
}

Test(datagram_hello, of_dtls_is_the_flows_own_or_another)
{
	struct made first = dtls(own, "");
	uint64_t mark = mark_of(all(&first), APP_DTLS);

	for (size_t i = 0; i < PROTOS; i++) {
		struct made whole = dtls(own, ""), behind = {0};

		cr_expect_eq(datagram_hello_look(all(&first), protos[i], mark),
		    DATAGRAM_HELLO_SAME);
		cr_expect_eq(look(dtls(own, "cookie"), protos[i], mark), DATAGRAM_HELLO_SAME);
		cr_expect_eq(look(dtls(other, ""), protos[i], mark), DATAGRAM_HELLO_OTHER);
		cr_expect_eq(look(dtls(other, "cookie"), protos[i], mark), DATAGRAM_HELLO_OTHER);
		/* Behind a record of another kind, and behind another message. */
		made_add(&behind, "\x17\xfe\xfd\0\1\0\0\0\0\0\0\0\1x", 14);
		made_add(&behind, whole.at, whole.size);
		cr_expect_eq(look(behind, protos[i], 0), DATAGRAM_HELLO_OTHER);
		whole.at[RECORD_HEADER] = 16; /* client_key_exchange */
		cr_expect_eq(look(whole, protos[i], mark), DATAGRAM_HELLO_NONE);
	}
	made_free(&first);
}

/* Whatever is cut or changed, it never is the flow's own but where it is whole. */
static void
spoil(struct made first, enum app_proto proto)
{
	uint64_t mark = mark_of(all(&first), proto);

	for (size_t size = 0; size < first.size; size++)
		cr_expect_neq(datagram_hello_look((struct bytes){first.at, size}, proto, mark),
		    DATAGRAM_HELLO_SAME, "%zu", size);
	for (size_t i = 0; i < first.size; i++) {
		first.at[i] ^= 0x41;
		(void)datagram_hello_look(all(&first), proto, mark);
		if (proto == APP_QUIC)
			cr_expect_neq(datagram_hello_look(all(&first), proto, mark),
			    DATAGRAM_HELLO_SAME, "%zu", i);
		first.at[i] ^= 0x41;
	}
	made_free(&first);
}

Test(datagram_hello, what_is_spoilt_is_not_the_flows_own)
{
	spoil(initial(own, "firstfir", NULL, 0, SIZE_MAX), APP_QUIC);
	spoil(dtls(own, "x"), APP_DTLS);
}

Test(datagram_hello, other_datagrams_begin_nothing)
{
	uint8_t bytes[1200];

	for (unsigned first = 0; first < 256; first++) {
		memset(bytes, (int)first, sizeof(bytes));
		for (size_t i = 0; i < PROTOS; i++)
			cr_expect_eq(datagram_hello_look((struct bytes){bytes, sizeof(bytes)},
					 protos[i], 1),
			    DATAGRAM_HELLO_NONE, "%u", first);
	}
}

/* What watches a flow ends it by another hello only, and looks into so many. */
Test(datagram_hello, is_what_takes_long_to_look_at_and_little_else)
{
	struct made quic = initial(own, "12345678", NULL, 0, SIZE_MAX), hello = dtls(own, "");
	struct made behind = {0};
	/* A packet of the handshake, with two bytes; of 0-RTT the same. */
	static const uint8_t handshake[] = {0xe0, 0, 0, 0, 1, 1, 'a', 1, 'b', 2, 0, 0};
	static const uint8_t short_header[] = {0x40, 1, 2, 3, 4, 5, 6, 7, 8};

	cr_expect(datagram_hello_is_costly(all(&quic)));
	cr_expect(datagram_hello_is_costly(all(&hello)));
	cr_expect_not(datagram_hello_is_costly((struct bytes){handshake, sizeof(handshake)}));
	cr_expect_not(datagram_hello_is_costly((struct bytes){short_header, sizeof(short_header)}));
	made_add(&behind, handshake, sizeof(handshake));
	made_add(&behind, short_header, sizeof(short_header));
	cr_expect_not(datagram_hello_is_costly(all(&behind)), "the connection goes on");
	behind.size = sizeof(handshake);
	made_add(&behind, quic.at, quic.size);
	cr_expect(datagram_hello_is_costly(all(&behind)), "it stands behind another packet");
	quic.at[4] = 9;
	cr_expect_not(datagram_hello_is_costly(all(&quic)), "of a version that is not opened");
	for (size_t size = 0; size < hello.size; size++)
		cr_expect_not(datagram_hello_is_costly((struct bytes){hello.at, size}));
	hello.at[0] = 23;
	cr_expect_not(datagram_hello_is_costly(all(&hello)), "data");
	made_free(&quic);
	made_free(&hello);
	made_free(&behind);
}

Test(datagram_hello, ends_the_flow_it_goes_on_in)
{
	struct made first = initial(own, "firstfir", NULL, 0, SIZE_MAX),
		    next = initial(other, "next", NULL, 0, SIZE_MAX),
		    sealed = initial(own, "ofserver", "firstfir", 9, 9);

	for (size_t i = 0; i < PROTOS; i++) {
		struct datagram_watch watch = {.proto = (uint8_t)protos[i],
		    .hello = mark_of(all(&first), APP_QUIC)};

		if (watch.proto == APP_DTLS) {
			cr_expect_eq(datagram_watch_look(&watch, all(&first), 443), DATAGRAM_TURNS);
			continue;
		}
		for (unsigned round = 0; round < 3; round++) {
			for (unsigned k = 0; k < DATAGRAM_WATCH_SEALED; k++)
				cr_expect_eq(datagram_watch_look(&watch, all(&sealed), 443),
				    DATAGRAM_STAYS);
			cr_expect_eq(datagram_watch_look(&watch, all(&sealed), 443),
			    DATAGRAM_STOPS);
			cr_expect_eq(datagram_watch_look(&watch, all(&first), 443), DATAGRAM_STAYS);
		}
		cr_expect_eq(datagram_watch_look(&watch, all(&next), 443), DATAGRAM_TURNS);
	}
	made_free(&first);
	made_free(&next);
	made_free(&sealed);
}
