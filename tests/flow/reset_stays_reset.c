/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"

#include <string.h>

static void
say_and_reset(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_say(peer, "before", 6);
	peer_hear(peer, 2);
	peer_reset(peer);
}

static void
hear_until_the_reset(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_hear(peer, 6);
	peer_say(peer, "go", 2);
	peer_hear_end(peer);
}

Test(reset_stays_reset, by_the_camera)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	flow_run(&flow, say_and_reset, hear_until_the_reset);
	cr_expect_eq(flow.server.end, PEER_RESET);
	cr_expect_eq(flow.closed.facts.end, END_RESET);
	cr_expect_not_null(strstr(flow.closed.facts.end_text, "camera"));
	flow_close(&flow);
}

/* Neither has said anything, and the camera goes on saying nothing. */
static void
reset_at_once(struct peer *peer)
{
	peer_connect(peer);
	peer_reset(peer);
}

static void
say_nothing(struct peer *peer)
{
	peer_connect(peer);
	peer_hear_end(peer);
}

Test(reset_stays_reset, by_a_server_that_said_nothing)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	flow_run(&flow, say_nothing, reset_at_once);
	cr_expect_eq(flow.camera.end, PEER_RESET);
	/* The reset may come before the connection was seen to stand. */
	cr_expect(flow.closed.facts.end == END_RESET || flow.closed.facts.end == END_UNREACHABLE,
	    "%s", flow.closed.facts.end_text);
	flow_close(&flow);
}

Test(reset_stays_reset, by_the_server)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	flow_run(&flow, hear_until_the_reset, say_and_reset);
	cr_expect_eq(flow.camera.end, PEER_RESET);
	cr_expect_eq(flow.closed.facts.end, END_RESET);
	cr_expect_not_null(strstr(flow.closed.facts.end_text, "server"));
	flow_close(&flow);
}
