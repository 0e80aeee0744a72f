/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"

#include <semaphore.h>

static void
ask_and_wait(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_say(peer, "hello", 5);
	peer_hear_end(peer);
}

static void
hear_and_wait(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_hear(peer, 5);
	peer_hear_end(peer);
}

static sem_t camera_is_done;

static void
open_semaphore(void)
{
	cr_assert_eq(sem_init(&camera_is_done, 0, 0), 0);
}

TestSuite(idle_connection_is_closed, .init = open_semaphore);

/* The camera has said all, and the server keeps it waiting. */
static void
finish_and_wait(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_say(peer, "hello", 5);
	peer_finish(peer);
	peer_hear_end(peer);
	(void)sem_post(&camera_is_done);
}

static void
hear_all_and_wait(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_hear_end(peer);
	(void)sem_wait(&camera_is_done);
}

static void
expect_idle(const char *config, void (*camera)(struct peer *), void (*server)(struct peer *))
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){.config = config});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	flow_run(&flow, camera, server);
	cr_expect_eq(flow.server.received, 5);
	cr_expect_eq(flow.closed.facts.end, END_IDLE, "%s", flow.closed.facts.end_text);
	cr_expect_geq(flow.closed.facts.duration_us, 1000000);
	cr_expect_eq(flow.closed.facts.traffic.left_up, 5);
	flow_close(&flow);
}

Test(idle_connection_is_closed, when_both_are_silent)
{
	expect_idle("timeout: {idle: 1s}\n", ask_and_wait, hear_and_wait);
}

Test(idle_connection_is_closed, sooner_when_one_has_ended)
{
	expect_idle("timeout: {half_close: 1s}\n", finish_and_wait, hear_all_and_wait);
}
