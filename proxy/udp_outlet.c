/* SPDX-License-Identifier: MIT */
#include "proxy/udp_outlet.h"

#include "base/err.h"
#include "base/siphash.h"
#include "proxy/udp_batch.h"

#include <assert.h>
#include <errno.h>
#include <event2/event_struct.h>
#include <linux/errqueue.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BUCKETS = 1 << 16,
	ERROR_CONTROL_BYTES =
	    CMSG_SPACE(sizeof(struct sock_extended_err) + sizeof(struct sockaddr_in6)) * 2,
};

struct udp_outlets {
	struct siphash_key key;
	int epoll; /* an event of the loop's each would be as much memory again */
	struct event event;
	size_t count;
	struct udp_outlet *buckets[BUCKETS];
};

struct udp_outlets *
udp_outlets_new(struct event_base *base, event_callback_fn ready, void *arg, struct err *err)
{
	struct udp_outlets *outlets = calloc(1, sizeof(*outlets));

	if (outlets == NULL)
		return (void)err_set(err, ERR_NOMEM, "no memory for the flows"), NULL;
	outlets->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (outlets->epoll < 0 ||
	    getrandom(&outlets->key, sizeof(outlets->key), 0) != (ssize_t)sizeof(outlets->key)) {
		(void)err_sys(err, "the flows' sockets");
		goto fail;
	}
	if (event_assign(&outlets->event, base, outlets->epoll, EV_READ | EV_PERSIST, ready, arg) !=
		0 ||
	    event_add(&outlets->event, NULL) != 0) {
		(void)err_set(err, ERR_NOMEM, "the flows' sockets cannot be watched");
		goto fail;
	}
	return outlets;
fail:
	if (outlets->epoll >= 0)
		(void)close(outlets->epoll);
	free(outlets);
	return NULL;
}

void
udp_outlets_free(struct udp_outlets *outlets)
{
	if (outlets == NULL)
		return;
	assert(outlets->count == 0);
	(void)event_del(&outlets->event);
	(void)close(outlets->epoll);
	free(outlets);
}

static struct udp_outlet **
bucket_of(struct udp_outlets *outlets, const struct addr *camera)
{
	uint8_t key[sizeof(camera->ip) + sizeof(camera->port)];

	memcpy(key, camera->ip, sizeof(camera->ip));
	memcpy(key + sizeof(camera->ip), &camera->port, sizeof(camera->port));
	return &outlets->buckets[siphash(&outlets->key, key, sizeof(key)) % BUCKETS];
}

/* The kernel gives it a random port when the first datagram leaves. */
static int
open_socket(const struct udp_outlets *outlets, struct udp_outlet *outlet, struct err *err)
{
	struct epoll_event wanted = {.events = EPOLLIN, .data = {.ptr = outlet}};
	const int on = 1;
	bool v4 = addr_is_v4(&outlet->camera);

	outlet->fd = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (outlet->fd < 0)
		return err_sys(err, "a flow's socket");
	(void)setsockopt(outlet->fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_RECVERR : IPV6_RECVERR,
	    &on, sizeof(on));
	udp_batch_gather(outlet->fd);
	if ((!v4 && setsockopt(outlet->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0) ||
	    epoll_ctl(outlets->epoll, EPOLL_CTL_ADD, outlet->fd, &wanted) != 0) {
		(void)err_sys(err, "a flow's socket");
		(void)close(outlet->fd);
		return -1;
	}
	return 0;
}

struct udp_outlet *
udp_outlet_take(struct udp_outlets *outlets, const struct addr *camera, size_t most,
    struct err *err)
{
	struct udp_outlet **bucket = bucket_of(outlets, camera);
	struct udp_outlet *outlet = *bucket;

	while (outlet != NULL && !addr_equal(&outlet->camera, camera))
		outlet = outlet->next;
	if (outlet == NULL) {
		if (outlets->count >= most)
			return (void)err_set(err, ERR_LIMIT, "no more sockets for flows"), NULL;
		outlet = calloc(1, sizeof(*outlet));
		if (outlet == NULL)
			return (void)err_set(err, ERR_NOMEM, "no memory for a flow"), NULL;
		outlet->camera = *camera;
		if (open_socket(outlets, outlet, err) != 0) {
			free(outlet);
			return NULL;
		}
		outlet->next = *bucket;
		*bucket = outlet;
		outlets->count++;
	}
	outlet->flows++;
	return outlet;
}

void
udp_outlet_give(struct udp_outlets *outlets, struct udp_outlet *outlet)
{
	struct udp_outlet **at;

	if (outlet == NULL || --outlet->flows > 0)
		return;
	at = bucket_of(outlets, &outlet->camera);
	while (*at != outlet)
		at = &(*at)->next;
	*at = outlet->next;
	outlets->count--;
	(void)close(outlet->fd); /* and with it, it leaves the epoll set */
	free(outlet);
}

size_t
udp_outlets_wait(struct udp_outlets *outlets, struct udp_outlet_ready ready[UDP_OUTLETS_READY])
{
	struct epoll_event events[UDP_OUTLETS_READY];
	int count = epoll_wait(outlets->epoll, events, UDP_OUTLETS_READY, 0);

	for (int i = 0; i < count; i++)
		ready[i] = (struct udp_outlet_ready){events[i].data.ptr,
		    (events[i].events & EPOLLERR) != 0};
	return count > 0 ? (size_t)count : 0;
}

/* Whether this is the kernel's word on an ICMP message, and whether it says that
 * nobody listens. */
static bool
read_error(const struct cmsghdr *control, bool *refused)
{
	struct sock_extended_err error;

	if (!(control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_RECVERR) &&
	    !(control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_RECVERR))
		return false;
	memcpy(&error, CMSG_DATA(control), sizeof(error));
	*refused = error.ee_errno == ECONNREFUSED;
	return true;
}

bool
udp_outlet_error(const struct udp_outlet *outlet, struct addr *dst, bool *refused)
{
	_Alignas(struct cmsghdr) uint8_t control[ERROR_CONTROL_BYTES];
	struct sockaddr_storage to = {0};
	uint8_t none;
	struct iovec piece = {&none, sizeof(none)};
	struct msghdr message = {.msg_name = &to,
	    .msg_namelen = sizeof(to),
	    .msg_iov = &piece,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof(control)};
	bool told = false;

	*refused = false;
	if (recvmsg(outlet->fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return false;
	for (struct cmsghdr *at = CMSG_FIRSTHDR(&message); at != NULL && !told;
	     at = CMSG_NXTHDR(&message, at))
		told = read_error(at, refused);
	/* Something of another kind: nobody is to be told. */
	if (!addr_from_sockaddr(dst, &to))
		*refused = false;
	return true;
}

size_t
udp_outlets_count(const struct udp_outlets *outlets)
{
	return outlets->count;
}
