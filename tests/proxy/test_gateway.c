/* SPDX-License-Identifier: MIT */
#include "proxy/gateway.h"

#include "base/addr.h"
#include "base/err.h"
#include "base/text.h"
#include "proxy/intake.h"
#include "proxy/routes.h"
#include "tests/proxy/netns.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <linux/in6.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PORT = 8443 };

static struct gateway_plan
plan_of(enum gateway_mode mode)
{
	struct gateway_plan plan = {.mode = mode, .listen_port = PORT, .cameras_count = 2};

	text_copy(plan.cameras[0], 16, "cam0");
	text_copy(plan.cameras[1], 16, "br-lan.20");
	return plan;
}

/* ---- the text ---- */

static const char *
rules_of(const struct gateway_plan *plan)
{
	static char rules[GATEWAY_RULES_MAX];
	struct text text = text_in(rules, sizeof(rules));
	struct err err = {0};

	cr_assert_eq(gateway_rules(plan, &text, &err), 0, "%s", err.text);
	return rules;
}

Test(gateway, replaces_its_table_in_one_transaction)
{
	struct gateway_plan plan = plan_of(GATEWAY_TPROXY);
	const char *rules = rules_of(&plan);

	cr_expect_eq(strncmp(rules, "add table inet borderlens\ndelete table inet borderlens\n",
			 strlen("add table inet borderlens\ndelete table inet borderlens\n")),
	    0);
	cr_expect_not_null(strstr(rules, "\"cam0\", \"br-lan.20\""));
}

/* A tproxy statement that finds no listener falls through. */
Test(gateway, has_the_drop_behind_the_tproxy_statement)
{
	struct gateway_plan plan = plan_of(GATEWAY_TPROXY);
	const char *tproxy = strstr(rules_of(&plan), "tproxy to :8443");

	cr_assert_not_null(tproxy);
	cr_expect_not_null(strstr(tproxy, "meta l4proto tcp counter name \"tcp_closed\" goto gap"));
	cr_expect_not_null(strstr(tproxy, "goto other_all"));
}

Test(gateway, refuses_what_is_no_interface)
{
	static const char *const names[] = {"", "a\" }", "eth*", "a b", "a;b", "a\nb", "{"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct gateway_plan plan = plan_of(GATEWAY_TPROXY);
		char rules[GATEWAY_RULES_MAX];
		struct text text = text_in(rules, sizeof(rules));
		struct err err = {0};

		text_copy(plan.cameras[1], 16, names[i]);
		cr_expect_eq(gateway_rules(&plan, &text, &err), -1, "%s", names[i]);
		cr_expect_eq(err.kind, ERR_INPUT, "%s", names[i]);
	}
}

Test(gateway, has_room_for_as_many_interfaces_and_workers_as_may_be_configured)
{
	struct gateway_plan plan = plan_of(GATEWAY_TPROXY);

	plan.udp_count = CONFIG_WORKERS_MAX;
	for (size_t i = 0; i < CONFIG_WORKERS_MAX; i++)
		plan.udp_ports[i] = UINT16_MAX;
	plan.cameras_count = CONFIG_INTERFACES_MAX;
	for (size_t i = 0; i < CONFIG_INTERFACES_MAX; i++)
		(void)snprintf(plan.cameras[i], 16, "interface-%05zu", i);
	cr_expect_lt(strlen(rules_of(&plan)), GATEWAY_RULES_MAX);
}

/* ---- the kernel ---- */

static void
set(const struct gateway_plan *plan)
{
	struct err err = {0};

	cr_assert_eq(gateway_set(plan, &err), 0, "%s", err.text);
}

static uint64_t
packets_of(const char *name)
{
	struct gateway_counter counters[GATEWAY_COUNTERS_MAX];
	struct err err = {0};
	size_t count = 0;

	cr_assert_eq(gateway_counters(counters, &count, &err), 0, "%s", err.text);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(counters[i].name, name) == 0)
			return counters[i].packets;
	}
	cr_assert_fail("no counter %s", name);
	return 0;
}

/* A camera's first datagram waits in it until it knows the gateway's MAC. */
static bool
are_counted(const char *name)
{
	for (int tries = 0; tries < 300; tries++) {
		if (packets_of(name) > 0)
			return true;
		(void)poll(NULL, 0, 10);
	}
	return false;
}

static size_t
lines_of(const char *command)
{
	FILE *pipe = popen(command, "r");
	size_t lines = 0;
	int byte;

	cr_assert_not_null(pipe);
	while ((byte = fgetc(pipe)) != EOF)
		lines += byte == '\n' ? 1 : 0;
	cr_assert_eq(pclose(pipe), 0, "%s", command);
	return lines;
}

static void
load_and_remove(enum gateway_mode mode, size_t rules)
{
	struct gateway_plan plan = plan_of(mode);
	struct gateway_counter counters[GATEWAY_COUNTERS_MAX];
	struct err err = {0};
	size_t count = 0;
	bool was_there;

	netns_make();
	set(&plan);
	set(&plan);
	cr_expect_eq(lines_of("ip rule show priority 25196"), rules, "once, however often set");
	cr_expect_eq(lines_of("ip -6 rule show priority 25196"), rules);
	cr_expect_eq(lines_of("ip rule show priority 25197"), 2, "in either mode");
	cr_expect_eq(lines_of("ip -6 rule show priority 25197"), 2);
	cr_expect_eq(gateway_counters(counters, &count, &err), 0);
	cr_expect_eq(count, 22);
	for (size_t i = 0; i < count; i++)
		cr_expect_neq(gateway_counter_help(counters[i].name)[0], '\0', "%s",
		    counters[i].name);
	cr_expect_eq(gateway_remove(&was_there, &err), 0, "%s", err.text);
	cr_expect(was_there);
	cr_expect_eq(lines_of("ip rule show priority 25196; ip -6 rule show priority 25196; "
			      "ip rule show priority 25197; ip -6 rule show priority 25197; "
			      "ip route show table all | grep -w 25196 || true"),
	    0);
	cr_expect_eq(gateway_counters(counters, &count, &err), -1);
	cr_expect_eq(gateway_remove(&was_there, &err), 0, "%s", err.text);
	cr_expect_not(was_there);
}

Test(gateway, loads_tproxy_twice_and_is_removed, .timeout = 60)
{
	load_and_remove(GATEWAY_TPROXY, 2);
}

Test(gateway, loads_redirect_twice_and_is_removed, .timeout = 60)
{
	load_and_remove(GATEWAY_REDIRECT, 0);
}

Test(gateway, changes_its_mode_and_its_interfaces, .timeout = 60)
{
	struct gateway_plan plan = plan_of(GATEWAY_TPROXY);

	netns_make();
	set(&plan);
	plan.cameras_count = 1;
	set(&plan);
	cr_expect_eq(lines_of("ip rule show priority 25196"), 1);
	plan.mode = GATEWAY_REDIRECT;
	set(&plan);
	cr_expect_eq(lines_of("ip rule show priority 25196"), 0);
	cr_expect_eq(lines_of("ip rule show priority 25197"), 1);
}

Test(gateway, is_refused_without_the_capability, .timeout = 60)
{
	struct gateway_plan plan = plan_of(GATEWAY_TPROXY);
	struct err err = {0};

	netns_make();
	cr_assert_eq(setresuid(65534, 65534, 65534), 0);
	cr_expect_eq(gateway_set(&plan, &err), -1);
	cr_expect_not_null(strstr(err.text, "not permitted"), "%s", err.text);
}

/* ---- a camera on a wire of its own ---- */

struct camera {
	pid_t pid;
	int commands; /* lines for its shell */
	int done;     /* a byte for each */
};

static void
camera_do(const struct camera *camera, const char *command)
{
	char byte;

	cr_assert_geq(dprintf(camera->commands, "%s\necho >&3\n", command), 0);
	cr_assert_eq(read(camera->done, &byte, 1), 1);
}

/* A shell in a network of its own, joined to ours by cam0. */
static struct camera
camera_join(void)
{
	struct camera camera;
	int in[2], out[2];
	char command[160];

	cr_assert_eq(pipe(in), 0);
	cr_assert_eq(pipe(out), 0);
	camera.pid = fork();
	if (camera.pid == 0) {
		(void)dup2(in[0], STDIN_FILENO);
		(void)dup2(out[1], 3);
		(void)close(in[1]);
		if (unshare(CLONE_NEWNET) == 0)
			(void)execlp("bash", "bash", NULL);
		_exit(1);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	camera.commands = in[1];
	camera.done = out[0];
	camera_do(&camera, "true"); /* it has its network from here on */
	(void)snprintf(command, sizeof(command),
	    "ip link add cam0 type veth peer name eth0 netns %d", (int)camera.pid);
	cr_assert_eq(system(command), 0);
	cr_assert_eq(system("ip addr add 10.9.0.1/24 dev cam0 && "
			    "ip addr add fd09::1/64 dev cam0 nodad && ip link set cam0 up"),
	    0);
	camera_do(&camera,
	    "ip addr add 10.9.0.2/24 dev eth0; ip addr add fd09::2/64 dev eth0 nodad;"
	    "ip link set lo up; ip link set eth0 up; ip route add default via "
	    "10.9.0.1; ip -6 route add default via fd09::1");
	return camera;
}

/* A packet of a protocol that is neither TCP, UDP nor ICMP. */
static void
camera_send_gre(const struct camera *camera, const char *server)
{
	char path[64];
	struct sockaddr_storage at;
	struct addr to;
	int status;
	pid_t pid;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)camera->pid);
	cr_assert_eq(addr_parse(&to, server, 0, NULL), 0);
	pid = fork();
	if (pid == 0) {
		int ns = open(path, O_RDONLY), fd;

		if (ns < 0 || setns(ns, CLONE_NEWNET) != 0)
			_exit(1);
		fd = socket(AF_INET, SOCK_RAW, IPPROTO_GRE);
		_exit(
		    sendto(fd, "gre", 3, 0, (struct sockaddr *)&at, addr_to_sockaddr(&to, &at)) == 3
			? 0
			: 1);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
}

static void
camera_leave(const struct camera *camera)
{
	(void)close(camera->commands);
	(void)close(camera->done);
	cr_assert_eq(waitpid(camera->pid, NULL, 0), camera->pid);
}

/* The next connection's own name, which with tproxy is where it was to go. */
static void
expect_taken(int listener, const char *expected)
{
	struct pollfd ready = {listener, POLLIN, 0};
	struct sockaddr_storage at;
	socklen_t size = sizeof(at);
	struct addr name;
	char text[ADDR_TEXT_MAX];
	int fd;

	cr_assert_eq(poll(&ready, 1, 5000), 1, "nothing came for %s", expected);
	fd = accept(listener, NULL, NULL);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	cr_assert(addr_from_sockaddr(&name, &at));
	cr_expect_str_eq(addr_text_port(&name, text), expected);
	(void)close(fd);
}

static void
intercept(const char *prepare)
{
	struct gateway_plan plan = plan_of(GATEWAY_TPROXY);
	struct camera camera;
	struct err err = {0};
	int listener;

	netns_make();
	set(&plan); /* before the interface is there */
	cr_assert_eq(intake_open(PORT, true, 1, &listener, &err), 0, "%s", err.text);
	camera = camera_join();
	cr_assert_eq(system(prepare), 0);
	camera_do(&camera, "exec 5<>/dev/tcp/203.0.113.7/443");
	expect_taken(listener, "203.0.113.7:443");
	camera_do(&camera, "exec 5<>/dev/tcp/2001:db8::7/8883");
	expect_taken(listener, "[2001:db8::7]:8883");
	camera_do(&camera, "exec 5<>/dev/tcp/10.9.0.1/22");
	expect_taken(listener, "10.9.0.1:22");
	(void)close(listener);
	camera_leave(&camera);
}

/* ---- datagrams ---- */

struct got {
	int worker;
	char from[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX];
	unsigned iface;
	ssize_t size;
};

static void
read_control(struct msghdr *message, struct got *got)
{
	for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at != NULL;
	     at = CMSG_NXTHDR(message, at)) {
		struct sockaddr_storage name = {0};
		struct in6_pktinfo six;
		struct in_pktinfo four;
		struct addr addr;

		if (at->cmsg_type == IP_ORIGDSTADDR || at->cmsg_type == IPV6_ORIGDSTADDR) {
			memcpy(&name, CMSG_DATA(at), at->cmsg_len - CMSG_LEN(0));
			cr_assert(addr_from_sockaddr(&addr, &name));
			(void)addr_text_port(&addr, got->to);
		} else if (at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_PKTINFO) {
			memcpy(&four, CMSG_DATA(at), sizeof(four));
			got->iface = (unsigned)four.ipi_ifindex;
		} else if (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_PKTINFO) {
			memcpy(&six, CMSG_DATA(at), sizeof(six));
			got->iface = (unsigned)six.ipi6_ifindex;
		}
	}
}

static struct got
receive(const int *sockets, size_t count)
{
	struct pollfd fds[4];
	char bytes[4000], control[256];
	struct iovec iov = {bytes, sizeof(bytes)};
	struct sockaddr_storage from;
	struct msghdr message = {.msg_name = &from,
	    .msg_namelen = sizeof(from),
	    .msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof(control)};
	struct got got = {.worker = -1};
	struct addr addr;

	for (size_t i = 0; i < count; i++)
		fds[i] = (struct pollfd){sockets[i], POLLIN, 0};
	cr_assert_eq(poll(fds, count, 5000), 1, "one of them, and one alone");
	for (size_t i = 0; i < count; i++) {
		if (fds[i].revents != 0)
			got.worker = (int)i;
	}
	got.size = recvmsg(sockets[got.worker], &message, 0);
	cr_assert_gt(got.size, 0);
	cr_assert(addr_from_sockaddr(&addr, &from));
	(void)addr_text(&addr, got.from);
	read_control(&message, &got);
	return got;
}

static void
expect_datagram(const struct camera *camera, const int *sockets, size_t count, unsigned number)
{
	char command[160], from[ADDR_TEXT_MAX];
	struct got got;
	struct addr at;

	for (int family = 4; family <= 6; family += 2) {
		(void)snprintf(from, sizeof(from), family == 4 ? "10.9.0.%u" : "fd09::%x", number);
		cr_assert_eq(addr_parse(&at, from, 0, NULL), 0);
		(void)snprintf(command, sizeof(command),
		    family == 4 ? "ip addr add %s/24 dev eth0; ip route replace default via "
				  "10.9.0.1 src %s; echo x > /dev/udp/203.0.113.7/53"
				: "ip addr add %s/64 dev eth0 nodad; ip route replace default via "
				  "fd09::1 src %s; echo x > /dev/udp/2001:db8::7/53",
		    from, from);
		camera_do(camera, command);
		got = receive(sockets, count);
		cr_expect_str_eq(got.from, from);
		cr_expect_str_eq(got.to, family == 4 ? "203.0.113.7:53" : "[2001:db8::7]:53");
		cr_expect_eq(got.worker, (int)intake_worker(&at, count), "%s", from);
		cr_expect_eq(got.iface, if_nametoindex("cam0"));
	}
}

/* The kernel makes it whole before it is steered. */
static void
expect_whole_datagram(const struct camera *camera, const int *sockets, size_t count)
{
	struct got got;

	camera_do(camera, "head -c 3000 /dev/zero > /dev/udp/203.0.113.7/9000");
	got = receive(sockets, count);
	cr_expect_str_eq(got.to, "203.0.113.7:9000");
	cr_expect_eq(got.size, 3000);
	camera_do(camera, "head -c 3000 /dev/zero > /dev/udp/2001:db8::7/9000");
	got = receive(sockets, count);
	cr_expect_str_eq(got.to, "[2001:db8::7]:9000");
	cr_expect_eq(got.size, 3000);
	cr_expect_eq(packets_of("fragment_all"), 6);
}

Test(gateway, brings_datagrams_to_the_worker_of_their_camera, .timeout = 60)
{
	struct gateway_plan plan = plan_of(GATEWAY_TPROXY);
	struct camera camera;
	struct err err = {0};
	int sockets[3];

	netns_make();
	plan.udp_count = 3;
	cr_assert_eq(intake_open_udp(0, true, 3, sockets, plan.udp_ports, &err), 0, "%s", err.text);
	set(&plan);
	camera = camera_join();
	for (unsigned i = 2; i < 9; i++)
		expect_datagram(&camera, sockets, 3, i);
	expect_whole_datagram(&camera, sockets, 3);
	for (size_t i = 0; i < 3; i++)
		(void)close(sockets[i]);
	cr_expect_eq(packets_of("udp_dns"), 0);
	camera_do(&camera, "echo x > /dev/udp/203.0.113.7/53; echo x > /dev/udp/2001:db8::7/53");
	cr_expect(are_counted("udp_dns"), "nobody takes them any more");
	cr_expect_eq(packets_of("udp_taken"), 16);
	camera_leave(&camera);
}

Test(gateway, brings_every_port_of_both_families_to_the_listener, .timeout = 60)
{
	intercept("true");
}

Test(gateway, works_with_a_strict_check_of_sources, .timeout = 60)
{
	intercept("for i in all cam0; do echo 1 > /proc/sys/net/ipv4/conf/$i/rp_filter; "
		  "echo 1 > /proc/sys/net/ipv4/conf/$i/src_valid_mark; done");
}

Test(gateway, drops_and_counts_all_that_is_not_tcp, .timeout = 60)
{
	static const struct {
		const char *command, *counter;
	} rows[] = {
	    {"echo x > /dev/udp/203.0.113.7/53", "udp_dns"},
	    {"echo x > /dev/udp/203.0.113.7/123", "udp_ntp"},
	    {"echo x > /dev/udp/2001:db8::7/443", "udp_quic"},
	    {"echo x > /dev/udp/203.0.113.7/9999", "udp_other"},
	    {"ping -c 1 -W 1 203.0.113.7 > /dev/null", "icmp_all"},
	};
	struct gateway_plan plan = plan_of(GATEWAY_TPROXY);
	struct camera camera;

	netns_make();
	cr_assert_eq(system("echo 1 > /proc/sys/net/ipv4/ip_forward"), 0);
	set(&plan);
	camera = camera_join();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		camera_do(&camera, rows[i].command);
		cr_expect(are_counted(rows[i].counter), "%s", rows[i].command);
	}
	camera_send_gre(&camera, "203.0.113.7");
	cr_expect(are_counted("gre_all"));
	cr_expect_eq(packets_of("forward_from"), 0);
	camera_leave(&camera);
}

/* With nobody listening, on a host that forwards. */
Test(gateway, drops_what_nobody_takes, .timeout = 60)
{
	struct gateway_plan plan = plan_of(GATEWAY_TPROXY);
	struct camera camera;

	netns_make();
	cr_assert_eq(system("echo 1 > /proc/sys/net/ipv4/ip_forward"), 0);
	set(&plan);
	camera = camera_join();
	camera_do(&camera, "timeout 1 bash -c 'exec 5<>/dev/tcp/203.0.113.7/443'");
	cr_expect(are_counted("tcp_closed"));
	cr_expect_eq(packets_of("tcp_taken"), 0);
	cr_expect_eq(packets_of("forward_from"), 0);
	camera_leave(&camera);
}
