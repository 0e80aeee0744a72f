/* SPDX-License-Identifier: MIT */
#include "proxy/board.h"
#include "proxy/worker_private.h"
#include "tests/flow/harness.h"

/* A second connection beside the first, which goes on.  Who has said all goes
 * without waiting for the server, which may find that out as a reset. */
static void
ask_for_two(struct peer *peer)
{
	int first;

	peer_connect(peer);
	first = peer->fd;
	peer_connect(peer);
	peer_hear_end(peer);
	peer_close(peer);
	peer->fd = first;
	peer_handshake(peer);
	peer_say(peer, "hello", 5);
	peer_finish(peer);
}

Test(limits_each_camera, to_its_connections)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){.config = "limit: {per_camera: 1}\n"});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	for (uint64_t i = 1; i <= 2; i++) {
		flow_run(&flow, ask_for_two, play_be_left);
		cr_expect_eq(flow.camera.end, PEER_RESET, "of the second");
		cr_expect_eq(flow.server.received, 5);
		cr_expect_eq(flow.closes, i);
		cr_expect_eq(atomic_load(&flow.worker->counters->overload), i);
	}
	flow_close(&flow);
}
