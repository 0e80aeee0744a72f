/* SPDX-License-Identifier: MIT */
/* TLS 1.2 where the legs went on without OpenSSL: who wants to negotiate anew then. */
#include "certs/record_key.h"
#include "proxy/conn_private.h"
#include "tests/flow/silence.h"
#include "tests/support/record_writer.h"

#include <openssl/err.h>
#include <semaphore.h>
#include <stdio.h>

enum { ENDLESS = 500 };

/* A ClientHello, as far as it matters, and a HelloRequest. */
static const uint8_t hello[] = {1, 0, 0, 2, 3, 3}, request[] = {0, 0, 0, 0};

static unsigned times;
static bool was_refused;
static sem_t heard; /* all that was said behind the wish */

static bool
is_taken_over(const struct conn *conn)
{
	return conn->camera.ssl == NULL && conn->server.ssl == NULL;
}

static bool
say_record(struct peer *peer, struct record_writer *writer, enum record_type type,
    struct bytes said)
{
	uint8_t record[RECORD_WRITER_MAX];
	size_t size = record_writer_make(writer, (uint8_t)type, said.at, said.left, record);

	return send(peer->fd, record, size, MSG_NOSIGNAL) == (ssize_t)size;
}

/* Wish for it, and go on with payload. */
static void
wish(struct peer *peer)
{
	struct bytes said = peer->is_camera ? (struct bytes){hello, sizeof(hello)}
					    : (struct bytes){request, sizeof(request)};
	struct record_writer writer;

	if (peer->ssl == NULL || record_writer_open(&writer, peer->ssl, 1) != 1) {
		(void)snprintf(peer->trouble, sizeof(peer->trouble), "another cipher");
		return;
	}
	for (unsigned i = 0; i < times; i++) {
		if (!say_record(peer, &writer, RECORD_HANDSHAKE, said))
			return; /* it was closed */
	}
	(void)say_record(peer, &writer, RECORD_DATA, (struct bytes){(const uint8_t *)"again", 5});
}

/* OpenSSL takes the refusal for the end. */
static void
wish_and_be_refused(struct peer *peer)
{
	char byte;

	wish(peer);
	peer_await(&heard, "what was said behind the wish is not heard");
	ERR_clear_error();
	was_refused = SSL_read(peer->ssl, &byte, 1) <= 0 &&
		      ERR_GET_REASON(ERR_peek_error()) == SSL_R_NO_RENEGOTIATION;
	ERR_clear_error();
	peer_close(peer);
}

static void
hear_on(struct peer *peer)
{
	peer_hear(peer, peer->is_camera ? 7 : 10);
	(void)sem_post(&heard);
	peer_hear_end(peer);
	peer_close(peer);
}

static void
be_left(struct peer *peer)
{
	peer_hear_end(peer);
	peer_close(peer);
}

/* Not by OpenSSL, which would go for the first refusal. */
static void
wish_without_end(struct peer *peer)
{
	char bytes[256];

	wish(peer);
	while (recv(peer->fd, bytes, sizeof(bytes), 0) > 0)
		;
	peer_close(peer);
}

/* What a record writer goes on with. */
static void
speak_as_written(SSL_CTX *ctx)
{
	cr_assert_eq(SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION), 1);
	cr_assert_eq(SSL_CTX_set_cipher_list(ctx, RECORD_WRITER_CIPHER), 1);
}

static void
open_story(struct flow *flow, unsigned wishes)
{
	times = wishes;
	was_refused = false;
	cr_assert_eq(sem_init(&heard, 0, 0), 0);
	silence_open(flow, is_taken_over);
	speak_as_written(flow->camera.ctx);
	speak_as_written(flow->server.ctx);
}

Test(renegotiates_later_in_vain, the_camera)
{
	struct flow flow;

	open_story(&flow, 1);
	silence_run(&flow, wish_and_be_refused, hear_on);
	cr_expect(was_refused);
	cr_expect_eq(flow.server.received, 10, "payload goes on");
	cr_expect_eq(memcmp(flow.server.front, "firstagain", 10), 0);
	cr_expect_eq(flow.closed.facts.traffic.left_up, 10);
	cr_expect_neq(flow.closed.facts.end, END_FLOOD);
	flow_close(&flow);
}

/* And goes for it, as each time: who comes next passes. */
Test(renegotiates_later_in_vain, the_server_and_that_is_remembered)
{
	struct flow flow;
	X509_STORE *both;

	open_story(&flow, 1);
	both = pki_store(&flow.root);
	cr_assert_eq(X509_STORE_add_cert(both, flow.ca[0].cert), 1);
	SSL_CTX_set_cert_store(flow.camera.ctx, both);
	silence_run(&flow, hear_on, wish_and_be_refused);
	cr_expect(was_refused);
	cr_expect_eq(flow.camera.received, 7, "payload goes on");
	cr_expect_eq(memcmp(flow.camera.front, "okagain", 7), 0);
	cr_expect_eq(flow.closed.facts.inspect, INSPECT_OPENED);
	flow_run(&flow, play_ask, play_answer);
	cr_expect_eq(flow.closed.facts.inspect, INSPECT_PASSTHROUGH);
	cr_expect_eq(flow.closed.facts.end, END_DONE, "%s", flow.closed.facts.end_text);
	flow_close(&flow);
}

Test(renegotiates_later_in_vain, the_camera_without_end)
{
	struct flow flow;

	open_story(&flow, ENDLESS);
	silence_run(&flow, wish_without_end, be_left);
	cr_expect_eq(flow.closed.facts.end, END_FLOOD, "%s", flow.closed.facts.end_text);
	cr_expect_eq(flow.server.received, 5, "nothing behind it");
	flow_close(&flow);
}

Test(renegotiates_later_in_vain, the_server_without_end)
{
	struct flow flow;

	open_story(&flow, ENDLESS);
	silence_run(&flow, be_left, wish_without_end);
	cr_expect_eq(flow.closed.facts.end, END_FLOOD, "%s", flow.closed.facts.end_text);
	cr_expect_eq(flow.camera.received, 2, "nothing behind it");
	flow_close(&flow);
}
