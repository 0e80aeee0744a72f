/* SPDX-License-Identifier: MIT */
/* Flows that speak DNS: what becomes of each of their datagrams. */
#include "base/clock.h"
#include "proxy/dns_policy.h"
#include "proxy/inventory.h"
#include "proxy/snapshot.h"
#include "proxy/udp_private.h"
#include "record/spool.h"

enum { PORT_DNS = 53 };

bool
udp_dns_speaks(const struct facts *facts)
{
	return facts->app.proto == APP_DNS || facts->dst.port == PORT_DNS;
}

bool
udp_dns_up(struct udp_relay *relay, struct udp_flow *flow, struct bytes datagram)
{
	struct worker *worker = relay->worker;
	struct facts *facts = udp_flow_gather(relay, flow);
	struct bytes answer;

	/* Its group is not kept with the flow, and rules may ask for it. */
	inventory_name(worker->inventory, worker->snapshot->config, facts);
	switch (dns_policy_query(worker->dns, facts, datagram, &answer)) {
	case DNS_PASS:
		return true;
	case DNS_TAKEN:
		flow->live->left_up += datagram.left;
		flow->traffic.left_up += datagram.left;
		return false;
	case DNS_ANSWERED:
		udp_flow_answer(relay, flow, answer);
		return false;
	case DNS_UNREAD:
		return facts->app.proto != APP_DNS;
	case DNS_DROPPED:
		break;
	}
	return false;
}

void
udp_dns_note(struct udp_relay *relay, const struct udp_flow *flow, struct bytes datagram)
{
	dns_policy_note(relay->worker->dns, udp_flow_gather(relay, flow), datagram);
}

bool
udp_dns_down(struct udp_relay *relay, const struct udp_flow *flow, struct bytes datagram)
{
	const struct facts *facts = udp_flow_gather(relay, flow);

	/* Kin of DNS on other ports answer in other ways (RFC 6762 section 6). */
	return dns_policy_answer(relay->worker->dns, facts, datagram) ||
	       facts->app.proto != APP_DNS || facts->dst.port != PORT_DNS;
}

void
udp_dns_deliver(void *arg, const struct addr *camera, const struct addr *dst, struct bytes answer)
{
	struct udp_relay *relay = arg;
	struct udp_flow *flow = udp_table_find(relay->table, camera, dst);

	if (flow == NULL || flow->live == NULL)
		return;
	relay->now_ms = clock_mono_ms();
	udp_table_use(relay->table, flow, relay->now_ms);
	udp_flow_answer(relay, flow, answer);
}
