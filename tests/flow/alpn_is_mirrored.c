/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"

#include <string.h>

static void
ask(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_say(peer, "hello", 5);
	peer_finish(peer);
	peer_hear_end(peer);
}

static void
answer(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_hear_end(peer);
	peer_finish(peer);
}

/* Takes the second of what is offered, or nothing where it is arg. */
static int
choose(SSL *ssl, const unsigned char **out, unsigned char *out_size, const unsigned char *in,
    unsigned int in_size, void *arg)
{
	(void)ssl;
	if (arg == NULL || in_size != 12 || memcmp(in, "\x02h2\x08http/1.1", 12) != 0)
		return SSL_TLSEXT_ERR_NOACK;
	*out = in + 4;
	*out_size = 8;
	return SSL_TLSEXT_ERR_OK;
}

static void
play(void *chooses, const char *expected)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	SSL_CTX_set_alpn_select_cb(flow.server.ctx, choose, chooses);
	cr_assert_eq(SSL_CTX_set_alpn_protos(flow.camera.ctx,
			 (const unsigned char *)"\x02h2\x08http/1.1", 12),
	    0);
	flow_run(&flow, ask, answer);
	cr_expect_str_eq(flow.server.alpn, expected);
	cr_expect_str_eq(flow.camera.alpn, expected);
	cr_expect_str_eq(flow.closed.facts.server.alpn, expected);
	cr_expect_eq(flow.closed.facts.end, END_DONE, "%s", flow.closed.facts.end_text);
	flow_close(&flow);
}

Test(alpn_is_mirrored, where_the_server_chooses)
{
	int yes = 1;

	play(&yes, "http/1.1");
}

Test(alpn_is_mirrored, where_the_server_chooses_none)
{
	play(NULL, "");
}
