/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "tests/flow/harness.h"
#include "tests/support/hello_maker.h"

#include <poll.h>
#include <sys/socket.h>

/*
 * A peer that says something all the time, and never enough: each byte comes
 * long before a deadline for one read would be over.
 */
enum { DRIP_MS = 40, DRIPS = 400, LATEST_MS = 6000 };

static struct made hello;

/* A byte at a time, until the connection is closed or the record is whole. */
static void
drip(struct peer *peer)
{
	for (int i = 0; i < DRIPS; i++) {
		struct pollfd closed = {.fd = peer->fd, .events = POLLRDHUP};

		if (poll(&closed, 1, DRIP_MS) != 0 || send(peer->fd, "", 1, MSG_NOSIGNAL) < 0)
			return;
	}
}

static void
drip_hello(struct peer *peer)
{
	peer_connect(peer);
	peer_say(peer, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
	drip(peer);
}

static void
drip_after_hello(struct peer *peer)
{
	peer_connect(peer);
	peer_say(peer, hello.at, hello.size);
	peer_hear_some(peer);
	peer_say(peer, "\x17\x03\x03\x40\x00", 5);
	drip(peer);
}

static void
drip_answer(struct peer *peer)
{
	peer_connect(peer);
	peer_hear_some(peer);
	peer_say(peer, "\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03", 11);
	drip(peer);
}

static void
expect_end(void (*camera)(struct peer *), void (*server)(struct peer *), enum end end)
{
	uint64_t from_ms = clock_mono_ms();
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){.config = "timeout: {hello: 1s, handshake: 1s}\n"});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	flow_run(&flow, camera, server);
	cr_expect_eq(flow.closed.facts.end, end, "%s", flow.closed.facts.end_text);
	cr_expect_lt(clock_mono_ms() - from_ms, LATEST_MS);
	cr_expect_lt(flow.closed.facts.duration_us, LATEST_MS * 1000);
	flow_close(&flow);
}

Test(deadlines_are_for_the_whole, hello)
{
	expect_end(drip_hello, NULL, END_HELLO_TIMEOUT);
}

Test(deadlines_are_for_the_whole, handshake_with_the_server)
{
	expect_end(play_hope, drip_answer, END_TIMEOUT);
}

Test(deadlines_are_for_the_whole, handshake_with_the_camera)
{
	hello = hello_of_openssl(TLS1_2_VERSION, TLS1_3_VERSION, FLOW_NAME, NULL, 0);
	expect_end(drip_after_hello, play_be_left, END_TIMEOUT);
	made_free(&hello);
}
