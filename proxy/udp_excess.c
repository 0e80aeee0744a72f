/* SPDX-License-Identifier: MIT */
#include "proxy/udp_private.h"

#include "base/clock.h"
#include "base/text.h"
#include "proxy/guard.h"
#include "proxy/inventory.h"
#include "proxy/snapshot.h"
#include "record/spool.h"

#include <openssl/rand.h>
#include <string.h>

enum {
	EXCESS_EVERY_MS = 60000,
	EXCESSES_A_TURN = 16,
};

static void
say_excess(const struct udp_excess *excess, struct facts *facts)
{
	struct text text = text_in(facts->end_text, sizeof(facts->end_text));
	uint64_t flows = excess->packets - excess->hellos;

	if (excess->hellos > flows)
		guard_block(&facts->verdict, VERDICT_ADDRESS, "udp-hellos",
		    "The camera sends more hellos by UDP than are looked into");
	else
		guard_block(&facts->verdict, VERDICT_ADDRESS, "udp-flows",
		    "There is no room for more flows of UDP");
	facts->inspect = INSPECT_REFUSED;
	facts->end = END_OVERLOAD;
	if (flows > 0)
		text_add(&text, "%llu datagrams of more flows than there is room for; ",
		    (unsigned long long)flows);
	if (excess->hellos > 0)
		text_add(&text, "%llu hellos of more than are looked into; ",
		    (unsigned long long)excess->hellos);
	text_add(&text, "the last one's addresses");
}

static bool
record_excess(struct udp_relay *relay, const struct udp_excess *excess)
{
	const struct worker *worker = relay->worker;
	struct facts *facts = &relay->facts;

	memset(facts, 0, sizeof(*facts));
	if (RAND_bytes((unsigned char *)&facts->flow_id, sizeof(facts->flow_id)) != 1)
		return false;
	facts->flow_id = (facts->flow_id >> 1) | 1;
	facts->transport = TRANSPORT_UDP;
	facts->camera = excess->camera;
	facts->dst = excess->dst;
	facts->opened_wall_us = excess->since_wall_us;
	facts->closed_wall_us = clock_wall_us();
	facts->duration_us = facts->closed_wall_us - facts->opened_wall_us;
	facts->traffic.up = excess->bytes;
	facts->traffic.packets_up = (uint32_t)excess->packets;
	inventory_name(worker->inventory, worker->snapshot->config, facts);
	say_excess(excess, facts);
	return spool_write(worker->spool, EVENT_CLOSE, facts, NULL) == 0;
}

void
udp_excess_tell(struct udp_relay *relay)
{
	uint64_t due_ms = relay->stopped ? UINT64_MAX - EXCESS_EVERY_MS : relay->now_ms;
	struct udp_excess excess;

	for (int i = 0; i < EXCESSES_A_TURN || relay->stopped; i++) {
		if (!udp_table_take_excess(relay->table, due_ms, EXCESS_EVERY_MS, &excess))
			return;
		if (!record_excess(relay, &excess)) {
			udp_table_drop(relay->table, &excess, relay->now_ms);
			return;
		}
	}
}
