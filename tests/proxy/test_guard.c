/* SPDX-License-Identifier: MIT */
#include "proxy/guard.h"

#include "config/config.h"
#include "proxy/own_addrs.h"
#include "tests/flow/namespace.h"

#include <criterion/criterion.h>
#include <event2/event.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static bool
refuses(const struct config *config, const char *dst, struct verdict *verdict)
{
	struct addr addr;

	*verdict = (struct verdict){0};
	cr_assert_eq(addr_parse(&addr, dst, 443, NULL), 0, "%s", dst);
	return guard_refuses(config, NULL, &addr, verdict);
}

Test(guard, refuses_what_is_not_public_in_every_written_form)
{
	static const char *const rows[] = {"127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3",
	    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "169.254.1.1",
	    "169.254.169.254", "224.0.0.1", "239.255.255.255", "255.255.255.255", "240.0.0.1",
	    "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1",
	    "::ffff:10.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1",
	    "64:ff9b::169.254.169.254", "2002:7f00:1::", "2002:a00:1::1", "2002:a9fe:a9fe::"};
	struct config config = {0};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct verdict verdict;

		cr_assert(refuses(&config, rows[i], &verdict), "%s", rows[i]);
		cr_expect_eq(verdict.result, RESULT_BLOCK);
		cr_expect_eq(verdict.stage, VERDICT_ADDRESS);
		cr_expect_str_eq(verdict.ruleset, "appliance");
		cr_expect_neq(verdict.rule[0], '\0');
		cr_expect_neq(verdict.why[0], '\0');
	}
}

Test(guard, leaves_what_is_public_to_the_rules)
{
	static const char *const rows[] = {"1.1.1.1", "47.91.0.1", "172.32.0.1", "9.255.255.255",
	    "11.0.0.0", "100.128.0.1", "223.255.255.255", "2a01:4f8::1", "::ffff:1.1.1.1",
	    "64:ff9b::1.1.1.1"};
	struct config config = {0};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct verdict verdict;

		cr_expect_not(refuses(&config, rows[i], &verdict), "%s", rows[i]);
		cr_expect_eq(verdict.result, RESULT_OBSERVE, "the verdict is as it was");
	}
}

Test(guard, opens_the_private_blocks_that_are_named_and_nothing_else)
{
	struct config config = {0};
	struct verdict verdict;

	cr_assert_eq(prefix_parse(&config.gateway.allow_private[0], "10.1.0.0/16", NULL), 0);
	cr_assert_eq(prefix_parse(&config.gateway.allow_private[1], "127.0.0.0/8", NULL), 0);
	cr_assert_eq(prefix_parse(&config.gateway.allow_private[2], "169.254.0.0/16", NULL), 0);
	config.gateway.allow_private_count = 3;
	cr_expect_not(refuses(&config, "10.1.2.3", &verdict));
	cr_expect_not(refuses(&config, "::ffff:10.1.2.3", &verdict));
	cr_expect(refuses(&config, "10.2.0.1", &verdict));
	cr_expect(refuses(&config, "192.168.0.1", &verdict));
	cr_expect(refuses(&config, "127.0.0.1", &verdict), "loopback is never opened");
	cr_expect(refuses(&config, "169.254.169.254", &verdict), "nor is a metadata service");
}

/* ---- the appliance's own addresses ---- */

static void
set_loopback(bool up)
{
	struct ifreq request = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	request.ifr_flags = up ? IFF_UP : 0;
	cr_assert_eq(ioctl(fd, SIOCSIFFLAGS, &request), 0);
	(void)close(fd);
}

static bool
has(const struct own_addrs *own, struct event_base *base, const char *text)
{
	struct addr addr;

	cr_assert_eq(addr_parse(&addr, text, 0, NULL), 0);
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
	return own_addrs_has(own, &addr);
}

Test(guard, knows_the_box_as_it_changes)
{
	struct config config = {0};
	struct event_base *base = event_base_new();
	struct own_addrs *own;
	struct addr addr;
	struct verdict verdict = {0};

	if (!namespace_enter())
		cr_skip("no network namespace can be made here: run the tests as root");
	own = own_addrs_open(base, NULL);
	cr_assert_not_null(own);
	cr_expect(has(own, base, "127.0.0.1"));
	cr_expect_not(has(own, base, "203.0.114.10"), "a route is no address");
	set_loopback(false);
	cr_expect_not(has(own, base, "::1"));
	set_loopback(true);
	cr_expect(has(own, base, "::1"));
	cr_assert_eq(addr_parse(&addr, "[64:ff9b::127.0.0.1]:443", 0, NULL), 0);
	cr_expect(guard_refuses(&config, own, &addr, &verdict));
	cr_expect_str_eq(verdict.rule, "own-address", "through a translator too");
	own_addrs_close(own);
	own_addrs_close(NULL);
	event_base_free(base);
}

Test(guard, an_address_on_two_interfaces_is_the_boxs_until_the_last_has_lost_it)
{
	struct event_base *base = event_base_new();
	struct own_addrs *own;

	if (!namespace_enter() ||
	    system("ip link add one type veth peer name two && ip link set one up && "
		   "ip link set two up") != 0)
		cr_skip("no network namespace can be made here: run the tests as root");
	own = own_addrs_open(base, NULL);
	cr_assert_not_null(own);
	cr_assert_eq(system("ip addr add 203.0.114.10/32 dev one"), 0);
	cr_assert_eq(system("ip addr add 203.0.114.10/32 dev two"), 0);
	cr_expect(has(own, base, "203.0.114.10"));
	cr_assert_eq(system("ip addr del 203.0.114.10/32 dev two"), 0);
	cr_expect(has(own, base, "203.0.114.10"), "it is on the other one still");
	cr_assert_eq(system("ip addr del 203.0.114.10/32 dev one"), 0);
	cr_expect_not(has(own, base, "203.0.114.10"));
	own_addrs_close(own);
	event_base_free(base);
}
