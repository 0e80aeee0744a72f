/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/err.h"
#include "base/ipc.h"
#include "geo/cache.h"
#include "proxy/board.h"
#include "proxy/broker.h"
#include "proxy/broker_wire.h"
#include "proxy/inventory.h"
#include "proxy/snapshot.h"
#include "proxy/udp_private.h"
#include "record/spool.h"
#include "tests/proxy/dns_site.h"
#include "tests/proxy/netns.h"

#include <criterion/criterion.h>
#include <event2/event.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WHO "192.168.77.10"
#define CARD "02:00:00:00:77:10"

/* A relay with cameras on eth1, in a network of the test's own.  The test is the
 * broker, and the kernel finds a card when the test has it do so. */
static struct dns_site site;
static struct udp_relay *relay;
static struct board_worker row;
static int fd, wishes[2];
static unsigned eth1;

static const char asks_who[] =
    "ruleset: who\nversion: 1\ntitle: t\nunknown: {then: allow, why: open}\n"
    "default: {then: allow, why: open}\nrules:\n"
    "- {id: gate, match: {device: gate}, then: block, why: it is the gate}\n";
static const char counts[] =
    "ruleset: budget\nversion: 1\ntitle: t\nunknown: {then: allow, why: open}\n"
    "default: {then: allow, why: open}\nrules:\n"
    "- {id: much, match: {bytes: {up_over: 20MB, per: 1d, by: device}},"
    " then: block, why: it is much}\n";

static void
open_network(void)
{
	netns_make();
	cr_assert_eq(system("ip link add eth1 type veth peer name cam && ip link set cam up && "
			    "ip addr add 192.168.77.1/24 dev eth1 && ip link set eth1 up && "
			    "ip route add default via 192.168.77.200"),
	    0);
	eth1 = if_nametoindex("eth1");
}

static void
begin(void)
{
	struct err err = {0};

	open_network();
	dns_site_open(&site, NULL);
	dns_site_rules(&site, asks_who);
	site.worker->dns = site.policy;
	site.worker->counters = &row;
	site.worker->snapshot->places = geo_cache_open(NULL);
	site.worker->inventory =
	    inventory_open(site.worker->base, site.worker->snapshot->config, NULL, &err);
	cr_assert_not_null(site.worker->inventory, "%s", err.text);
	cr_assert_eq(ipc_pair(wishes, &err), 0);
	site.worker->broker = broker_new(site.worker->base, wishes[0], &err);
	cr_assert_not_null(site.worker->broker, "%s", err.text);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	relay = udp_relay_open(site.worker, fd, &err);
	cr_assert_not_null(relay, "%s", err.text);
	relay->now_ms = clock_mono_ms();
}

static void
end(void)
{
	udp_relay_close(relay);
	broker_free(site.worker->broker);
	(void)close(wishes[0]);
	(void)close(wishes[1]);
	(void)close(fd);
	inventory_close(site.worker->inventory);
	geo_cache_close(site.worker->snapshot->places);
	dns_site_close(&site);
}

TestSuite(udp_card, .init = begin, .fini = end);

/* ---- what a camera does, and what becomes of it ---- */

static const uint8_t junk[12] = {0x99, 'p', 'u', 'n', 'c', 'h'};

static struct udp_flow *
flow_of(const char *camera, uint16_t port)
{
	struct udp_message message = {.payload = {junk, sizeof(junk)}, .ifindex = eth1};
	struct udp_flow *flow;

	cr_assert_eq(addr_parse(&message.from, camera, port, NULL), 0);
	cr_assert_eq(addr_parse(&message.to, "8.8.8.8:9000", 0, NULL), 0);
	flow = udp_flow_begin(relay, &message);
	cr_assert_not_null(flow);
	return flow;
}

/* A flow whose datagram waits. */
static struct udp_flow *
waiting_flow(uint16_t port)
{
	struct udp_flow *flow = flow_of(WHO, port);
	const struct bytes datagram = {junk, sizeof(junk)};

	cr_assert_eq(udp_card_look(relay, flow), UDP_CARD_AWAITED);
	cr_assert(udp_tell(relay, flow, datagram));
	udp_card_wait(relay, flow, datagram);
	cr_assert_eq(flow->state, UDP_TELLING);
	return flow;
}

/* How many wishes came to the broker, all for the card at this address. */
static size_t
wished(const char *camera)
{
	struct broker_request wish;
	struct addr want;
	size_t count = 0;

	cr_assert_eq(addr_parse(&want, camera, 0, NULL), 0);
	for (; ipc_receive(wishes[1], &wish, sizeof(wish), NULL) == sizeof(wish); count++) {
		cr_expect_eq(wish.wish, (uint32_t)BROKER_CARD);
		cr_expect_eq(wish.iface, eth1);
		cr_expect(addr_same_host(&wish.camera, &want));
	}
	return count;
}

static void
find_card(void)
{
	cr_assert_eq(system("ip neigh add " WHO " lladdr " CARD " dev eth1 nud reachable"), 0);
}

/* Until the flow is judged, which what the kernel tells brings about. */
static void
run_until_judged(const struct udp_flow *flow)
{
	const struct timeval patience = {10, 0};
	const uint64_t until_ms = clock_mono_ms() + 10000;

	while (flow->state == UDP_TELLING && clock_mono_ms() < until_ms) {
		(void)event_base_loopexit(site.worker->base, &patience);
		(void)event_base_loop(site.worker->base, EVLOOP_ONCE);
	}
	cr_assert_neq(flow->state, UDP_TELLING);
}

/* The turn that would come in a quarter of a second, when so much time has gone. */
static void
turn_after(uint64_t ms)
{
	for (size_t i = 0; i < relay->cards.used; i++)
		relay->cards.list[i].asked_ms -= ms;
	event_active(&relay->cards.turn, EV_TIMEOUT, 0);
	(void)event_base_loop(site.worker->base, EVLOOP_NONBLOCK);
}

static void
expect_opened(const char *device, enum result result)
{
	struct recorded event;

	cr_assert(dns_site_event(&site, &event), "an event is written");
	cr_expect_eq(event.head.kind, EVENT_OPEN);
	cr_expect_str_eq(event.facts.device, device);
	cr_expect_eq(event.facts.verdict.result, result);
}

/* ---- who is looked for ---- */

Test(udp_card, is_looked_for_where_a_rule_asks_who_the_camera_is)
{
	struct udp_flow *flow = flow_of(WHO, 5000);

	cr_expect_eq(udp_card_look(relay, flow), UDP_CARD_AWAITED);
	cr_expect_eq(wished(WHO), 1);
	cr_expect_eq(udp_card_look(relay, flow_of(WHO, 5001)), UDP_CARD_AWAITED);
	cr_expect_eq(wished(WHO), 0, "it is looked for already");
	cr_expect_eq(udp_card_look(relay, flow_of("192.168.77.11", 5000)), UDP_CARD_AWAITED);
	cr_expect_eq(wished("192.168.77.11"), 1);
}

Test(udp_card, is_looked_for_where_bytes_are_counted)
{
	dns_site_rules(&site, counts);
	cr_expect_eq(udp_card_look(relay, flow_of(WHO, 5000)), UDP_CARD_AWAITED);
	cr_expect_eq(wished(WHO), 1);
}

Test(udp_card, is_not_looked_for_where_no_rule_asks)
{
	static const char no_rules[] =
	    "ruleset: none\nversion: 1\ntitle: t\nunknown: {then: allow, why: open}\n"
	    "default: {then: allow, why: open}\nrules: []\n";

	dns_site_rules(&site, no_rules);
	cr_expect_eq(udp_card_look(relay, flow_of(WHO, 5000)), UDP_CARD_SURE);
	cr_expect_eq(wished(WHO), 0);
	dns_site_rules(&site, asks_who);
	cr_expect_eq(udp_card_look(relay, flow_of(WHO, 5000)), UDP_CARD_AWAITED,
	    "other rules hold now");
}

Test(udp_card, that_is_known_is_not_looked_for)
{
	find_card();
	cr_expect_eq(udp_card_look(relay, flow_of(WHO, 5000)), UDP_CARD_SURE);
	cr_expect_eq(wished(WHO), 0);
}

Test(udp_card, is_not_looked_for_once_the_relay_stops)
{
	struct udp_flow *flow = flow_of(WHO, 5000);

	relay->stopped = true;
	cr_expect_eq(udp_card_look(relay, flow), UDP_CARD_CROWDED);
	cr_expect_eq(wished(WHO), 0);
	relay->stopped = false;
}

/* ---- who waits ---- */

Test(udp_card, that_is_found_lets_its_flows_be_judged_by_who_it_is)
{
	struct udp_flow *one = waiting_flow(5000), *other = waiting_flow(5001);
	struct recorded event;

	cr_expect_not(dns_site_event(&site, &event), "nothing is decided");
	find_card();
	run_until_judged(one);
	run_until_judged(other);
	cr_expect_eq(one->state, UDP_ONE_WAY);
	expect_opened(CARD, RESULT_ALLOW);
	expect_opened(CARD, RESULT_ALLOW);
	cr_expect_eq(udp_card_look(relay, flow_of(WHO, 5002)), UDP_CARD_SURE);
}

/* By the maker of its card, which no address says. */
Test(udp_card, that_is_found_may_be_what_a_rule_blocks)
{
	struct udp_flow *flow = waiting_flow(5000);

	cr_assert_eq(system("ip neigh add " WHO " lladdr 44:19:b6:00:00:01 dev eth1 nud reachable"),
	    0);
	run_until_judged(flow);
	cr_expect_eq(flow->state, UDP_BLOCKED);
	expect_opened("gate", RESULT_BLOCK);
}

Test(udp_card, that_does_not_answer_is_asked_again_and_then_judged_by_its_address)
{
	struct udp_flow *flow = waiting_flow(5000);

	cr_expect_eq(wished(WHO), 1);
	turn_after(0);
	cr_expect_eq(wished(WHO), 1, "the first wish may be lost");
	cr_expect_eq(flow->state, UDP_TELLING);
	turn_after(UDP_CARD_MS);
	cr_expect_eq(wished(WHO), 0);
	cr_assert_eq(flow->state, UDP_ONE_WAY);
	expect_opened(WHO, RESULT_ALLOW);
	cr_expect_eq(udp_card_look(relay, flow_of(WHO, 5001)), UDP_CARD_SURE, "it was in vain");
	relay->cards.list[0].asked_ms -= UDP_CARD_AGAIN_MS;
	cr_expect_eq(udp_card_look(relay, flow_of(WHO, 5002)), UDP_CARD_AWAITED);
	cr_expect_eq(wished(WHO), 1, "after a minute it is worth a look");
}

/* ---- bounds ---- */

Test(udp_card, has_so_many_flows_wait_and_no_more)
{
	struct udp_flow *late;
	const struct bytes datagram = {junk, sizeof(junk)};
	size_t before;

	for (uint16_t i = 0; i < UDP_CARD_FLOWS_MAX; i++)
		(void)waiting_flow((uint16_t)(5000 + i));
	late = flow_of(WHO, 6000);
	cr_expect_eq(udp_card_look(relay, late), UDP_CARD_CROWDED);
	cr_assert(udp_tell(relay, late, datagram));
	before = udp_table_count(relay->table);
	udp_card_wait(relay, late, datagram);
	cr_expect_eq(udp_table_count(relay->table), before - 1, "there is no room for it");
}

Test(udp_card, is_one_of_so_many_that_are_looked_for)
{
	char camera[32];

	for (unsigned i = 0; i < UDP_CARDS_MAX; i++) {
		(void)snprintf(camera, sizeof(camera), "192.168.77.%u", 100 + i);
		cr_assert_eq(udp_card_look(relay, flow_of(camera, 5000)), UDP_CARD_AWAITED);
		cr_assert_eq(wished(camera), 1);
	}
	cr_expect_eq(udp_card_look(relay, flow_of(WHO, 5000)), UDP_CARD_CROWDED);
	cr_expect_eq(wished(WHO), 0);
	relay->cards.list[7].asked_ms -= UDP_CARD_MS;
	cr_expect_eq(udp_card_look(relay, flow_of(WHO, 5001)), UDP_CARD_AWAITED,
	    "one was looked for in vain");
	cr_expect_eq(wished(WHO), 1);
	cr_expect(addr_same_host(&relay->cards.list[7].camera, &flow_of(WHO, 5002)->camera));
}
