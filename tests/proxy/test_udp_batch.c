/* SPDX-License-Identifier: MIT */
#include "proxy/udp_batch.h"

#include <criterion/criterion.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct end {
	int fd;
	struct addr addr;
};

/* As proxy/intake.h has it. */
static void
ask(int fd, int family)
{
	const int on = 1;

	if (family == AF_INET) {
		cr_assert_eq(setsockopt(fd, IPPROTO_IP, IP_RECVORIGDSTADDR, &on, sizeof(on)), 0);
		cr_assert_eq(setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)), 0);
	} else {
		cr_assert_eq(setsockopt(fd, IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, &on, sizeof(on)),
		    0);
		cr_assert_eq(setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)), 0);
	}
}

static struct end
open_end(int family)
{
	struct addr any = {.ip = {[10] = 0xff, [11] = 0xff, 127, 0, 0, 1}};
	struct sockaddr_storage at;
	socklen_t size;
	struct end end = {.fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};

	if (family == AF_INET6)
		any = (struct addr){.ip = {[15] = 1}};
	size = addr_to_sockaddr(&any, &at);
	cr_assert_geq(end.fd, 0);
	cr_assert_eq(bind(end.fd, (struct sockaddr *)&at, size), 0);
	size = sizeof(at);
	cr_assert_eq(getsockname(end.fd, (struct sockaddr *)&at, &size), 0);
	cr_assert(addr_from_sockaddr(&end.addr, &at));
	ask(end.fd, family);
	return end;
}

static void
note_sent(void *arg, const struct udp_message *message)
{
	size_t *sent = arg;

	(void)message;
	++*sent;
}

static const size_t sizes[] = {100, 100, 100, 40, 100, 0, 1200, 1200, 1200, 1472, 1472, 1473, 1473,
    9000, 1, 1, 1};
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

/* Whatever is put together on the way, what arrives is what was sent, each whole
 * and in order. */
static void
carry(int family)
{
	static uint8_t bytes[SIZES][9000];
	struct end one = open_end(family), other = open_end(family);
	struct udp_batch *batch = udp_batch_new(NULL);
	struct udp_message messages[SIZES], *got;
	size_t sent = 0, count = 0;

	cr_assert_not_null(batch);
	for (size_t i = 0; i < SIZES; i++) {
		memset(bytes[i], (int)(i + 1), sizes[i]);
		messages[i] = (struct udp_message){.to = other.addr,
		    .payload = {bytes[i], sizes[i]},
		    .next = i + 1 < SIZES ? &messages[i + 1] : NULL};
	}
	udp_batch_send(batch, one.fd, messages, note_sent, &sent);
	cr_expect_eq(sent, SIZES);
	udp_batch_clear(batch);
	count = udp_batch_receive(batch, other.fd, UDP_BATCH, &got);
	cr_assert_eq(count, SIZES);
	cr_expect_eq(udp_batch_room(batch), UDP_BATCH - SIZES);
	for (size_t i = 0; i < SIZES; i++) {
		cr_expect_eq(got[i].payload.left, sizes[i], "datagram %zu has %zu", i,
		    got[i].payload.left);
		cr_expect_eq(memcmp(got[i].payload.at, bytes[i], sizes[i]), 0, "datagram %zu", i);
		cr_expect(addr_equal(&got[i].from, &one.addr));
		cr_expect(addr_equal(&got[i].to, &other.addr), "where it was sent to");
		cr_expect_neq(got[i].ifindex, 0);
	}
	udp_batch_free(batch);
	(void)close(one.fd);
	(void)close(other.fd);
}

Test(udp_batch, carries_datagrams_whole_and_in_order)
{
	carry(AF_INET);
	carry(AF_INET6);
}

Test(udp_batch, receivers_may_alternate)
{
	struct end from = open_end(AF_INET), to[2] = {open_end(AF_INET), open_end(AF_INET)};
	struct udp_batch *batch = udp_batch_new(NULL);
	static const uint8_t byte = 7;
	struct udp_message messages[6], *got;
	size_t sent = 0;

	cr_assert_not_null(batch);
	for (size_t i = 0; i < 6; i++)
		messages[i] = (struct udp_message){.to = to[i % 2].addr,
		    .payload = {&byte, 1},
		    .next = i < 5 ? &messages[i + 1] : NULL};
	udp_batch_send(batch, from.fd, messages, note_sent, &sent);
	cr_expect_eq(sent, 6);
	for (size_t i = 0; i < 2; i++) {
		udp_batch_clear(batch);
		cr_expect_eq(udp_batch_receive(batch, to[i].fd, UDP_BATCH, &got), 3);
		(void)close(to[i].fd);
	}
	udp_batch_free(batch);
	(void)close(from.fd);
}

Test(udp_batch, receives_no_more_than_asked)
{
	struct end from = open_end(AF_INET), to = open_end(AF_INET);
	struct udp_batch *batch = udp_batch_new(NULL);
	struct sockaddr_storage at;
	socklen_t size = addr_to_sockaddr(&to.addr, &at);
	struct udp_message *got;

	cr_assert_not_null(batch);
	for (int i = 0; i < 10; i++)
		cr_assert_eq(sendto(from.fd, "x", 1, 0, (struct sockaddr *)&at, size), 1);
	udp_batch_clear(batch);
	cr_expect_eq(udp_batch_receive(batch, to.fd, 4, &got), 4);
	cr_expect_eq(udp_batch_receive(batch, to.fd, UDP_BATCH, &got), 6, "behind the others");
	cr_expect_eq(udp_batch_receive(batch, to.fd, UDP_BATCH, &got), 0);
	udp_batch_free(batch);
	(void)close(from.fd);
	(void)close(to.fd);
}
