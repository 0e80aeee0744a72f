/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"

#include <stdio.h>
#include <string.h>

struct offer {
	const char *list, *chosen; /* "": none */
};

static int
choose(SSL *ssl, const unsigned char **out, unsigned char *out_size, const unsigned char *in,
    unsigned int in_size, void *arg)
{
	const struct offer *offer = arg;

	(void)ssl;
	/* As the camera sent it, in its order. */
	if (in_size != strlen(offer->list) || memcmp(in, offer->list, in_size) != 0)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	if (offer->chosen[0] == '\0')
		return SSL_TLSEXT_ERR_NOACK;
	*out = (const unsigned char *)offer->chosen;
	*out_size = (unsigned char)strlen(offer->chosen);
	return SSL_TLSEXT_ERR_OK;
}

static void
play(struct offer *offer)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	SSL_CTX_set_alpn_select_cb(flow.server.ctx, choose, offer);
	cr_assert_eq(SSL_CTX_set_alpn_protos(flow.camera.ctx, (const unsigned char *)offer->list,
			 (unsigned)strlen(offer->list)),
	    0);
	flow_run(&flow, play_hello, play_hear_out);
	cr_expect_str_eq(flow.server.alpn, offer->chosen);
	cr_expect_str_eq(flow.camera.alpn, offer->chosen);
	cr_expect_str_eq(flow.closed.facts.server.alpn, offer->chosen);
	cr_expect_eq(flow.closed.facts.end, END_DONE, "%s", flow.closed.facts.end_text);
	flow_close(&flow);
}

Test(alpn_is_mirrored, where_the_server_chooses)
{
	struct offer offers[] = {
	    {"\x02h2\x08http/1.1", "http/1.1"},
	    {"\x02h2\x08http/1.1", "h2"},
	    {"\x04mqtt", "mqtt"},
	    {"\x0ex-amzn-mqtt-ca", "x-amzn-mqtt-ca"},
	    {"\x0bvendor-p2p/\x05other", "vendor-p2p/"},
	};

	for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++)
		play(&offers[i]);
}

/* Longer than the record has, and than one byte counts: the last is as good as
 * the first. */
Test(alpn_is_mirrored, where_the_list_is_long)
{
	char list[1024] = "";
	struct offer offer = {list, "last"};

	for (size_t used = 0; used < 600; used = strlen(list))
		(void)snprintf(list + used, sizeof(list) - used, "\x13vendor-protocol-%03zu", used);
	(void)strcat(list, "\x04last");
	play(&offer);
}

Test(alpn_is_mirrored, where_the_server_chooses_none)
{
	struct offer offer = {"\x02h2\x08http/1.1", ""};

	play(&offer);
}

/* ---- where it takes none of them ---- */

Test(alpn_is_mirrored, where_the_server_takes_none_of_them)
{
	struct offer offer = {"\x04none", ""};
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	SSL_CTX_set_alpn_select_cb(flow.server.ctx, choose, &offer);
	cr_assert_eq(SSL_CTX_set_alpn_protos(flow.camera.ctx, (const unsigned char *)"\x02h2", 3),
	    0);
	flow_run(&flow, play_hope, play_hope);
	cr_expect_eq(flow.camera.alert, 120, "no_application_protocol, as from the server");
	cr_expect_eq(flow.closed.facts.server.alert, 120);
	cr_expect_eq(flow.closed.facts.end, END_SERVER_TLS);
	flow_close(&flow);
}
