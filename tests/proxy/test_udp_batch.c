/* SPDX-License-Identifier: MIT */
#include "proxy/udp_batch.h"
#include "proxy/udp_send.h"

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
 * and in order.  gathered: what was put together comes so, in fewer places. */
static void
carry(int family, bool gathered)
{
	static uint8_t bytes[SIZES][9000];
	struct end one = open_end(family), other = open_end(family);
	struct udp_batch *batch = udp_batch_new(NULL);
	struct udp_message messages[SIZES], *got;
	size_t sent = 0, count = 0;

	cr_assert_not_null(batch);
	if (gathered)
		udp_batch_gather(other.fd);
	for (size_t i = 0; i < SIZES; i++) {
		memset(bytes[i], (int)(i + 1), sizes[i]);
		messages[i] = (struct udp_message){.to = other.addr,
		    .payload = {bytes[i], sizes[i]},
		    .next = i + 1 < SIZES ? &messages[i + 1] : NULL};
	}
	udp_send(one.fd, messages, note_sent, &sent);
	cr_expect_eq(sent, SIZES);
	udp_batch_clear(batch);
	count = udp_batch_receive(batch, other.fd, UDP_BATCH, &got);
	cr_assert_eq(count, SIZES);
	if (gathered)
		cr_expect_gt(udp_batch_room(batch), UDP_BATCH - SIZES);
	else
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
	carry(AF_INET, false);
	carry(AF_INET6, false);
}

Test(udp_batch, takes_apart_what_the_kernel_put_together)
{
	carry(AF_INET, true);
	carry(AF_INET6, true);
}

enum { RUN = 20, RUN_BYTES = 300, RUNS = 4 };

/* From a socket that gathers to the next one: nothing is lost or joined where runs of
 * one receiver are longer than a message takes, and the places lie together. */
Test(udp_batch, sends_on_what_came_together)
{
	static uint8_t bytes[RUN * RUNS][RUN_BYTES];
	struct end one = open_end(AF_INET), middle = open_end(AF_INET), last = open_end(AF_INET);
	struct udp_batch *batch = udp_batch_new(NULL), *next = udp_batch_new(NULL);
	struct udp_message messages[RUN * RUNS], *got;
	size_t sent = 0, count, all = 0;

	cr_assert(batch != NULL && next != NULL);
	udp_batch_gather(middle.fd);
	for (size_t i = 0; i < RUN * RUNS; i++) {
		memset(bytes[i], (int)(i + 1), RUN_BYTES);
		messages[i] = (struct udp_message){.to = middle.addr,
		    .payload = {bytes[i], i % RUN == RUN - 1 ? RUN_BYTES / 2 : RUN_BYTES},
		    .next = i + 1 < RUN * RUNS ? &messages[i + 1] : NULL};
	}
	udp_send(one.fd, messages, note_sent, &sent);
	cr_expect_eq(sent, RUN * RUNS);
	udp_batch_clear(batch);
	count = udp_batch_receive(batch, middle.fd, UDP_BATCH, &got);
	cr_assert_eq(count, RUN * RUNS);
	cr_expect_eq(udp_batch_room(batch), UDP_BATCH - RUNS);
	for (size_t i = 0; i < count; i++) {
		got[i].to = last.addr;
		got[i].next = i + 1 < count ? &got[i + 1] : NULL;
	}
	sent = 0;
	udp_send(middle.fd, got, note_sent, &sent);
	cr_expect_eq(sent, count);
	udp_batch_clear(next);
	while ((count = udp_batch_receive(next, last.fd, UDP_BATCH, &got)) > 0) {
		for (size_t i = 0; i < count; i++, all++) {
			cr_assert_eq(got[i].payload.left, messages[all].payload.left);
			cr_expect_eq(memcmp(got[i].payload.at, bytes[all], got[i].payload.left), 0);
		}
		udp_batch_clear(next);
	}
	cr_expect_eq(all, RUN * RUNS);
	udp_batch_free(batch);
	udp_batch_free(next);
	(void)close(one.fd);
	(void)close(middle.fd);
	(void)close(last.fd);
}

/* As many as the kernel puts into one: each has its place. */
Test(udp_batch, the_smallest_find_room)
{
	static const uint8_t byte = 7;
	struct end from = open_end(AF_INET), to = open_end(AF_INET);
	struct udp_batch *batch = udp_batch_new(NULL);
	static struct udp_message messages[UDP_BATCH * 64];
	struct udp_message *got;
	size_t sent = 0, count = 0, got_now;

	cr_assert_not_null(batch);
	udp_batch_gather(to.fd);
	for (size_t i = 0; i < UDP_BATCH * 64; i++)
		messages[i] = (struct udp_message){.to = to.addr,
		    .payload = {&byte, 1},
		    .next = i + 1 < UDP_BATCH * 64 ? &messages[i + 1] : NULL};
	udp_send(from.fd, messages, note_sent, &sent);
	udp_batch_clear(batch);
	cr_expect_eq(sent, UDP_BATCH * 64);
	do {
		udp_batch_clear(batch);
		got_now = udp_batch_receive(batch, to.fd, UDP_BATCH, &got);
		count += got_now;
	} while (got_now > 0);
	cr_expect_eq(count, sent);
	udp_batch_free(batch);
	(void)close(from.fd);
	(void)close(to.fd);
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
	udp_send(from.fd, messages, note_sent, &sent);
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
