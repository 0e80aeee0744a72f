/* SPDX-License-Identifier: MIT */
#include "proxy/intake.h"

#include "base/err.h"
#include "proxy/routes.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/in6.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	/* As many as may come at once while a worker is being replaced; the
	 * kernel's own net.core.somaxconn is 4096. */
	BACKLOG = 4096,
	SOURCE_V4 = 15, /* RFC 791 section 3.1: the last byte of the source */
	SOURCE_V6 = 23, /* RFC 8200 section 3: the same */
	VERSION_SHIFT = 4,
	TRIES = 10, /* for a port, */
	TRY_AGAIN_MS = 100,
	/* Some 3,000 full datagrams: what cameras send while a worker is replaced. */
	UDP_QUEUE_BYTES = 4 << 20,
};

size_t
intake_worker(const struct addr *camera, size_t count)
{
	return camera->ip[sizeof(camera->ip) - 1] % count;
}

static int
take_both_families(int fd, int family, struct err *err)
{
	const int off = 0;

	if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) != 0)
		return err_sys(err, "IPV6_V6ONLY");
	return 0;
}

static int
be_transparent(int fd, int family, struct err *err)
{
	const int on = 1;

	if (setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof(on)) != 0)
		return err_sys(err, "IP_TRANSPARENT (needs CAP_NET_ADMIN)");
	if (family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, &on, sizeof(on)) != 0)
		return err_sys(err, "IPV6_TRANSPARENT (needs CAP_NET_ADMIN)");
	return 0;
}

static int
set_options(int fd, int family, bool transparent, struct err *err)
{
	const int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0)
		return err_sys(err, "SO_REUSEPORT");
	if (take_both_families(fd, family, err) != 0)
		return -1;
	return transparent ? be_transparent(fd, family, err) : 0;
}

static int
bind_any(int fd, int family, uint16_t port)
{
	if (family == AF_INET6) {
		struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

		return bind(fd, (struct sockaddr *)&at, sizeof(at));
	}
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};

	return bind(fd, (struct sockaddr *)&at, sizeof(at));
}

static int
open_one(int family, uint16_t port, bool transparent, struct err *err)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_sys(err, "socket");
	if (set_options(fd, family, transparent, err) != 0)
		goto out;
	if (bind_any(fd, family, port) != 0 || listen(fd, BACKLOG) != 0) {
		(void)err_sys(err, "listen on port %u", (unsigned)port);
		goto out;
	}
	return fd;
out:
	(void)close(fd);
	return -1;
}

/* IPv6 may be built in and yet turned off (ipv6.disable=1, or disable_ipv6 in
 * every place): then :: cannot be bound. */
static int
choose_family(void)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int family = AF_INET;

	if (fd < 0)
		return AF_INET;
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0)
		family = AF_INET6;
	(void)close(fd);
	return family;
}

/* A bind without SO_REUSEPORT fails where another socket listens; with
 * SO_REUSEADDR connections that are ending are no hindrance (socket(7)). */
static int
try_port(int family, uint16_t port)
{
	const int on = 1, off = 0;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int ret, error;

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	ret = bind_any(fd, family, port);
	error = errno;
	(void)close(fd);
	errno = error;
	return ret;
}

int
intake_listen(int fd, struct err *err)
{
	return listen(fd, BACKLOG) == 0 ? 0 : err_sys(err, "listen");
}

int
intake_is_free(uint16_t port, struct err *err)
{
	int family = choose_family();

	for (int i = 0; i < TRIES; i++) {
		if (try_port(family, port) == 0)
			return 0;
		if (errno != EADDRINUSE)
			return err_sys(err, "port %u", (unsigned)port);
		(void)poll(NULL, 0, TRY_AGAIN_MS);
	}
	return err_set(err, ERR_LIMIT, "somebody listens on port %u already: another appliance?",
	    (unsigned)port);
}

/* The program reads the packet that opens the connection: an IPv4 one also
 * where the socket is an IPv6 one.  What it returns counts the sockets of the
 * group in the order in which they were bound. */
static int
steer(int fd, size_t count, struct err *err)
{
	struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)SKF_NET_OFF),
	    BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, VERSION_SHIFT),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 4, 0, 2),
	    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_NET_OFF + SOURCE_V4)),
	    BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0),
	    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_NET_OFF + SOURCE_V6)),
	    BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, (uint32_t)count),
	    BPF_STMT(BPF_RET | BPF_A, 0),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program)) != 0)
		return err_sys(err, "SO_ATTACH_REUSEPORT_CBPF");
	return 0;
}

int
intake_open(uint16_t port, bool transparent, size_t count, int *fds, struct err *err)
{
	int family = choose_family();
	size_t opened = 0;

	for (; opened < count; opened++) {
		fds[opened] = open_one(family, port, transparent, err);
		if (fds[opened] < 0)
			goto out;
	}
	if (count > 1 && steer(fds[0], count, err) != 0)
		goto out;
	return 0;
out:
	while (opened > 0)
		(void)close(fds[--opened]);
	return -1;
}

/* ---- datagrams ---- */

static int
tell_where_from(int fd, int family, struct err *err)
{
	const int on = 1;

	/* A socket of IPv6 tells the interface of both, and once is enough. */
	if (setsockopt(fd, IPPROTO_IP, IP_RECVORIGDSTADDR, &on, sizeof(on)) != 0 ||
	    (family == AF_INET && setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) != 0))
		return err_sys(err, "IP_RECVORIGDSTADDR");
	if (family == AF_INET6 &&
	    (setsockopt(fd, IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, &on, sizeof(on)) != 0 ||
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) != 0))
		return err_sys(err, "IPV6_RECVORIGDSTADDR");
	return 0;
}

static int
take_marked_only(int fd, struct err *err)
{
	struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_MARK)),
	    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ROUTES_MARK_MASK),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ROUTES_MARK, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	    BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};
	const int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on)) != 0)
		return err_sys(err, "SO_ATTACH_FILTER");
	return 0;
}

static int
bind_udp(int fd, int family, uint16_t port, uint16_t *bound, struct err *err)
{
	const int on = 1;
	struct sockaddr_storage name;
	socklen_t size = sizeof(name);
	struct addr at;

	if (bind_any(fd, family, port) != 0 ||
	    getsockname(fd, (struct sockaddr *)&name, &size) != 0)
		return err_sys(err, "UDP port %u", (unsigned)port);
	/* Only from here on, so that the port is nobody else's: a camera may have
	 * sent to a port of this number, from which it is to be answered. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
		return err_sys(err, "SO_REUSEADDR");
	if (!addr_from_sockaddr(&at, &name))
		return err_set(err, ERR_SYS, "a socket without a name");
	*bound = at.port;
	return 0;
}

static int
open_one_udp(int family, uint16_t port, bool marked_only, uint16_t *bound, struct err *err)
{
	const int room = UDP_QUEUE_BYTES;
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_sys(err, "socket");
	/* A shorter queue is no failure. */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	if (take_both_families(fd, family, err) != 0 || be_transparent(fd, family, err) != 0 ||
	    tell_where_from(fd, family, err) != 0 ||
	    (marked_only && take_marked_only(fd, err) != 0) ||
	    bind_udp(fd, family, port, bound, err) != 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

int
intake_open_udp(uint16_t first, bool marked_only, size_t count, int *fds, uint16_t *ports,
    struct err *err)
{
	int family = choose_family();
	size_t opened = 0;

	for (; opened < count; opened++) {
		size_t port = first == 0 ? 0 : first + opened;

		if (port > UINT16_MAX)
			(void)err_set(err, ERR_LIMIT, "no UDP port is left for worker %zu", opened);
		fds[opened] = port > UINT16_MAX ? -1
						: open_one_udp(family, (uint16_t)port, marked_only,
						      &ports[opened], err);
		if (fds[opened] < 0)
			goto out;
	}
	return 0;
out:
	while (opened > 0)
		(void)close(fds[--opened]);
	return -1;
}
