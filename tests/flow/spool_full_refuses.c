/* SPDX-License-Identifier: MIT */
#include "proxy/board.h"
#include "proxy/worker_private.h"
#include "record/spool.h"
#include "tests/flow/harness.h"

/* As the recorder leaves it when the store's disk is full: nothing is read. */
static void
fill(struct spool *spool)
{
	struct facts facts = {.flow_id = 1};

	while (spool_has_room(spool))
		cr_assert_eq(spool_write(spool, EVENT_CLOSE, &facts, NULL), 0);
}

Test(spool_full_refuses, and_takes_again_when_there_is_room)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	fill(flow.worker->spool);
	flow_run(&flow, play_hope, NULL);
	cr_expect_eq(flow.camera.end, PEER_RESET);
	cr_expect_not(flow_reached_server(&flow));
	cr_expect_eq(flow.opens, 0);
	cr_expect_eq(atomic_load(&flow.worker->counters->unrecordable), 1);
	cr_expect_eq(atomic_load(&flow.worker->counters->accepted), 0);
	spool_consumed(flow.reader, spool_position(flow.reader));
	flow_run(&flow, play_hello, play_hear_out);
	cr_expect_eq(flow.server.received, 5);
	cr_expect_eq(flow.opens, 1);
	cr_expect_eq(flow.closed.facts.end, END_DONE, "%s", flow.closed.facts.end_text);
	cr_expect_eq(atomic_load(&flow.worker->counters->unrecordable), 1);
	flow_close(&flow);
}

/* A connection without a counter would be forgotten if its worker died. */
Test(spool_full_refuses, a_connection_that_no_counter_is_left_for)
{
	static struct spool_live *live[SPOOL_LIVE_COUNT + 1];
	struct flow flow;
	size_t taken = 0;

	flow_open(&flow, &(struct flow_setup){.spool_bytes = 64 << 20});
	while ((live[taken] = spool_live_take_brief(flow.worker->spool, taken + 1)) != NULL)
		taken++;
	cr_assert(spool_has_room(flow.worker->spool), "it is the counters that are gone");
	flow_run(&flow, play_hope, NULL);
	cr_expect_eq(flow.camera.end, PEER_RESET);
	cr_expect_not(flow_reached_server(&flow));
	cr_expect_eq(flow.opens, 0);
	cr_expect_eq(flow.closed.facts.end, END_UNRECORDABLE);
	while (taken > 0)
		spool_live_drop(flow.worker->spool, live[--taken]);
	flow_close(&flow);
}
