/* SPDX-License-Identifier: MIT */
#include "geo/cache.h"
#include "proxy/board.h"
#include "proxy/snapshot.h"
#include "proxy/udp_private.h"
#include "record/spool.h"
#include "tests/proxy/dns_site.h"
#include "tests/support/quic_maker.h"

#include <criterion/criterion.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOCKETS = 100000 };

/* A relay whose cameras are told by the test, and which has no broker: nobody is
 * answered.  The rules allow all but the name tracker.example; loopback is no
 * destination. */
static struct dns_site site;
static struct udp_relay *relay;
static struct board_worker row;
static int fd;

static void
begin(void)
{
	dns_site_open(&site, NULL);
	site.worker->dns = site.policy;
	site.worker->counters = &row;
	site.worker->snapshot->places = geo_cache_open(NULL);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	relay = udp_relay_open(site.worker, fd, NULL);
	cr_assert_not_null(relay);
	relay->sockets_max = SOCKETS; /* whatever the limit of descriptors is here */
	relay->now_ms = 1000;
}

static void
end(void)
{
	udp_relay_close(relay);
	(void)close(fd);
	geo_cache_close(site.worker->snapshot->places);
	dns_site_close(&site);
}

TestSuite(udp_flow, .init = begin, .fini = end);

static const uint8_t junk[12] = {0x99, 'p', 'u', 'n', 'c', 'h'};

static struct udp_message
message_of(uint16_t port, const char *dst)
{
	struct udp_message message = {.payload = {junk, sizeof(junk)}};

	cr_assert_eq(addr_parse(&message.from, "192.168.77.10", port, NULL), 0);
	cr_assert_eq(addr_parse(&message.to, dst, 0, NULL), 0);
	return message;
}

/* One that is told and judged; it may be blocked. */
static struct udp_flow *
judged(uint16_t port, const char *dst)
{
	const struct udp_message message = message_of(port, dst);
	struct udp_flow *flow = udp_flow_begin(relay, &message);

	cr_assert_not_null(flow);
	flow->traffic.up += message.payload.left;
	flow->traffic.packets_up++;
	cr_assert(udp_tell(relay, flow, message.payload));
	cr_assert(udp_flow_decide(relay, flow));
	return flow;
}

static void
expect_event(enum event_kind kind, uint64_t flow_id)
{
	struct recorded event;

	cr_assert(dns_site_event(&site, &event), "an event is written");
	cr_expect_eq(event.head.kind, kind);
	cr_expect_eq(event.facts.flow_id, flow_id);
}

static void
expect_no_event(void)
{
	struct recorded event;

	cr_expect_not(dns_site_event(&site, &event));
}

Test(udp_flow, that_is_let_through_is_open_in_the_record_before_it_leaves)
{
	struct udp_flow *flow = judged(5000, "8.8.8.8:9000");
	uint64_t flow_id = flow->flow_id;
	struct recorded event;

	cr_expect_eq(flow->state, UDP_ONE_WAY);
	cr_expect(flow->outlet != NULL && flow->live != NULL);
	cr_expect_eq(flow->live->left_up, 0);
	expect_event(EVENT_OPEN, flow_id);
	udp_flow_end(relay, flow, END_IDLE);
	cr_assert(dns_site_event(&site, &event));
	cr_expect_eq(event.head.kind, EVENT_CLOSE);
	cr_expect_eq(event.facts.flow_id, flow_id);
	cr_expect_eq(event.facts.end, END_IDLE);
	cr_expect_eq(event.facts.traffic.up, sizeof(junk));
	expect_no_event();
	cr_expect_eq(udp_table_count(relay->table), 0);
}

Test(udp_flow, that_is_blocked_is_in_the_record_at_once_and_holds_no_socket)
{
	struct udp_flow *flow = judged(5000, "127.0.0.1:9000");
	uint64_t flow_id = flow->flow_id;
	struct recorded event;

	cr_expect_eq(flow->state, UDP_BLOCKED);
	cr_expect_null(flow->outlet);
	cr_assert(dns_site_event(&site, &event), "before it ends");
	cr_expect_eq(event.head.kind, EVENT_OPEN);
	cr_expect_eq(event.facts.verdict.result, RESULT_BLOCK);
	cr_expect_str_eq(event.facts.verdict.rule, "loopback");
	udp_flow_end(relay, flow, END_REFUSED);
	cr_assert(dns_site_event(&site, &event));
	cr_expect_eq(event.head.kind, EVENT_CLOSE);
	cr_expect_eq(event.facts.flow_id, flow_id);
	cr_expect_eq(event.facts.traffic.left_up, 0);
	cr_expect_str_eq(event.facts.verdict.rule, "loopback");
}

/* The record of each stands when it ends; of so many also when it begins. */
Test(udp_flow, a_flood_of_blocked_ones_begins_a_hundred_records_a_second)
{
	enum { FLOOD = 300, A_SECOND = 100 };
	struct udp_flow *flows[FLOOD], *later;
	struct recorded event;
	unsigned opens = 0, closes = 0;

	for (uint16_t i = 0; i < FLOOD; i++)
		flows[i] = judged((uint16_t)(2000 + i), "127.0.0.1:9000");
	while (dns_site_event(&site, &event))
		opens += event.head.kind == EVENT_OPEN;
	cr_expect_eq(opens, A_SECOND);
	relay->now_ms += 1000;
	later = judged(1999, "127.0.0.1:9000");
	expect_event(EVENT_OPEN, later->flow_id);
	for (size_t i = 0; i < FLOOD; i++)
		udp_flow_end(relay, flows[i], END_REFUSED);
	while (dns_site_event(&site, &event)) {
		closes += event.head.kind == EVENT_CLOSE;
		cr_expect_eq(event.facts.verdict.result, RESULT_BLOCK);
	}
	cr_expect_eq(closes, FLOOD);
}

Test(udp_flow, that_turns_keeps_its_socket)
{
	const struct udp_message message = message_of(5000, "8.8.8.8:9000");
	struct udp_flow *flow = judged(5000, "8.8.8.8:9000"), *next;
	const struct udp_outlet *outlet = flow->outlet;

	next = udp_flow_turn(relay, flow, &message);
	cr_assert_not_null(next);
	cr_expect_eq(next->state, UDP_TELLING);
	cr_expect_eq(next->outlet, outlet);
	cr_expect_eq(outlet->flows, 1);
}

/* Two events each, whatever little the camera has to send for it: the spool is all
 * cameras'. */
Test(udp_flow, that_turns_with_each_datagram_stays_what_it_is_for_a_while)
{
	enum { DATAGRAMS = 100, TURNS = 8, EVERY_MS = 10000 };
	const struct udp_message message = message_of(5000, "8.8.8.8:9000");
	struct udp_flow *flow = judged(5000, "8.8.8.8:9000");
	struct recorded event;
	unsigned turned = 0, events = 0;

	for (int i = 0; i < DATAGRAMS; i++) {
		struct udp_flow *next = udp_flow_turn(relay, flow, &message);

		if (next == NULL)
			continue;
		flow = next;
		turned++;
		cr_assert(udp_tell(relay, flow, message.payload));
		cr_assert(udp_flow_decide(relay, flow));
	}
	cr_expect_eq(turned, TURNS);
	cr_expect_eq(udp_table_find(relay->table, &message.from, &message.to), flow);
	while (dns_site_event(&site, &event))
		events++;
	cr_expect_eq(events, 2 * TURNS + 1);
	relay->now_ms += EVERY_MS;
	udp_excess_tell(relay);
	cr_assert(dns_site_event(&site, &event), "what was dropped is told");
	cr_expect_eq(event.facts.end, END_OVERLOAD);
	cr_expect_eq(event.facts.traffic.packets_up, DATAGRAMS - TURNS);
	cr_expect_not_null(udp_flow_turn(relay, flow, &message), "it may again");
}

/* What is let through at most, by camera and in all. */
Test(udp_flow, beyond_the_bounds_datagrams_are_counted_and_told)
{
	struct udp_message message = message_of(5000, "8.8.8.8:9000");
	struct recorded event;

	site.worker->snapshot->config->limit.udp_per_camera = 2;
	(void)judged(5000, "8.8.8.8:9000");
	(void)judged(5001, "8.8.8.8:9000");
	message.from.port = 5002;
	cr_expect_null(udp_flow_begin(relay, &message));
	cr_expect_null(udp_flow_begin(relay, &message));
	while (dns_site_event(&site, &event))
		cr_expect_eq(event.head.kind, EVENT_OPEN);
	relay->now_ms += UDP_EXCESS_FIRST_MS;
	udp_excess_tell(relay);
	cr_assert(dns_site_event(&site, &event));
	cr_expect_eq(event.facts.end, END_OVERLOAD);
	cr_expect_eq(event.facts.traffic.packets_up, 2);
}

Test(udp_flow, a_reload_ends_what_is_blocked_now)
{
	struct udp_flow *flow = judged(5000, "8.8.8.8:9000"), *blocked;
	struct recorded event;

	blocked = judged(5000, "127.0.0.1:9000");
	udp_flow_review(relay, flow);
	cr_expect_eq(flow->state, UDP_ONE_WAY, "nothing changed for it");
	udp_flow_review(relay, blocked);
	cr_expect_eq(udp_table_count(relay->table), 1, "its next datagram is judged anew");
	while (dns_site_event(&site, &event))
		continue;
	expect_no_event();
}

/* ---- what comes gathered ---- */

/* The relay's socket listens on loopback, and tells where datagrams were sent to. */
static struct addr
listen_on_loopback(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct sockaddr_storage bound;
	socklen_t size = sizeof(bound);
	const int on = 1;
	struct addr addr;

	cr_assert_eq(setsockopt(fd, IPPROTO_IP, IP_RECVORIGDSTADDR, &on, sizeof(on)), 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&bound, &size), 0);
	cr_assert(addr_from_sockaddr(&addr, &bound));
	return addr;
}

static void
count_sent(void *arg, const struct udp_message *message)
{
	size_t *sent = arg;

	(void)message;
	++*sent;
}

/* More than is routed between two looks at the clock: the rest waits for its turn, and
 * each is counted once. */
Test(udp_flow, thousands_that_came_as_one_are_taken_in_turns)
{
	enum { DATAGRAMS = 64 * 64, PASSES = 1000 };
	static const uint8_t byte = 0x99;
	static struct udp_message messages[DATAGRAMS];
	struct addr to = listen_on_loopback();
	int from = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct udp_flow *flow = NULL;
	size_t sent = 0;

	cr_assert_geq(from, 0);
	for (size_t i = 0; i < DATAGRAMS; i++)
		messages[i] = (struct udp_message){.to = to,
		    .payload = {&byte, 1},
		    .next = i + 1 < DATAGRAMS ? &messages[i + 1] : NULL};
	udp_send(from, messages, count_sent, &sent);
	cr_assert_eq(sent, DATAGRAMS);
	for (int i = 0; i < PASSES && (flow == NULL || flow->traffic.packets_up < sent); i++) {
		(void)event_base_loop(site.worker->base, EVLOOP_NONBLOCK);
		flow = udp_table_oldest(relay->table, UDP_BLOCKED);
	}
	cr_assert_not_null(flow);
	cr_expect_eq(flow->traffic.packets_up, sent);
	cr_expect_eq(relay->taken_left, 0);
	cr_expect_eq(udp_table_count(relay->table), 1);
	(void)close(from);
}

/* ---- hellos ---- */

static struct made
hello_packet(void)
{
	const struct quic_initial initial = {.version = 1,
	    .id = "12345678",
	    .id_size = 8,
	    .size = 1200};
	struct made message = hello_message("cloud.cameras.example", 0), frames = {0}, packet;

	quic_add_crypto(&frames, 0, message.at, message.size);
	packet = quic_seal(&initial, &frames);
	made_free(&message);
	made_free(&frames);
	return packet;
}

static void
send_from(const char *camera, const struct addr *to, const void *bytes, size_t size)
{
	int from = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_storage name;
	struct addr at;
	socklen_t name_size;

	cr_assert(from >= 0 && addr_parse(&at, camera, 0, NULL) == 0);
	name_size = addr_to_sockaddr(&at, &name);
	cr_assert_eq(bind(from, (struct sockaddr *)&name, name_size), 0);
	name_size = addr_to_sockaddr(to, &name);
	cr_assert_eq(sendto(from, bytes, size, 0, (struct sockaddr *)&name, name_size),
	    (ssize_t)size);
	(void)close(from);
}

/* All that was sent is there already, so it is of one moment. */
Test(udp_flow, hellos_beyond_a_cameras_share_are_not_looked_into_and_told)
{
	enum { HELLOS = 8 };
	struct addr to = listen_on_loopback();
	struct made hello = hello_packet();
	struct recorded event;

	site.worker->snapshot->config->limit.udp_hellos = 1;
	for (int i = 0; i < HELLOS; i++)
		send_from("127.0.0.2", &to, hello.at, hello.size);
	send_from("127.0.0.2", &to, junk, sizeof(junk));
	send_from("127.0.0.3", &to, hello.at, hello.size);
	(void)event_base_loop(site.worker->base, EVLOOP_NONBLOCK);
	cr_expect_eq(udp_table_count_of(relay->table, UDP_BLOCKED), 3,
	    "one hello, what is none, and another camera's hello");
	cr_expect_eq(udp_table_count(relay->table), 3, "nothing is kept of the others");
	while (dns_site_event(&site, &event))
		cr_expect_eq(event.head.kind, EVENT_OPEN);
	relay->now_ms += UDP_EXCESS_FIRST_MS;
	udp_excess_tell(relay);
	cr_assert(dns_site_event(&site, &event));
	cr_expect_eq(event.facts.end, END_OVERLOAD);
	cr_expect_str_eq(event.facts.verdict.rule, "udp-hellos");
	cr_expect_eq(event.facts.traffic.packets_up, HELLOS - 1);
	cr_expect_eq(event.facts.traffic.up, (HELLOS - 1) * hello.size);
	cr_expect_eq(atomic_load(&row.overload), HELLOS - 1);
	made_free(&hello);
}
