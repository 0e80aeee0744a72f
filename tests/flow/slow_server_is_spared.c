/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "proxy/census.h"
#include "proxy/worker_private.h"
#include "tests/flow/harness.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

enum { CONNECTIONS = 7, UNFINISHED = 2, LOOK_MS = 100 };

/* A camera's hello, as bytes. */
static int
make_hello(struct peer *peer, uint8_t *out, int size)
{
	SSL *ssl = SSL_new(peer->ctx);
	BIO *in = BIO_new(BIO_s_mem()), *wire = BIO_new(BIO_s_mem());
	char name[] = FLOW_NAME; /* OpenSSL's macro drops const */
	int count;

	SSL_set_bio(ssl, in, wire);
	(void)SSL_set_tlsext_host_name(ssl, name);
	(void)SSL_connect(ssl);
	count = BIO_read(wire, out, size);
	SSL_free(ssl);
	return count;
}

/* Says hello on many connections at once, and hears how each ends. */
static void
say_hello_on_many(struct peer *peer)
{
	uint8_t hello[4096];
	int fds[CONNECTIONS], size = make_hello(peer, hello, sizeof(hello));

	for (int i = 0; i < CONNECTIONS; i++) {
		peer_connect(peer);
		fds[i] = peer->fd;
		if (size <= 0 || write(fds[i], hello, (size_t)size) != size)
			(void)snprintf(peer->trouble, sizeof(peer->trouble), "no hello was sent");
	}
	for (int i = 0; i < CONNECTIONS; i++) {
		peer->fd = fds[i];
		peer_hear_end(peer);
		peer_close(peer);
		peer->end = PEER_OPEN;
	}
}

static unsigned most; /* of the camera's that stood at the server at once */

/* Takes what comes and says nothing; only when no more comes it lets go. */
static void
say_nothing(struct peer *peer)
{
	struct pollfd listener = {.fd = peer->listener, .events = POLLIN};

	for (unsigned seen = 0; seen < CONNECTIONS;) {
		int fds[CONNECTIONS];
		unsigned count = 0;

		do {
			peer_connect(peer);
			fds[count++] = peer->fd;
		} while (seen + count < CONNECTIONS && poll(&listener, 1, LOOK_MS) > 0);
		if (count > most)
			most = count;
		seen += count;
		while (count > 0)
			(void)close(fds[--count]);
	}
	peer->fd = -1;
}

static unsigned refused;

/* Seven hellos; those that are ended while the server still has the first.  When
 * all have gone there is room again. */
static void
count_the_refused(struct peer *peer)
{
	uint8_t hello[4096];
	struct pollfd fds[CONNECTIONS];
	int size = make_hello(peer, hello, sizeof(hello));

	for (int i = 0; i < CONNECTIONS; i++) {
		peer_connect(peer);
		fds[i] = (struct pollfd){.fd = peer->fd, .events = POLLIN};
		if (size <= 0 || write(peer->fd, hello, (size_t)size) != size)
			(void)snprintf(peer->trouble, sizeof(peer->trouble), "no hello was sent");
	}
	for (int i = 0; i < 20 && refused < CONNECTIONS - 5; i++) {
		(void)poll(NULL, 0, LOOK_MS);
		(void)poll(fds, CONNECTIONS, 0);
		refused = 0;
		for (int j = 0; j < CONNECTIONS; j++)
			refused += fds[j].revents != 0 ? 1 : 0;
	}
	for (int i = 0; i < CONNECTIONS; i++)
		(void)close(fds[i].fd);
	peer_connect(peer);
	if (write(peer->fd, hello, (size_t)size) != size)
		(void)snprintf(peer->trouble, sizeof(peer->trouble), "no hello was sent");
	peer_hear_end(peer);
}

/* Of many hellos the server has to bear few at once, and each has its turn. */
static void
expect_few_at_once(const char *config)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){.config = config});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	most = 0;
	flow_run(&flow, say_hello_on_many, say_nothing);
	cr_expect_eq(most, UNFINISHED, "%u", most);
	cr_expect_eq(flow.server.connections, CONNECTIONS, "each has its turn");
	cr_expect_eq(flow.closes, CONNECTIONS);
	cr_expect_eq(flow.closed.facts.end, END_SERVER_TLS, "%s", flow.closed.facts.end_text);
	cr_expect_eq(flow.worker->turns.count, 0);
	flow_close(&flow);
}

/* However much the worker could do: a slow server has to bear few of one camera. */
Test(slow_server_is_spared, of_more_than_a_few_of_one_camera)
{
	expect_few_at_once("limit: {unfinished: 2}\n");
}

/* The same of all its cameras together: here one is as good as many. */
Test(slow_server_is_spared, of_more_than_a_few_of_all)
{
	expect_few_at_once("limit: {unfinished_per_server: 2}\n");
}

/* Both bounds at once, the camera's the lower one or the server's. */
Test(slow_server_is_spared, whichever_bound_is_met_first)
{
	expect_few_at_once("limit: {unfinished: 2, unfinished_per_server: 3}\n");
	expect_few_at_once("limit: {unfinished: 3, unfinished_per_server: 2}\n");
	expect_few_at_once("limit: {unfinished: 2, unfinished_per_server: 2}\n");
}

/* Three hellos: the second goes while it waits, then the first, which the server
 * has.  The third is heard to its end. */
static void
lose_patience(struct peer *peer)
{
	uint8_t hello[4096];
	int fds[3], size = make_hello(peer, hello, sizeof(hello));

	for (int i = 0; i < 3; i++) {
		peer_connect(peer);
		fds[i] = peer->fd;
		if (size <= 0 || write(fds[i], hello, (size_t)size) != size)
			(void)snprintf(peer->trouble, sizeof(peer->trouble), "no hello was sent");
	}
	(void)close(fds[1]);
	(void)poll(NULL, 0, LOOK_MS);
	(void)close(fds[0]);
	peer->fd = fds[2];
	peer_hear_end(peer);
}

static void
take_two(struct peer *peer)
{
	int first;

	peer_connect(peer);
	first = peer->fd;
	peer_connect(peer);
	(void)close(first);
}

/* Who goes while it waits takes nobody's turn. */
Test(slow_server_is_spared, and_who_goes_gives_way)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){.config = "limit: {unfinished: 1}\n"});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	flow_run(&flow, lose_patience, take_two);
	cr_expect_eq(flow.closes, 3);
	cr_expect_eq(flow.server.connections, 2, "the second never stood there");
	cr_expect_eq(flow.closed.facts.end, END_SERVER_TLS, "%s", flow.closed.facts.end_text);
	cr_expect_eq(flow.worker->turns.count, 0);
	flow_close(&flow);
}

static int
say_hello(struct peer *peer)
{
	uint8_t hello[4096];
	int size = make_hello(peer, hello, sizeof(hello));

	peer_connect(peer);
	if (size <= 0 || write(peer->fd, hello, (size_t)size) != size)
		(void)snprintf(peer->trouble, sizeof(peer->trouble), "no hello was sent");
	return peer->fd;
}

/* The first two are the camera's share; the third is to follow the second, waits
 * for its share and goes.  The fourth is heard to its end. */
static void
lose_patience_for_a_share(struct peer *peer)
{
	int fds[4];

	for (int i = 0; i < 4; i++) {
		fds[i] = say_hello(peer);
		(void)poll(NULL, 0, LOOK_MS);
		if (i == 0)
			(void)close(fds[i]);
	}
	for (int i = 1; i < 3; i++) {
		(void)close(fds[i]);
		(void)poll(NULL, 0, LOOK_MS);
	}
	peer_hear_end(peer);
}

static void
take_three(struct peer *peer)
{
	int fds[2];

	for (int i = 0; i < 2; i++) {
		peer_connect(peer);
		fds[i] = peer->fd;
	}
	peer_connect(peer);
	for (int i = 0; i < 2; i++)
		(void)close(fds[i]);
}

static struct event turns_timer;

/* Other cameras begin all the time. */
static void
on_others(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval soon = {.tv_usec = 1000};
	struct flow *flow = arg;

	(void)fd;
	(void)what;
	flow->worker->turns.fair_ms = clock_mono_ms();
	(void)evtimer_add(&turns_timer, &soon);
}

/* Who was woken for room and goes before it takes it leaves it to the next. */
Test(slow_server_is_spared, and_who_goes_before_its_share_keeps_no_room)
{
	static const char *const limits[] =
	    {"limit: {handshakes: 1, unfinished: 1}\ntimeout: {handshake: 3s}\n",
		"limit: {handshakes: 1, unfinished_per_server: 1}\ntimeout: {handshake: 3s}\n"};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct flow flow;

		flow_open(&flow, &(struct flow_setup){.config = limits[i]});
		flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
		cr_assert_eq(evtimer_assign(&turns_timer, flow.worker->base, on_others, &flow), 0);
		on_others(-1, 0, &flow);
		flow_run(&flow, lose_patience_for_a_share, take_three);
		cr_expect_eq(flow.closes, 4);
		cr_expect_eq(flow.server.connections, 3, "the third never stood there");
		cr_expect_eq(flow.closed.facts.end, END_SERVER_TLS, "%s",
		    flow.closed.facts.end_text);
		cr_expect_eq(flow.worker->turns.count, 0);
		(void)event_del(&turns_timer);
		flow_close(&flow);
	}
}

/* ---- more cameras than are counted ---- */

enum { OTHERS = 20000 };

static struct addr
other_camera(unsigned number)
{
	struct addr addr = {.ip = {0x20}};

	for (size_t i = 0; i < 4; i++)
		addr.ip[12 + i] = (uint8_t)(number >> (24 - 8 * i));
	return addr;
}

static void
add_others(struct flow *flow)
{
	for (unsigned i = 0; i < OTHERS; i++) {
		struct addr other = other_camera(i);

		cr_assert(census_add(flow->worker->census, &other));
	}
}

static atomic_bool others_go;

static void
on_go(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval soon = {.tv_usec = 1000};
	struct flow *flow = arg;

	(void)fd;
	(void)what;
	if (!atomic_load(&others_go)) {
		(void)evtimer_add(&turns_timer, &soon);
		return;
	}
	for (unsigned i = 0; i < OTHERS; i++) {
		struct addr other = other_camera(i);

		census_remove(flow->worker->census, &other);
	}
}

/* Two while there is no room to count them, which say hardly anything; then two
 * that are counted, of which the second waits for the first. */
static void
come_uncounted(struct peer *peer)
{
	int fds[4];

	for (int i = 0; i < 4; i++) {
		if (i < 2) {
			peer_connect(peer);
			(void)!write(peer->fd, "\x16", 1);
		} else {
			(void)say_hello(peer);
		}
		fds[i] = peer->fd;
		(void)poll(NULL, 0, LOOK_MS);
		if (i == 1) {
			atomic_store(&others_go, true);
			(void)poll(NULL, 0, LOOK_MS);
		}
	}
	for (int i = 0; i < 4; i++) {
		(void)close(fds[i]);
		(void)poll(NULL, 0, LOOK_MS);
	}
	peer->fd = -1;
}

static void
take_one(struct peer *peer)
{
	peer_connect(peer);
	peer_hear_end(peer);
}

/* What was never counted takes nothing off what is when it goes. */
Test(slow_server_is_spared, by_cameras_that_were_not_counted)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){.config = "limit: {unfinished: 1}\n"});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	atomic_store(&others_go, false);
	add_others(&flow);
	cr_assert_eq(evtimer_assign(&turns_timer, flow.worker->base, on_go, &flow), 0);
	on_go(-1, 0, &flow);
	flow_run(&flow, come_uncounted, take_one);
	cr_expect_eq(flow.closes, 4);
	cr_expect(flow_reached_server(&flow), "the last has its turn after the one before it");
	cr_expect_eq(flow.worker->turns.count, 0);
	flow_close(&flow);
}

/* What waits takes room too: half of it at most is for one server.  Here of a
 * camera that is not counted, and so as good as many. */
Test(slow_server_is_spared, of_more_than_half_of_all_connections)
{
	struct flow flow;

	flow_open(&flow,
	    &(struct flow_setup){.config = "limit: {connections: 10, unfinished_per_server: 1}\n"});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	add_others(&flow);
	refused = 0;
	flow_run(&flow, count_the_refused, take_two);
	cr_expect_eq(refused, CONNECTIONS - 5, "%u", refused);
	cr_expect_eq(flow.closes, CONNECTIONS + 1);
	cr_expect_eq(flow.server.connections, 2, "the first and the last");
	cr_expect_eq(flow.closed.facts.end, END_SERVER_TLS, "%s", flow.closed.facts.end_text);
	cr_expect_eq(flow.worker->turns.count, 0);
	flow_close(&flow);
}

/* One camera would take all of that, and the others found no room at that server. */
Test(slow_server_is_spared, of_more_than_a_quarter_of_one_camera)
{
	struct flow flow;

	flow_open(&flow,
	    &(struct flow_setup){.config = "limit: {connections: 20, unfinished: 1}\n"});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	refused = 0;
	flow_run(&flow, count_the_refused, take_two);
	cr_expect_eq(refused, CONNECTIONS - 5, "%u", refused);
	cr_expect_eq(flow.closes, CONNECTIONS + 1);
	cr_expect_eq(flow.server.connections, 2, "the first and the last");
	cr_expect_eq(flow.worker->turns.count, 0);
	flow_close(&flow);
}

/* Takes each as it comes, and answers it. */
static void
answer_all(struct peer *peer)
{
	SSL *ssl[CONNECTIONS];
	int fds[CONNECTIONS];

	for (int i = 0; i < CONNECTIONS; i++) {
		peer_connect(peer);
		peer_handshake(peer);
		ssl[i] = peer->ssl;
		fds[i] = peer->fd;
		peer->ssl = NULL;
		peer->fd = -1;
	}
	for (int i = 0; i < CONNECTIONS; i++) {
		SSL_free(ssl[i]);
		(void)close(fds[i]);
	}
}

/* Many hellos, and never another word. */
static void
say_only_hello(struct peer *peer)
{
	int fds[CONNECTIONS];

	for (int i = 0; i < CONNECTIONS; i++)
		fds[i] = say_hello(peer);
	/* Each is answered, and not in the order in which they came. */
	for (int i = 0; i < CONNECTIONS; i++) {
		struct pollfd answer = {.fd = fds[i], .events = POLLIN};

		(void)poll(&answer, 1, 4000);
	}
	for (int i = 0; i < CONNECTIONS; i++) {
		(void)poll(NULL, 0, i == CONNECTIONS - 1 ? LOOK_MS : 0);
		(void)close(fds[i]);
	}
	peer->fd = -1;
}

/* A server that has answered waits for no camera, and no other camera for that. */
Test(slow_server_is_spared, and_has_done_its_part_when_it_has_answered)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){.config = "limit: {unfinished_per_server: 1}\n"
							"timeout: {handshake: 3s}\n"});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	flow_run(&flow, say_only_hello, answer_all);
	cr_expect_eq(flow.closes, CONNECTIONS);
	cr_expect_eq(flow.server.connections, CONNECTIONS, "each has its turn");
	cr_expect_eq(flow.worker->turns.count, 0);
	flow_close(&flow);
}

/* ---- of two cameras ---- */

enum { CROWD = 300, SECOND = 0x7f000002 };

static uint64_t waited_ms;

static int
say_hello_as_second(struct peer *peer, const uint8_t *hello, int size)
{
	const struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(SECOND)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&from, sizeof(from)) != 0 ||
	    connect(fd, (const struct sockaddr *)&peer->at, sizeof(from)) != 0 ||
	    write(fd, hello, (size_t)size) != size)
		(void)snprintf(peer->trouble, sizeof(peer->trouble), "no second camera");
	return fd;
}

/* One camera begins hundreds; then another begins one more than its share. */
static void
crowd_about(struct peer *peer)
{
	uint8_t hello[4096];
	int fds[CROWD], others[3], size = make_hello(peer, hello, sizeof(hello));
	uint64_t from_ms;

	for (int i = 0; i < CROWD; i++)
		fds[i] = say_hello(peer);
	(void)poll(NULL, 0, LOOK_MS);
	from_ms = clock_mono_ms();
	for (int i = 0; i < 3; i++)
		others[i] = say_hello_as_second(peer, hello, size);
	peer->fd = others[2];
	peer_hear_end(peer);
	waited_ms = clock_mono_ms() - from_ms;
	for (int i = 0; i < 3; i++)
		(void)close(others[i]);
	for (int i = 0; i < CROWD; i++)
		(void)close(fds[i]);
	(void)say_hello(peer);
	peer_hear_end(peer);
}

/* Takes all that come, and lets each go at once. */
static void
let_go(struct peer *peer)
{
	struct pollfd listener = {.fd = peer->listener, .events = POLLIN};

	do {
		peer_connect(peer);
		peer_reset(peer);
	} while (poll(&listener, 1, 1500) > 0);
}

/* Its share is a camera's own, however many of another's wait before it. */
Test(slow_server_is_spared, while_each_camera_has_its_share)
{
	struct flow flow;

	flow_open(&flow,
	    &(struct flow_setup){.config = "limit: {handshakes: 1}\ntimeout: {handshake: 4s}\n"});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	cr_assert_eq(evtimer_assign(&turns_timer, flow.worker->base, on_others, &flow), 0);
	on_others(-1, 0, &flow);
	flow_run(&flow, crowd_about, let_go);
	cr_expect_lt(waited_ms, 3500, "%lu", (unsigned long)waited_ms);
	cr_expect_eq(flow.closes, CROWD + 4);
	cr_expect_eq(flow.worker->turns.count, 0);
	(void)event_del(&turns_timer);
	flow_close(&flow);
}
