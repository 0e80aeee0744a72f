/* SPDX-License-Identifier: MIT */
#include "proxy/broker.h"

#include "base/err.h"
#include "base/ipc.h"
#include "base/text.h"
#include "proxy/board.h"
#include "proxy/broker_role.h"
#include "proxy/broker_wire.h"
#include "tests/proxy/netns.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <event2/event.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/* A worker's side, and what it was told last. */
struct asked {
	struct event_base *base;
	struct broker *broker;
	int ends[2]; /* the worker's, the broker's */
	int answers, fd;
	struct err why;
};

static void
on_done(void *arg, int fd, const struct err *why)
{
	struct asked *asked = arg;

	asked->answers++;
	asked->fd = fd;
	asked->why = *why;
	(void)event_base_loopbreak(asked->base);
}

static void
open_asked(struct asked *asked)
{
	struct err err = {0};

	*asked = (struct asked){.base = event_base_new(), .fd = -1};
	cr_assert_eq(ipc_pair(asked->ends, &err), 0, "%s", err.text);
	asked->broker = broker_new(asked->base, asked->ends[0], &err);
	cr_assert_not_null(asked->broker, "%s", err.text);
}

static void
close_asked(struct asked *asked)
{
	broker_free(asked->broker);
	event_base_free(asked->base);
	(void)close(asked->ends[0]);
	(void)close(asked->ends[1]);
}

static struct addr
addr_of(const char *text)
{
	struct addr addr;

	cr_assert_eq(addr_parse(&addr, text, 0, NULL), 0, "%s", text);
	return addr;
}

static void
ask(struct asked *asked, struct broker_waiter *waiter, unsigned iface, const char *dst)
{
	const struct addr to = addr_of(dst);
	struct err err = {0};

	*waiter = (struct broker_waiter){.done = on_done, .arg = asked};
	cr_assert_eq(broker_ask(asked->broker, waiter, iface, &to, &err), 0, "%s", err.text);
}

/* ---- the worker's side, against a broker that does as the test says ---- */

static struct broker_request
take_wish(struct asked *asked)
{
	struct broker_request request;

	cr_assert_eq(ipc_receive(asked->ends[1], &request, sizeof(request), NULL),
	    (ssize_t)sizeof(request));
	return request;
}

static void
answer(struct asked *asked, uint64_t id, const char *why)
{
	struct broker_answer said = {.saying = BROKER_ANSWER, .id = id};
	int fd = asked->ends[1];

	text_copy(said.why, sizeof(said.why), why);
	cr_assert_eq(ipc_send_fds(asked->ends[1], &said, sizeof(said), &fd, why[0] == '\0', NULL),
	    1);
}

Test(broker, hands_over_the_socket_that_was_asked_for)
{
	struct broker_waiter one, other;
	struct broker_request first, second;
	struct asked asked;

	open_asked(&asked);
	ask(&asked, &one, 3, "203.0.113.7:53");
	ask(&asked, &other, 4, "[2001:db8::7]:123");
	first = take_wish(&asked);
	second = take_wish(&asked);
	cr_expect_eq(first.iface, 3);
	cr_expect_eq(second.iface, 4);
	cr_expect_eq(second.dst.port, 123);
	answer(&asked, second.id, "");
	(void)event_base_dispatch(asked.base);
	cr_expect_eq(asked.answers, 1);
	cr_assert_geq(asked.fd, 0);
	(void)close(asked.fd);
	answer(&asked, first.id, "not today");
	(void)event_base_dispatch(asked.base);
	cr_expect_eq(asked.answers, 2);
	cr_expect_eq(asked.fd, -1);
	cr_expect_str_eq(asked.why.text, "not today");
	close_asked(&asked);
}

Test(broker, takes_no_answer_for_one_who_left)
{
	struct broker_waiter waiter;
	struct asked asked;
	uint64_t id;

	open_asked(&asked);
	ask(&asked, &waiter, 3, "203.0.113.7:53");
	id = take_wish(&asked).id;
	broker_forget(asked.broker, &waiter);
	broker_forget(asked.broker, &waiter);
	answer(&asked, id, "");
	(void)event_base_loop(asked.base, EVLOOP_NONBLOCK);
	cr_expect_eq(asked.answers, 0);
	close_asked(&asked);
}

Test(broker, asks_again_and_gives_up, .timeout = 20)
{
	struct broker_waiter waiter;
	struct asked asked;
	int wishes = 0;
	struct broker_request request;

	open_asked(&asked);
	ask(&asked, &waiter, 3, "203.0.113.7:53");
	(void)event_base_dispatch(asked.base);
	cr_expect_eq(asked.answers, 1);
	cr_expect_eq(asked.fd, -1);
	while (ipc_receive(asked.ends[1], &request, sizeof(request), NULL) > 0)
		wishes++;
	cr_expect_eq(wishes, 6, "%d", wishes);
	close_asked(&asked);
}

Test(broker, lets_only_so_many_wait)
{
	static struct broker_waiter waiters[BROKER_WAITS_MAX + 1];
	const struct addr to = addr_of("203.0.113.7:53");
	struct asked asked;

	open_asked(&asked);
	for (size_t i = 0; i < BROKER_WAITS_MAX; i++)
		ask(&asked, &waiters[i], 3, "203.0.113.7:53");
	cr_expect_eq(broker_ask(asked.broker, &waiters[BROKER_WAITS_MAX], 3, &to, NULL), -1);
	for (size_t i = 0; i < BROKER_WAITS_MAX; i++)
		broker_forget(asked.broker, &waiters[i]);
	close_asked(&asked);
}

/* ---- the real one ---- */

struct real {
	struct asked asked;
	struct gateway_plan plan;
	struct board *board;
	int control[2], board_fd;
	pid_t pid;
};

static void
start_real(struct real *real)
{
	struct broker_setup setup = {.plan = &real->plan, .worker_count = 1, .drops = -1};
	struct err err = {0};

	open_asked(&real->asked);
	real->plan = (struct gateway_plan){.cameras_count = 1};
	text_copy(real->plan.cameras[0], 16, "cam0");
	cr_assert_eq(ipc_pair(real->control, &err), 0);
	real->board_fd = board_create(&err);
	real->board = board_map(real->board_fd, &err);
	cr_assert_not_null(real->board, "%s", err.text);
	setup.worker[0] = real->asked.ends[1];
	setup.control = real->control[1];
	setup.board = real->board_fd;
	real->pid = fork();
	if (real->pid == 0) {
		(void)close(real->control[0]);
		_exit(broker_run(&setup));
	}
}

static void
end_real(struct real *real)
{
	int status;

	(void)close(real->control[0]);
	cr_assert_eq(waitpid(real->pid, &status, 0), real->pid);
	cr_expect_eq(status, 0, "it ends when the supervisor does");
	(void)close(real->control[1]);
	(void)close(real->board_fd);
	close_asked(&real->asked);
}

static void
make_net(void)
{
	netns_make();
	cr_assert_eq(system("ip link add cam0 type veth peer name cam1 && "
			    "ip link add wan0 type veth peer name wan1 && "
			    "ip link set cam1 up && ip link set wan1 up && "
			    "ip addr add 10.9.0.1/24 dev cam0 && "
			    "ip addr add fd09::1/64 dev cam0 nodad && "
			    "ip link set cam0 up && ip link set wan0 up"),
	    0);
}

static void
ask_real(struct real *real, const char *iface, const char *dst)
{
	struct broker_waiter waiter;

	ask(&real->asked, &waiter, iface[0] != '\0' ? if_nametoindex(iface) : 0, dst);
	(void)event_base_dispatch(real->asked.base);
}

static void
expect_bound(int fd, const char *expected)
{
	struct sockaddr_storage name;
	socklen_t size = sizeof(name);
	char text[ADDR_TEXT_MAX], iface[IFNAMSIZ];
	struct addr at;

	cr_assert_eq(getsockname(fd, (struct sockaddr *)&name, &size), 0);
	cr_assert(addr_from_sockaddr(&at, &name));
	cr_expect_str_eq(addr_text_port(&at, text), expected);
	size = sizeof(iface);
	cr_assert_eq(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, iface, &size), 0);
	cr_expect_str_eq(iface, "cam0");
}

Test(broker, makes_sockets_of_addresses_that_are_not_ours, .timeout = 60)
{
	static const char *const dsts[] = {"198.41.0.4:53", "[2001:500:2::c]:53", "10.1.2.3:9000",
	    "10.9.0.1:53", "[fd09::1]:123", "8.8.8.8:65535", "192.0.2.53:53"};
	struct real real;

	make_net();
	start_real(&real);
	for (size_t i = 0; i < sizeof(dsts) / sizeof(dsts[0]); i++) {
		ask_real(&real, "cam0", dsts[i]);
		cr_assert_geq(real.asked.fd, 0, "%s: %s", dsts[i], real.asked.why.text);
		expect_bound(real.asked.fd, dsts[i]);
		ask_real(&real, "cam0", dsts[i]);
		cr_assert_geq(real.asked.fd, 0, "once more, for another worker");
	}
	cr_expect_gt(real.board->broker_beat_ms, 0);
	end_real(&real);
}

Test(broker, refuses_what_no_worker_may_have, .timeout = 60)
{
	static const struct {
		const char *iface, *dst;
	} rows[] = {
	    {"cam0", "8.8.8.8:0"},
	    {"cam0", "10.9.0.1:67"},
	    {"cam0", "10.9.0.1:9000"},
	    {"cam0", "[fd09::1]:547"},
	    {"cam0", "192.0.2.53:80"},
	    {"cam0", "127.0.0.1:53"},
	    {"cam0", "[::1]:53"},
	    {"cam0", "0.0.0.0:67"},
	    {"cam0", "[::]:67"},
	    {"cam0", "224.0.0.251:5353"},
	    {"cam0", "[ff02::fb]:5353"},
	    {"cam0", "255.255.255.255:67"},
	    {"cam0", "169.254.169.254:80"},
	    {"cam0", "[fe80::1]:53"},
	    {"wan0", "8.8.8.8:53"},
	    {"lo", "8.8.8.8:53"},
	    {"", "8.8.8.8:53"},
	};
	struct real real;

	make_net();
	start_real(&real);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ask_real(&real, rows[i].iface, rows[i].dst);
		cr_expect_eq(real.asked.fd, -1, "%s on %s", rows[i].dst, rows[i].iface);
	}
	end_real(&real);
}

/* Whether the kernel looks for the card at an address of cam0's network. */
static bool
is_looked_for(const char *address)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "ip neigh show %s | grep -q .", address);
	return system(command) == 0;
}

Test(broker, has_the_kernel_look_for_a_camera_and_for_nobody_else, .timeout = 60)
{
	const struct addr camera = addr_of("10.9.0.9:5000"), v6 = addr_of("[fd09::9]:5000");
	const struct addr own = addr_of("10.9.0.1:5000"), elsewhere = addr_of("10.8.0.9:5000");
	struct real real;

	make_net();
	cr_assert_eq(system("ip addr add 10.8.0.1/24 dev wan0"), 0);
	start_real(&real);
	broker_find_card(real.asked.broker, if_nametoindex("wan0"), &elsewhere);
	broker_find_card(real.asked.broker, if_nametoindex("cam0"), &own);
	broker_find_card(real.asked.broker, if_nametoindex("cam0"), &camera);
	broker_find_card(real.asked.broker, if_nametoindex("cam0"), &v6);
	/* Wishes are granted in their order: an answer to this one says that all were. */
	ask_real(&real, "cam0", "8.8.8.8:53");
	cr_expect(is_looked_for("10.9.0.9"));
	cr_expect(is_looked_for("fd09::9"));
	cr_expect_not(is_looked_for("10.9.0.1"));
	cr_expect_not(is_looked_for("10.8.0.9"), "its interface is no camera's");
	end_real(&real);
}
