/* SPDX-License-Identifier: MIT */
/*
 * Datagrams for tests/bench/udp.py:
 *
 *	datagrams sink ADDRESS PORT [echo] [gathered]
 *	                                        counts what comes, and sends it back;
 *	                                        prints "datagrams bytes" at SIGTERM
 *	datagrams send ADDRESS PORT FLOWS SIZE COUNT BURST [gathered]
 *	                                        COUNT datagrams, from FLOWS ports in
 *	                                        turn, BURST each millisecond
 *	datagrams open ADDRESS PORT ENDPOINTS DESTINATIONS
 *	                                        a datagram from each of so many ports
 *	                                        to each of so many, from PORT on
 *
 * gathered: neighbours from one port to one leave as one (UDP_SEGMENT), and so
 * come to the relay as from a card that gathers what it receives (GRO).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, FLOWS_MAX = 256, ROOM = 16 << 20, MS_NS = 1000000, EACH = 8 };

static volatile sig_atomic_t ended;
static unsigned char bytes[BATCH][2048];
static struct mmsghdr messages[BATCH];
static struct iovec pieces[BATCH];
static struct sockaddr_in peers[BATCH];

static void
on_end(int number)
{
	(void)number;
	ended = 1;
}

static int
fail(const char *what)
{
	perror(what);
	return 1;
}

static struct sockaddr_in
parse(const char *address, const char *port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};

	if (inet_pton(AF_INET, address, &at.sin_addr) != 1)
		exit(2);
	return at;
}

static void
lay_out(size_t size)
{
	for (size_t i = 0; i < BATCH; i++) {
		pieces[i] = (struct iovec){bytes[i], size};
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &pieces[i], .msg_iovlen = 1};
	}
}

static void
pause_ms(long ms)
{
	const struct timespec span = {ms / 1000, ms % 1000 * MS_NS};

	(void)nanosleep(&span, NULL);
}

/* Whether datagram i, not the first, goes with the one before it. */
static int
is_next(size_t i)
{
	return pieces[i].iov_len == pieces[i - 1].iov_len &&
	       memcmp(&peers[i], &peers[i - 1], sizeof(peers[i])) == 0;
}

/* What is in messages, each neighbour with the one before it where they are of one
 * size. */
static void
send_gathered(int fd, size_t count)
{
	static struct mmsghdr out[BATCH];
	static _Alignas(struct cmsghdr) unsigned char controls[BATCH][CMSG_SPACE(sizeof(uint16_t))];
	unsigned at = 0;

	for (size_t i = 0; i < count; i++) {
		struct msghdr *header = &out[at].msg_hdr;
		uint16_t each = (uint16_t)pieces[i].iov_len;
		struct cmsghdr *control;

		if (i > 0 && is_next(i)) {
			out[at - 1].msg_hdr.msg_iovlen++;
			continue;
		}
		*header = (struct msghdr){.msg_name = messages[i].msg_hdr.msg_name,
		    .msg_namelen = messages[i].msg_hdr.msg_namelen,
		    .msg_iov = &pieces[i],
		    .msg_iovlen = 1,
		    .msg_control = controls[at],
		    .msg_controllen = sizeof(controls[at])};
		control = CMSG_FIRSTHDR(header);
		*control = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(each)),
		    .cmsg_level = SOL_UDP,
		    .cmsg_type = UDP_SEGMENT};
		memcpy(CMSG_DATA(control), &each, sizeof(each));
		at++;
	}
	(void)sendmmsg(fd, out, at, 0);
}

static int
sink(const char *address, const char *port, int echo, int gathered)
{
	const struct sockaddr_in at = parse(address, port);
	const int room = ROOM;
	const struct sigaction end = {.sa_handler = on_end};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	unsigned long long count = 0, total = 0;

	(void)sigaction(SIGTERM, &end, NULL);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0)
		return fail("bind");
	while (!ended) {
		int got;

		lay_out(sizeof(bytes[0]));
		for (size_t i = 0; i < BATCH; i++) {
			messages[i].msg_hdr.msg_name = &peers[i];
			messages[i].msg_hdr.msg_namelen = sizeof(peers[i]);
		}
		got = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
		for (int i = 0; i < got; i++) {
			count++;
			total += messages[i].msg_len;
			pieces[i].iov_len = messages[i].msg_len;
		}
		if (echo && gathered && got > 0)
			send_gathered(fd, (size_t)got);
		else if (echo && got > 0)
			(void)sendmmsg(fd, messages, (unsigned)got, 0);
	}
	printf("%llu %llu\n", count, total);
	return 0;
}

/* What comes back is taken, so that it finds room. */
static unsigned long long
drain(const int *fds, size_t count)
{
	static unsigned char scratch[BATCH][2048];
	static struct mmsghdr in[BATCH];
	static struct iovec room[BATCH];
	unsigned long long back = 0;

	for (size_t i = 0; i < BATCH; i++) {
		room[i] = (struct iovec){scratch[i], sizeof(scratch[i])};
		in[i].msg_hdr = (struct msghdr){.msg_iov = &room[i], .msg_iovlen = 1};
	}
	for (size_t i = 0; i < count; i++) {
		int got;

		while ((got = recvmmsg(fds[i], in, BATCH, MSG_DONTWAIT, NULL)) > 0)
			back += (unsigned)got;
	}
	return back;
}

static int
open_flows(int *fds, size_t flows, const struct sockaddr_in *to)
{
	for (size_t i = 0; i < flows; i++) {
		const int room = 1 << 20;

		fds[i] = socket(AF_INET, SOCK_DGRAM, 0);
		(void)setsockopt(fds[i], SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
		if (fds[i] < 0 || connect(fds[i], (const struct sockaddr *)to, sizeof(*to)) != 0)
			return -1;
	}
	return 0;
}

/* Up to EACH datagrams; how many went. */
static size_t
send_some(int fd, size_t some, int gathered)
{
	struct msghdr whole = {.msg_iov = pieces, .msg_iovlen = some};
	int got;

	if (gathered)
		return sendmsg(fd, &whole, 0) > 0 ? some : 0;
	got = sendmmsg(fd, messages, (unsigned)some, 0);
	return got > 0 ? (size_t)got : 0;
}

static int
send_load(char **words, int gathered)
{
	const struct sockaddr_in to = parse(words[0], words[1]);
	size_t flows = strtoul(words[2], NULL, 10), size = strtoul(words[3], NULL, 10);
	size_t count = strtoul(words[4], NULL, 10), burst = strtoul(words[5], NULL, 10);
	int fds[FLOWS_MAX], each = gathered ? (int)size : 0;
	unsigned long long back = 0;
	struct timespec next;

	if (flows > FLOWS_MAX || size > sizeof(bytes[0]) || open_flows(fds, flows, &to) != 0)
		return fail("open");
	for (size_t i = 0; i < flows; i++)
		(void)setsockopt(fds[i], SOL_UDP, UDP_SEGMENT, &each, sizeof(each));
	lay_out(size);
	for (size_t i = 0; i < BATCH; i++)
		memset(bytes[i], 0x80, size); /* the first two bits of RTP */
	(void)clock_gettime(CLOCK_MONOTONIC, &next);
	for (size_t sent = 0, turn = 0; sent < count;) {
		for (size_t left = burst; left > 0; turn++) {
			size_t some = left > EACH ? EACH : left;

			sent += send_some(fds[turn % flows], some, gathered);
			left -= some;
		}
		back += drain(fds, flows);
		next.tv_nsec += MS_NS;
		if (next.tv_nsec >= 1000 * MS_NS) {
			next.tv_nsec -= 1000 * MS_NS;
			next.tv_sec++;
		}
		(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
	}
	pause_ms(300);
	back += drain(fds, flows);
	printf("%zu %llu\n", count, back);
	return 0;
}

/* A datagram from each of so many ports, of the addresses that CAMERAS names, to
 * so many ports of one address: each is a flow. */
static int
open_many(const char *address, const char *port, size_t endpoints, size_t destinations)
{
	const char *cameras = getenv("CAMERAS"); /* "192.168.77.10 32" */
	char first[32] = "0.0.0.0";
	unsigned hosts = 1;
	struct sockaddr_in to = parse(address, port);
	uint16_t to_port = ntohs(to.sin_port);
	uint32_t base;

	if (cameras != NULL && sscanf(cameras, "%31s %u", first, &hosts) != 2)
		return 2;
	base = ntohl(parse(first, "0").sin_addr.s_addr);
	for (size_t i = 0; i < endpoints; i++) {
		const struct sockaddr_in from = {.sin_family = AF_INET,
		    .sin_addr.s_addr = htonl(base + (uint32_t)(i % hosts)),
		    .sin_port = htons((uint16_t)(2000 + i / hosts))};
		int fd = socket(AF_INET, SOCK_DGRAM, 0);

		if (bind(fd, (const struct sockaddr *)&from, sizeof(from)) != 0)
			return fail("bind");
		for (size_t k = 0; k < destinations; k++) {
			to.sin_port = htons((uint16_t)(to_port + k));
			(void)sendto(fd, "flow", 4, 0, (struct sockaddr *)&to, sizeof(to));
		}
		(void)close(fd);
		pause_ms(1);
	}
	printf("%zu\n", endpoints * destinations);
	return 0;
}

int
main(int argc, char **argv)
{
	int gathered = argc > 1 && strcmp(argv[argc - 1], "gathered") == 0;

	argc -= gathered;
	if (argc >= 4 && strcmp(argv[1], "sink") == 0)
		return sink(argv[2], argv[3], argc > 4, gathered);
	if (argc == 8 && strcmp(argv[1], "send") == 0)
		return send_load(argv + 2, gathered);
	if (argc == 6 && strcmp(argv[1], "open") == 0)
		return open_many(argv[2], argv[3], strtoul(argv[4], NULL, 10),
		    strtoul(argv[5], NULL, 10));
	fputs("usage: datagrams sink|send|open ...\n", stderr);
	return 2;
}
