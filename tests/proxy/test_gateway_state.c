/* SPDX-License-Identifier: MIT */
#include "proxy/gateway_state.h"

#include "base/err.h"
#include "base/text.h"
#include "tests/proxy/netns.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <string.h>

static const struct gateway_plan plan = {.mode = GATEWAY_TPROXY,
    .listen_port = 8443,
    .cameras = {"cam0", "cam1"},
    .cameras_count = 2,
    .udp_ports = {40001, 40002},
    .udp_count = 2};

/* Rules are named by handles. */
#define DELETE_THE_DROP                                                                            \
	"nft delete rule inet borderlens forward handle "                                          \
	"$(nft -a list table inet borderlens | sed -n 's/.*\"forward_from\" drop # handle //p')"

struct look {
	uint8_t print[GATEWAY_PRINT_BYTES];
};

static struct gateway_state *
state_new(void)
{
	struct err err = {0};
	struct gateway_state *state;

	netns_make();
	state = gateway_state_open(&err);
	cr_assert_not_null(state, "%s", err.text);
	return state;
}

static struct look
look_at(struct gateway_state *state)
{
	struct look look;
	struct err err = {0};

	cr_assert_eq(gateway_state_print(state, look.print, &err), 0, "%s", err.text);
	return look;
}

static void
set(const struct gateway_plan *to)
{
	struct err err = {0};

	cr_assert_eq(gateway_set(to, &err), 0, "%s", err.text);
}

static bool
is_same(const struct look *a, const struct look *b)
{
	return memcmp(a->print, b->print, sizeof(a->print)) == 0;
}

Test(gateway_state, is_the_same_however_often_it_is_loaded, .timeout = 60)
{
	struct gateway_state *state = state_new();
	struct gateway_plan other = plan;
	struct look first, again;

	set(&plan);
	first = look_at(state);
	cr_assert_eq(system("nft add table inet others"), 0);
	set(&plan);
	again = look_at(state);
	cr_expect(is_same(&first, &again));
	other.udp_ports[1]++;
	set(&other);
	again = look_at(state);
	cr_expect_not(is_same(&first, &again));
	gateway_state_close(state);
}

Test(gateway_state, sees_every_change, .timeout = 60)
{
	static const char *const changes[] = {
	    "nft flush chain inet borderlens from_camera",
	    "nft flush chain inet borderlens udp0",
	    "nft insert rule inet borderlens from_camera accept",
	    "nft insert rule inet borderlens forward iifname cam0 accept",
	    DELETE_THE_DROP,
	    "nft add chain inet borderlens more",
	    "nft delete chain inet borderlens prerouting",
	    "nft 'delete element inet borderlens cameras { \"cam1\" }'",
	    "nft 'add element inet borderlens cameras { \"eth0\" }'",
	    "nft 'add table inet borderlens { flags dormant; }'",
	};
	struct gateway_state *state = state_new();
	struct look first, now;

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		set(&plan);
		first = look_at(state);
		cr_assert_eq(system(changes[i]), 0, "%s", changes[i]);
		now = look_at(state);
		cr_expect_not(is_same(&first, &now), "%s", changes[i]);
	}
	gateway_state_close(state);
}

Test(gateway_state, tells_that_there_is_no_table, .timeout = 60)
{
	static struct drops_count counts[DROPS_ROWS_MAX];
	struct gateway_state *state = state_new();
	struct look look;
	struct err err = {0};
	size_t count = 1;

	cr_assert_eq(system("nft add table inet borderlens2; nft add table ip borderlens"), 0);
	cr_expect_eq(gateway_state_print(state, look.print, &err), -1);
	cr_expect_eq(err.kind, ERR_INPUT);
	cr_expect_eq(gateway_state_counts(state, counts, &count, &err), 0, "%s", err.text);
	cr_expect_eq(count, 0);
	set(&plan);
	cr_expect_eq(gateway_state_counts(state, counts, &count, &err), 0, "%s", err.text);
	cr_expect_eq(count, 0);
	(void)look_at(state);
	cr_assert_eq(system("nft flush ruleset"), 0);
	cr_expect_eq(gateway_state_print(state, look.print, &err), -1);
	cr_expect_eq(err.kind, ERR_INPUT);
	gateway_state_close(state);
}

Test(gateway_state, is_told_of_changes, .timeout = 60)
{
	struct gateway_state *state = state_new();
	struct pollfd fd = {gateway_state_fd(state), POLLIN, 0};

	gateway_state_drain(state);
	cr_expect_eq(poll(&fd, 1, 0), 0);
	set(&plan);
	cr_expect_eq(poll(&fd, 1, 5000), 1);
	gateway_state_drain(state);
	cr_expect_eq(poll(&fd, 1, 0), 0);
	cr_assert_eq(system("nft flush ruleset"), 0);
	cr_expect_eq(poll(&fd, 1, 5000), 1);
	gateway_state_close(state);
}

/* As the rules fill it. */
Test(gateway_state, reads_what_the_sets_counted, .timeout = 60)
{
	static struct drops_count counts[DROPS_ROWS_MAX];
	struct gateway_state *state = state_new();
	struct err err = {0};
	size_t count = 0;
	struct addr camera;

	set(&plan);
	cr_assert_eq(
	    system(
		"nft 'add element inet borderlens unseen4 "
		"{ \"cam0\" . 02:00:00:00:00:01 . 192.0.2.7 . 2 counter packets 5 bytes 700 }' && "
		"nft 'add element inet borderlens unseen6 "
		"{ \"cam1\" . 02:00:00:00:00:02 . 2001:db8::7 . 0x10001 counter packets 1 bytes 2 }' && "
		"nft 'add element inet borderlens unseen4 "
		"{ \"cam0\" . 02:00:00:00:00:01 . 192.0.2.8 . 99 counter packets 1 bytes 2 }'"),
	    0);
	cr_assert_eq(gateway_state_counts(state, counts, &count, &err), 0, "%s", err.text);
	cr_assert_eq(count, 2, "no such kind");
	cr_assert_eq(addr_parse(&camera, "192.0.2.7", 0, NULL), 0);
	cr_expect_arr_eq(counts[0].key.ip, camera.ip, 16);
	cr_expect_arr_eq(counts[0].key.mac, "\2\0\0\0\0\1", 6);
	cr_expect_str_eq(counts[0].key.iface, "cam0");
	cr_expect_eq(counts[0].key.kind, ANOMALY_GRE);
	cr_expect_eq(counts[0].packets, 5);
	cr_expect_eq(counts[0].bytes, 700);
	cr_assert_eq(addr_parse(&camera, "2001:db8::7", 0, NULL), 0);
	cr_expect_arr_eq(counts[1].key.ip, camera.ip, 16);
	cr_expect_str_eq(counts[1].key.iface, "cam1");
	cr_expect_eq(counts[1].key.kind, ANOMALY_ICMP, "others' half of the mark does not count");
	gateway_state_close(state);
}
