/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"

#include <openssl/bio.h>
#include <string.h>

/* ---- a wire that carries each byte alone ---- */

static int
write_byte_by_byte(BIO *bio, const char *bytes, int count)
{
	for (int i = 0; i < count; i++) {
		if (BIO_write(BIO_next(bio), bytes + i, 1) != 1)
			return -1;
	}
	return count;
}

static int
read_through(BIO *bio, char *bytes, int count)
{
	int got = BIO_read(BIO_next(bio), bytes, count);

	BIO_clear_retry_flags(bio);
	BIO_copy_next_retry(bio);
	return got;
}

static long
control_through(BIO *bio, int command, long number, void *pointer)
{
	return BIO_ctrl(BIO_next(bio), command, number, pointer);
}

static int
create(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

static BIO_METHOD *method;

static BIO *
byte_by_byte(int fd)
{
	return BIO_push(BIO_new(method), BIO_new_socket(fd, BIO_NOCLOSE));
}

static void
make_method(void)
{
	method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_FILTER, "byte by byte");
	(void)BIO_meth_set_write(method, write_byte_by_byte);
	(void)BIO_meth_set_read(method, read_through);
	(void)BIO_meth_set_ctrl(method, control_through);
	(void)BIO_meth_set_create(method, create);
}

static void
free_method(void)
{
	BIO_meth_free(method);
}

TestSuite(hello_in_one_byte_writes, .init = make_method, .fini = free_method);

/* ---- the stories ---- */

static void
ask(struct peer *peer)
{
	peer->wire = byte_by_byte;
	peer_connect(peer);
	peer_handshake(peer);
	peer_say(peer, "hello", 5);
	peer_finish(peer);
	peer_hear_end(peer);
}

static void
play(struct flow *flow)
{
	flow_show(flow, pki_server(FLOW_NAME, &flow->root));
	flow_run(flow, ask, play_hear_out);
	cr_expect_eq(memcmp(flow->server.front, "hello", 5), 0);
	cr_expect_str_eq(flow->closed.facts.hello.sni, FLOW_NAME);
	cr_expect_eq(flow->closed.facts.inspect, INSPECT_OPENED);
	cr_expect_eq(flow->closed.facts.end, END_DONE, "%s", flow->closed.facts.end_text);
}

Test(hello_in_one_byte_writes, is_opened)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	play(&flow);
	flow_close(&flow);
}

/* Twenty kilobytes in records of 512 bytes, byte by byte. */
Test(hello_in_one_byte_writes, and_many_records_is_opened)
{
	static uint8_t alpn[80 * 250];
	struct flow flow;

	memset(alpn, 'a', sizeof(alpn));
	for (size_t i = 0; i < sizeof(alpn); i += 250)
		alpn[i] = 249;
	flow_open(&flow, &(struct flow_setup){0});
	cr_assert_eq(SSL_CTX_set_alpn_protos(flow.camera.ctx, alpn, sizeof(alpn)), 0);
	cr_assert_eq(SSL_CTX_set_max_send_fragment(flow.camera.ctx, 512), 1);
	play(&flow);
	flow_close(&flow);
}
