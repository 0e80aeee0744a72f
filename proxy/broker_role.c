/* SPDX-License-Identifier: MIT */
#include "proxy/broker_role.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/ipc.h"
#include "base/log.h"
#include "base/text.h"
#include "proxy/board.h"
#include "proxy/broker.h"
#include "proxy/broker_wish.h"
#include "proxy/neighbour_search.h"
#include "proxy/own_addrs.h"
#include "proxy/rules_keeper.h"
#include "proxy/sandbox.h"
#include "proxy/unreachable.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <linux/filter.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BEAT_MS = 200,
	TURN_MAX = 64, /* wishes of one worker before it is the next one's turn */
	UNREACHABLE_AT_ONCE = 200,
	CARDS_AT_ONCE = 200,
	COST = 1000, /* of one message; an allowance grows by the rate a millisecond */
	PORT_DNS = 53,
	PORT_NTP = 123,
};

struct broker_role;

/* How much a worker may cause now. */
struct allowance {
	uint64_t left; /* messages, times COST */
	uint64_t filled_ms;
};

/* One worker, as the broker sees it. */
struct wisher {
	struct broker_role *role;
	struct event event;
	int fd; /* borrowed */
	struct allowance unreachable, cards;
};

struct broker_role {
	const struct gateway_plan *plan;
	struct event_base *base;
	struct event control, tick;
	struct own_addrs *own;
	struct rules_keeper *keeper; /* NULL: the rules are somebody else's */
	struct board *board;
	int raw4, raw6; /* of IP packets with their headers; -1: none */
	int search;     /* neighbour_search_open; -1: none */
	size_t count;
	struct wisher wishers[CONFIG_WORKERS_MAX];
};

/* ---- checks ---- */

/* Binds fd to the interface, of which the kernel then knows the name. */
static int
bind_to_cameras(const struct broker_role *role, int fd, uint32_t iface, struct err *err)
{
	const int index = (int)iface;
	char name[IFNAMSIZ] = "";
	socklen_t size = sizeof(name);

	if (iface == 0 || iface > INT32_MAX)
		return err_set(err, ERR_INPUT, "no interface");
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &index, sizeof(index)) != 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &size) != 0)
		return err_sys(err, "interface %u", (unsigned)iface);
	for (size_t i = 0; i < role->plan->cameras_count; i++) {
		if (strncmp(role->plan->cameras[i], name, IFNAMSIZ) == 0)
			return 0;
	}
	return err_set(err, ERR_INPUT, "no interface of cameras");
}

/* But where the box itself answers (DNS, NTP): cameras are told of it by DHCP. */
static int
check_own(const struct broker_role *role, const struct addr *dst, struct err *err)
{
	if (own_addrs_has(role->own, dst) && dst->port != PORT_DNS && dst->port != PORT_NTP)
		return err_set(err, ERR_INPUT, "the appliance's own address");
	return 0;
}

/* ---- a socket to answer from ---- */

/* It only sends: what a camera sends comes to the workers' own sockets. */
static int
let_nothing_in(int fd, struct err *err)
{
	struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
	struct sock_fprog program = {.len = 1, .filter = code};
	const int on = 1, least = 0;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least));
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on)) != 0)
		return err_sys(err, "SO_ATTACH_FILTER");
	return 0;
}

/* Workers answer from the same address, each with a socket of its own. */
static int
be_somebody_else(int fd, int family, struct err *err)
{
	const int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
		return err_sys(err, "SO_REUSEADDR");
	if (family == AF_INET6)
		return setsockopt(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, &on, sizeof(on)) == 0
			   ? 0
			   : err_sys(err, "IPV6_TRANSPARENT");
	return setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof(on)) == 0
		   ? 0
		   : err_sys(err, "IP_TRANSPARENT");
}

static int
open_socket(const struct broker_role *role, const struct broker_request *request, struct err *err)
{
	struct sockaddr_storage at;
	socklen_t size = addr_to_sockaddr(&request->dst, &at);
	int fd;

	if (broker_wish_check(request, err) != 0 || check_own(role, &request->dst, err) != 0)
		return -1;
	fd = socket(at.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(err, "socket");
	if (let_nothing_in(fd, err) != 0 || bind_to_cameras(role, fd, request->iface, err) != 0 ||
	    be_somebody_else(fd, at.ss_family, err) != 0)
		goto out;
	if (bind(fd, (struct sockaddr *)&at, size) == 0)
		return fd;
	(void)err_sys(err, "bind");
out:
	(void)close(fd);
	return -1;
}

static void
give_socket(struct wisher *wisher, const struct broker_request *request)
{
	struct broker_answer answer;
	struct err err = {0};
	int fd = open_socket(wisher->role, request, &err);

	memset(&answer, 0, sizeof(answer));
	answer.saying = BROKER_ANSWER;
	answer.id = request->id;
	if (fd < 0)
		text_copy(answer.why, sizeof(answer.why), err.text);
	/* Whom it does not reach now asks again. */
	(void)ipc_send_fds(wisher->fd, &answer, sizeof(answer), &fd, fd >= 0 ? 1 : 0, NULL);
	if (fd >= 0)
		(void)close(fd);
}

/* ---- nobody is there ---- */

/* One more message, of so many at once and a_second. */
static bool
may_send(struct allowance *allowance, uint64_t at_once, uint64_t a_second)
{
	const uint64_t most = at_once * COST;
	uint64_t now_ms = clock_mono_ms();
	uint64_t more = (now_ms - allowance->filled_ms) * a_second;

	allowance->filled_ms = now_ms;
	allowance->left = more > most - allowance->left ? most : allowance->left + more;
	if (allowance->left < COST)
		return false;
	allowance->left -= COST;
	return true;
}

static void
send_unreachable(struct wisher *wisher, const struct broker_request *request)
{
	struct broker_role *role = wisher->role;
	const struct unreachable what = {&request->camera, &request->dst, request->size,
	    {request->head, request->head_size}};
	struct addr to = request->camera;
	uint8_t packet[UNREACHABLE_MAX];
	struct sockaddr_storage at;
	int fd = addr_is_v4(&to) ? role->raw4 : role->raw6;
	socklen_t at_size;

	if (fd < 0 || broker_wish_check(request, NULL) != 0 ||
	    check_own(role, &request->dst, NULL) != 0 ||
	    bind_to_cameras(role, fd, request->iface, NULL) != 0 ||
	    !may_send(&wisher->unreachable, UNREACHABLE_AT_ONCE, BROKER_UNREACHABLE_A_SECOND))
		return;
	to.port = 0; /* of a raw socket it would be a protocol (raw(7)) */
	at_size = addr_to_sockaddr(&to, &at);
	(void)sendto(fd, packet, unreachable_packet(&what, packet), 0, (struct sockaddr *)&at,
	    at_size);
}

/* ---- whose card is there ---- */

static void
find_card(struct wisher *wisher, const struct broker_request *request)
{
	const struct broker_role *role = wisher->role;

	if (role->search < 0 || broker_wish_check(request, NULL) != 0 ||
	    own_addrs_has(role->own, &request->camera) ||
	    bind_to_cameras(role, role->search, request->iface, NULL) != 0 ||
	    !may_send(&wisher->cards, CARDS_AT_ONCE, BROKER_CARDS_A_SECOND))
		return;
	neighbour_search(role->search, request->iface, &request->camera);
}

/* ---- wishes ---- */

/* Of all workers the first one alone is. */
static bool
is_told(const struct wisher *wisher)
{
	return wisher->role->keeper != NULL && wisher == &wisher->role->wishers[0];
}

static void
grant(struct wisher *wisher, const struct broker_request *request)
{
	switch ((enum broker_wish)request->wish) {
	case BROKER_SOCKET:
		give_socket(wisher, request);
		return;
	case BROKER_UNREACHABLE:
		send_unreachable(wisher, request);
		return;
	case BROKER_TOLD:
		if (is_told(wisher))
			rules_keeper_told(wisher->role->keeper, &request->told, request->until_us);
		return;
	case BROKER_CARD:
		find_card(wisher, request);
		return;
	}
}

static void
on_wish(evutil_socket_t fd, short what, void *arg)
{
	struct wisher *wisher = arg;

	(void)what;
	for (int i = 0; i < TURN_MAX; i++) {
		struct broker_request bytes, request;
		struct err err = {0};
		ssize_t size = ipc_receive(fd, &bytes, sizeof(bytes), &err);

		if (size == 0)
			return;
		if (size < 0 ||
		    broker_wish_read((struct bytes){(const uint8_t *)&bytes, (size_t)size},
			&request, &err) != 0)
			log_warn("a worker's wish is lost: %s", err.text);
		else
			grant(wisher, &request);
		if (size < 0)
			return;
	}
}

/* ---- life ---- */

/* The supervisor says nothing to the broker: all that can come is its end. */
static void
on_control(evutil_socket_t fd, short what, void *arg)
{
	struct broker_role *role = arg;
	char byte;

	(void)what;
	if (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT) == 0)
		(void)event_base_loopbreak(role->base);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct broker_role *role = arg;

	(void)fd;
	(void)what;
	atomic_store_explicit(&role->board->broker_beat_ms, clock_mono_ms(), memory_order_relaxed);
	if (role->keeper != NULL)
		rules_keeper_turn(role->keeper, clock_mono_ms());
}

static void
on_changed(void *arg)
{
	struct broker_role *role = arg;

	(void)event_base_loopbreak(role->base);
}

static int
open_keeper(struct broker_role *role, const struct broker_setup *setup, struct err *err)
{
	const struct rules_keeper_setup keeper = {.base = role->base,
	    .plan = setup->plan,
	    .print = setup->print,
	    .drops = setup->drops,
	    .worker = setup->worker[0],
	    .every_ms = setup->anomalies_ms,
	    .board = role->board,
	    .changed = on_changed,
	    .arg = role};

	if (setup->drops < 0)
		return 0;
	role->keeper = rules_keeper_open(&keeper, err);
	return role->keeper != NULL ? 0 : -1;
}

static int
open_raw(int family)
{
	int fd = socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_RAW);

	/* A host may be without IPv6. */
	if (fd < 0 && errno != EAFNOSUPPORT)
		log_warn("cameras cannot be told of what is refused (needs CAP_NET_RAW): %s",
		    strerror(errno));
	return fd;
}

static int
watch_worker(struct broker_role *role, struct wisher *wisher, int fd)
{
	wisher->role = role;
	wisher->fd = fd;
	wisher->unreachable =
	    (struct allowance){(uint64_t)UNREACHABLE_AT_ONCE * COST, clock_mono_ms()};
	wisher->cards = (struct allowance){(uint64_t)CARDS_AT_ONCE * COST, clock_mono_ms()};
	if (fd < 0)
		return 0;
	if (event_assign(&wisher->event, role->base, fd, EV_READ | EV_PERSIST, on_wish, wisher) !=
	    0)
		return -1;
	return event_add(&wisher->event, NULL);
}

static int
set_up(struct broker_role *role, const struct broker_setup *setup, struct err *err)
{
	const struct timeval every = clock_span(BEAT_MS);

	role->plan = setup->plan;
	role->count = setup->worker_count;
	role->board = board_map(setup->board, err);
	if (role->board == NULL)
		return -1;
	role->base = event_base_new();
	if (role->base == NULL)
		return err_set(err, ERR_NOMEM, "no event loop");
	role->own = own_addrs_open(role->base, err);
	if (role->own == NULL || open_keeper(role, setup, err) != 0)
		return -1;
	role->raw4 = open_raw(AF_INET);
	role->raw6 = open_raw(AF_INET6);
	role->search = neighbour_search_open(err);
	if (role->search < 0)
		return -1;
	for (size_t i = 0; i < role->count; i++) {
		if (watch_worker(role, &role->wishers[i], setup->worker[i]) != 0)
			return err_set(err, ERR_NOMEM, "no memory");
	}
	if (event_assign(&role->control, role->base, setup->control, EV_READ | EV_PERSIST,
		on_control, role) != 0 ||
	    event_assign(&role->tick, role->base, -1, EV_PERSIST, on_tick, role) != 0 ||
	    event_add(&role->control, NULL) != 0 || event_add(&role->tick, &every) != 0)
		return err_set(err, ERR_NOMEM, "no memory");
	return 0;
}

static void
tear_down(struct broker_role *role)
{
	rules_keeper_close(role->keeper);
	own_addrs_close(role->own);
	if (role->raw4 >= 0)
		(void)close(role->raw4);
	if (role->raw6 >= 0)
		(void)close(role->raw6);
	if (role->search >= 0)
		(void)close(role->search);
	if (role->base != NULL)
		event_base_free(role->base);
	free(role);
}

static int
serve(struct broker_role *role)
{
	const char *missing = "";
	struct err err = {0};

	if (sandbox_enter(ROLE_BROKER, NULL, &missing, &err) != 0) {
		log_error("the sandbox cannot be set up: %s", err.text);
		return 1;
	}
	if (missing[0] != '\0')
		log_warn("this kernel has no %s", missing);
	on_tick(-1, 0, role);
	return event_base_dispatch(role->base) < 0 ? 1 : 0;
}

int
broker_run(const struct broker_setup *setup)
{
	struct broker_role *role = calloc(1, sizeof(*role));
	struct err err = {0};
	int ret = 1;

	log_open("broker", LOG_LEVEL_INFO);
	if (role == NULL)
		return 1;
	role->raw4 = role->raw6 = role->search = -1;
	if (set_up(role, setup, &err) == 0)
		ret = serve(role);
	else
		log_error("cannot start: %s", err.text);
	tear_down(role);
	return ret;
}
