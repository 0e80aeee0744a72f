/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"
#include "tests/support/hello_maker.h"

#include <semaphore.h>
#include <string.h>

/* The camera goes while the server is being asked: that says nothing about our
 * leaf, which it never saw, and the server is let go. */
static sem_t server_is_asked, camera_is_gone;

static void
open_semaphores(void)
{
	cr_assert_eq(sem_init(&server_is_asked, 0, 0), 0);
	cr_assert_eq(sem_init(&camera_is_gone, 0, 0), 0);
}

TestSuite(camera_leaves_early, .init = open_semaphores);

static void
say_hello_and_wait(struct peer *peer)
{
	struct made hello = hello_of_openssl(TLS1_2_VERSION, TLS1_3_VERSION, FLOW_NAME, NULL, 0);

	peer_connect(peer);
	peer_say(peer, hello.at, hello.size);
	made_free(&hello);
	(void)sem_wait(&server_is_asked);
}

static void
reset(struct peer *peer)
{
	say_hello_and_wait(peer);
	peer_reset(peer);
	(void)sem_post(&camera_is_gone);
}

static void
leave(struct peer *peer)
{
	say_hello_and_wait(peer);
	peer_close(peer);
	(void)sem_post(&camera_is_gone);
}

static void
answer_when_it_is_gone(struct peer *peer)
{
	peer_connect(peer);
	(void)sem_post(&server_is_asked);
	(void)sem_wait(&camera_is_gone);
	peer_expect_no_handshake(peer); /* nobody is left to have it with */
}

/* Whatever the times it went, it is opened when it comes back. */
static void
expect_no_refusal(void (*camera)(struct peer *))
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	for (int i = 0; i < 3; i++) {
		flow_run(&flow, camera, answer_when_it_is_gone);
		cr_expect_eq(flow.closed.facts.end, END_CAMERA_TLS, "%s",
		    flow.closed.facts.end_text);
		cr_expect_eq(flow.closed.facts.camera_tls.verdict, CAMERA_TLS_NONE);
		cr_expect_eq(flow.closed.facts.traffic.left_up, 0);
	}
	flow_run(&flow, play_hello, play_hear_out);
	cr_expect_eq(flow.closed.facts.inspect, INSPECT_OPENED);
	cr_expect_eq(flow.closed.facts.end, END_DONE, "%s", flow.closed.facts.end_text);
	flow_close(&flow);
}

/* A camera with little patience was taken for one that pins, and its second
 * connection passed through. */
Test(camera_leaves_early, by_a_reset)
{
	expect_no_refusal(reset);
}

Test(camera_leaves_early, in_order)
{
	expect_no_refusal(leave);
}
