/* SPDX-License-Identifier: MIT */
#include "proxy/udp_reply.h"

#include "base/ipc.h"
#include "proxy/broker.h"
#include "proxy/broker_wire.h"
#include "proxy/udp_batch.h"

#include <criterion/criterion.h>
#include <event2/event.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A worker's side, a camera on the loopback, and this test in the broker's stead. */
struct fixture {
	struct event_base *base;
	struct broker *broker;
	struct udp_replies *replies;
	int ends[2];
	int camera_fd;
	struct addr camera, dst;
	size_t sent;
};

enum { IFINDEX = 7 };

static void
note_sent(void *arg, const struct udp_message *message, const struct addr *dst)
{
	struct fixture *fixture = arg;

	cr_expect(addr_equal(&message->to, &fixture->camera));
	cr_expect(addr_equal(dst, &fixture->dst));
	fixture->sent++;
}

static int
open_socket(struct addr *addr)
{
	struct addr any = {.ip = {[10] = 0xff, [11] = 0xff, 127, 0, 0, 1}};
	struct sockaddr_storage at;
	socklen_t size = addr_to_sockaddr(&any, &at);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	cr_assert_eq(bind(fd, (struct sockaddr *)&at, size), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	cr_assert(addr_from_sockaddr(addr, &at));
	return fd;
}

static void
open_fixture(struct fixture *fixture)
{
	*fixture = (struct fixture){.base = event_base_new(),
	    .dst = {{[10] = 0xff, [11] = 0xff, 3, 120, 0, 10}, 5000}};
	cr_assert_eq(ipc_pair(fixture->ends, NULL), 0);
	fixture->broker = broker_new(fixture->base, fixture->ends[0], NULL);
	cr_assert_not_null(fixture->broker);
	fixture->replies = udp_replies_new(fixture->broker, note_sent, fixture);
	cr_assert_not_null(fixture->replies);
	fixture->camera_fd = open_socket(&fixture->camera);
}

static void
close_fixture(struct fixture *fixture)
{
	udp_replies_free(fixture->replies);
	broker_free(fixture->broker);
	event_base_free(fixture->base);
	(void)close(fixture->ends[0]);
	(void)close(fixture->ends[1]);
	(void)close(fixture->camera_fd);
}

static void
send_one(struct fixture *fixture, struct udp_reply *reply, const char *text)
{
	const struct udp_message message = {.to = fixture->camera,
	    .payload = {(const uint8_t *)text, strlen(text)}};

	udp_reply_send(reply, &message);
}

/* Take the wish that stands there; false: there is none. */
static bool
take_wish(struct fixture *fixture, struct broker_request *request)
{
	return ipc_receive(fixture->ends[1], request, sizeof(*request), NULL) == sizeof(*request);
}

static void
answer(struct fixture *fixture, const struct broker_request *request, int fd)
{
	const struct broker_answer told = {.saying = BROKER_ANSWER, .id = request->id};

	cr_assert_eq(ipc_send_fds(fixture->ends[1], &told, sizeof(told), &fd, fd >= 0 ? 1 : 0,
			 NULL),
	    1);
	cr_assert_eq(event_base_loop(fixture->base, EVLOOP_ONCE), 0);
	(void)close(fd); /* the other end has its own */
}

static size_t
hear(const struct fixture *fixture, char *text, size_t size)
{
	ssize_t got = recv(fixture->camera_fd, text, size - 1, MSG_DONTWAIT);

	text[got > 0 ? got : 0] = '\0';
	return got > 0 ? (size_t)got : 0;
}

Test(udp_reply, answers_wait_for_their_socket_and_leave_in_order)
{
	struct fixture fixture;
	struct broker_request request;
	struct udp_reply *reply, *again;
	struct addr from;
	char text[32];

	open_fixture(&fixture);
	reply = udp_reply_take(fixture.replies, IFINDEX, &fixture.dst, 8);
	again = udp_reply_take(fixture.replies, IFINDEX, &fixture.dst, 8);
	cr_assert_not_null(reply);
	cr_expect_eq(reply, again, "one for a destination");
	cr_expect_not(take_wish(&fixture, &request), "nothing is asked for before it is needed");
	send_one(&fixture, reply, "first");
	send_one(&fixture, reply, "second");
	cr_assert(take_wish(&fixture, &request));
	cr_expect_eq(request.wish, BROKER_SOCKET);
	cr_expect_eq(request.iface, IFINDEX);
	cr_expect(addr_equal(&request.dst, &fixture.dst));
	cr_expect_not(take_wish(&fixture, &request), "once for both");
	cr_expect_eq(fixture.sent, 0);
	answer(&fixture, &request, open_socket(&from));
	cr_expect_eq(fixture.sent, 2);
	cr_expect_eq(hear(&fixture, text, sizeof(text)), 5);
	cr_expect_str_eq(text, "first");
	cr_expect_eq(hear(&fixture, text, sizeof(text)), 6);
	send_one(&fixture, reply, "third");
	cr_expect_eq(fixture.sent, 3);
	cr_expect_eq(hear(&fixture, text, sizeof(text)), 5);
	udp_reply_give(fixture.replies, reply);
	udp_reply_give(fixture.replies, again);
	close_fixture(&fixture);
}

Test(udp_reply, what_waits_is_bounded)
{
	struct fixture fixture;
	struct broker_request request;
	struct udp_reply *reply;
	struct addr from;
	char text[1201] = "";

	open_fixture(&fixture);
	reply = udp_reply_take(fixture.replies, IFINDEX, &fixture.dst, 8);
	cr_assert_not_null(reply);
	memset(text, 'x', sizeof(text) - 1);
	for (size_t i = 0; i < 2 * UDP_REPLY_WAITING_BYTES / sizeof(text); i++)
		send_one(&fixture, reply, text);
	cr_assert(take_wish(&fixture, &request));
	answer(&fixture, &request, open_socket(&from));
	cr_expect_gt(fixture.sent, UDP_REPLY_WAITING_BYTES / sizeof(text) * 9 / 10, "%zu",
	    fixture.sent);
	cr_expect_leq(fixture.sent, UDP_REPLY_WAITING_BYTES / sizeof(text), "%zu", fixture.sent);
	udp_reply_give(fixture.replies, reply);
	close_fixture(&fixture);
}

Test(udp_reply, one_that_is_given_back_waits_for_nothing)
{
	struct fixture fixture;
	struct broker_request request;
	struct udp_reply *reply, *other;
	struct addr from, elsewhere;

	open_fixture(&fixture);
	elsewhere = fixture.dst;
	elsewhere.port++;
	reply = udp_reply_take(fixture.replies, IFINDEX, &fixture.dst, 1);
	cr_assert_not_null(reply);
	cr_expect_null(udp_reply_take(fixture.replies, IFINDEX, &elsewhere, 1), "one there may be");
	send_one(&fixture, reply, "lost");
	cr_assert(take_wish(&fixture, &request));
	udp_reply_give(fixture.replies, reply);
	other = udp_reply_take(fixture.replies, IFINDEX, &elsewhere, 1);
	cr_expect_not_null(other);
	answer(&fixture, &request, open_socket(&from));
	cr_expect_eq(fixture.sent, 0);
	udp_reply_give(fixture.replies, other);
	close_fixture(&fixture);
}
