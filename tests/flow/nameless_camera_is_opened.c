/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"

static bool heard_a_name; /* the server was asked for one */

static void
answer(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	heard_a_name =
	    peer->ssl != NULL && SSL_get_servername(peer->ssl, TLSEXT_NAMETYPE_host_name) != NULL;
	peer_hear_end(peer);
	peer_finish(peer);
}

static void
open_story(struct flow *flow, const char *upstream, const char *names)
{
	struct pki_spec spec = pki_server_spec("unused.example.com");

	spec.names = names;
	flow_open(flow, &(struct flow_setup){.upstream = upstream});
	flow_show(flow, pki_make(&spec, &flow->root));
	flow->camera.sni = NULL;
}

static void
expect_opened(const struct flow *flow, uint32_t errors)
{
	const struct facts *facts = &flow->closed.facts;

	cr_expect_eq(facts->end, END_DONE, "%s", facts->end_text);
	cr_expect_eq(facts->inspect, INSPECT_OPENED);
	cr_expect_eq(facts->server.errors, errors);
	cr_expect_eq(facts->server.verified, errors == 0);
	cr_expect_not(facts->hello.sni_present);
	cr_expect_eq(flow->server.received, 5);
	cr_expect_not(heard_a_name, "none was sent, so none is sent on");
}

Test(nameless_camera_is_opened, at_an_address_that_the_certificate_has)
{
	struct flow flow;

	open_story(&flow, NULL, "IP:203.0.114.10");
	flow_run(&flow, play_hello, answer);
	expect_opened(&flow, 0);
	flow_close(&flow);
}

Test(nameless_camera_is_opened, at_a_server_that_the_administrator_names)
{
	static const char named[] = ", names: [\"203.0.114.10 cloud.example.com\"]";
	struct flow flow;

	open_story(&flow, named, "DNS:cloud.example.com");
	flow_run(&flow, play_hello, answer);
	expect_opened(&flow, 0);
	flow_close(&flow);
}

Test(nameless_camera_is_opened, but_not_at_one_that_has_another_name)
{
	static const char named[] = ", names: [\"203.0.114.10:443 cloud.example.com\"]";
	struct flow flow;

	open_story(&flow, named, "DNS:other.example.com");
	flow_run(&flow, play_hope, play_be_left);
	cr_expect_eq(flow.closed.facts.end, END_SERVER_CERT, "%s", flow.closed.facts.end_text);
	cr_expect_eq(flow.closed.facts.server.errors, CERT_NAME_MISMATCH);
	cr_expect_eq(flow.closed.facts.traffic.left_up, 0);
	flow_close(&flow);
}

/* It is told as what it is: not looked at by its name. */
Test(nameless_camera_is_opened, at_a_server_whose_name_nobody_knows)
{
	struct flow flow;

	open_story(&flow, NULL, "DNS:cloud.example.com");
	flow_run(&flow, play_hello, answer);
	expect_opened(&flow, CERT_NAME_UNCHECKED);
	flow_run(&flow, play_hello, answer);
	expect_opened(&flow, CERT_NAME_UNCHECKED);
	cr_expect(flow.closed.facts.server.resumed);
	flow_close(&flow);
}

/* The camera sees the names of the server, so it may still look itself. */
Test(nameless_camera_is_opened, and_is_shown_no_name_that_the_server_has_not)
{
	struct flow flow;

	open_story(&flow, NULL, "DNS:cloud.example.com");
	cr_assert_eq(X509_VERIFY_PARAM_set1_host(SSL_CTX_get0_param(flow.camera.ctx),
			 "home.example.com", 0),
	    1);
	flow_run(&flow, play_hope, play_be_left);
	cr_expect_neq(flow.closed.facts.end, END_DONE);
	cr_expect_eq(flow.closed.facts.traffic.left_up, 0);
	flow_close(&flow);
}

/* To have no name excuses nothing else. */
Test(nameless_camera_is_opened, and_blocked_where_the_certificate_is_bad)
{
	struct pki stranger = pki_root("Stranger");
	struct flow flow;

	open_story(&flow, NULL, "DNS:cloud.example.com");
	flow_show(&flow, pki_server("cloud.example.com", &stranger));
	flow_run(&flow, play_hope, play_be_left);
	cr_expect_eq(flow.closed.facts.end, END_SERVER_CERT, "%s", flow.closed.facts.end_text);
	cr_expect_eq(flow.closed.facts.server.errors, CERT_UNKNOWN_ISSUER | CERT_NAME_UNCHECKED);
	cr_expect_eq(flow.closed.facts.traffic.left_up, 0);
	pki_free(&stranger);
	flow_close(&flow);
}
