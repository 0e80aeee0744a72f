/* SPDX-License-Identifier: MIT */
#include "inspect/dns.h"
#include "proxy/board.h"
#include "proxy/conn_private.h"
#include "proxy/dns_policy.h"
#include "proxy/dns_stream.h"
#include "record/spool.h"
#include "tests/proxy/dns_site.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RESOLVER "203.0.113.53"

/* A connection of the worker's whose camera is the other end of a socket pair, and
 * which has no server. */
static struct dns_site site;
static struct board_worker row;
static struct conn *conn;
static int camera;

static void
on_leg(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	leg_note(arg, what);
}

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static void
prepare_worker(void)
{
	struct worker *worker = site.worker;

	worker->dns = site.policy;
	worker->counters = &row;
	TAILQ_INIT(&worker->open);
	TAILQ_INIT(&worker->closed);
	cr_assert_eq(evtimer_assign(&worker->reap, worker->base, on_event, NULL), 0);
}

static void
open_conn(const char *resolver)
{
	int ends[2];

	dns_site_open(&site, resolver);
	prepare_worker();
	conn = calloc(1, sizeof(*conn));
	cr_assert_not_null(conn);
	conn->facts = calloc(1, sizeof(*conn->facts));
	cr_assert_not_null(conn->facts);
	*conn->facts = site.flow;
	conn->facts->transport = TRANSPORT_TCP;
	conn->facts->inspect = INSPECT_PLAIN;
	conn->worker = site.worker;
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
	camera = ends[1];
	conn->camera = (struct leg){.conn = conn, .pool = &site.worker->pool, .fd = -1};
	conn->server = (struct leg){.conn = conn, .pool = &site.worker->pool, .fd = -1};
	cr_assert_eq(leg_open(&conn->camera, ends[0], site.worker->base, on_leg), 0);
	cr_assert_eq(evtimer_assign(&conn->deadline, site.worker->base, on_event, NULL), 0);
	TAILQ_INSERT_TAIL(&site.worker->open, conn, entry);
	site.worker->open_count = 1;
	(void)event_base_loop(site.worker->base, EVLOOP_NONBLOCK);
}

static void
begin(void)
{
	open_conn(NULL);
}

static void
begin_with_resolver(void)
{
	open_conn(RESOLVER);
}

static void
end(void)
{
	leg_close(&conn->camera, false);
	(void)close(camera);
	dns_stream_free(conn->dns);
	hello_clear(&conn->hello);
	free(conn->facts);
	free(conn);
	pool_clear(&site.worker->pool);
	dns_site_close(&site);
}

TestSuite(conn_dns, .init = begin, .fini = end);
TestSuite(conn_dns_redirect, .init = begin_with_resolver, .fini = end);

/* ---- what the camera sends ---- */

/* A query behind its size, as it stands in the scratch. */
static size_t
read_query(uint16_t id, const char *name)
{
	uint8_t *at = site.worker->scratch;
	size_t size = dns_site_query(id, name, at + 2);

	at[0] = (uint8_t)(size >> 8);
	at[1] = (uint8_t)size;
	return size + 2;
}

/* What it began with is so many bytes of the scratch, and no TLS. */
static void
begin_with(size_t size)
{
	size_t room;
	uint8_t *at = hello_room(&conn->hello, &room);

	cr_assert(at != NULL && size <= room);
	memcpy(at, site.worker->scratch, size);
	(void)hello_add(&conn->hello, size, &conn->facts->hello);
	cr_assert_eq(conn->facts->hello.kind, HELLO_NOT_TLS);
}

static void
begin_to_carry(void)
{
	cr_assert(conn_dns_open(conn));
	cr_assert_not_null(conn->dns);
}

/* ---- where it goes ---- */

Test(conn_dns_redirect, sends_a_lookup_to_the_resolver)
{
	struct addr server, want;

	begin_with(read_query(1, "cam.example"));
	cr_expect(conn_dns_redirect(conn));
	cr_expect(conn->redirected);
	cr_expect_eq(conn->facts->inspect, INSPECT_PLAIN);
	cr_expect_neq(conn->facts->verdict.result, RESULT_BLOCK);
	cr_expect_str_neq(conn->facts->verdict.why, "");
	cr_assert(conn_dns_server(conn, &server));
	cr_assert_eq(addr_parse(&want, RESOLVER, 53, NULL), 0);
	cr_expect(addr_equal(&server, &want));
}

Test(conn_dns_redirect, sends_what_is_no_lookup_where_it_wants_to)
{
	struct addr server;

	memcpy(site.worker->scratch, "GET / HTTP/1.1\r\n", 16);
	begin_with(16);
	cr_expect_not(conn_dns_redirect(conn));
	cr_expect_not(conn->redirected);
	cr_assert(conn_dns_server(conn, &server));
	cr_expect(addr_equal(&server, &conn->facts->dst));
}

/* TLS, another port, and a camera that was silent first, whose server is connected. */
Test(conn_dns_redirect, sends_no_other_connection)
{
	begin_with(read_query(1, "cam.example"));
	conn->facts->hello.kind = HELLO_TLS;
	cr_expect_not(conn_dns_redirect(conn));
	conn->facts->hello.kind = HELLO_NOT_TLS;
	conn->facts->dst.port = 5353;
	cr_expect_not(conn_dns_redirect(conn));
	conn->facts->dst.port = 53;
	conn->server.fd = camera;
	cr_expect_not(conn_dns_redirect(conn));
	conn->server.fd = -1;
	cr_expect(conn_dns_redirect(conn));
}

Test(conn_dns, sends_a_lookup_to_its_server_where_no_resolver_is_configured)
{
	struct addr server;

	begin_with(read_query(1, "cam.example"));
	cr_expect_not(conn_dns_redirect(conn));
	cr_assert(conn_dns_server(conn, &server));
	cr_expect(addr_equal(&server, &conn->facts->dst));
}

/* ---- whether it is looked at ---- */

Test(conn_dns, looks_at_plain_connections_to_port_53)
{
	conn->facts->inspect = INSPECT_PASSTHROUGH;
	cr_expect(conn_dns_open(conn));
	cr_expect_null(conn->dns);
	conn->facts->inspect = INSPECT_PLAIN;
	conn->facts->dst.port = 54;
	cr_expect(conn_dns_open(conn));
	cr_expect_null(conn->dns);
	conn->facts->dst.port = 53;
	begin_to_carry();
}

/* ---- what becomes of it ---- */

Test(conn_dns, lets_a_whole_query_pass_and_learns_from_its_answer)
{
	size_t size = read_query(1, "cam.example"), count = size - 1;
	uint8_t query[DNS_SITE_MESSAGE_MAX], answer[2 + DNS_SITE_MESSAGE_MAX];

	memcpy(query, site.worker->scratch, size);
	begin_to_carry();
	cr_assert_eq(conn_dns_piece(conn, DIRECTION_UP, &count), LEG_DONE);
	cr_expect_eq(count, 0, "it is not whole");
	site.worker->scratch[0] = query[size - 1];
	count = 1;
	cr_assert_eq(conn_dns_piece(conn, DIRECTION_UP, &count), LEG_DONE);
	cr_assert_eq(count, size);
	cr_expect_arr_eq(site.worker->scratch, query, size);
	size = dns_site_answer(1, "cam.example", "203.0.113.9", answer + 2);
	answer[0] = (uint8_t)(size >> 8);
	answer[1] = (uint8_t)size;
	count = size + 2;
	memcpy(site.worker->scratch, answer, count);
	cr_assert_eq(conn_dns_piece(conn, DIRECTION_DOWN, &count), LEG_DONE);
	cr_expect_eq(count, size + 2);
	cr_assert_eq(addr_parse(&conn->facts->dst, "203.0.113.9:443", 0, NULL), 0);
	dns_policy_name(site.policy, conn->facts);
	cr_expect_str_eq(conn->facts->looked_up, "cam.example");
}

Test(conn_dns, answers_a_name_that_is_refused_and_says_that_it_was_a_lookup)
{
	size_t count = read_query(7, "x.tracker.example");
	uint8_t heard[DNS_SITE_MESSAGE_MAX];
	struct dns_message refusal;
	ssize_t size;

	begin_to_carry();
	cr_assert_eq(conn_dns_piece(conn, DIRECTION_UP, &count), LEG_DONE);
	cr_expect_eq(count, 0, "none of it goes anywhere");
	cr_assert_eq(leg_flush(&conn->camera), LEG_DONE);
	size = recv(camera, heard, sizeof(heard), 0);
	cr_assert_gt(size, 2);
	cr_expect_eq((size_t)heard[0] << 8 | heard[1], (size_t)size - 2);
	cr_assert(dns_read((struct bytes){heard + 2, (size_t)size - 2}, &refusal));
	cr_expect_eq(refusal.asked.id, 7);
	cr_expect_eq(refusal.rcode, DNS_REFUSED);
	cr_expect_eq(conn->facts->traffic.left_down, (uint64_t)size);
	cr_expect_eq(conn->facts->app.proto, APP_DNS);
	cr_expect_eq(conn->facts->payload.seen_up[PAYLOAD_CONTROL], CONFIDENCE_IDENTIFIED);
}

/* What it asked before it went is still asked. */
Test(conn_dns, goes_on_where_nobody_takes_an_answer_any_more)
{
	size_t count = read_query(7, "x.tracker.example");

	begin_to_carry();
	leg_fail(&conn->camera, ECONNRESET);
	cr_expect_eq(conn_dns_piece(conn, DIRECTION_UP, &count), LEG_DONE);
	cr_expect_eq(count, 0);
	cr_expect_eq(conn->facts->traffic.left_down, 0);
	count = read_query(8, "cam.example");
	cr_expect_eq(conn_dns_piece(conn, DIRECTION_UP, &count), LEG_DONE);
	cr_expect_gt(count, 0);
}

/* ---- how it ends ---- */

static void
expect_closed(enum end as)
{
	struct recorded event;
	bool found = false;

	cr_expect_eq(conn->facts->end, as);
	cr_expect_eq(conn->camera.fd, -1);
	cr_expect_null(TAILQ_FIRST(&site.worker->open));
	while (!found && dns_site_event(&site, &event))
		found = event.head.kind == EVENT_CLOSE && event.facts.end == as;
	cr_expect(found, "it is recorded");
}

/* To the resolver nothing else may go. */
Test(conn_dns_redirect, ends_with_what_is_no_lookup)
{
	size_t count = read_query(1, "cam.example");

	begin_with(count);
	cr_assert(conn_dns_redirect(conn));
	begin_to_carry();
	cr_assert_eq(conn_dns_piece(conn, DIRECTION_UP, &count), LEG_DONE);
	memcpy(site.worker->scratch, "GET / HTTP/1.1\r\n", 16);
	count = 16;
	cr_expect_eq(conn_dns_piece(conn, DIRECTION_UP, &count), LEG_ENDED);
	expect_closed(END_REFUSED);
}

Test(conn_dns, ends_with_a_camera_that_does_not_take_its_answers)
{
	static uint8_t waits[16 << 10];
	size_t count = read_query(1, "x.tracker.example");

	begin_to_carry();
	while (leg_write(&conn->camera, waits, sizeof(waits)) == LEG_DONE)
		cr_assert_leq(leg_waiting(&conn->camera), (size_t)POOL_BUFFER_BYTES);
	cr_expect_eq(conn_dns_piece(conn, DIRECTION_UP, &count), LEG_ENDED);
	expect_closed(END_OVERLOAD);
}
