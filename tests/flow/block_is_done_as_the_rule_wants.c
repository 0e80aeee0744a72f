/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum { ACCESS_DENIED = 49, SILENCE_MS = 300 }; /* RFC 8446 section 6.2 */

static void
expect_blocked(const struct flow *flow, const char *rule, enum how how)
{
	const struct facts *facts = &flow->closed.facts;

	cr_expect_not(flow_reached_server(flow));
	cr_expect_eq(flow->closes, 1);
	cr_expect_str_eq(facts->verdict.rule, rule);
	cr_expect_eq(facts->verdict.how, how);
	cr_expect_eq(facts->end, END_REFUSED);
	cr_expect_eq(facts->traffic.left_up, 0);
}

Test(block_is_done_as_the_rule_wants, refuse_says_so_by_an_alert)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	flow.camera.sni = "refused.example";
	flow_run(&flow, play_hope, NULL);
	cr_expect_eq(flow.camera.end, PEER_ALERT);
	cr_expect_eq(flow.camera.alert, ACCESS_DENIED);
	expect_blocked(&flow, "refused", HOW_REFUSE);
	flow_close(&flow);
}

/* More than is read of it: what is left unread must not turn the end into a
 * reset. */
static void
talk(struct peer *peer)
{
	char request[12000];

	memset(request, 'x', sizeof(request));
	memcpy(request, "GET / HTTP/1.1\r\n", 16);
	peer_connect(peer);
	peer_say(peer, request, sizeof(request));
	peer_hear_end(peer);
}

Test(block_is_done_as_the_rule_wants, refuse_is_an_orderly_end_where_there_is_no_tls)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){.dst = "203.0.114.10:81"});
	flow_run(&flow, talk, NULL);
	cr_expect_eq(flow.camera.end, PEER_CLOSED);
	expect_blocked(&flow, "refused", HOW_REFUSE);
	flow_close(&flow);
}

static void
wait_in_vain(struct peer *peer)
{
	struct pollfd fd = {.events = POLLIN | POLLRDHUP};
	char name[256]; /* OpenSSL's macro wants it so */
	SSL *ssl;

	peer_connect(peer);
	fd.fd = peer->fd;
	ssl = SSL_new(peer->ctx);
	(void)snprintf(name, sizeof(name), "%s", peer->sni);
	SSL_set_tlsext_host_name(ssl, name);
	SSL_set_fd(ssl, peer->fd);
	(void)fcntl(peer->fd, F_SETFL, O_NONBLOCK);
	(void)SSL_connect(ssl); /* the hello is out */
	if (poll(&fd, 1, SILENCE_MS) != 0)
		(void)snprintf(peer->trouble, sizeof(peer->trouble), "it was answered");
	SSL_free(ssl);
	peer_close(peer);
}

Test(block_is_done_as_the_rule_wants, drop_says_nothing)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	flow.camera.sni = "dropped.example";
	flow_run(&flow, wait_in_vain, NULL);
	expect_blocked(&flow, "dropped", HOW_DROP);
	/* Recorded when it fell, not when the camera gave up. */
	cr_expect_lt(flow.closed.facts.duration_us, SILENCE_MS * 1000);
	flow_close(&flow);
}

static void
pass(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_say(peer, "x", 1);
	peer_finish(peer);
	peer_hear_end(peer);
}

Test(block_is_done_as_the_rule_wants, what_is_flagged_goes_on)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server("watched.example", &flow.root));
	flow.camera.sni = "watched.example";
	flow_run(&flow, pass, play_hear_out);
	cr_expect_eq(flow.closed.facts.verdict.result, RESULT_ALLOW);
	cr_expect_eq(flow.closed.facts.verdict.flag.severity, SEVERITY_MEDIUM);
	cr_expect_str_eq(flow.closed.facts.verdict.flag.rule, "watched");
	cr_expect_eq(flow.closed.facts.verdict.stage, VERDICT_CERTIFICATE);
	flow_close(&flow);
}
