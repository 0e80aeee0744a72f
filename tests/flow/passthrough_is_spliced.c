/* SPDX-License-Identifier: MIT */
#include "proxy/worker_private.h"
#include "tests/flow/harness.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

/* More than the kernel and a pipe hold on the way. */
enum { MANY = (20 << 20) + 7, SLOW = (3 << 20) + 3 };

static void
pour_then_hear(struct peer *peer)
{
	play_pour(peer, MANY);
}

static void
hear_then_pour(struct peer *peer)
{
	play_pour_back(peer, MANY);
}

static void
pour_slow(struct peer *peer)
{
	play_pour(peer, SLOW);
}

static void
hear_slowly(struct peer *peer)
{
	play_hear_slowly(peer, SLOW);
}

static void
pour_and_reset(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_pour(peer, SLOW);
	peer_hear(peer, 2);
	peer_reset(peer);
}

static void
hear_until_the_reset(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_hear(peer, SLOW);
	peer_say(peer, "go", 2);
	peer_hear_end(peer);
}

/* One that takes a little, and then resets while much is on its way to it. */
static void
hear_some_and_reset(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_hear(peer, 1 << 20);
	peer_reset(peer);
}

/* It says what the kernel takes of it, and hears the reset. */
static void
pour_into_a_reset(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_pour(peer, MANY);
	peer->trouble[0] = '\0'; /* that it could not say all is the story */
}

/* A flow whose camera is known to refuse our leaf. */
static void
begin(struct flow *flow)
{
	flow_open(flow, &(struct flow_setup){0});
	flow_show(flow, pki_server(FLOW_NAME, &flow->root));
	SSL_CTX_set_cert_store(flow->camera.ctx, pki_store(&flow->root));
	flow_run(flow, play_hope, play_be_left);
	cr_assert_eq(flow->closed.facts.inspect, INSPECT_REJECTED);
}

/* All pipes are back, and empty. */
static void
finish(struct flow *flow)
{
	cr_expect_eq(flow->closed.facts.inspect, INSPECT_PASSTHROUGH);
	cr_expect_gt(flow->closed.facts.traffic.up + flow->closed.facts.traffic.down, 1 << 20);
	cr_expect_eq(flow->worker->pipes.spares, flow->worker->pipes.made);
	pipes_clear(&flow->worker->pipes);
	flow_close(flow);
}

static void
expect_done(const struct flow *flow)
{
	const struct traffic *traffic = &flow->closed.facts.traffic;

	cr_expect_eq(flow->closed.facts.end, END_DONE, "%s", flow->closed.facts.end_text);
	cr_expect_eq(traffic->left_up, traffic->up);
	cr_expect_eq(traffic->left_down, traffic->down);
	cr_expect_gt(flow->worker->pipes.made, 0, "it was spliced");
}

Test(passthrough_is_spliced, many_up_then_many_down)
{
	struct flow flow;

	begin(&flow);
	flow_run(&flow, pour_then_hear, hear_then_pour);
	cr_expect(peer_has_pattern(&flow.server, MANY));
	cr_expect(peer_has_pattern(&flow.camera, MANY));
	cr_expect_gt(flow.closed.facts.traffic.left_up, MANY);
	cr_expect_gt(flow.closed.facts.traffic.left_down, MANY);
	expect_done(&flow);
	finish(&flow);
}

Test(passthrough_is_spliced, to_a_server_that_reads_slowly)
{
	struct flow flow;

	begin(&flow);
	flow_run(&flow, pour_slow, hear_slowly);
	cr_expect(peer_has_pattern(&flow.server, SLOW));
	expect_done(&flow);
	finish(&flow);
}

Test(passthrough_is_spliced, to_a_camera_that_reads_slowly)
{
	struct flow flow;

	begin(&flow);
	flow_run(&flow, hear_slowly, pour_slow);
	cr_expect(peer_has_pattern(&flow.camera, SLOW));
	expect_done(&flow);
	finish(&flow);
}

Test(passthrough_is_spliced, and_a_reset_stays_a_reset)
{
	struct flow flow;

	begin(&flow);
	flow_run(&flow, pour_and_reset, hear_until_the_reset);
	cr_expect_eq(flow.server.end, PEER_RESET);
	cr_expect_eq(flow.closed.facts.end, END_RESET);
	cr_expect_gt(flow.closed.facts.traffic.left_up, SLOW);
	finish(&flow);
}

Test(passthrough_is_spliced, and_a_reset_on_the_way_counts_what_left)
{
	struct flow flow;

	begin(&flow);
	flow_run(&flow, pour_into_a_reset, hear_some_and_reset);
	cr_expect_eq(flow.closed.facts.end, END_RESET, "%s", flow.closed.facts.end_text);
	cr_expect_geq(flow.closed.facts.traffic.left_up, 1 << 20);
	cr_expect_leq(flow.closed.facts.traffic.left_up, flow.closed.facts.traffic.up);
	finish(&flow);
}

/* Without pipes it goes by copying. */
Test(passthrough_is_spliced, or_copied_where_there_is_no_pipe)
{
	struct flow flow;

	begin(&flow);
	flow.worker->pipes.made = PIPES_MAX;
	flow_run(&flow, pour_then_hear, hear_then_pour);
	flow.worker->pipes.made = 0;
	cr_expect(peer_has_pattern(&flow.server, MANY));
	cr_expect(peer_has_pattern(&flow.camera, MANY));
	cr_expect_eq(flow.closed.facts.end, END_DONE);
	finish(&flow);
}

static struct rlimit descriptors; /* as they were */

/* From here on nobody in this process gets another descriptor. */
static void
take_descriptors_and_pour(struct peer *peer)
{
	struct rlimit none;
	int lowest;

	peer_connect(peer);
	peer_handshake(peer);
	lowest = dup(peer->fd);
	(void)close(lowest);
	(void)getrlimit(RLIMIT_NOFILE, &descriptors);
	none = (struct rlimit){(rlim_t)lowest, descriptors.rlim_max};
	if (lowest < 0 || setrlimit(RLIMIT_NOFILE, &none) != 0)
		(void)snprintf(peer->trouble, sizeof(peer->trouble), "the limit cannot be set");
	peer_pour(peer, MANY);
	peer_finish(peer);
	peer_hear_end(peer);
}

Test(passthrough_is_spliced, or_copied_where_there_are_no_descriptors)
{
	struct flow flow;

	begin(&flow);
	flow_run(&flow, take_descriptors_and_pour, hear_then_pour);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &descriptors), 0);
	cr_expect_eq(flow.worker->pipes.made, 0, "there was none to be had");
	cr_expect(peer_has_pattern(&flow.server, MANY));
	cr_expect(peer_has_pattern(&flow.camera, MANY));
	cr_expect_eq(flow.closed.facts.end, END_DONE, "%s", flow.closed.facts.end_text);
	finish(&flow);
}
